"""Performance drift on labelled rows: is the metric worse than its baseline, by more than chance brings?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.drift.baseline import Baseline, PerformanceReference, finite, known
from engine.drift.drop import LEAST_ROWS, Held, Seen, assess, held_against, p_worse, statistic_of, untold, worsening
from engine.drift.found import PerformanceDrift
from engine.drift.policy import Policy
from engine.drift.resample import Statistic, in_batches, resampled, tail_share
from engine.errors import BadArguments
from engine.metrics import Floats, Metric, Target, score, stand_in
from engine.tasks import Task, encode_target

METHOD = "bootstrap"
LEAST_OF_CLASS = 10
"""Rows of the rarest class below which resampling rows says nothing of a metric that looks at classes one by one."""


@dataclass(frozen=True)
class Labelled:
    """Rows with a known label (n,) and a finite prediction (n,) or (n, classes); the notes tell of others."""

    truth: Target
    prediction: Floats
    notes: tuple[str, ...]


def realised(
    reference: PerformanceReference | None,
    metric: Metric,
    task: Task,
    classes: Sequence[str],
    truth: pd.Series | Target,
    prediction: Floats,
    policy: Policy,
    *,
    threshold: float = 0.5,
    baseline: Baseline | None = None,
    seed: int = 0,
) -> PerformanceDrift:
    """The metric of a prediction (n,) or (n, classes) on rows with labels, against `baseline`, or else against the
    reference's out-of-fold rows.

    `drop` is the worsening as a share of the baseline (see `engine.drift.drop.unit` for baselines about 0); its
    interval holds the uncertainty of both sides. The p-value is how often chance alone brings such a drop between as
    many rows of the reference and current rows pooled (Efron and Tibshirani 1993, algorithm 16.1), since either side
    alone may lack the rare rows that a metric hangs on. Without a reference current rows are resampled, and at least
    10 rows of the rarest class are asked for.

    A metric without a value on these rows is stood in for by log_loss or rmse. Rows without a known label or with a
    prediction that is not finite are left out and told of.

    Raises:
        BadArguments: as many labels as predictions are needed, and a probability for each class.
    """
    current = labelled(truth, prediction, task, classes)
    rows, notes = len(current.truth), current.notes
    if rows < LEAST_ROWS:
        few = f"Of {rows} labelled row(s) nothing can be told; at least {LEAST_ROWS} are needed."
        return untold(metric, "labels", METHOD, rows, *notes, few)
    value = score(metric, current.truth, current.prediction, threshold)
    if not np.isfinite(value):
        other = stand_in(task)
        notes = (*notes, f"{metric.name} has no value on these rows, so {other.name} is given instead.")
        metric, value, baseline = other, score(other, current.truth, current.prediction, threshold), None
    if not np.isfinite(value):
        return untold(metric, "labels", METHOD, rows, *notes, "The errors are beyond what numbers can hold.")
    rng = np.random.default_rng([seed, 12])
    seen = Seen(value, resampled(statistic_of(metric, current.truth, current.prediction, threshold), rows, rng), rows)
    held = held_against(metric, baseline, reference, rng)
    if held is None:
        p_value = None
    elif reference is not None and len(reference.truth) >= LEAST_ROWS:
        given, observed = None if baseline is None else held, worsening(metric, value, held.value)
        p_value = _p_by_pooling(metric, reference, current, threshold, observed, given, rng)
    elif rare := too_few_of_a_class(metric, current.truth, len(classes)):
        p_value, notes = None, (*notes, rare)
    else:
        p_value = p_worse(metric, seen, held)
    return assess(metric, seen, held, p_value, policy, source="labels", method=METHOD, notes=notes)


def labelled(truth: pd.Series | Target, prediction: Floats, task: Task, classes: Sequence[str]) -> Labelled:
    """The rows that can be measured.

    Raises:
        BadArguments: the shapes do not fit one another.
    """
    codes = encode_target(truth, task, classes) if isinstance(truth, pd.Series) else truth
    prediction = np.asarray(prediction, dtype=np.float64)
    expected = (len(codes),) if task == "regression" else (len(codes), len(classes))
    if prediction.shape != expected:
        raise BadArguments(
            f"A prediction of shape {prediction.shape} does not fit {len(codes)} label(s) of a {task} task.",
            f"Give one of shape {expected}.",
        )
    labels, numbers = known(codes, task), finite(prediction)
    usable = labels & numbers
    notes = []
    if not labels.all():
        notes.append(f"{int((~labels).sum()):,} row(s) without a label that the model knows are left out.")
    if not numbers[labels].all():
        notes.append(f"{int((labels & ~numbers).sum()):,} row(s) whose prediction is not finite are left out.")
    return Labelled(codes[usable], prediction[usable], tuple(notes))


def too_few_of_a_class(metric: Metric, truth: Target, classes: int) -> str:
    """Why resampling these rows would mislead, or ''. Means over all rows (accuracy, log_loss, errors) are safe."""
    if metric.uses in ("values", "probabilities") or metric.name == "accuracy":
        return ""
    rarest = int(np.bincount(np.asarray(truth, dtype=np.int64), minlength=classes).min())
    if rarest >= LEAST_OF_CLASS:
        return ""
    return f"With {rarest} row(s) of the rarest class, a change of {metric.name} cannot be told from chance."


def _p_by_pooling(
    metric: Metric,
    reference: PerformanceReference,
    current: Labelled,
    threshold: float,
    observed: float,
    given: Held | None,
    rng: np.random.Generator,
) -> float:
    """How often a worsening as `observed` comes between draws from both sides' rows pooled, or from a draw of current
    rows to what a given baseline may be.
    """
    truth = np.concatenate([reference.truth, current.truth])
    prediction = np.concatenate([reference.prediction, current.prediction])
    statistic = statistic_of(metric, truth, prediction, threshold)
    centre = statistic(np.arange(len(truth))[None])
    if given is not None:
        before = given.draws - given.value
    else:
        before = resampled(statistic, len(truth), rng, size=len(reference.truth)) - centre
    now = [resampled(statistic, len(truth), rng, size=len(current.truth)) - centre]
    if too_few_of_a_class(metric, current.truth, prediction.shape[-1]):
        # two rows of a class tell less than the four that might have been drawn
        now.append(_by_class(statistic, truth, current.truth, rng))
    return max(tail_share(worsening(metric, draws, before), observed) for draws in now)


def _by_class(statistic: Statistic, pooled: Target, current: Target, rng: np.random.Generator) -> Floats:
    """Deviations (b,) of a statistic on rows drawn from the pooled ones, with as many of each class as the current."""
    classes, counts = np.unique(current, return_counts=True)
    places = [np.flatnonzero(pooled == code) for code in classes]

    def draw(batch: int) -> Floats:
        drawn = [
            place[rng.integers(0, len(place), (batch, count))] for place, count in zip(places, counts, strict=True)
        ]
        return statistic(np.concatenate(drawn, axis=1))

    values = in_batches(draw, len(current))
    return np.asarray(values - values.mean(), dtype=np.float64)
