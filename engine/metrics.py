"""Metrics, each written once over resampling weights, so that a score and its bootstrap interval are the same code.

Shapes: n rows, k classes, b resamples. A prediction is (n,) float for regression and (n, k) probabilities for classes
(binary has k = 2; column 1 is the positive class). Label metrics are functions of confusion counts (b, k, k), true
class first; all others are functions of (y, prediction, weights (b, n)).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.errors import BadChoice
from engine.tasks import Task

Floats = NDArray[np.float64]
Target = NDArray[np.float64] | NDArray[np.int64]
Uses = Literal["labels", "scores", "probabilities", "values"]

CELLS_PER_INTERVAL = 40_000_000
CELLS_PER_BATCH = 2_000_000
MANY_RESAMPLES = 16
RARE_SHARE = 0.05
UNEVEN_SHARE = 0.5
OTHER_NAMES = {"auc": "roc_auc", "pr_auc": "average_precision", "logloss": "log_loss", "f1_macro": "macro_f1"}


@dataclass(frozen=True)
class Metric:
    """`uses` says what of a prediction it looks at; `tuned` that a binary decision threshold may be chosen for it."""

    name: str
    tasks: tuple[Task, ...]
    greater_is_better: bool
    uses: Uses
    tuned: bool = False

    def improvement(self, new: float, old: float) -> float:
        """How much better `new` is than `old`, in the metric's own units."""
        return new - old if self.greater_is_better else old - new


_CLASSES: tuple[Task, ...] = ("binary", "multiclass")
METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("roc_auc", _CLASSES, True, "scores"),
        Metric("average_precision", ("binary",), True, "scores"),
        Metric("f1", ("binary",), True, "labels", tuned=True),
        Metric("precision", ("binary",), True, "labels"),
        Metric("recall", ("binary",), True, "labels"),
        Metric("accuracy", _CLASSES, True, "labels"),
        Metric("balanced_accuracy", _CLASSES, True, "labels", tuned=True),
        Metric("macro_f1", _CLASSES, True, "labels", tuned=True),
        Metric("log_loss", _CLASSES, False, "probabilities"),
        Metric("rmse", ("regression",), False, "values"),
        Metric("mae", ("regression",), False, "values"),
        Metric("r2", ("regression",), True, "values"),
    )
}


def metrics_of(task: Task) -> list[Metric]:
    """The metrics that fit a task."""
    return [metric for metric in METRICS.values() if task in metric.tasks]


def metric_name(asked: str) -> str:
    """The name that a metric has here, however it was written: 'F1' is f1, 'AUC' and 'roc-auc' are roc_auc."""
    name = asked.strip().lower().replace("-", "_").replace(" ", "_")
    return OTHER_NAMES.get(name, name)


def choose_metric(task: Task, target: pd.Series, asked: str | None = None) -> Metric:
    """The metric asked for, or the one that fits task and balance.

    Binary: roc_auc, or average_precision when one class has under 5 % of the rows. Multiclass: log_loss, or macro_f1
    when some class has under half its even share. Regression: rmse. 'f1' of a multiclass task is read as macro_f1.

    Raises:
        BadChoice: unknown, or not a metric of this task.
    """
    if asked is None:
        return METRICS[_default_metric(task, target)]
    name = metric_name(asked)
    if task == "multiclass" and name == "f1":
        name = "macro_f1"
    choices = [metric.name for metric in metrics_of(task)]
    if name not in choices:
        raise BadChoice(f"metric of a {task} task", asked, choices)
    return METRICS[name]


def _default_metric(task: Task, target: pd.Series) -> str:
    if task == "regression":
        return "rmse"
    shares = target.dropna().value_counts(normalize=True)
    if task == "binary":
        return "average_precision" if shares.min() < RARE_SHARE else "roc_auc"
    return "macro_f1" if shares.min() < UNEVEN_SHARE / len(shares) else "log_loss"


def score(metric: Metric, y: Target, prediction: Floats, threshold: float = 0.5) -> float:
    """The metric of a prediction; NaN where it has no value (roc_auc of rows of one class).

    `threshold` is the least probability of the positive class at which a binary label is positive.
    """
    prediction = np.asarray(prediction, dtype=np.float64)
    if metric.uses == "labels":
        return float(_LABEL_METRICS[metric.name](confusion(y, prediction, threshold)[None].astype(np.float64))[0])
    return float(_ROW_METRICS[metric.name](y, prediction, np.ones((1, len(y))))[0])


def resampled_scores(metric: Metric, y: Target, prediction: Floats, weights: Floats, threshold: float = 0.5) -> Floats:
    """The metric of b resamples, (b,), that have row i `weights[b, i]` times; NaN where it has no value."""
    if metric.uses == "labels":
        return _LABEL_METRICS[metric.name](_weighted_tables(y, prediction, weights, threshold))
    return _ROW_METRICS[metric.name](y, prediction, weights)


def stand_in(task: Task) -> Metric:
    """The metric that has a value on any rows, for those on which the chosen one has none."""
    return METRICS["rmse" if task == "regression" else "log_loss"]


def bootstrap_interval(
    metric: Metric, y: Target, prediction: Floats, seed: int, repeats: int = 1000, threshold: float = 0.5
) -> tuple[float, float]:
    """The 95 % percentile interval over resampled rows; (NaN, NaN) when no resample has a value.

    A resample without a value (a class is missing from it) is left out. Over 40,000 rows fewer resamples are drawn
    (at least 100), since the interval is narrow there and the time is better spent.
    """
    rng = np.random.default_rng(seed)
    prediction = np.asarray(prediction, dtype=np.float64)
    if metric.uses == "labels":
        values = _resampled_labels(metric, y, prediction, threshold, rng, repeats)
    else:
        values = _resampled_rows(metric, y, prediction, rng, repeats)
    values = values[np.isfinite(values)]
    if not len(values):
        return float("nan"), float("nan")
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def _resampled_labels(
    metric: Metric, y: Target, prediction: Floats, threshold: float, rng: np.random.Generator, repeats: int
) -> Floats:
    # resampling rows with replacement makes the confusion cells multinomial, exactly
    table = confusion(y, prediction, threshold)
    draws = rng.multinomial(len(y), table.ravel() / len(y), size=repeats)
    return _LABEL_METRICS[metric.name](draws.reshape(-1, *table.shape).astype(np.float64))


def _resampled_rows(metric: Metric, y: Target, prediction: Floats, rng: np.random.Generator, repeats: int) -> Floats:
    rows = len(y)
    repeats = min(repeats, max(100, CELLS_PER_INTERVAL // rows))
    batch = max(1, CELLS_PER_BATCH // rows)
    values = []
    for start in range(0, repeats, batch):
        size = min(batch, repeats - start)
        drawn = rng.integers(0, rows, size=(size, rows)) + np.arange(size)[:, None] * rows
        weights = np.bincount(drawn.ravel(), minlength=size * rows).reshape(size, rows).astype(np.float64)
        values.append(_ROW_METRICS[metric.name](y, prediction, weights))
    return np.concatenate(values)


def labels_of(prediction: Floats, threshold: float = 0.5) -> NDArray[np.int64]:
    """Class codes (n,) of probabilities (n, k)."""
    if prediction.shape[1] == 2:
        return (prediction[:, 1] >= threshold).astype(np.int64)
    return np.asarray(np.argmax(prediction, axis=1), dtype=np.int64)


def confusion(y: Target, prediction: Floats, threshold: float = 0.5) -> NDArray[np.int64]:
    """Counts (k, k): true class by row, predicted class by column."""
    k = prediction.shape[1]
    cells = np.asarray(y, dtype=np.int64) * k + labels_of(prediction, threshold)
    return np.asarray(np.bincount(cells, minlength=k * k).reshape(k, k), dtype=np.int64)


def _weighted_tables(y: Target, prediction: Floats, weights: Floats, threshold: float) -> Floats:
    """Confusion counts (b, k, k) of rows that count `weights` (b, n) times."""
    from scipy.sparse import csr_array

    rows, k = prediction.shape
    cells = np.asarray(y, dtype=np.int64) * k + labels_of(prediction, threshold)
    belongs = csr_array((np.ones(rows), (cells, np.arange(rows))), shape=(k * k, rows))
    return np.asarray((belongs @ weights.T).T, dtype=np.float64).reshape(-1, k, k)


def best_threshold(metric: Metric, y: Target, prediction: Floats, most_cuts: int = 400) -> tuple[float, float]:
    """The threshold of a binary label metric that scores best on these rows, and that score.

    Cuts are at most `most_cuts` quantiles of the probabilities; of equally good ones the nearest to 0.5 is taken.
    """
    positive = prediction[:, 1]
    cuts = np.unique(np.append(np.quantile(positive, np.linspace(0.0, 1.0, most_cuts)), 0.5))
    cuts = cuts[(cuts > 0.0) & (cuts < 1.0)]
    tables = _tables_at(cuts, positive[y == 1], positive[y == 0])
    values = _LABEL_METRICS[metric.name](tables)
    winners = np.flatnonzero(values >= values.max() - 1e-12)
    best = winners[np.argmin(np.abs(cuts[winners] - 0.5))]
    return float(cuts[best]), float(values[best])


def _tables_at(cuts: Floats, of_positives: Floats, of_negatives: Floats) -> Floats:
    """Confusion counts (cuts, 2, 2) of a binary prediction at each cut."""
    missed = np.searchsorted(np.sort(of_positives), cuts, side="left").astype(np.float64)
    kept = np.searchsorted(np.sort(of_negatives), cuts, side="left").astype(np.float64)
    cells = [kept, len(of_negatives) - kept, missed, len(of_positives) - missed]
    return np.stack(cells, axis=1).reshape(-1, 2, 2)


def _ratio(above: Floats, below: Floats, otherwise: float = 0.0) -> Floats:
    """Quotients, `otherwise` where the divisor is not positive."""
    quotients: Floats = np.divide(above, below, out=np.full(above.shape, otherwise), where=below > 0)
    return quotients


def _accuracy(tables: Floats) -> Floats:
    return _ratio(np.trace(tables, axis1=1, axis2=2), tables.sum(axis=(1, 2)))


def _recalls(tables: Floats) -> Floats:
    return _ratio(np.diagonal(tables, axis1=1, axis2=2).copy(), tables.sum(axis=2))


def _balanced_accuracy(tables: Floats) -> Floats:
    present = tables.sum(axis=2) > 0
    return _ratio((_recalls(tables) * present).sum(axis=1), present.sum(axis=1))


def _f1_by_class(tables: Floats) -> Floats:
    hits = np.diagonal(tables, axis1=1, axis2=2).copy()
    return _ratio(2 * hits, tables.sum(axis=1) + tables.sum(axis=2))


def _macro_f1(tables: Floats) -> Floats:
    # as scikit-learn: classes that are neither true nor predicted anywhere do not count
    present = (tables.sum(axis=1) + tables.sum(axis=2)) > 0
    return _ratio((_f1_by_class(tables) * present).sum(axis=1), present.sum(axis=1))


def _precision(tables: Floats) -> Floats:
    return _ratio(tables[:, 1, 1], tables[:, :, 1].sum(axis=1))


_LABEL_METRICS: dict[str, Callable[[Floats], Floats]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "macro_f1": _macro_f1,
    "f1": lambda tables: _f1_by_class(tables)[:, 1],
    "precision": _precision,
    "recall": lambda tables: _recalls(tables)[:, 1],
}


def _steps(scores: Floats, hits: NDArray[np.bool_], weights: Floats) -> tuple[Floats, Floats]:
    """Cumulative positive and negative weight at each distinct score, highest first: two (b, distinct) arrays."""
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    ranked, positive = weights[:, order], hits[order]
    return np.cumsum(ranked * positive, axis=1)[:, ends], np.cumsum(ranked * ~positive, axis=1)[:, ends]


def _binary_auc(hits: NDArray[np.bool_], scores: Floats, weights: Floats) -> Floats:
    if len(weights) >= MANY_RESAMPLES and hits.any():
        return _many_aucs(hits, scores, weights)
    true, false = _steps(scores, hits, weights)
    true = np.concatenate([np.zeros((len(true), 1)), true], axis=1)
    false = np.concatenate([np.zeros((len(false), 1)), false], axis=1)
    area = np.sum(np.diff(false, axis=1) * (true[:, 1:] + true[:, :-1]) / 2, axis=1)
    return _ratio(area, true[:, -1] * false[:, -1], np.nan)


def _many_aucs(hits: NDArray[np.bool_], scores: Floats, weights: Floats) -> Floats:
    """`_binary_auc` by sums over the rows between two scores of positives, many times faster for many resamples."""
    from scipy.sparse import csr_array

    levels = np.unique(scores[hits])
    # 2l: between the levels l - 1 and l; 2l + 1: at level l; after those the positives of each level
    group = np.searchsorted(levels, scores, side="left") + np.searchsorted(levels, scores, side="right")
    group = np.where(hits, 2 * len(levels) + 1 + group // 2, group)
    belongs = csr_array((np.ones(len(hits)), (group, np.arange(len(hits)))), shape=(3 * len(levels) + 1, len(hits)))
    sums = belongs @ weights.T
    false, true = sums[: 2 * len(levels) + 1], sums[2 * len(levels) + 1 :]
    beaten = np.cumsum(false, axis=0)[:-1:2] + false[1::2] / 2
    return _ratio(np.einsum("lb,lb->b", true, beaten), true.sum(axis=0) * false.sum(axis=0), np.nan)


def _roc_auc(y: Target, prediction: Floats, weights: Floats) -> Floats:
    if prediction.shape[1] == 2:
        return _binary_auc(y == 1, prediction[:, 1], weights)
    columns = [_binary_auc(y == code, prediction[:, code], weights) for code in np.unique(y).astype(int)]
    values = np.stack(columns)
    defined = np.isfinite(values)
    # mean of one-versus-rest over the classes that are there
    return _ratio(np.where(defined, values, 0).sum(axis=0), defined.sum(axis=0), np.nan)


def _average_precision(y: Target, prediction: Floats, weights: Floats) -> Floats:
    true, false = _steps(prediction[:, 1], y == 1, weights)
    precision = _ratio(true, true + false)
    gained = np.diff(true, axis=1, prepend=0.0)
    return _ratio((precision * gained).sum(axis=1), true[:, -1], np.nan)


def _log_loss(y: Target, prediction: Floats, weights: Floats) -> Floats:
    tiny = np.finfo(np.float64).eps
    chosen = prediction[np.arange(len(y)), np.asarray(y, dtype=np.int64)]
    return _ratio(-(weights @ np.log(np.clip(chosen, tiny, 1 - tiny))), weights.sum(axis=1))


def _squared(y: Target, prediction: Floats, weights: Floats) -> Floats:
    return _ratio(weights @ (y - prediction) ** 2, weights.sum(axis=1))


def _absolute(y: Target, prediction: Floats, weights: Floats) -> Floats:
    return _ratio(weights @ np.abs(y - prediction), weights.sum(axis=1))


def _rmse(y: Target, prediction: Floats, weights: Floats) -> Floats:
    # errors of 1e200 are finite, their squares are not
    scale = float(np.abs(y - prediction).max(initial=0.0)) or 1.0
    return scale * np.sqrt(_squared(y / scale, prediction / scale, weights))


def _r2(y: Target, prediction: Floats, weights: Floats) -> Floats:
    centre = y.mean()
    scale = max(float(np.abs(y - centre).max(initial=0.0)), 1.0)  # keeps squares finite
    # centred, so that the difference of squares is exact for targets far from zero
    centred, prediction = (y - centre) / scale, (prediction - centre) / scale
    whole = weights.sum(axis=1)
    spread = (weights @ centred**2) / whole - ((weights @ centred) / whole) ** 2
    # a spread of rounding noise only is no spread
    spread = np.where(spread > 1e-300, spread, 0.0)
    return 1 - _ratio(_squared(centred, prediction, weights), spread, np.nan)


_ROW_METRICS: dict[str, Callable[[Target, Floats, Floats], Floats]] = {
    "roc_auc": _roc_auc,
    "average_precision": _average_precision,
    "log_loss": _log_loss,
    "rmse": _rmse,
    "mae": _absolute,
    "r2": _r2,
}
