"""Whatever is wrong with the current rows is told as a finding; only what the caller can mend is an error."""

import json

import numpy as np
import pandas as pd
import pytest

from engine.drift.compare import compare
from engine.drift.found import DriftReport
from engine.drift.levels import Level
from engine.drift.profile import Profile, fit_profile
from engine.errors import BadArguments, DuplicateColumns, Fixable

KINDS = {"a": "number", "c": "category", "when": "datetime", "id": "identifier"}


def table(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "a": rng.normal(size=rows),
            "c": rng.choice(["x", "y", "z"], rows),
            "when": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.uniform(0, 99, rows), unit="D"),
            "id": [f"{seed}-{row}" for row in range(rows)],
            "label": rng.choice(["no", "yes"], rows),
        }
    )


@pytest.fixture(scope="module")
def profile() -> Profile:
    return fit_profile(table(2_000, 0), {**KINDS, "label": "category"}, target="label")


def told(report: DriftReport) -> dict[str, Level]:
    """Levels of the findings by code; the identifier is always told of."""
    json.dumps(report.to_dict(), allow_nan=False)
    return {str(finding.code): finding.level for finding in report.findings if finding.code != "not_tested"}


def test_an_identifier_is_told_not_to_be_tested(profile: Profile) -> None:
    report = compare(profile, table(500, 1))
    assert [(finding.code, finding.column) for finding in report.findings] == [("not_tested", "id")]
    assert report.columns["id"].test == "rates"


@pytest.mark.parametrize("frame", [pd.DataFrame(), table(500, 1).iloc[:0]])
def test_no_rows_are_told_of_and_nothing_else(profile: Profile, frame: pd.DataFrame) -> None:
    report = compare(profile, frame)
    assert told(report) == {"no_rows": Level.GREEN}
    assert (report.rows, report.columns.keys()) == (0, set(profile.of_role("feature")))
    assert {(column.level, column.p_value, column.rows) for column in report.columns.values()} == {("GREEN", None, 0)}


@pytest.mark.parametrize("rows", [1, 5, 9])
def test_of_too_few_rows_nothing_is_said_but_that(profile: Profile, rows: int) -> None:
    report = compare(profile, table(rows, 1))
    assert told(report)["too_few_rows"] == report.level == Level.GREEN
    assert report.columns["a"].p_value is None


def test_a_column_that_is_gone_is_red(profile: Profile) -> None:
    report = compare(profile, table(500, 1).drop(columns="c"))
    assert told(report) == {"missing_column": Level.RED}
    assert report.columns["c"].level == report.level == Level.RED
    assert report.drifted == ("c",)


def test_labels_that_have_not_come_yet_are_passed_over_in_silence(profile: Profile) -> None:
    report = compare(profile, table(500, 1).drop(columns="label"))
    assert told(report) == {}
    assert "label" not in report.columns


def test_another_share_of_labels_is_drift_of_the_target(profile: Profile) -> None:
    report = compare(profile, table(500, 1).assign(label=["yes"] * 400 + ["no"] * 100))
    assert told(report) == {"target_drift": Level.RED}
    assert report.columns["label"].role == "target"


def test_a_new_column_is_told_of(profile: Profile) -> None:
    assert told(compare(profile, table(500, 1).assign(new=1))) == {"extra_column": Level.GREEN}


def test_a_column_of_another_kind_is_red(profile: Profile) -> None:
    current = table(500, 1).assign(a=["much"] * 400 + ["1.5"] * 100)
    found = told(compare(profile, current))
    assert found["retyped_column"] == Level.RED
    assert "unreadable_cells" not in found


def test_a_few_cells_of_another_kind_are_told_of(profile: Profile) -> None:
    current = table(500, 1)
    current["a"] = current["a"].astype(object).mask(current.index == 3, "n.b.")
    assert told(compare(profile, current)) == {"unreadable_cells": Level.GREEN}


@pytest.mark.parametrize(("column", "cell"), [("a", np.nan), ("c", None), ("when", pd.NaT), ("id", None)])
def test_a_column_without_any_value_is_red(profile: Profile, column: str, cell: object) -> None:
    found = told(compare(profile, table(500, 1).assign(**{column: pd.Series([cell] * 500)})))
    assert found == {"all_missing": Level.GREEN, "missing_rate": Level.RED}


def test_a_column_of_infinities_is_red(profile: Profile) -> None:
    assert told(compare(profile, table(500, 1).assign(a=np.inf))) == {"infinite_rate": Level.RED}


@pytest.mark.parametrize(("column", "cell"), [("a", 1.5), ("c", "x")])
def test_a_column_that_has_become_constant_is_told_of_and_drifted(profile: Profile, column: str, cell: object) -> None:
    found = told(compare(profile, table(500, 1).assign(**{column: pd.Series([cell] * 500)})))
    assert found == {"constant_column": Level.GREEN, "drift": Level.RED}


def test_equal_constants_are_green_and_different_ones_red() -> None:
    reference = fit_profile(pd.DataFrame({"a": [3.0] * 400, "c": ["x"] * 400}), {"a": "number", "c": "category"})
    same = compare(reference, pd.DataFrame({"a": [3.0] * 100, "c": ["x"] * 100}))
    assert told(same) == {}
    assert [(column.statistic, column.p_value) for column in same.columns.values()] == [(0.0, 1.0)] * 2
    other = compare(reference, pd.DataFrame({"a": [4.0] * 100, "c": ["y"] * 100}))
    assert {column.level for column in other.columns.values()} == {Level.RED}
    assert other.columns["a"].statistic == 1.0
    assert other.columns["c"].metrics["cramers_v"] == pytest.approx(1.0)


def test_a_rare_value_that_has_become_common_is_red_however_few_rows_there_are() -> None:
    rng = np.random.default_rng(0)
    reference = pd.DataFrame({"flag": rng.random(5_000) < 0.01, "level": (rng.random(5_000) < 0.99).astype(int)})
    profile = fit_profile(reference, {"flag": "boolean", "level": "integer"})
    report = compare(profile, pd.DataFrame({"flag": [True, False] * 10, "level": [0, 1] * 10}))
    assert {column.level for column in report.columns.values()} == {Level.RED}


def test_a_column_that_the_reference_has_no_value_of_is_told_to_be_too_bare_for_a_test() -> None:
    profile = fit_profile(pd.DataFrame({"a": [np.nan] * 50, "b": np.arange(50.0)}), {"a": "number", "b": "number"})
    report = compare(profile, pd.DataFrame({"a": np.arange(50.0), "b": np.arange(50.0)}))
    assert told(report) == {"missing_rate": Level.RED, "too_few_rows": Level.GREEN}


def test_times_that_go_on_are_told_of_and_are_no_drift(profile: Profile) -> None:
    later = table(500, 1).assign(when=lambda rows: rows["when"] + pd.Timedelta(days=200))
    report = compare(profile, later)
    assert told(report) == {"time_moved_on": Level.GREEN}
    (finding,) = [finding for finding in report.findings if finding.code == "time_moved_on"]
    assert finding.sentence.endswith("in 500 of 500 rows (100%); the reference ends at 2024-04-08.")


def test_more_missing_values_are_told_with_both_rates(profile: Profile) -> None:
    current = table(500, 1)
    current.loc[:49, "a"] = np.nan
    (finding,) = [finding for finding in compare(profile, current).findings if finding.code == "missing_rate"]
    assert finding.level == Level.ORANGE
    assert finding.sentence.startswith("Column 'a' is missing in 50 of 500 rows (10%); in the reference it was in 0 of")


def test_a_fall_of_the_missing_rate_is_drift_too() -> None:
    rng = np.random.default_rng(0)
    reference = pd.DataFrame({"a": np.where(rng.random(2_000) < 0.3, np.nan, rng.normal(size=2_000))})
    report = compare(fit_profile(reference), pd.DataFrame({"a": rng.normal(size=500)}))
    assert told(report) == {"missing_rate": Level.RED}


def test_many_rows_of_new_categories_are_drift(profile: Profile) -> None:
    current = table(500, 1)
    current.loc[:39, "c"] = "new"
    assert told(compare(profile, current))["unseen_categories"] == Level.ORANGE


def test_serious_findings_come_first(profile: Profile) -> None:
    current = table(500, 1).drop(columns="a").assign(new=1)
    levels = [finding.level for finding in compare(profile, current).findings]
    assert levels == sorted(levels, reverse=True)
    assert levels[0] == Level.RED


def test_columns_may_stand_in_any_order_and_be_read_from_texts(profile: Profile) -> None:
    current = table(500, 1)
    texts = current[current.columns[::-1]].astype(str)
    assert compare(profile, texts).columns["a"].statistic == compare(profile, current).columns["a"].statistic


def test_what_is_no_frame_or_has_a_name_twice_is_refused(profile: Profile) -> None:
    with pytest.raises(BadArguments, match="The rows are a dict"):
        compare(profile, {"a": [1.0]})  # type: ignore[arg-type]
    doubled = pd.concat([table(20, 1), table(20, 2)[["a"]]], axis=1)
    with pytest.raises(DuplicateColumns, match="appear twice: a"):
        compare(profile, doubled)
    assert issubclass(DuplicateColumns, Fixable)


def test_predictions_that_the_reference_lacks_are_told_of(profile: Profile) -> None:
    report = compare(profile, table(500, 1), prediction=np.linspace(0, 1, 500))
    assert "The predictions were not compared, since the reference has none." in {f.sentence for f in report.findings}


@pytest.mark.parametrize("prediction", [np.zeros(9), np.full((500, 3), 1 / 3), np.zeros((500, 1))])
def test_predictions_that_do_not_fit_are_refused(prediction: np.ndarray) -> None:
    reference = fit_profile(table(300, 0), KINDS, prediction=np.linspace(0, 1, 300))
    with pytest.raises(BadArguments):
        compare(reference, table(500, 1), prediction=prediction)


@pytest.mark.parametrize("only", [-np.finfo(float).max, np.finfo(float).max])
def test_a_constant_at_the_end_of_the_doubles_has_finite_bins(only: float) -> None:
    report = compare(fit_profile(pd.DataFrame({"a": [only] * 50})), pd.DataFrame({"a": [1.0] * 50}))
    assert report.level == Level.RED
    assert DriftReport.model_validate(report.to_dict()) == report


def test_whole_numbers_beyond_int64_are_numbers() -> None:
    rows = pd.DataFrame({"hash": np.random.default_rng(0).integers(0, 2**64 - 1, 400, dtype=np.uint64)})
    made = fit_profile(rows)
    assert made.columns["hash"].test == "ks"
    assert compare(made, rows).level == Level.GREEN
    assert compare(made, rows // 4).level == Level.RED


def test_a_column_called_like_the_predictions_is_told_not_to_be_compared() -> None:
    rows = table(200, 0)[["a", "c"]]
    made = fit_profile(rows, prediction=np.linspace(0, 1, 200))
    report = compare(made, rows.assign(prediction=0.5), prediction=np.linspace(0, 1, 200))
    assert [(finding.code, finding.column) for finding in report.findings] == [("extra_column", "prediction")]


def test_a_figure_that_is_no_number_is_null_in_json(profile: Profile) -> None:
    report = compare(profile, table(500, 1))
    spoilt = report.model_copy(update={"columns": {"a": report.columns["a"].model_copy(update={"psi": np.nan})}})
    assert '"psi": null' in json.dumps(spoilt.to_dict(), allow_nan=False)
