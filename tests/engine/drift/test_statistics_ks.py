"""KS: the distance is exact, the p-value is scipy's, the effect does not depend on the sizes."""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import kolmogorov as kolmogorov_law

from engine.drift.reference import Floats, Steps
from engine.drift.statistics import kolmogorov
from engine.drift.statistics.ks import ks_distance, ks_test
from engine.drift.statistics.steps import at_most, from_sorted, quantiles, weights

SIZES = [(12, 10), (40, 15), (300, 200), (5_000, 1_000), (3_000, 3_000), (9_999, 7_000), (50, 10_000), (30_000, 100)]


def steps_of(values: Floats) -> Steps:
    return from_sorted(np.sort(np.asarray(values, dtype=np.float64)))


@pytest.mark.parametrize("digits", [None, 2, 0])
@pytest.mark.parametrize("shift", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("sizes", [*SIZES, (20_000, 3_000), (50_000, 20_000)])
def test_distance_and_p_value_are_those_of_scipy(sizes: tuple[int, int], shift: float, digits: int | None) -> None:
    rng = np.random.default_rng(sizes)
    first, second = rng.normal(size=sizes[0]), rng.normal(shift, 1, sizes[1])
    if digits is not None:
        first, second = first.round(digits), second.round(digits)
    found, right = ks_test(steps_of(first), steps_of(second)), stats.ks_2samp(first, second, method="asymp")
    assert found.statistic == pytest.approx(right.statistic, abs=1e-12)
    assert found.p_value == pytest.approx(right.pvalue, abs=5e-5)


@pytest.mark.parametrize("digits", [None, 4, 3])
@pytest.mark.parametrize("shift", [0.0, 0.003, 0.3])
def test_looking_only_where_it_matters_finds_the_same_distance(shift: float, digits: int | None) -> None:
    rng = np.random.default_rng(7)
    first, second = rng.normal(size=200_000), rng.normal(shift, 1, 30_000)
    if digits is not None:
        first, second = first.round(digits), second.round(digits)
    points = np.union1d(first, second)
    ours, theirs = steps_of(first), steps_of(second)
    right = np.abs(at_most(ours, points) / len(first) - at_most(theirs, points) / len(second)).max()
    assert ks_distance(ours, theirs) == pytest.approx(right, abs=1e-12)
    assert ks_distance(theirs, ours) == pytest.approx(right, abs=1e-12)


def test_a_crossing_between_two_points_of_the_grid_is_seen() -> None:
    first = np.arange(100_000.0)
    second = np.concatenate([first[:50_000], np.full(900, 50_000.5), first[50_900:]])
    right = stats.ks_2samp(first, second, method="asymp").statistic
    assert ks_distance(steps_of(first), steps_of(second)) == pytest.approx(right, abs=1e-12)


@pytest.mark.parametrize("size", [500, 5_000, 25_000])
def test_the_limiting_law_is_taken_at_the_corrected_argument(size: int) -> None:
    distances = np.linspace(0.5, 2.0, 31) / math.sqrt(size)
    exact = stats.kstwo.sf(distances, size)
    found = [kolmogorov.p_value(distance, 10**9, size) for distance in distances]
    assert np.abs(found - exact).max() < 4e-5
    assert np.abs(kolmogorov_law(distances * math.sqrt(size)) - exact).max() > 1e-3


def test_p_values_far_out_keep_their_order_and_never_reach_zero() -> None:
    found = [kolmogorov.p_value(distance, 100_000, 100_000) for distance in (0.02, 0.05, 0.08, 0.5, 1.0)]
    assert found[0] > found[1] > found[2] > found[3] == found[4] == 1e-300


def test_of_few_values_no_p_value_is_rarer_than_one_order_of_them_all() -> None:
    for rows in (5, 15, 40):
        right = stats.ks_2samp(np.zeros(rows), np.ones(rows)).pvalue
        found = kolmogorov.p_value(1.0, rows, rows)
        assert right / 2.1 <= found <= right * 1.1


def test_a_distance_of_zero_is_no_sign_of_anything() -> None:
    same = steps_of(np.ones(50))
    found = ks_test(same, steps_of(np.ones(9)))
    assert (found.statistic, found.p_value, found.effect) == (0.0, 1.0, 0.0)


def test_different_constants_are_as_far_apart_as_can_be() -> None:
    found = ks_test(steps_of(np.ones(500)), steps_of(np.full(100, 2.0)))
    assert found.statistic == 1.0
    assert found.p_value < 1e-50
    assert found.effect > 0.98


@pytest.mark.parametrize("rows", [50, 500, 5_000, 100_000])
def test_the_effect_of_a_shift_is_the_same_at_all_sizes(rows: int) -> None:
    true = 2 * stats.norm.cdf(0.25) - 1
    found = []
    for seed in range(max(4, 40_000 // rows)):
        rng = np.random.default_rng([seed, rows])
        found.append(ks_test(steps_of(rng.normal(size=rows)), steps_of(rng.normal(0.5, 1, rows))).effect)
    assert np.mean(found) == pytest.approx(true, abs=0.02)


def test_under_no_change_the_square_of_the_distance_is_what_chance_is_said_to_bring() -> None:
    squares = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        squares.append(ks_distance(steps_of(rng.random(1_000)), steps_of(rng.random(800))) ** 2)
    assert np.mean(squares) == pytest.approx(math.pi**2 / 12 * (1 / 1_000 + 1 / 800), rel=0.1)


def test_the_error_of_a_sketch_is_taken_off_before_chance_is_asked() -> None:
    rng = np.random.default_rng(1)
    exact, current = steps_of(rng.normal(size=20_000)), steps_of(rng.normal(0.1, 1, 5_000))
    rough = Steps(exact.values, exact.cumulative, error=0.01)
    plain, widened = ks_test(exact, current), ks_test(rough, current)
    assert widened.statistic == plain.statistic
    assert widened.p_value == kolmogorov.p_value(plain.statistic - 0.01, 20_000, 5_000) > plain.p_value
    assert widened.effect < plain.effect
    assert ks_test(Steps(exact.values, exact.cumulative, error=0.5), current).p_value == 1.0


def test_counts_and_quantiles_of_steps_are_those_of_the_values() -> None:
    values = np.sort(np.random.default_rng(0).integers(0, 20, 300).astype(float))
    steps = from_sorted(values)
    points = np.array([-1.0, 0.0, 3.5, 7.0, 19.0, 25.0])
    assert at_most(steps, points).tolist() == np.searchsorted(values, points, "right").tolist()
    assert weights(steps).tolist() == np.unique(values, return_counts=True)[1].tolist()
    shares = (0.0, 0.25, 0.5, 0.99, 1.0)
    assert quantiles(steps, shares).tolist() == np.quantile(values, shares, method="inverted_cdf").tolist()
    assert from_sorted(np.empty(0)).total == 0
