"""Measuring predictions on labelled rows: the metric with its interval, other metrics, and the points of the plots."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from engine.errors import TargetUnusable
from engine.metrics import Floats, Metric, Target, bootstrap_interval, confusion, metrics_of, score, stand_in
from engine.tasks import Task, encode_target

MOST_POINTS = 200
BINS = 10
MOST_RESIDUALS = 500


class CalibrationBin(BaseModel):
    """Rows of similar predicted probability: its mean, the share that is positive, and how many rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    predicted: float
    observed: float
    rows: int


class Evaluation(BaseModel):
    """A model measured on `rows` labelled rows; `unlabelled` more had no known label, of which the notes tell.

    `metric` is the one asked for, or the one that stood in for it where it has no value on these rows (see `notes`).
    `ci` is the 95 % bootstrap interval. `confusion` has the true class by row. `roc` holds (false positive rate, true
    positive rate) and `pr` (recall, precision) points, binary only. `residuals` holds (predicted, true) pairs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    value: float
    ci: tuple[float, float]
    rows: int
    unlabelled: int = 0
    task: Task
    threshold: float = 0.5
    others: dict[str, float] = {}
    classes: tuple[str, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    roc: tuple[tuple[float, float], ...] = ()
    pr: tuple[tuple[float, float], ...] = ()
    calibration: tuple[CalibrationBin, ...] = ()
    residuals: tuple[tuple[float, float], ...] = ()
    notes: tuple[str, ...] = ()


def evaluate(
    prediction: Floats,
    y: pd.Series | Target,
    task: Task,
    metric: Metric,
    classes: Sequence[str] = (),
    seed: int = 0,
    threshold: float = 0.5,
) -> Evaluation:
    """Measure a prediction (n,) or (n, classes) against a raw target column or encoded values (-1 or NaN: unknown).

    Raises:
        TargetUnusable: no row has a known label.
    """
    truth = encode_target(y, task, classes) if isinstance(y, pd.Series) else y
    known = np.isfinite(truth) if task == "regression" else truth >= 0
    truth, prediction = truth[known], np.asarray(prediction, dtype=np.float64)[known]
    if not len(truth):
        raise TargetUnusable("No row has a known label.", f"The model knows: {', '.join(classes) or 'numbers'}.")
    notes = _unknown(y, ~known)
    value = score(metric, truth, prediction, threshold)
    if not np.isfinite(value):
        other = stand_in(task)
        notes += [f"{metric.name} has no value on these {len(truth)} row(s), so {other.name} is given instead."]
        metric, value = other, score(other, truth, prediction, threshold)
    low, high = bootstrap_interval(metric, truth, prediction, seed, threshold=threshold)
    shown = _regression_points(truth, prediction, seed) if task == "regression" else _class_points(truth, prediction)
    tables = () if task == "regression" else _nested(confusion(truth, prediction, threshold))
    return Evaluation(
        metric=metric.name, value=value, ci=(low, high), rows=len(truth), unlabelled=int((~known).sum()), task=task,
        threshold=threshold, others=_others(task, metric, truth, prediction, threshold), classes=tuple(classes),
        confusion=tables, notes=tuple(notes), **shown,
    )  # fmt: skip


def _unknown(y: pd.Series | Target, unknown: NDArray[np.bool_]) -> list[str]:
    """What is said of the rows that are not measured: no label, or a class that the model cannot answer."""
    absent = int(y[unknown].isna().sum()) if isinstance(y, pd.Series) else 0
    unseen = int(unknown.sum()) - absent
    notes = [f"{absent:,} row(s) have no label and are left out."] if absent else []
    if unseen:
        notes.append(
            f"{unseen:,} row(s) have a label that training did not hold and are left out: the model would be wrong on "
            "each, so the figures flatter it."
        )
    return notes


def _others(task: Task, metric: Metric, truth: Target, prediction: Floats, threshold: float) -> dict[str, float]:
    """The task's other metrics, as far as they have a value."""
    values = {
        other.name: score(other, truth, prediction, threshold) for other in metrics_of(task) if other is not metric
    }
    return {name: value for name, value in values.items() if np.isfinite(value)}


def _nested(table: NDArray[np.int64]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(int(cell) for cell in row) for row in table)


def _regression_points(truth: Target, prediction: Floats, seed: int) -> dict[str, object]:
    rows = np.sort(np.random.default_rng(seed).permutation(len(truth))[:MOST_RESIDUALS])
    return {"residuals": tuple((float(prediction[row]), float(truth[row])) for row in rows)}


def _class_points(truth: Target, prediction: Floats) -> dict[str, object]:
    if prediction.shape[1] != 2:
        # the probability of the class that is named, and whether it was right
        top = prediction.argmax(axis=1)
        return {"calibration": _calibration(prediction.max(axis=1), top == truth)}
    positive, scores = truth == 1, prediction[:, 1]
    points: dict[str, object] = {"calibration": _calibration(scores, positive)}
    if 0 < positive.sum() < len(positive):
        points["roc"], points["pr"] = _curves(scores, positive)
    return points


def _curves(
    scores: Floats, positive: NDArray[np.bool_]
) -> tuple[tuple[tuple[float, float], ...], tuple[tuple[float, float], ...]]:
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    hits = np.cumsum(positive[order])[ends]
    alarms = (ends + 1) - hits
    some = np.unique(np.linspace(0, len(ends) - 1, min(len(ends), MOST_POINTS - 1)).astype(int))
    recall, fallout = hits[some] / hits[-1], alarms[some] / alarms[-1]
    precision = hits[some] / (ends[some] + 1)
    roc = ((0.0, 0.0), *zip(fallout.tolist(), recall.tolist(), strict=True))
    return roc, tuple(zip(recall.tolist(), precision.tolist(), strict=True))


def _calibration(scores: Floats, positive: NDArray[np.bool_]) -> tuple[CalibrationBin, ...]:
    """Ten bins of equal width; empty ones are left out."""
    places = np.minimum((scores * BINS).astype(int), BINS - 1)
    return tuple(
        CalibrationBin(
            predicted=float(scores[inside].mean()), observed=float(positive[inside].mean()), rows=int(inside.sum())
        )
        for place in range(BINS)
        if (inside := places == place).any()
    )
