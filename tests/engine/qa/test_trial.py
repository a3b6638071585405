"""Sizes of A/B tests against published tables and simulation."""

import math

import numpy as np
import pytest

from engine.qa.trial import looks_of, rows_for_means, rows_for_shares

USUAL = {"share": 0.5, "power": 0.8, "alpha": 0.05}


@pytest.mark.parametrize(
    ("first", "second", "rows"), [(0.5, 0.6, 388), (0.6, 0.5, 388), (0.8, 0.82, 6039), (1.0, 0.9, 74)]
)
def test_rows_for_two_shares_are_those_of_the_formula(first: float, second: float, rows: int) -> None:
    mean = (first + second) / 2
    z = 1.959964 * math.sqrt(2 * mean * (1 - mean)) + 0.841621 * math.sqrt(first * (1 - first) + second * (1 - second))
    assert math.ceil((z / (first - second)) ** 2) == rows
    found = rows_for_shares(first, second, **USUAL)
    assert (found.a, found.b) == (rows, rows)


@pytest.mark.parametrize(("effect", "rows"), [(0.2, 394), (0.5, 64), (0.8, 26)])
def test_rows_for_two_means_are_those_of_cohens_tables(effect: float, rows: int) -> None:
    found = rows_for_means(effect * 7, 7, **USUAL)
    assert (found.a, found.b) == (rows, rows)


def test_many_rows_for_two_means_agree_with_the_exact_power() -> None:
    from scipy.stats import nct, t

    found = rows_for_means(0.05, 1, **USUAL)
    bound = t.ppf(0.975, 2 * found.a - 2)
    assert nct.sf(bound, 2 * found.a - 2, 0.05 * math.sqrt(found.a / 2)) == pytest.approx(0.8, abs=5e-4)


def test_uneven_shares_of_the_traffic_need_more_rows_in_all() -> None:
    even, uneven = rows_for_shares(0.5, 0.6, **USUAL), rows_for_shares(0.5, 0.6, share=0.1, power=0.8, alpha=0.05)
    assert uneven.a + uneven.b > even.a + even.b
    assert uneven.b / (uneven.a + uneven.b) == pytest.approx(0.1, abs=0.001)


def test_so_many_rows_see_the_difference_as_often_as_they_should() -> None:
    rng = np.random.default_rng(0)
    rows = rows_for_shares(0.8, 0.75, **USUAL).a
    first, second = (rng.binomial(rows, share, 4000) / rows for share in (0.8, 0.75))
    pooled = (first + second) / 2
    z = (first - second) / np.sqrt(2 * pooled * (1 - pooled) / rows)
    assert (np.abs(z) >= 1.96).mean() == pytest.approx(0.8, abs=0.025)


# Jennison and Turnbull 2000, tables 2.3 and 2.4: constants and factors of O'Brien-Fleming tests
@pytest.mark.parametrize(
    ("count", "last", "factor"),
    [(1, 1.960, 1.0), (2, 1.977, 1.008), (3, 2.004, 1.017), (4, 2.024, 1.024), (5, 2.040, 1.028)],
)
def test_bounds_of_several_looks_are_those_of_the_tables(count: int, last: float, factor: float) -> None:
    found = looks_of(count, power=0.8, alpha=0.05)
    assert found.bounds[-1] == pytest.approx(last, abs=6e-4)
    assert found.factor == pytest.approx(factor, abs=6e-4)
    assert found.bounds[0] == pytest.approx(last * math.sqrt(count), rel=1e-3)


def test_looking_five_times_with_these_bounds_finds_nothing_that_is_not_there() -> None:
    rng = np.random.default_rng(1)
    sums = rng.normal(size=(20_000, 5)).cumsum(axis=1) / np.sqrt(np.arange(1, 6))
    bounds = np.array(looks_of(5, power=0.8, alpha=0.05).bounds)
    assert (np.abs(sums) >= bounds).any(axis=1).mean() == pytest.approx(0.05, abs=0.006)


def test_what_cannot_be_told_apart_is_refused() -> None:
    for first, second in ((0.5, 0.5), (0.5, 1.2), (-0.1, 0.5)):
        with pytest.raises(ValueError, match="no two shares"):
            rows_for_shares(first, second, **USUAL)
    for difference, deviation in ((0.0, 1.0), (1.0, 0.0)):
        with pytest.raises(ValueError, match="above 0"):
            rows_for_means(difference, deviation, **USUAL)
