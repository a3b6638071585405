"""The metric of a classifier on rows without labels, estimated from its own probabilities once they are calibrated."""

import numpy as np

from engine.drift.baseline import Baseline, PerformanceReference, finite
from engine.drift.calibration import choose_calibrator
from engine.drift.drop import LEAST_ROWS, Held, Seen, assess, held_against, p_worse, untold
from engine.drift.found import PerformanceDrift
from engine.drift.policy import Policy
from engine.drift.resample import MOST_DRAWN, Floats, Rows
from engine.errors import BadArguments
from engine.metrics import Metric, score

METHOD = "CBPE"
DRAWS = 300
BLIND = (
    "Estimated from the model's probabilities: it tells of changes in what the rows are like, and cannot tell of a "
    "change in what the same rows lead to (concept drift), for which labels are needed."
)


def estimate_classes(
    reference: PerformanceReference,
    metric: Metric,
    prediction: Floats,
    policy: Policy,
    *,
    threshold: float = 0.5,
    baseline: Baseline | None = None,
    seed: int = 0,
) -> PerformanceDrift:
    """Confidence-based performance estimation (CBPE) of any metric of classes, for probabilities (n, k) of current
    rows.

    The probabilities are calibrated on the reference's out-of-fold rows (a logistic or an isotonic curve, one class
    against the rest) where cross-validation says that it helps. If they are right, the unknown labels are draws from
    them: the estimate is the mean of the metric over drawn labels, which for label metrics is what the expected
    confusion counts give. Every draw has its own resample of the current rows and of the reference's, and with it its
    own calibration, so that `interval` holds the sampling error of the metric and the error of the calibration.
    Source: NannyML, 'CBPE'.

    It holds while the model's probabilities mean the same as in the reference. **Concept drift, where the same rows
    come to have other labels, cannot be seen by it.** Of more than 5,000 rows a sample is looked at.

    Raises:
        BadArguments: not a probability for each class of the reference.
    """
    prediction = _checked(reference, prediction)
    if min(len(prediction), len(reference.truth)) < LEAST_ROWS:
        few = f"Nothing can be estimated from {len(prediction)} row(s) and {len(reference.truth)} of the reference."
        return untold(metric, "estimated", METHOD, len(prediction), few)
    rng = np.random.default_rng([seed, 13])
    rows = prediction[rng.permutation(len(prediction))[:MOST_DRAWN]]
    draws, before = _drawn(reference, metric, rows, threshold, rng)
    if not np.isfinite(draws).any():
        return untold(metric, "estimated", METHOD, len(prediction), f"{metric.name} has no value on these rows.")
    seen = Seen(float(np.nanmean(draws)), draws, len(prediction))
    held = held_against(metric, baseline, None, rng, DRAWS)
    if baseline is None and np.isfinite(value := reference.value(metric)):
        held = Held(value, before, spread=0.0)
    p_value = None if held is None else p_worse(metric, seen, held)
    return assess(metric, seen, held, p_value, policy, source="estimated", method=METHOD, notes=(BLIND,))


def _checked(reference: PerformanceReference, prediction: Floats) -> Floats:
    """The rows with finite probabilities."""
    prediction = np.asarray(prediction, dtype=np.float64)
    if reference.task == "regression" or prediction.shape[1:] != reference.prediction.shape[1:]:
        raise BadArguments(
            f"A prediction of shape {prediction.shape} does not fit a {reference.task} task of "
            f"{len(reference.classes)} class(es).",
            "Give a probability for each class; numbers are estimated by estimate_loss.",
        )
    return prediction[finite(prediction)]


def _drawn(
    reference: PerformanceReference, metric: Metric, prediction: Floats, threshold: float, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """(draws,) metrics of current rows with drawn labels, and of the reference's rows in the same resamples."""
    truth, known = np.asarray(reference.truth, dtype=np.int64), reference.prediction
    calibrator = choose_calibrator(truth, known, rng)
    now, before = np.empty(DRAWS), np.empty(DRAWS)
    for draw in range(DRAWS):
        resample = rng.integers(0, len(truth), len(truth))
        weights = np.bincount(resample, minlength=len(truth)).astype(np.float64)
        rows = prediction[rng.integers(0, len(prediction), len(prediction))]
        labels = _labels(calibrator.apply(rows, weights), rng)
        now[draw] = score(metric, labels, rows, threshold)
        before[draw] = score(metric, truth[resample], known[resample], reference.threshold)
    return now, before


def _labels(probabilities: Floats, rng: np.random.Generator) -> Rows:
    """A class for each row, drawn by its probabilities."""
    edges = np.cumsum(probabilities, axis=1)[:, :-1]
    return np.asarray((edges < rng.random((len(edges), 1))).sum(axis=1), dtype=np.int64)
