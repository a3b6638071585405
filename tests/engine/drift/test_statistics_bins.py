"""PSI, Jensen-Shannon and chi-squared: agreement with scipy, and the laws that they follow when nothing changed."""

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from engine.drift.reference import Counts, Steps
from engine.drift.statistics.chi2 import bins_test, chi2_test
from engine.drift.statistics.divergence import jensen_shannon
from engine.drift.statistics.pooling import LEAST_EXPECTED, Bins, category_bins, value_bins
from engine.drift.statistics.psi import psi_test
from engine.drift.statistics.steps import from_sorted


def counts_of(*numbers: int) -> Counts:
    return np.array(numbers, dtype=np.int64)


def drawn(rng: np.random.Generator, rows: int, categories: int) -> dict[str, int]:
    counts = rng.multinomial(rows, np.full(categories, 1 / categories))
    return {f"c{at:03d}": int(count) for at, count in enumerate(counts) if count}


def pairs_of(bins: Bins) -> list[tuple[int, int]]:
    return sorted(zip(bins.reference.tolist(), bins.current.tolist(), strict=True))


@pytest.mark.parametrize("seed", range(5))
def test_chi_squared_is_that_of_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.integers(5, 500, 12), rng.integers(5, 50, 12)
    found, right = chi2_test(first, second), stats.chi2_contingency([first, second], correction=False)
    assert found.statistic == pytest.approx(right.statistic, rel=1e-10)
    assert found.p_value == pytest.approx(right.pvalue, rel=1e-10, abs=1e-300)
    assert found.degrees == right.dof == 11
    plain = stats.contingency.association([first, second], method="cramer")
    assert found.cramers_v == pytest.approx(plain, rel=1e-10)


@pytest.mark.parametrize("seed", range(5))
def test_jensen_shannon_is_that_of_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.integers(0, 9, 30), rng.integers(0, 900, 30)
    assert jensen_shannon(first, second) == pytest.approx(jensenshannon(first, second, base=2), abs=1e-12)
    assert jensen_shannon(first, first) == 0.0
    assert jensen_shannon(counts_of(4, 0), counts_of(0, 7)) == pytest.approx(1.0)


def test_psi_by_hand() -> None:
    found = psi_test(counts_of(60, 40), counts_of(30, 70))
    p, q = np.array([60.5, 40.5]) / 101, np.array([30.5, 70.5]) / 101
    value = np.sum((p - q) * np.log(p / q))
    assert found.statistic == pytest.approx(value)
    assert found.effect == pytest.approx(value - 2 / 100)
    assert found.p_value == pytest.approx(stats.chi2.sf(value * 50, 1))


@pytest.mark.parametrize("counts", [counts_of(7), counts_of(0, 7), counts_of(7, 0, 0)])
def test_one_bin_says_nothing(counts: Counts) -> None:
    for found in (chi2_test(counts, counts), psi_test(counts, counts)):
        assert (found.statistic, found.p_value, found.effect) == (0.0, 1.0, 0.0)


def test_nothing_shared_is_the_greatest_effect() -> None:
    found = chi2_test(counts_of(500, 0), counts_of(0, 500))
    assert found.cramers_v == pytest.approx(1.0)
    assert found.effect == pytest.approx(1.0, abs=0.002)
    assert found.p_value < 1e-100


@pytest.mark.parametrize("sizes", [(1_000, 1_000), (5_000, 200), (200, 5_000), (1_000_000, 1_000)])
def test_the_effect_does_not_depend_on_the_sizes_as_cramers_v_does(sizes: tuple[int, int]) -> None:
    shares = np.array([[0.5, 0.3, 0.2], [0.35, 0.3, 0.35]])
    right = np.sqrt(np.sum((shares[0] - shares[1]) ** 2 / shares.sum(axis=0)) / 2)
    found = [
        chi2_test(*(np.random.default_rng(seed).multinomial(n, p) for n, p in zip(sizes, shares, strict=True))).effect
        for seed in range(60)
    ]
    assert np.mean(found) == pytest.approx(right, abs=0.015)


def test_for_equal_sizes_the_effect_is_cramers_v_less_chance() -> None:
    found = chi2_test(counts_of(50, 30, 20), counts_of(30, 30, 40))
    assert found.effect == pytest.approx(np.sqrt((found.statistic - 2) / 200))


@pytest.mark.parametrize(("n", "m"), [(5_000, 50), (5_000, 1_000), (300, 10_000)])
@pytest.mark.parametrize("categories", [3, 40, 500])
def test_every_bin_expects_enough_rows_and_no_row_is_lost(categories: int, n: int, m: int) -> None:
    rng = np.random.default_rng([categories, n, m])
    bins = category_bins(drawn(rng, n, categories), 0, drawn(rng, m, categories))
    assert (bins.reference.sum(), bins.current.sum(), bins.rare) == (n, m, False)
    assert ((bins.reference + bins.current) * min(n, m) / (n + m)).min() >= LEAST_EXPECTED


def test_many_rare_categories_share_several_bins() -> None:
    rng = np.random.default_rng(0)
    bins = category_bins(drawn(rng, 5_000, 500), 0, drawn(rng, 1_000, 500))
    assert len(bins.reference) > 100


def test_unnamed_categories_are_set_against_unnamed_ones() -> None:
    bins = category_bins({"a": 600, "b": 200, "c": 3}, 197, {"a": 500, "b": 100, "x": 300, "y": 100})
    assert pairs_of(bins) == [(200, 100), (200, 400), (600, 500)]


def test_frequent_values_have_bins_of_their_own_and_rare_ones_share() -> None:
    first = np.repeat([0.0, 1, 2, 3, 4, 5], [390, 290, 25, 25, 245, 25])
    second = np.repeat([0.0, 1, 2, 2.5, 4], [50, 30, 2, 1, 17])
    bins = value_bins(from_sorted(first), from_sorted(second))
    assert pairs_of(bins) == [(75, 3), (245, 17), (290, 30), (390, 50)]
    assert not bins.rare


def test_numbers_with_many_values_make_a_hundred_bins_at_most() -> None:
    rng = np.random.default_rng(0)
    sides: list[Steps] = [from_sorted(np.sort(np.where(rng.random(n) < 0.6, 0, rng.random(n)))) for n in (9_000, 8_000)]
    bins = value_bins(*sides)
    assert 30 < len(bins.reference) <= 101
    assert (bins.reference.sum(), bins.current.sum()) == (9_000, 8_000)


def test_a_rare_value_that_has_become_frequent_is_found_by_fishers_test() -> None:
    by_name = category_bins({"no": 4_950, "yes": 50}, 0, {"no": 40, "yes": 60})
    first, second = np.repeat([0.0, 1.0], [50, 4_950]), np.repeat([0.0, 1.0], [60, 40])
    for bins in (by_name, value_bins(from_sorted(first), from_sorted(second))):
        found = bins_test(bins)
        assert bins.rare
        assert found.p_value == pytest.approx(stats.fisher_exact([[50, 4_950], [60, 40]]).pvalue, rel=1e-6)
        assert found.effect > 0.6


def test_a_rare_bin_beside_several_frequent_ones_costs_a_factor_of_two() -> None:
    bins = category_bins({"a": 3_000, "b": 1_980, "c": 20}, 0, {"a": 30, "b": 20, "c": 9})
    rare = stats.fisher_exact([[20, 4_980], [9, 50]]).pvalue
    assert bins_test(bins).p_value == pytest.approx(2 * rare, rel=1e-6)


@pytest.mark.parametrize("shares", [(0.99, 0.01), (0.6, 0.38, 0.01, 0.01), (0.9, 0.05, 0.05)])
@pytest.mark.parametrize("m", [20, 100, 400])
def test_rare_bins_bring_no_false_alarms(m: int, shares: tuple[float, ...]) -> None:
    rng, found = np.random.default_rng(m), []
    for _ in range(500):
        sides = [dict(zip("abcd", rng.multinomial(rows, shares).tolist(), strict=False)) for rows in (5_000, m)]
        found.append(bins_test(category_bins(sides[0], 0, sides[1])).p_value)
    assert np.mean(np.array(found) <= 0.05) <= 0.075


@pytest.mark.parametrize("m", [50, 200, 1_000])
def test_psi_follows_its_law_when_nothing_changed(m: int) -> None:
    rng, tenth = np.random.default_rng(m), np.full(10, 0.1)
    found = [psi_test(rng.multinomial(5_000, tenth), rng.multinomial(m, tenth)) for _ in range(1_500)]
    mean = 9 * (1 / 5_000 + 1 / m)
    assert np.mean([one.statistic for one in found]) == pytest.approx(mean, rel=0.12)
    assert 0.03 <= np.mean([one.p_value <= 0.05 for one in found]) <= 0.07
