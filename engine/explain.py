"""Which columns a model relies on: how much worse it scores when one column's values are shuffled among the rows."""

import time
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, TypeAdapter

from engine.metrics import METRICS, Floats, Metric, Target, score
from engine.progress import Control
from engine.tasks import Task, encode_target

MOST_ROWS = 2_000
LEAST_ROWS = 200


class Importance(BaseModel):
    """Mean loss of the metric over repeats (positive: the column helps) and its standard deviation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    importance: float
    deviation: float


IMPORTANCES: TypeAdapter[list[Importance]] = TypeAdapter(list[Importance])


def permutation_importance(
    predict: Callable[[pd.DataFrame], Floats],
    frame: pd.DataFrame,
    y: pd.Series | Target,
    columns: Sequence[str],
    metric: Metric,
    task: Task,
    classes: Sequence[str],
    seed: int,
    seconds: float,
    control: Control | None = None,
    repeats: int = 5,
) -> list[Importance]:
    """Importance of each raw column, most important first, on at most 2,000 rows that the model was not fitted on.

    Every column is shuffled once before any is shuffled again; when `seconds` are up or the caller cancels, what is
    there is returned (a column that was never reached is left out). The rows are thinned when one round would not fit.
    """
    end = time.monotonic() + seconds
    control = control or Control()
    rng = np.random.default_rng([seed, 5])
    truth = encode_target(y, task, classes) if isinstance(y, pd.Series) else y
    known = np.flatnonzero(np.isfinite(truth) if task == "regression" else truth >= 0)
    rows = np.sort(rng.permutation(known)[:MOST_ROWS])
    began = time.monotonic()
    frame, truth = frame.iloc[rows].reset_index(drop=True), truth[rows]
    base = predict(frame)
    # half of the time for the first round: the second call is seldom as fast as the first
    share = 0.5 * seconds / max(1e-9, (time.monotonic() - began) * (len(columns) + 1))
    if share < 1 and len(rows) > LEAST_ROWS:
        fewer = max(LEAST_ROWS, int(len(rows) * share))
        frame, truth, base = frame.iloc[:fewer], truth[:fewer], base[:fewer]
    metric = _with_value(metric, truth, base)
    whole = score(metric, truth, base)
    losses: dict[str, list[float]] = {name: [] for name in columns}
    for _ in range(repeats):
        for name in columns:
            if time.monotonic() >= end or control.cancelled():
                return _summary(losses)
            shuffled = frame.copy(deep=False)
            shuffled[name] = frame[name].iloc[rng.permutation(len(frame))].set_axis(frame.index)
            losses[name].append(metric.improvement(whole, score(metric, truth, predict(shuffled))))
    return _summary(losses)


def _with_value(metric: Metric, truth: Target, base: Floats) -> Metric:
    """The metric, or log loss where it has no value on these rows (one class only)."""
    return metric if np.isfinite(score(metric, truth, base)) else METRICS["log_loss"]


def _summary(losses: dict[str, list[float]]) -> list[Importance]:
    found = [
        Importance(column=name, importance=float(np.mean(values)), deviation=float(np.std(values)))
        for name, values in losses.items()
        if values
    ]
    return sorted(found, key=lambda row: -row.importance)
