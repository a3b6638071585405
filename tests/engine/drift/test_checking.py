"""Rows that a model answered: columns and predictions compared, performance measured where there are labels."""

import json

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from engine.drift.baseline import PerformanceReference
from engine.drift.checking import LEAST_LABELLED, Answered, check_rows, errors_of
from engine.drift.estimate_loss import fit_loss_model
from engine.drift.found import DriftReport, PerformanceDrift
from engine.drift.importance import contributions
from engine.drift.levels import Level
from engine.drift.policy import Policy
from engine.drift.profile import MetricBaseline, Profile, fit_profile
from engine.drift.sample import encode_rows
from engine.metrics import METRICS
from engine.tasks import encode_target

Floats = NDArray[np.float64]
CLASSES = ("no", "yes")
COLUMNS = ["size", "weight", "plan"]


def classify(frame: pd.DataFrame) -> Floats:
    """A model that is right about how the labels of `binary` come about."""
    yes = 1 / (1 + np.exp(-2 * frame["size"].to_numpy() - frame["weight"].to_numpy()))
    return np.column_stack([1 - yes, yes])


def measure(frame: pd.DataFrame) -> Floats:
    return np.asarray(10 * frame["size"] + 5 * frame["weight"], dtype=np.float64)


def features(rows: int, seed: int, shift: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    size, weight = rng.normal(shift, 1, rows), rng.normal(size=rows)
    return pd.DataFrame({"size": size, "weight": weight, "plan": rng.choice(["a", "b"], rows)})


def binary(rows: int, seed: int, shift: float = 0.0, flip: bool = False) -> pd.DataFrame:
    frame = features(rows, seed, shift)
    yes = classify(frame.assign(size=-frame["size"]) if flip else frame)[:, 1]
    return frame.assign(y=np.where(np.random.default_rng([seed, 1]).random(rows) < yes, "yes", "no"))


def numeric(rows: int, seed: int, spread: float = 1.0, shift: float = 0.0) -> pd.DataFrame:
    """Noise that grows with weight, so that a shift of weight makes larger errors."""
    frame = features(rows, seed).assign(weight=lambda f: f["weight"] + shift)
    noise = np.random.default_rng([seed, 1]).normal(size=rows) * spread * np.exp(frame["weight"] / 2)
    return frame.assign(y=measure(frame) + noise)


@pytest.fixture(scope="module")
def classes() -> Profile:
    frame = binary(2_000, 0)
    rows, truth = frame[COLUMNS], encode_target(frame["y"], "binary", CLASSES)
    metric = MetricBaseline(name="roc_auc", value=0.876, ci=(0.85, 0.9), rows=500, greater_is_better=True)
    profile = fit_profile(frame, None, "y", prediction=classify(rows), classes=CLASSES, task="binary", metric=metric)
    weights = contributions(classify, rows, truth, COLUMNS, "binary", 0, repeats=1)
    return profile.with_performance(
        PerformanceReference("roc_auc", "binary", CLASSES, 0.5, truth, classify(rows), weights, tuple(COLUMNS))
    )


@pytest.fixture(scope="module")
def numbers() -> Profile:
    frame = numeric(2_000, 0)
    rows, truth = frame[COLUMNS], frame["y"].to_numpy()
    profile = fit_profile(frame, None, "y", prediction=measure(rows), task="regression")
    model = fit_loss_model(encode_rows(profile, rows), truth, measure(rows), METRICS["rmse"])
    return profile.with_performance(
        PerformanceReference("rmse", "regression", (), 0.5, truth, measure(rows), loss_model=model)
    )


def answered(frame: pd.DataFrame, labelled: int | None = None, earlier: Floats | None = None) -> Answered:
    """Rows of `binary` with the labels of the first `labelled` of them."""
    labels = frame["y"].where(np.arange(len(frame)) < (len(frame) if labelled is None else labelled))
    truth = encode_target(labels, "binary", CLASSES)
    before = np.empty(0) if earlier is None else earlier
    return Answered(frame[COLUMNS], classify(frame), labels, truth, before)


def check(profile: Profile, frame: pd.DataFrame, labelled: int | None = None) -> DriftReport:
    return check_rows(profile, answered(frame, labelled), Policy(), predict=classify)


def of_source(report: DriftReport, source: str) -> PerformanceDrift:
    return next(one for one in report.performance if one.source == source)


def codes(report: DriftReport) -> set[str]:
    return {finding.code for finding in report.findings if finding.level > Level.GREEN}


def test_rows_like_the_reference_are_green_with_their_metric_measured_and_estimated(classes: Profile) -> None:
    report = check(classes, binary(500, 1))
    assert report.level == Level.GREEN
    assert codes(report) == set()
    measured, estimated = (of_source(report, source) for source in ("labels", "estimated"))
    assert measured.value == pytest.approx(estimated.value, abs=0.03)
    assert (measured.metric, measured.rows, measured.baseline) == ("roc_auc", 500, 0.876)
    assert report.columns["prediction"].role == "prediction"
    assert report.columns["y"].role == "target"


def test_concept_drift_is_seen_with_labels_and_cannot_be_without(classes: Profile) -> None:
    frame = binary(500, 2, flip=True)
    report = check(classes, frame)
    assert report.level == Level.RED
    assert {"performance_drop", "importance_change"} <= codes(report)
    assert report.findings[0].level == Level.RED
    assert report.importance is not None
    assert report.importance.current["size"] < report.importance.reference["size"]
    blind = check(classes, frame, labelled=0)
    assert blind.level == Level.GREEN
    assert [one.source for one in blind.performance] == ["estimated"]
    assert "concept drift" in " ".join(blind.performance[0].notes).lower()


def test_labels_that_are_still_to_come_are_not_missing_values(classes: Profile) -> None:
    report = check(classes, binary(500, 3), labelled=100)
    assert report.columns["y"].rows == 100
    assert report.columns["y"].metrics["missing_rate"] == 0
    assert of_source(report, "labels").rows == 100
    assert report.level == Level.GREEN


def test_of_fewer_labels_than_thirty_nothing_is_said(classes: Profile) -> None:
    report = check(classes, binary(500, 4), labelled=LEAST_LABELLED - 1)
    assert [one.source for one in report.performance] == ["estimated"]
    assert "y" not in report.columns
    assert report.streams == ()
    assert report.importance is None


def test_labels_of_a_class_that_never_was_are_target_drift_and_measure_nothing(classes: Profile) -> None:
    report = check(classes, binary(200, 5).assign(y="maybe"))
    assert report.level == Level.RED
    assert {"target_drift", "unseen_categories"} & codes(report)
    measured = of_source(report, "labels")
    assert (measured.value, measured.rows) == (None, 0)


def test_the_baseline_of_another_metric_is_not_taken(classes: Profile) -> None:
    assert classes.performance is not None
    other = classes.metric.model_copy(update={"name": "f1", "value": 0.2}) if classes.metric else None
    profile = Profile(**{**vars(classes), "metric": other})
    measured = of_source(check(profile, binary(500, 6)), "labels")
    assert measured.baseline == pytest.approx(classes.performance.value(METRICS["roc_auc"]))


def test_an_alarm_counts_where_it_rings_in_these_rows(classes: Profile) -> None:
    right, wrong = np.zeros(400), (np.random.default_rng(7).random(300) < 0.7).astype(float)
    frame = binary(200, 7, flip=True)
    late = check_rows(classes, answered(frame, earlier=right), Policy())
    rang = [alarm for alarm in late.streams if alarm.first is not None]
    assert rang
    assert all(alarm.first is not None and 0 <= alarm.first < alarm.rows == 200 for alarm in rang)
    before = check_rows(classes, answered(binary(200, 8), earlier=np.concatenate([right, wrong])), Policy())
    assert all(alarm.first is None for alarm in before.streams)


def test_a_drop_that_is_only_estimated_says_so(numbers: Profile) -> None:
    frame = numeric(500, 9, shift=2.0)
    nothing = pd.Series([None] * 500, dtype=object)
    rows = Answered(frame[COLUMNS], measure(frame), nothing, np.full(500, np.nan), np.empty(0))
    report = check_rows(numbers, rows, Policy())
    assert "estimated_drop" in codes(report)
    assert "performance_drop" not in codes(report)
    (sentence,) = (finding.sentence for finding in report.findings if finding.code == "estimated_drop")
    assert "as estimated for 500 rows without labels" in sentence


def test_a_regression_is_measured_by_its_labels(numbers: Profile) -> None:
    frame = numeric(500, 10, spread=3.0)
    rows = Answered(frame[COLUMNS], measure(frame), frame["y"], frame["y"].to_numpy(), np.empty(0))
    report = check_rows(numbers, rows, Policy(), predict=measure)
    measured, estimated = (of_source(report, source) for source in ("labels", "estimated"))
    assert measured.value == pytest.approx(np.sqrt(np.mean((frame["y"] - measure(frame)) ** 2)))
    assert measured.drop is not None
    assert estimated.drop is not None
    assert measured.drop > 1.5 > 0.3 > abs(estimated.drop)
    assert measured.level == Level.RED


def test_a_profile_without_performance_still_compares_the_columns() -> None:
    profile = fit_profile(binary(1_000, 11), None, "y", prediction=classify(binary(1_000, 11)), classes=CLASSES)
    report = check_rows(profile, answered(binary(300, 12, shift=1.0)), Policy(), predict=classify)
    assert report.performance == ()
    assert report.drifted[0] == "size"
    assert report.level == Level.RED


def test_the_report_is_json_without_infinities_and_the_same_each_time(classes: Profile) -> None:
    frame = binary(300, 13, shift=0.5)
    frame.loc[:9, "size"] = np.inf
    reports = [check(classes, frame).to_dict() for _ in range(2)]
    assert json.dumps(reports[0], allow_nan=False) == json.dumps(reports[1], allow_nan=False)
    assert DriftReport.model_validate(reports[0]).to_dict() == reports[0]


def test_errors_are_wrong_labels_or_absolute_and_not_known_without_a_label() -> None:
    wrong = errors_of(np.array([1, 0, -1]), np.array([[0.7, 0.3], [0.9, 0.1], [0.5, 0.5]]), "binary", 0.2)
    assert wrong[:2].tolist() == [0.0, 0.0]
    assert np.isnan(wrong[2])
    assert errors_of(np.array([3.0, np.nan]), np.array([1.0, 1.0]), "regression", 0.5)[0] == 2.0
