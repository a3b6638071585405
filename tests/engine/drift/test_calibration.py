"""How often an alarm is false, and how often a real change is found: rates over seeded trials of whole comparisons.

Where nothing changed, Benjamini-Hochberg at 0.05 lets one report in twenty raise any alarm at all. A bound of a short
run is what a true rate of 5 % exceeds in about one run in a hundred; the long runs hold the bounds that matter.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from engine.data.schema import Column, Schema
from engine.drift.columns import Form
from engine.drift.compare import compare
from engine.drift.found import DriftReport
from engine.drift.levels import Level
from engine.drift.profile import fit_profile
from engine.drift.statistics.chi2 import bins_test
from engine.drift.statistics.correction import benjamini_hochberg
from engine.drift.statistics.pooling import category_bins
from engine.kinds import Kind

FEW, MANY, CATEGORIES = (2, 5, 12), (20, 300, 2_000), (2, 3, 8, 30, 120, 500)
GAPS = {"n0": 0.05, "n1": 0.3, "skewed": 0.001, "c1": 0.1, "c4": 0.02}
COLUMNS = 20


def mixed(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    """20 columns: numbers, integers with few and many values, 2 to 500 categories even and skewed; some with gaps."""
    columns: dict[str, np.ndarray] = {f"n{at}": rng.normal(size=rows) for at in range(6)}
    columns |= {"skewed": rng.lognormal(size=rows), "waits": rng.exponential(size=rows)}
    columns |= {f"few{at}": rng.integers(0, values, rows) for at, values in enumerate(FEW)}
    columns |= {f"many{at}": rng.poisson(mean, rows) for at, mean in enumerate(MANY)}
    for at, count in enumerate(CATEGORIES):
        weights = 1 / np.arange(1, count + 1) ** (at % 2)
        names = np.array([f"v{number}" for number in range(count)], dtype=object)
        columns[f"c{at}"] = rng.choice(names, rows, p=weights / weights.sum())
    frame = pd.DataFrame(columns)
    for name, share in GAPS.items():
        frame.loc[rng.random(rows) < share, name] = None
    return frame


def schema() -> Schema:
    """Declared in full, so that no time goes into judging the cells."""
    kinds: dict[str, Kind] = dict.fromkeys((*(f"n{at}" for at in range(6)), "skewed", "waits"), "number")
    kinds |= {f"{stem}{at}": "integer" for stem in ("few", "many") for at in range(3)}
    kinds |= {f"c{at}": "category" for at in range(len(CATEGORIES))}
    return Schema(columns=tuple(Column(name=name, kind=kind) for name, kind in kinds.items()))


def reports(
    trials: int, reference: int, current: int, form: Form = "exact", shift: float = 0.0
) -> Iterator[DriftReport]:
    for trial in range(trials):
        rng = np.random.default_rng([trial, reference, current])
        profile = fit_profile(mixed(rng, reference), schema(), form=form)
        yield compare(profile, mixed(rng, current).assign(n5=lambda frame: frame["n5"] + shift))


def alarms(found: Iterator[DriftReport], least: Level) -> float:
    return float(np.mean([report.level >= least for report in found]))


def test_the_columns_are_of_every_sort() -> None:
    profile = fit_profile(mixed(np.random.default_rng(0), 3_000), schema())
    assert len(profile.columns) == COLUMNS
    assert {column.test for column in profile.columns.values()} == {"ks", "chi2"}
    assert sum(column.missing > 0 for column in profile.columns.values()) == len(GAPS)


@pytest.mark.parametrize(
    ("reference", "current", "form"), [(1_500, 400, "exact"), (3_000, 50, "exact"), (3_000, 200, "sketch")]
)
def test_where_nothing_changed_hardly_any_report_raises_an_alarm(reference: int, current: int, form: Form) -> None:
    found = list(reports(25, reference, current, form))
    assert alarms(iter(found), Level.YELLOW) <= 5 / 25
    assert alarms(iter(found), Level.ORANGE) <= 1 / 25


def test_a_shift_of_a_third_of_a_deviation_in_one_column_of_twenty_is_found() -> None:
    assert all(report.drifted == ("n5",) for report in reports(12, 5_000, 1_000, shift=0.3))


def category_p_values(tests: int, categories: int, current: int, skew: float) -> np.ndarray:
    """P-values of so many columns of one sort, 5,000 reference rows each."""
    rng = np.random.default_rng([categories, current])
    weights = 1 / np.arange(1, categories + 1) ** skew
    names = [f"c{at:03d}" for at in range(categories)]
    found = []
    for _ in range(tests):
        sides = [rng.multinomial(rows, weights / weights.sum()).tolist() for rows in (5_000, current)]
        ours, theirs = ({name: n for name, n in zip(names, side, strict=True) if n} for side in sides)
        found.append(bins_test(category_bins(ours, 0, theirs)).p_value)
    return np.array(found)


@pytest.mark.parametrize("skew", [0.0, 1.0])
@pytest.mark.parametrize("current", [50, 1_000, 10_000])
@pytest.mark.parametrize("categories", [10, 100, 500])
def test_one_test_of_categories_is_wrong_once_in_twenty_at_all_sizes(
    categories: int, current: int, skew: float
) -> None:
    assert 0.02 <= np.mean(category_p_values(400, categories, current, skew) <= 0.05) <= 0.08


@pytest.mark.slow
@pytest.mark.parametrize("skew", [0.0, 1.0])
@pytest.mark.parametrize("current", [50, 1_000, 10_000])
@pytest.mark.parametrize("categories", [10, 100, 500])
def test_twenty_columns_of_categories_raise_few_alarms_at_all_sizes(categories: int, current: int, skew: float) -> None:
    p_values = category_p_values(500 * COLUMNS, categories, current, skew).reshape(-1, COLUMNS)
    assert np.mean([benjamini_hochberg(row.tolist()).min() <= 0.05 for row in p_values]) <= 0.08


@pytest.mark.slow
def test_of_five_hundred_reports_without_a_change_few_raise_an_alarm() -> None:
    found = list(reports(500, 5_000, 1_000))
    assert alarms(iter(found), Level.YELLOW) <= 0.075
    assert alarms(iter(found), Level.ORANGE) <= 0.01


@pytest.mark.slow
@pytest.mark.parametrize("form", ["exact", "sketch"])
@pytest.mark.parametrize(("current", "trials"), [(50, 400), (10_000, 100)])
def test_reports_of_all_sizes_raise_few_alarms(current: int, trials: int, form: Form) -> None:
    assert alarms(reports(trials, 5_000, current, form), Level.YELLOW) <= 0.08


@pytest.mark.slow
def test_in_two_hundred_reports_the_shifted_column_is_found() -> None:
    assert np.mean(["n5" in report.drifted for report in reports(200, 5_000, 1_000, shift=0.3)]) >= 0.99
