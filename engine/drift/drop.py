"""How much worse a metric is than its baseline, as a share of it, and how sure that is."""

from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

from engine.drift.baseline import Baseline, PerformanceReference
from engine.drift.found import PerformanceDrift
from engine.drift.judging import level_of
from engine.drift.levels import Level
from engine.drift.policy import Policy
from engine.drift.resample import REPEATS, Statistic, deviation, interval, resampled
from engine.metrics import Floats, Metric, Target, labels_of, score

LEAST_ROWS = 20
"""Below, nothing is said of a drop."""
LEAST_GOODNESS = 0.1
LEAST_LOG_LOSS = 0.05
LEAST_ERROR = 0.01

Source = Literal["labels", "estimated"]
Amount = TypeVar("Amount", float, Floats)


@dataclass(frozen=True)
class Held:
    """A resolved baseline: its value, (b,) values that it might as well have had, and the spread of its target."""

    value: float
    draws: Floats
    spread: float


@dataclass(frozen=True)
class Seen:
    """A metric of current rows: its value and (b,) values that it might as well have had."""

    value: float
    draws: Floats
    rows: int


def statistic_of(metric: Metric, truth: Target, prediction: Floats, threshold: float) -> Statistic:
    """The metric as a function of row numbers, for the bootstrap. Metrics that are means over rows are quick."""
    loss = _row_losses(metric, truth, prediction, threshold)
    if loss is None:
        return lambda draws: np.array([score(metric, truth[rows], prediction[rows], threshold) for rows in draws])
    if metric.name != "rmse":
        return lambda draws: loss[draws].mean(axis=1)
    # errors of 1e200 are finite, their squares are not
    scale = float(loss.max(initial=0.0)) or 1.0
    squares = (loss / scale) ** 2
    return lambda draws: scale * np.sqrt(squares[draws].mean(axis=1))


def _row_losses(metric: Metric, truth: Target, prediction: Floats, threshold: float) -> Floats | None:
    """(n,) values whose mean the metric is (of squares, for rmse); None if it is no mean."""
    if metric.name == "accuracy":
        return np.asarray(labels_of(prediction, threshold) == truth, dtype=np.float64)
    if metric.name == "log_loss":
        chosen = prediction[np.arange(len(truth)), np.asarray(truth, dtype=np.int64)]
        tiny = np.finfo(np.float64).eps
        return np.asarray(-np.log(np.clip(chosen, tiny, 1 - tiny)), dtype=np.float64)
    return np.asarray(np.abs(truth - prediction), dtype=np.float64) if metric.name in ("mae", "rmse") else None


def worsening(metric: Metric, value: Amount, baseline: Amount) -> Amount:
    """How much worse `value` is than `baseline`, in the metric's own units."""
    return baseline - value if metric.greater_is_better else value - baseline


def unit(metric: Metric, baseline: float, spread: float) -> float:
    """What a drop is a share of: the baseline's size, but never so little that trifles become large shares.

    Metrics whose best value is 1 (roc_auc, f1, r2 ...): at least 0.1, which also serves an r2 about or below 0.
    log_loss: at least 0.05. rmse and mae: at least a hundredth of the spread of the reference's target. 1 where all of
    these are 0.
    """
    if metric.greater_is_better:
        return max(abs(baseline), LEAST_GOODNESS)
    least = LEAST_LOG_LOSS if metric.uses == "probabilities" else LEAST_ERROR * spread
    return max(abs(baseline), least) or 1.0


def held_against(
    metric: Metric,
    baseline: Baseline | None,
    reference: PerformanceReference | None,
    rng: np.random.Generator,
    repeats: int = REPEATS,
) -> Held | None:
    """The baseline, or else the metric of the reference's rows; None when there is neither or it has no value."""
    spread = 0.0 if reference is None else _spread(reference.truth)
    if baseline is not None:
        return Held(baseline.value, rng.normal(baseline.value, baseline.deviation, repeats), spread)
    if reference is None or not np.isfinite(value := reference.value(metric)):
        return None
    statistic = statistic_of(metric, reference.truth, reference.prediction, reference.threshold)
    return Held(value, resampled(statistic, len(reference.truth), rng, repeats=repeats), spread)


def _spread(truth: Target) -> float:
    """Half the distance of the 16 % and 84 % quantiles: one wild value does not move it, as it does the deviation."""
    if not len(truth):
        return 0.0
    low, high = np.quantile(truth, [0.16, 0.84])
    return float(high / 2 - low / 2)


def p_worse(metric: Metric, seen: Seen, held: Held) -> float | None:
    """One-sided p-value of a worsening, by the mean and the deviation of the drawn ones (normal).

    Finer than counting draws, and sparing with them. None without a finite draw.
    """
    from scipy.special import ndtr

    draws = worsening(metric, seen.draws, held.draws)
    draws = draws[np.isfinite(draws)]
    if not len(draws):
        return None
    mean, error = float(draws.mean()), deviation(draws)
    if error == 0.0:
        return 0.0 if mean > 0 else 1.0
    return float(ndtr(-mean / error))


def assess(
    metric: Metric,
    seen: Seen,
    held: Held | None,
    p_value: float | None,
    policy: Policy,
    *,
    source: Source,
    method: str,
    notes: tuple[str, ...] = (),
) -> PerformanceDrift:
    """The record of a metric held against its baseline.

    The draws of both sides are paired by their place, so that what they have in common cancels.
    """
    found = PerformanceDrift(
        source=source, metric=metric.name, value=seen.value, interval=interval(seen.draws), baseline=None, drop=None,
        drop_interval=None, p_value=None, rows=seen.rows, level=Level.GREEN, method=method, notes=notes,
    )  # fmt: skip
    if held is None:
        return found.model_copy(update={"notes": (*notes, "There is no baseline to hold it against.")})
    scale = unit(metric, held.value, held.spread)
    # .9 to .81 is a tenth, which it is not to the last digit
    drop = round(worsening(metric, seen.value, held.value) / scale, 12)
    told = {
        "baseline": held.value,
        "drop": drop,
        "drop_interval": interval(worsening(metric, seen.draws, held.draws) / scale),
        "p_value": p_value,
        "level": Level.GREEN if p_value is None else level_of(drop, p_value, policy.thresholds.metric_drop, policy),
    }
    return found.model_copy(update=told)


def untold(metric: Metric, source: Source, method: str, rows: int, *notes: str) -> PerformanceDrift:
    """The record of a metric that has no value to tell."""
    return PerformanceDrift(
        source=source, metric=metric.name, value=None, interval=None, baseline=None, drop=None, drop_interval=None,
        p_value=None, rows=rows, level=Level.GREEN, method=method, notes=notes,
    )  # fmt: skip
