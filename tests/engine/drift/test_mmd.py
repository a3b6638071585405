"""Maximum mean discrepancy against the textbook's sums, and how often it rings by chance."""

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.drift.mmd import MOST_ROWS, MmdFound, gaussian_kernel, mmd_test, unbiased_mmd2

Floats = NDArray[np.float64]


def found(reference: Floats, current: Floats, seed: int = 0, permutations: int = 199) -> MmdFound:
    result = mmd_test(reference, current, seed, permutations)
    assert result is not None
    return result


def naive_kernel(rows: Floats) -> Floats:
    distances = [float(np.linalg.norm(a - b)) for a, b in combinations(rows, 2)]
    width = float(np.median(distances))
    return np.array([[np.exp(-(np.linalg.norm(a - b) ** 2) / (2 * width**2)) for b in rows] for a in rows])


def naive_mmd2(kernel: Floats, first: list[int], second: list[int]) -> float:
    within_first = sum(kernel[i, j] for i in first for j in first if i != j) / (len(first) * (len(first) - 1))
    within_second = sum(kernel[i, j] for i in second for j in second if i != j) / (len(second) * (len(second) - 1))
    across = sum(kernel[i, j] for i in first for j in second) / (len(first) * len(second))
    return float(within_first + within_second - 2 * across)


def test_two_points_a_side_as_worked_by_hand() -> None:
    # the distances are 1, 1, 1, 2, 2 and 3, their median 1.5: k(d) = exp(-d^2 / 4.5)
    kernel = gaussian_kernel(np.array([[0.0], [1.0], [3.0], [2.0]]))
    one, two, three = np.exp([-1 / 4.5, -4 / 4.5, -9 / 4.5])
    expected = one + one - 2 * (three + two + two + one) / 4
    assert unbiased_mmd2(kernel, np.array([[True, True, False, False]]))[0] == pytest.approx(expected, abs=1e-12)


def test_kernel_and_estimate_agree_with_plain_loops() -> None:
    rng = np.random.default_rng(1)
    rows = np.concatenate([rng.normal(size=(35, 3)), rng.normal(0.5, 1, size=(30, 3))])
    kernel = naive_kernel(rows)
    assert np.abs(gaussian_kernel(rows) - kernel).max() < 1e-12
    expected = naive_mmd2(kernel, list(range(35)), list(range(35, 65)))
    assert found(rows[:35], rows[35:]).mmd2 == pytest.approx(expected, abs=1e-12)


def test_all_relabellings_at_once_agree_with_one_after_the_other() -> None:
    rng = np.random.default_rng(2)
    kernel = gaussian_kernel(rng.normal(size=(24, 2)))
    first = rng.permuted(np.tile(np.arange(24) < 9, (20, 1)), axis=1)
    expected = [naive_mmd2(kernel, np.flatnonzero(row).tolist(), np.flatnonzero(~row).tolist()) for row in first]
    assert np.abs(unbiased_mmd2(kernel, first) - expected).max() < 1e-12


def test_the_p_value_is_the_share_of_relabellings_at_least_as_far_apart() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(40, 2)), rng.normal(0.35, 1, size=(30, 2))
    kernel, least = gaussian_kernel(np.concatenate([a, b])), found(a, b).mmd2
    others = [rng.permutation(70).tolist() for _ in range(400)]
    share = np.mean([naive_mmd2(kernel, order[:40], order[40:]) >= least for order in others])
    assert found(a, b, permutations=999).p_value == pytest.approx(share, abs=0.04)
    assert 0.005 < share < 0.5


@pytest.mark.parametrize("sizes", [(60, 60), (150, 40), (40, 150)])
def test_chance_alone_rings_in_at_most_8_percent_of_trials(sizes: tuple[int, int]) -> None:
    rng = np.random.default_rng(sizes)
    results = [found(*(rng.normal(size=(size, 10)) for size in sizes), trial, 99) for trial in range(250)]
    assert np.mean([result.p_value <= 0.05 for result in results]) <= 0.08
    assert abs(np.mean([result.mmd2 for result in results])) < 0.002


@pytest.mark.slow
@pytest.mark.parametrize("current", [100, 300, 1000])
def test_chance_alone_rings_in_at_most_8_percent_at_every_size(current: int) -> None:
    rng = np.random.default_rng(current)
    results = [found(rng.normal(size=(1000, 64)), rng.normal(size=(current, 64)), trial) for trial in range(120)]
    assert np.mean([result.p_value <= 0.05 for result in results]) <= 0.08


def test_a_change_of_spread_alone_is_found() -> None:
    rng = np.random.default_rng(4)
    results = [found(rng.normal(size=(150, 5)), rng.normal(0, 1.5, size=(150, 5)), trial) for trial in range(10)]
    assert max(result.p_value for result in results) == pytest.approx(1 / 200)


def test_no_p_value_is_zero() -> None:
    assert found(np.zeros((40, 2)), np.ones((40, 2)), permutations=49).p_value == pytest.approx(0.02)


def test_equal_rows_are_no_change() -> None:
    assert found(np.full((40, 3), 7.0), np.full((50, 3), 7.0)) == MmdFound(0.0, 1.0)


def test_rows_most_of_which_are_equal_have_a_kernel_of_some_width() -> None:
    rows = np.tile(np.random.default_rng(8).normal(size=50), (60, 1))
    rows[:5] += np.arange(1.0, 6)[:, None]
    kernel = gaussian_kernel(rows)
    assert np.array_equal(kernel[5:, 5:], np.ones((55, 55)))
    apart = np.sqrt(50) * np.array([1, 2, 3, 4, 5, *([0] * 55)])
    width = np.mean([abs(apart[i] - apart[j]) for i, j in combinations(range(60), 2)])
    assert kernel[:5, 59] == pytest.approx(np.exp(-(apart[:5] ** 2) / (2 * width**2)), rel=1e-6)


def test_where_the_vectors_lie_as_a_whole_does_not_matter() -> None:
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(50, 4))
    assert np.abs(gaussian_kernel(rows + 1e6) - gaussian_kernel(rows)).max() < 1e-8


def test_one_vector_far_off_neither_rings_nor_hides_a_change() -> None:
    rng = np.random.default_rng(6)
    reference, same, other = rng.normal(size=(100, 4)), rng.normal(size=(100, 4)), rng.normal(1, 1, size=(100, 4))
    same[0], other[0] = 1e6, 1e6
    assert found(reference, same).p_value > 0.05
    assert found(reference, other).p_value == pytest.approx(1 / 200)


def test_many_rows_are_thinned_and_equal_seeds_give_equal_results() -> None:
    rng = np.random.default_rng(7)
    reference, current = rng.normal(size=(3 * MOST_ROWS, 2)), rng.normal(size=(100, 2))
    first, again, other = (found(reference, current, seed, 19) for seed in (1, 1, 2))
    assert first == again
    assert first.mmd2 != other.mmd2


@pytest.mark.parametrize("sizes", [(29, 100), (100, 29), (0, 0)])
def test_too_few_rows_are_not_tested(sizes: tuple[int, int]) -> None:
    assert mmd_test(*(np.ones((size, 2)) for size in sizes)) is None
