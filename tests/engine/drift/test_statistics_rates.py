"""Rates, categories never seen before, and the correction for many tests."""

import numpy as np
import pytest
from scipy import stats

from engine.drift.statistics.correction import benjamini_hochberg
from engine.drift.statistics.rates import least_p_value, rate_test
from engine.drift.statistics.unseen import unseen_test, well_named

TABLES = [(3, 1_000, 9, 500), (0, 1_000_000, 1, 10_000), (50, 5_000, 30, 1_000), (990, 1_000, 480, 500), (0, 5, 5, 5)]


@pytest.mark.parametrize(("a", "n", "b", "m"), TABLES)
def test_few_rows_are_judged_by_fishers_exact_test(a: int, n: int, b: int, m: int) -> None:
    right = stats.fisher_exact([[a, n - a], [b, m - b]]).pvalue
    assert rate_test(a, n, b, m).p_value == pytest.approx(right, rel=1e-7)


def test_many_rows_are_judged_by_the_test_of_two_proportions() -> None:
    found = rate_test(20_000, 100_000, 4_100, 20_000)
    right = stats.chi2_contingency([[20_000, 80_000], [4_100, 15_900]], correction=False).pvalue
    assert found.p_value == pytest.approx(right, rel=1e-9)
    assert found.statistic == pytest.approx(0.005)


def test_a_fall_of_a_rate_counts_like_a_rise() -> None:
    rise, fall = rate_test(50, 1_000, 100, 1_000), rate_test(100, 1_000, 50, 1_000)
    assert rise.p_value == pytest.approx(fall.p_value)
    assert (rise.statistic, rise.effect) == (-fall.statistic, fall.effect)


@pytest.mark.parametrize("counts", [(0, 10, 0, 10), (10, 10, 5, 5), (0, 0, 1, 2), (1, 2, 0, 0)])
def test_equal_rates_and_empty_sides_are_no_difference(counts: tuple[int, int, int, int]) -> None:
    found = rate_test(*counts)
    assert (found.statistic, found.p_value, found.effect) == (0.0, 1.0, 0.0)


def test_the_effect_of_a_rate_is_its_change_less_chance() -> None:
    assert rate_test(0, 1_000_000, 30_000, 1_000_000).effect == pytest.approx(0.03, abs=1e-4)
    assert rate_test(50, 1_000, 10, 200).effect == 0.0


@pytest.mark.parametrize(("held", "n", "m"), [(0, 9, 5), (1, 50, 10), (5, 30, 30), (14, 12, 7), (19, 12, 7)])
def test_the_least_p_value_is_that_of_the_most_uneven_table(held: int, n: int, m: int) -> None:
    tables = [(held - now, n, now, m) for now in range(m + 1) if 0 <= held - now <= n]
    assert least_p_value(held, n, m) == min(rate_test(*table).p_value for table in tables)


@pytest.mark.parametrize("skew", [0.0, 1.0])
def test_as_many_new_categories_as_are_to_be_expected_are_no_sign_of_drift(skew: float) -> None:
    weights = 1 / np.arange(1, 801) ** skew
    found = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        first, second = (rng.multinomial(rows, weights / weights.sum()) for rows in (2_000, 4_000))
        known = {str(at): int(rows) for at, rows in enumerate(first) if rows}
        found.append(unseen_test(known, 0, 2_000, int(second[first == 0].sum()), 4_000)[1].p_value)
    assert np.mean(np.array(found) <= 0.05) <= 0.08


def test_new_categories_expected_are_those_that_occur_once() -> None:
    expected, found = unseen_test({"a": 900, "b": 98, "c": 1, "d": 1}, 0, 1_000, 40, 400)
    assert expected == 2
    assert found.p_value < 1e-10


def test_where_rare_categories_have_no_name_only_what_is_surely_named_counts_as_known() -> None:
    rng = np.random.default_rng(0)
    uniform = np.full(3_000, 1 / 3_000)
    first, second = rng.multinomial(30_000, uniform), rng.multinomial(5_000, uniform)
    order = np.argsort(-first)
    counts = {str(at): int(first[at]) for at in order[:1_000]}
    rest = int(first[order[1_000:]].sum())
    named = well_named(counts, rest)
    unseen = sum(int(rows) for at, rows in enumerate(second) if str(at) not in named)
    expected, found = unseen_test(named, rest, 30_000, unseen, 5_000)
    assert expected / 30_000 == pytest.approx(unseen / 5_000, abs=0.02)
    assert found.p_value > 0.05
    assert rate_test(rest, 30_000, unseen, 5_000).p_value < 1e-10  # what the unnamed rows alone would say


@pytest.mark.parametrize("tests", [1, 2, 20, 500])
def test_the_correction_is_that_of_scipy(tests: int) -> None:
    p = np.random.default_rng(tests).random(tests) ** 3
    assert np.abs(benjamini_hochberg(p.tolist()) - stats.false_discovery_control(p)).max() <= 1e-15


def test_no_tests_need_no_correction() -> None:
    assert len(benjamini_hochberg([])) == 0
