import json

import numpy as np
import pytest

from engine.drift.baseline import Baseline, PerformanceReference
from engine.drift.estimate_classes import estimate_classes
from engine.drift.found import PerformanceDrift
from engine.drift.levels import Level
from engine.drift.policy import Policy
from engine.errors import BadArguments
from engine.metrics import METRICS, Floats, Target, score

POLICY = Policy()
WEIGHTS = np.array([[1.2, 0.0, -1.0], [0.5, 1.0, 0.3], [0.0, -1.0, 1.0]])


def binary(
    rng: np.random.Generator, rows: int, shift: float = 0.0, spread: float = 1.0, sharper: float = 1.0
) -> tuple[Target, Floats]:
    """Rows whose features moved, with the same answers; probabilities with log-odds `sharper` times the true ones."""
    z = 1.5 * (spread * rng.normal(size=rows) + shift)
    positive = 1 / (1 + np.exp(-sharper * z))
    return (rng.random(rows) < 1 / (1 + np.exp(-z))).astype(np.int64), np.stack([1 - positive, positive], axis=1)


def three_classes(rng: np.random.Generator, rows: int, shift: float = 0.0) -> tuple[Target, Floats]:
    raw = np.exp(rng.normal([shift, 0, 0], 1, (rows, 3)) @ WEIGHTS)
    shares = raw / raw.sum(axis=1, keepdims=True)
    return (np.cumsum(shares, axis=1)[:, :-1] < rng.random((rows, 1))).sum(axis=1), shares


def reference_of(rows: tuple[Target, Floats]) -> PerformanceReference:
    classes = tuple("abcdefghijklmnopqrstuvwxyz"[: rows[1].shape[1]])
    return PerformanceReference("accuracy", "binary" if len(classes) == 2 else "multiclass", classes, 0.5, *rows)


def estimated(
    name: str, before: tuple[Target, Floats], prediction: Floats, seed: int = 0, baseline: Baseline | None = None
) -> PerformanceDrift:
    return estimate_classes(reference_of(before), METRICS[name], prediction, POLICY, seed=seed, baseline=baseline)


def covered(name: str, trials: int, sharper: float = 1.0) -> float:
    """How often the realised metric of rows that moved lies within the interval of its estimate."""
    inside = 0
    for seed in range(trials):
        rng = np.random.default_rng([seed, 6])
        before, (truth, prediction) = binary(rng, 1000, sharper=sharper), binary(rng, 500, 0.7, sharper=sharper)
        found = estimated(name, before, prediction, seed).interval
        assert found is not None
        inside += found[0] <= score(METRICS[name], truth, prediction) <= found[1]
    return inside / trials


@pytest.mark.parametrize("name", ["accuracy", "log_loss", "f1"])
def test_under_covariate_shift_the_realised_metric_is_within_the_interval(name: str) -> None:
    assert covered(name, 20) >= 0.9


def test_over_confident_probabilities_are_calibrated_first() -> None:
    assert covered("accuracy", 12, sharper=2.5) >= 0.9
    rng = np.random.default_rng(0)
    before, (truth, prediction) = binary(rng, 4000, sharper=2.5), binary(rng, 4000, sharper=2.5)
    naive = prediction.max(axis=1).mean()
    found = estimated("accuracy", before, prediction).value
    assert found == pytest.approx(score(METRICS["accuracy"], truth, prediction), abs=0.02)
    assert naive > (found or 0.0) + 0.05


@pytest.mark.slow
@pytest.mark.parametrize("sharper", [1.0, 2.5])
@pytest.mark.parametrize("name", ["accuracy", "balanced_accuracy", "f1", "log_loss", "roc_auc", "average_precision"])
def test_in_nine_of_ten_trials_under_covariate_shift_the_interval_holds(name: str, sharper: float) -> None:
    assert covered(name, 100, sharper) >= 0.9


def test_expected_accuracy_and_log_loss_are_those_of_the_probabilities() -> None:
    rng = np.random.default_rng(1)
    before, (_, prediction) = binary(rng, 3000), binary(rng, 800)
    accuracy = prediction.max(axis=1).mean()
    entropy = -(prediction * np.log(prediction)).sum(axis=1).mean()
    assert estimated("accuracy", before, prediction).value == pytest.approx(accuracy, abs=0.004)
    assert estimated("log_loss", before, prediction).value == pytest.approx(entropy, abs=0.008)


def test_the_interval_is_as_wide_as_the_sampling_of_as_many_labels() -> None:
    rng = np.random.default_rng(2)
    found = estimated("accuracy", binary(rng, 3000), binary(rng, 400)[1])
    assert found.interval is not None
    assert found.value is not None
    expected = 2 * 1.96 * np.sqrt(found.value * (1 - found.value) / 400)
    assert found.interval[1] - found.interval[0] == pytest.approx(expected, rel=0.25)


def test_rows_that_moved_to_where_the_model_is_unsure_are_an_estimated_drop() -> None:
    rng = np.random.default_rng(3)
    before, (truth, prediction) = binary(rng, 2000), binary(rng, 1000, spread=0.3)
    found = estimated("accuracy", before, prediction)
    assert found.level is Level.RED
    assert found.drop is not None
    assert found.drop > 0.1
    assert found.value == pytest.approx(score(METRICS["accuracy"], truth, prediction), abs=0.05)
    assert (found.source, found.method) == ("estimated", "CBPE")


def test_without_drift_at_most_two_of_forty_estimates_are_told_of() -> None:
    told = 0
    for seed in range(40):
        rng = np.random.default_rng([seed, 7])
        told += estimated("accuracy", binary(rng, 600), binary(rng, 300)[1], seed).level > Level.GREEN
    assert told <= 2


def test_concept_drift_cannot_be_seen_and_the_notes_say_so() -> None:
    rng = np.random.default_rng(4)
    before, (truth, prediction) = binary(rng, 2000), binary(rng, 2000)
    found = estimated("accuracy", before, prediction)
    assert score(METRICS["accuracy"], 1 - truth, prediction) < 0.35
    assert found.value == pytest.approx(found.baseline, abs=0.03)
    assert found.level is Level.GREEN
    assert "cannot tell of a change in what the same rows lead to" in found.notes[0]


@pytest.mark.parametrize("name", ["accuracy", "macro_f1", "balanced_accuracy", "log_loss", "roc_auc"])
def test_three_classes_are_estimated_as_well_as_two(name: str) -> None:
    rng = np.random.default_rng(5)
    before, (truth, prediction) = three_classes(rng, 2000), three_classes(rng, 1500, 0.7)
    found = estimated(name, before, prediction)
    assert found.interval is not None
    assert found.interval[0] <= score(METRICS[name], truth, prediction) <= found.interval[1]


def test_a_baseline_that_is_given_goes_before_the_reference() -> None:
    rng = np.random.default_rng(6)
    found = estimated("accuracy", binary(rng, 500), binary(rng, 500)[1], baseline=Baseline(0.95, (0.94, 0.96)))
    assert found.baseline == 0.95
    assert found.level is Level.RED


def test_rows_without_finite_probabilities_do_not_count() -> None:
    rng = np.random.default_rng(7)
    before, (_, prediction) = binary(rng, 500), binary(rng, 100)
    prediction[:10] = np.nan
    assert estimated("accuracy", before, prediction).rows == 90


def test_few_rows_are_not_estimated() -> None:
    rng = np.random.default_rng(8)
    found = estimated("accuracy", binary(rng, 500), binary(rng, 19)[1])
    assert (found.value, found.level) == (None, Level.GREEN)


def test_a_metric_that_no_draw_has_a_value_for_is_told_without_one() -> None:
    sure = np.tile([1.0, 0.0], (50, 1))
    before = np.zeros(500, dtype=np.int64), np.tile([1.0, 0.0], (500, 1))
    found = estimated("roc_auc", before, sure)
    assert (found.value, found.notes) == (None, ("roc_auc has no value on these rows.",))
    assert estimated("accuracy", before, sure).value == 1.0


def test_a_sample_stands_for_very_many_rows() -> None:
    rng = np.random.default_rng(10)
    found = estimated("accuracy", binary(rng, 500), binary(rng, 30_000)[1])
    assert found.rows == 30_000
    assert found.value == pytest.approx(found.baseline, abs=0.04)


@pytest.mark.parametrize("shape", [(50,), (50, 3)])
def test_other_predictions_than_the_references_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(BadArguments, match="does not fit a binary task of 2 class"):
        estimated("accuracy", binary(np.random.default_rng(11), 100), np.zeros(shape))


def test_what_is_estimated_is_json() -> None:
    rng = np.random.default_rng(12)
    found = estimated("average_precision", binary(rng, 200), binary(rng, 60)[1])
    json.loads(found.model_dump_json(), parse_constant=pytest.fail)
