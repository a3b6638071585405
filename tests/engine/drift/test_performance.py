import json
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from engine.drift.baseline import Baseline, PerformanceReference
from engine.drift.drop import unit
from engine.drift.found import PerformanceDrift
from engine.drift.levels import Level
from engine.drift.performance import realised
from engine.drift.policy import Policy
from engine.errors import BadArguments
from engine.kinds import Task
from engine.metrics import METRICS, Floats, Target, bootstrap_interval, score

Rows = tuple[Target, Floats]
POLICY = Policy()
CLASSES = ("no", "yes")
TWO_ERRORS = 2 * np.sqrt(0.05 * 0.95 / 300)
"""Standard errors of a rate of one in twenty over 300 trials."""


def classified(rng: np.random.Generator, rows: int, wrong: float = 0.0, lean: float = 0.0) -> Rows:
    """Calibrated probabilities; of `wrong` of the rows the label is turned round."""
    positive = 1 / (1 + np.exp(lean - 2 * rng.normal(size=rows)))
    truth = (rng.random(rows) < positive) ^ (rng.random(rows) < wrong)
    return truth.astype(np.int64), np.stack([1 - positive, positive], axis=1)


def regressed(rng: np.random.Generator, rows: int, noise: float = 1.0, heavy: bool = False) -> Rows:
    prediction = 2 * rng.normal(size=rows)
    errors = rng.standard_t(4, size=rows) if heavy else rng.normal(size=rows)
    return prediction + noise * errors, prediction


def made(name: str, rng: np.random.Generator, rows: int, worse: float = 0.0) -> Rows:
    if METRICS[name].uses == "values":
        return regressed(rng, rows, 1 + worse)
    return classified(rng, rows, worse)


def reference_of(name: str, rows: Rows) -> PerformanceReference:
    task: Task = "regression" if METRICS[name].uses == "values" else "binary"
    return PerformanceReference(name, task, CLASSES if task == "binary" else (), 0.5, *rows)


def measured(name: str, before: Rows, now: Rows, baseline: Baseline | None = None, seed: int = 0) -> PerformanceDrift:
    reference = reference_of(name, before)
    return realised(
        reference, METRICS[name], reference.task, reference.classes, *now, POLICY, baseline=baseline, seed=seed
    )


def alarms(name: str, before: int, now: int, trials: int, make: Callable[..., Rows]) -> float:
    """Share of trials without drift that are told of."""
    told = 0
    for seed in range(trials):
        rng = np.random.default_rng([seed, 1])
        told += measured(name, make(rng, before), make(rng, now), seed=seed).level > Level.GREEN
    return told / trials


def labels_only(right: int, rows: int) -> Rows:
    """`right` of `rows` rows predicted right."""
    truth = np.arange(rows) % 2
    positive = np.where(np.arange(rows) < right, truth, 1 - truth).astype(np.float64)
    return truth, np.stack([1 - positive, positive], axis=1)


@pytest.mark.parametrize("name", ["accuracy", "rmse"])
def test_without_drift_at_most_six_of_sixty_comparisons_are_told_of(name: str) -> None:
    make = regressed if name == "rmse" else classified
    assert alarms(name, 300, 150, 60, make) <= 0.10


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "rows"),
    [("accuracy", 100), ("accuracy", 2000), ("log_loss", 300), ("rmse", 100), ("rmse", 2000), ("f1", 300), ("r2", 100)],
)
def test_without_drift_no_more_comparisons_are_told_of_than_alpha(name: str, rows: int) -> None:
    make = regressed if METRICS[name].uses == "values" else classified
    assert alarms(name, 1000, rows, 300, make) <= 0.05 + TWO_ERRORS


@pytest.mark.slow
def test_without_drift_heavy_errors_and_a_rare_class_are_not_told_of_more_often() -> None:
    heavy = alarms("rmse", 500, 300, 300, lambda rng, rows: regressed(rng, rows, heavy=True))
    rare = alarms("f1", 1000, 100, 300, lambda rng, rows: classified(rng, rows, lean=4.0))
    assert max(heavy, rare) <= 0.05 + TWO_ERRORS


@pytest.mark.parametrize(("name", "worse"), [("accuracy", 0.15), ("rmse", 0.12), ("mae", 0.12)])
def test_a_drop_of_a_tenth_is_found_in_a_thousand_rows(name: str, worse: float) -> None:
    found = []
    for seed in range(10):
        rng = np.random.default_rng([seed, 2])
        found.append(measured(name, made(name, rng, 3000), made(name, rng, 1000, worse), seed=seed))
    assert np.mean([drift.drop for drift in found]) == pytest.approx(0.11, abs=0.03)
    assert np.mean([drift.level > Level.GREEN for drift in found]) >= 0.9


def test_the_drop_is_a_share_of_the_baseline() -> None:
    drift = measured("accuracy", labels_only(900, 1000), labels_only(810, 1000))
    assert (drift.baseline, drift.value, drift.rows) == (0.9, 0.81, 1000)
    assert drift.drop == pytest.approx(0.1)
    assert drift.drop_interval is not None
    assert drift.drop_interval[0] < 0.1 < drift.drop_interval[1]
    assert drift.level is Level.RED


def test_the_standard_error_of_the_drop_is_that_of_two_shares() -> None:
    drift = measured("accuracy", labels_only(900, 1000), labels_only(810, 1000))
    assert drift.drop_interval is not None
    expected = 2 * 1.96 * np.sqrt(0.9 * 0.1 / 1000 + 0.81 * 0.19 / 1000) / 0.9
    assert drift.drop_interval[1] - drift.drop_interval[0] == pytest.approx(expected, rel=0.1)


def test_a_metric_that_rose_is_a_negative_drop_and_no_alarm() -> None:
    drift = measured("rmse", regressed(np.random.default_rng(0), 500), regressed(np.random.default_rng(1), 500, 0.5))
    assert drift.drop is not None
    assert drift.drop < -0.4
    assert drift.level is Level.GREEN
    assert drift.p_value == pytest.approx(1.0)


def test_the_interval_of_the_value_agrees_with_that_of_an_evaluation() -> None:
    now = classified(np.random.default_rng(3), 600)
    drift = measured("roc_auc", classified(np.random.default_rng(4), 300), now)
    assert drift.value == score(METRICS["roc_auc"], *now)
    assert drift.interval == pytest.approx(bootstrap_interval(METRICS["roc_auc"], *now, seed=0), abs=0.006)


@pytest.mark.parametrize(
    ("name", "baseline", "spread", "expected"),
    [
        ("roc_auc", 0.8, 0.0, 0.8),
        ("r2", 0.02, 5.0, 0.1),
        ("r2", -0.4, 5.0, 0.4),
        ("log_loss", 0.001, 0.0, 0.05),
        ("rmse", 0.0, 5.0, 0.05),
        ("mae", 3.0, 5.0, 3.0),
        ("mae", 0.0, 0.0, 1.0),
    ],
)
def test_what_a_drop_is_a_share_of_never_vanishes(name: str, baseline: float, spread: float, expected: float) -> None:
    assert unit(METRICS[name], baseline, spread) == pytest.approx(expected)


def test_one_wild_value_in_the_reference_does_not_hide_a_drop() -> None:
    truth, prediction = regressed(np.random.default_rng(5), 1000)
    truth[0] = prediction[0] = 1e6
    drift = measured("mae", (truth, prediction), regressed(np.random.default_rng(6), 1000, 1.3))
    assert drift.level is Level.RED


def test_a_baseline_that_is_given_goes_before_the_reference_and_brings_its_own_error() -> None:
    before, now = labels_only(900, 1000), labels_only(850, 1000)
    sure = measured("accuracy", before, now, Baseline(0.95, (0.949, 0.951)))
    unsure = measured("accuracy", before, now, Baseline(0.95, (0.85, 1.05)))
    assert sure.drop == unsure.drop == pytest.approx(0.1 / 0.95)
    assert sure.p_value is not None
    assert unsure.p_value is not None
    assert sure.p_value < 0.002 < unsure.p_value
    assert unsure.drop_interval is not None
    assert unsure.drop_interval[0] < 0


def test_without_a_reference_a_given_baseline_is_enough() -> None:
    found = realised(
        None,
        METRICS["accuracy"],
        "binary",
        CLASSES,
        *labels_only(800, 1000),
        POLICY,
        baseline=Baseline(0.9, (0.88, 0.92)),
    )
    assert found.level is Level.RED
    assert found.drop == pytest.approx(1 / 9)


def test_without_any_baseline_the_metric_is_told_and_no_drop() -> None:
    found = realised(None, METRICS["accuracy"], "binary", CLASSES, *labels_only(80, 100), POLICY)
    assert (found.value, found.drop, found.level) == (0.8, None, Level.GREEN)
    assert found.notes == ("There is no baseline to hold it against.",)


def test_two_rows_of_a_class_that_are_missed_raise_no_alarm() -> None:
    truth = np.repeat([0, 1], [198, 2])
    prediction = np.stack([np.full(200, 0.9), np.full(200, 0.1)], axis=1)
    alone = realised(
        None, METRICS["recall"], "binary", CLASSES, truth, prediction, POLICY, baseline=Baseline(0.6, (0.5, 0.7))
    )
    assert (alone.level, alone.p_value) == (Level.GREEN, None)
    assert "2 row(s) of the rarest class" in alone.notes[-1]


def test_two_missed_rows_of_a_class_are_no_alarm_where_two_in_five_were_missed_before() -> None:
    truth = np.repeat([0, 1], [980, 20])
    positive = np.where(np.arange(1000) < 988, 0.1, 0.9)
    before = truth, np.stack([1 - positive, positive], axis=1)
    now = np.repeat([0, 1], [198, 2]), np.stack([np.full(200, 0.9), np.full(200, 0.1)], axis=1)
    drift = measured("recall", before, now)
    assert (drift.baseline, drift.value, drift.level) == (0.6, 0.0, Level.GREEN)
    assert drift.p_value is not None
    assert drift.p_value > 0.06


def test_rows_of_one_class_are_measured_by_log_loss_instead() -> None:
    truth, prediction = classified(np.random.default_rng(7), 400)
    one = truth == 1
    drift = measured("roc_auc", (truth, prediction), (truth[one], prediction[one]), Baseline(0.8, (0.7, 0.9)))
    assert drift.metric == "log_loss"
    assert drift.baseline == pytest.approx(score(METRICS["log_loss"], truth, prediction))
    assert "roc_auc has no value on these rows" in drift.notes[0]


def test_rows_that_cannot_be_measured_are_left_out_and_told_of() -> None:
    truth, prediction = classified(np.random.default_rng(8), 200)
    words = pd.Series(np.array(CLASSES, dtype=object)[truth])
    words[:3] = [None, "perhaps", None]
    prediction[5] = np.nan
    drift = realised(None, METRICS["accuracy"], "binary", CLASSES, words, prediction, POLICY)
    assert drift.rows == 196
    assert "3 row(s) without a label" in drift.notes[0]
    assert "1 row(s) whose prediction is not finite" in drift.notes[1]


def test_few_rows_tell_nothing() -> None:
    drift = measured("accuracy", labels_only(90, 100), labels_only(0, 19))
    assert (drift.value, drift.p_value, drift.level, drift.rows) == (None, None, Level.GREEN, 19)


@pytest.mark.parametrize("shape", [(100,), (99, 2), (100, 3)])
def test_a_prediction_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(BadArguments, match="does not fit 100 label"):
        realised(None, METRICS["accuracy"], "binary", CLASSES, np.zeros(100, dtype=np.int64), np.zeros(shape), POLICY)


def test_a_reference_without_errors_is_a_baseline_too() -> None:
    values = np.random.default_rng(9).normal(size=500)
    drift = measured("rmse", (values, values), (values, values + 0.1))
    assert drift.drop == pytest.approx(10, rel=0.1)
    assert drift.level is Level.RED


@pytest.mark.parametrize("name", sorted(METRICS))
def test_what_is_found_is_json_for_every_metric(name: str) -> None:
    rng = np.random.default_rng(10)
    drift = measured(name, made(name, rng, 60), made(name, rng, 40))
    json.loads(drift.model_dump_json(), parse_constant=pytest.fail)
    assert drift.drop is not None
    assert drift.metric == name


def test_errors_beyond_what_numbers_hold_are_told_and_no_figure() -> None:
    with np.errstate(all="ignore"):
        drift = realised(None, METRICS["mae"], "regression", (), np.full(50, 1.7e308), np.full(50, -1.7e308), POLICY)
    assert drift.value is None
