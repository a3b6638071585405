"""Comparing a frame with a profile: levels, corrections, roles and what a report holds."""

import json
import time

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from engine.drift import compare
from engine.drift.found import DriftReport
from engine.drift.levels import Level
from engine.drift.policy import Alpha, MetricThresholds, Policy, Thresholds
from engine.drift.profile import Profile, fit_profile

KINDS = {"age": "number", "visits": "integer", "plan": "category", "active": "boolean", "joined": "datetime"}


def table(rows: int, seed: int) -> pd.DataFrame:
    """One column of each plain kind."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": rng.normal(40, 10, rows),
            "visits": rng.poisson(3, rows),
            "plan": rng.choice(["monthly", "yearly", "two years"], rows, p=[0.5, 0.3, 0.2]),
            "active": rng.random(rows) < 0.7,
            "joined": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.uniform(0, 365, rows), unit="D"),
        }
    )


@pytest.fixture(scope="module")
def profile() -> Profile:
    return fit_profile(table(5_000, 0), KINDS)


def test_rows_like_the_reference_are_green_and_every_column_is_tested(profile: Profile) -> None:
    report = compare(profile, table(1_000, 1))
    assert report.level == Level.GREEN
    assert {name: column.test for name, column in report.columns.items()} == {
        "age": "ks", "visits": "chi2", "plan": "chi2", "active": "chi2", "joined": "rates",
    }  # fmt: skip
    assert (report.rows, report.reference_rows, report.findings) == (1_000, 5_000, ())


def test_a_drifted_column_is_found_and_named_in_a_sentence(profile: Profile) -> None:
    report = compare(profile, table(1_000, 1).assign(age=lambda rows: rows["age"] + 8))
    assert report.drifted == ("age",)
    assert report.level == report.columns["age"].level == Level.RED
    (finding,) = report.findings
    assert (finding.code, finding.column) == ("drift", "age")
    assert finding.sentence.startswith("Column 'age' is distributed differently: its median is 4")
    assert f"KS distance {report.columns['age'].statistic:.3f}, adjusted p " in finding.sentence


def test_other_shares_of_categories_are_told_by_the_category_that_changed_most(profile: Profile) -> None:
    rng = np.random.default_rng(3)
    plans = rng.choice(["monthly", "yearly", "two years"], 1_000, p=[0.2, 0.3, 0.5])
    (finding,) = compare(profile, table(1_000, 1).assign(plan=plans)).findings
    assert finding.level == Level.RED
    assert finding.sentence.startswith("Column 'plan' has other shares: ")
    assert "'monthly' has " in finding.sentence or "'two years' has " in finding.sentence


def test_figures_of_a_column_are_those_of_scipy(profile: Profile) -> None:
    reference, current = table(5_000, 0), table(1_000, 1).assign(age=lambda rows: rows["age"] + 3)
    column = compare(profile, current).columns["age"]
    right = stats.ks_2samp(reference["age"], current["age"], method="asymp")
    assert column.statistic == column.metrics["ks"] == pytest.approx(right.statistic, abs=1e-12)
    assert column.p_value == pytest.approx(right.pvalue, abs=5e-5)
    distance = stats.wasserstein_distance(reference["age"], current["age"])
    assert column.metrics["wasserstein"] == pytest.approx(distance, rel=1e-7)
    assert column.metrics["wasserstein_effect"] == pytest.approx(0.3, abs=0.08)
    assert column.psi is not None
    assert column.metrics["psi_corrected"] == pytest.approx(column.psi - 9 * (1 / 5_000 + 1 / 1_000))


def test_all_tests_of_a_report_are_one_family(profile: Profile) -> None:
    current = table(1_000, 1).assign(age=lambda rows: (rows["age"] + 1).mask(rows["age"] > 60))
    report = compare(profile, current)
    shapes = [column for column in report.columns.values() if column.p_value is not None]
    missing = stats.fisher_exact([[0, 5_000], [int(current["age"].isna().sum()), int(current["age"].notna().sum())]])
    adjusted = stats.false_discovery_control([*(column.p_value for column in shapes), missing.pvalue])
    assert [column.p_adjusted for column in shapes] == pytest.approx(adjusted[:-1], rel=1e-6)


@pytest.mark.parametrize("column", ["age", "visits", "plan"])
def test_levels_rise_with_the_shift(profile: Profile, column: str) -> None:
    rng, levels = np.random.default_rng(5), []
    rows = table(2_000, 1)
    order = rng.random(len(rows))
    for share in (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.9):
        changed = {"age": 75.0, "visits": 0, "plan": "two years"}[column]
        levels.append(compare(profile, rows.assign(**{column: rows[column].mask(order < share, changed)})).level)
    assert levels == sorted(levels)
    assert (levels[0], levels[-1]) == (Level.GREEN, Level.RED)


def test_a_level_needs_a_small_p_value_and_a_large_effect(profile: Profile) -> None:
    current = table(1_000, 1).assign(age=lambda rows: rows["age"] + 8)
    floors = Thresholds(yellow=0.9, orange=0.9, red=0.9)
    large = Policy(thresholds=MetricThresholds(ks=floors, psi=floors))
    strict = Policy(alpha=Alpha(yellow=1e-280, orange=1e-280, red=1e-280))
    assert compare(profile, current, large).level == Level.GREEN
    assert compare(profile, current, strict).level == Level.GREEN
    assert compare(profile, current).level == Level.RED


def test_a_report_is_json_and_the_same_twice(profile: Profile) -> None:
    current = table(300, 1).assign(age=[1.7e308, -1.7e308, np.inf, np.nan] * 75)
    report = compare(profile, current)
    text = json.dumps(report.to_dict(), allow_nan=False)
    assert DriftReport.model_validate(json.loads(text)).to_dict() == report.to_dict()
    assert compare(profile, current) == report
    assert report.columns["age"].metrics["infinite_rate"] == 0.25


@pytest.mark.parametrize("column", ["age", "visits", "plan", "active", "joined"])
def test_the_overlay_holds_all_values_of_both_sides(profile: Profile, column: str) -> None:
    overlay = compare(profile, table(1_000, 1)).columns[column].overlay
    assert overlay is not None
    assert len(overlay.labels) == len(overlay.reference) == len(overlay.current) <= 20
    assert sum(overlay.reference) == pytest.approx(1.0)
    assert sum(overlay.current) == pytest.approx(1.0)


def test_of_many_categories_the_overlay_names_the_largest_on_either_side() -> None:
    rng = np.random.default_rng(0)
    reference = pd.DataFrame({"city": rng.choice([f"city {at}" for at in range(300)], 3_000)})
    current = pd.DataFrame({"city": np.where(rng.random(900) < 0.4, "Atlantis", reference["city"][:900])})
    overlay = compare(fit_profile(reference, {"city": "category"}), current).columns["city"].overlay
    assert overlay is not None
    assert (overlay.labels[0], overlay.labels[-1], len(overlay.labels)) == ("Atlantis", "other", 20)
    assert overlay.current[0] == pytest.approx(0.4, abs=0.05)


def test_the_prediction_is_compared_under_its_own_thresholds() -> None:
    rng = np.random.default_rng(0)
    reference = fit_profile(table(3_000, 0), KINDS, prediction=rng.beta(2, 5, 3_000))
    report = compare(reference, table(500, 1), prediction=rng.beta(3, 5, 500))
    assert report.columns["prediction"].role == "prediction"
    assert [finding.code for finding in report.findings] == ["prediction_drift"]
    assert report.drifted == ()  # of the features
    lenient = Thresholds(yellow=0.9, orange=0.9, red=0.9)
    policy = Policy(thresholds=MetricThresholds(prediction_ks=lenient, psi=lenient))
    assert compare(reference, table(500, 1), policy, prediction=rng.beta(3, 5, 500)).level == Level.GREEN


def test_probabilities_of_three_classes_are_compared_as_the_class_and_its_confidence() -> None:
    rng = np.random.default_rng(0)
    classes = ("a", "b", "c")
    reference = fit_profile(table(900, 0), KINDS, prediction=rng.dirichlet([4, 4, 4], 900), classes=classes)
    report = compare(reference, table(600, 1), prediction=rng.dirichlet([9, 2, 2], 600))
    assert report.columns["prediction"].test == "chi2"
    assert report.columns["prediction_confidence"].test == "ks"
    assert report.level == Level.RED


def test_a_hundred_thousand_rows_take_a_fraction_of_a_second() -> None:
    rng = np.random.default_rng(0)
    reference, current = (pd.DataFrame(rng.normal(size=(rows, 4)), columns=list("abcd")) for rows in (10**5, 10**5))
    profile = fit_profile(reference)
    start = time.process_time()
    compare(profile, current)
    assert time.process_time() - start < 1.0
