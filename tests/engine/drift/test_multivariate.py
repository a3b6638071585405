"""All columns together: levels, the columns named, and vectors of texts."""

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from engine.drift.found import MultivariateDrift
from engine.drift.levels import Level
from engine.drift.multivariate import VectorsFound, compare_rows, compare_samples, compare_vectors
from engine.drift.policy import Alpha, MetricThresholds, Policy, Thresholds
from engine.drift.profile import fit_profile
from engine.drift.vectors import text_vectors

Table = NDArray[np.float64]
COMMON = "the a of and to in it was is for on with as that we you at from this be not but have are"
COOKING = "oven butter flour sugar bake pan salt pepper garlic onion recipe dough cream taste fry boil kitchen"
FINANCE = "bank loan rate market share profit invest fund stock credit price bond tax debt audit budget"


def texts(rng: np.random.Generator, topic: str, rows: int) -> list[str]:
    words = [*COMMON.split(), *topic.split()]
    return [" ".join(rng.choice(words, rng.integers(5, 25))) for _ in range(rows)]


def table(rng: np.random.Generator, rows: int, correlation: float = 0.0, shift: float = 0.0) -> Table:
    values = rng.normal(size=(rows, 4))
    values[:, 1] = correlation * values[:, 0] + np.sqrt(1 - correlation**2) * values[:, 1]
    values[:, 3] += shift
    return values


def compared(reference: Table, current: Table, policy: Policy | None = None) -> MultivariateDrift:
    return compare_samples(("a", "b", "c", "d"), reference, current, policy or Policy())


def vectors_found(reference: list[str], current: list[str], seed: int = 0) -> VectorsFound:
    result = compare_vectors(text_vectors(reference), text_vectors(current), seed)
    assert result is not None
    return result


def test_rows_of_the_same_kind_are_green_and_no_column_is_named() -> None:
    rng = np.random.default_rng(1)
    result = compared(table(rng, 500, 0.5), table(rng, 500, 0.5))
    assert result.level is Level.GREEN
    assert result.columns == ()
    assert result.auc == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize(
    ("shift", "level"), [(0.1, Level.GREEN), (0.7, Level.YELLOW), (1.2, Level.ORANGE), (2.5, Level.RED)]
)
def test_the_level_rises_with_the_shift_and_the_shifted_column_is_named_first(shift: float, level: Level) -> None:
    rng = np.random.default_rng(2)
    result = compared(table(rng, 500), table(rng, 500, shift=shift))
    assert result.level is level
    if level > Level.GREEN:
        assert result.columns[0][0] == "d"
        assert result.columns[0][1] > 0.5


def test_a_correlation_that_broke_is_red_though_no_column_changed() -> None:
    rng = np.random.default_rng(3)
    result = compared(table(rng, 800, 0.9), table(rng, 800, 0.0))
    assert result.level is Level.RED
    assert result.reconstruction is not None
    assert result.reconstruction > 0.4
    assert {name for name, _ in result.columns[:2]} == {"a", "b"}


def test_the_lower_end_of_the_interval_decides_not_the_auc() -> None:
    rng = np.random.default_rng(4)
    reference, current = table(rng, 500), table(rng, 60, shift=1.0)
    found = compared(reference, current)
    assert found.auc is not None
    assert found.interval is not None
    between = (found.interval[0] + found.auc) / 2
    for least, level in ((between, Level.GREEN), (found.interval[0], Level.RED)):
        thresholds = MetricThresholds(
            domain_auc=Thresholds(yellow=least, orange=least, red=least),
            reconstruction=Thresholds(yellow=1, orange=1, red=1),
        )
        assert compared(reference, current, Policy(thresholds=thresholds)).level is level


def test_a_level_needs_its_p_value_too() -> None:
    rng = np.random.default_rng(5)
    reference, current = table(rng, 40), table(rng, 40, shift=2.0)
    found = compared(reference, current)
    assert found.p_value is not None
    assert found.level is Level.RED
    strict = Policy(alpha=Alpha(yellow=0.5, orange=found.p_value / 2, red=found.p_value / 2))
    assert compared(reference, current, strict).level is Level.YELLOW


def test_the_more_tests_there_are_beside_it_the_more_a_level_needs() -> None:
    rng = np.random.default_rng(5)
    sides = table(rng, 60, 0.9), table(rng, 60, 0.0)
    names = ("a", "b", "c", "d")
    alone = compare_samples(names, *sides, Policy())
    among_many = compare_samples(names, *sides, Policy(), others=[1.0] * 100_000)
    assert alone.level > among_many.level
    assert alone.model_copy(update={"level": among_many.level}) == among_many


@pytest.mark.parametrize(("reference", "current"), [(29, 500), (500, 29), (500, 0)])
def test_too_few_rows_are_told_as_not_tested(reference: int, current: int) -> None:
    rng = np.random.default_rng(6)
    result = compared(table(rng, reference), table(rng, current))
    assert (result.auc, result.interval, result.p_value) == (None, None, None)
    assert (result.reconstruction, result.reconstruction_p_value) == (None, None)
    assert (result.level, result.rows, result.reference_rows) == (Level.GREEN, current, reference)


@pytest.mark.parametrize("cell", [np.nan, 0.0, np.inf])
def test_columns_without_values_break_nothing_and_no_figure_is_nan(cell: float) -> None:
    rng = np.random.default_rng(7)
    reference, current = table(rng, 100), table(rng, 100)
    reference[:, :3], current[:, :2] = cell, cell
    result = compared(reference, current)
    figures = [value for value in result.model_dump(exclude={"columns", "level", "interval"}).values() if value]
    assert np.isfinite(figures).all()
    assert MultivariateDrift.model_validate_json(result.model_dump_json()) == result


def frame(rng: np.random.Generator, rows: int, plan: str = "basic") -> pd.DataFrame:
    spent = rng.gamma(2, 50, rows)
    plans = np.where(rng.random(rows) < 0.2, plan, rng.choice(["free", "basic"], rows))
    return pd.DataFrame({"spent": spent, "visits": rng.poisson(3, rows) + spent / 100, "plan": plans})


def test_current_rows_are_compared_with_the_sample_of_a_profile() -> None:
    rng = np.random.default_rng(8)
    profile = fit_profile(frame(rng, 3_000))
    same = compare_rows(profile, frame(rng, 5_000), Policy())
    other = compare_rows(profile, frame(rng, 600, plan="premium"), Policy())
    assert same is not None
    assert other is not None
    assert (same.level, same.rows, same.reference_rows) == (Level.GREEN, 2_000, 2_000)
    assert other.columns[0][0] == "plan"
    assert other.p_value is not None
    assert other.p_value < 1e-6


def test_current_rows_of_other_columns_or_none_break_nothing() -> None:
    rng = np.random.default_rng(9)
    profile = fit_profile(frame(rng, 300))
    lacking = compare_rows(profile, frame(rng, 300).drop(columns="spent"), Policy())
    nothing = compare_rows(profile, frame(rng, 0), Policy())
    assert lacking is not None
    assert nothing is not None
    assert lacking.level > Level.GREEN
    assert (nothing.auc, nothing.rows) == (None, 0)


@pytest.mark.parametrize("columns", [["spent"], []])
def test_a_profile_of_fewer_than_two_columns_has_nothing_to_compare(columns: list[str]) -> None:
    rows = frame(np.random.default_rng(10), 100)[columns].assign(seen=pd.date_range("2020-01-01", periods=100))
    assert compare_rows(fit_profile(rows), rows, Policy()) is None


def test_texts_on_another_topic_are_found_and_those_on_the_same_are_not() -> None:
    rng = np.random.default_rng(11)
    reference = texts(rng, COOKING, 200)
    same, other = vectors_found(reference, texts(rng, COOKING, 150)), vectors_found(reference, texts(rng, FINANCE, 150))
    assert same.p_value > 0.05
    assert same.mmd_p_value > 0.05
    assert other.interval[0] > 0.8
    assert other.p_value < 1e-6
    assert other.mmd_p_value == pytest.approx(0.001)


@pytest.mark.slow
def test_texts_on_the_same_topic_ring_in_at_most_8_percent_of_trials() -> None:
    rng = np.random.default_rng(12)
    results = [vectors_found(texts(rng, COOKING, 200), texts(rng, COOKING, 100), trial) for trial in range(200)]
    assert np.mean([result.p_value <= 0.05 for result in results]) <= 0.08
    assert np.mean([result.mmd_p_value <= 0.05 for result in results]) <= 0.08
    mixed = [vectors_found(texts(rng, COOKING, 200), texts(rng, FINANCE, 100), trial) for trial in range(30)]
    assert min(result.interval[0] for result in mixed) > 0.7


def test_vectors_that_are_not_finite_are_left_out() -> None:
    rng = np.random.default_rng(13)
    reference, current = rng.normal(size=(80, 5)), rng.normal(size=(60, 5))
    holed = np.concatenate([current, np.full((20, 5), np.nan), np.full((5, 5), np.inf)])
    assert compare_vectors(reference, holed) == compare_vectors(reference, current)
    assert compare_vectors(reference, holed[40:]) is None


@pytest.mark.parametrize("reference", [np.zeros((40, 4)), np.zeros((40, 0)), np.zeros((5, 4))])
def test_vectors_that_hold_nothing_are_no_drift(reference: Table) -> None:
    found = compare_vectors(reference, reference)
    assert found is None or (found.auc, found.p_value, found.mmd2, found.mmd_p_value) == (0.5, 0.5, 0.0, 1.0)
