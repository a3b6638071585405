"""Which columns a model relies on: how much worse it scores when one column's values are shuffled among the rows."""

import time
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, TypeAdapter

from engine.metrics import Floats, Metric, Target, score, stand_in
from engine.progress import Control
from engine.tasks import Task, encode_target

MOST_ROWS = 2_000
LEAST_ROWS = 200
MOST_CALLS = 1_000
"""Without a clock, the work is bounded by the number of predictions instead."""


class Importance(BaseModel):
    """Mean loss of the metric over repeats (positive: the column helps) and its standard deviation, on `rows` rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    importance: float
    deviation: float
    rows: int = 0


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
    seconds: float | None,
    control: Control | None = None,
    repeats: int = 5,
    threshold: float = 0.5,
) -> list[Importance]:
    """Importance of each raw column, most important first, on at most 2,000 rows that the model was not fitted on.

    Every column is shuffled once before any is shuffled again; when `seconds` are up or the caller cancels, what is
    there is returned (a column that was never reached is left out). The rows are thinned when one round would not fit.
    """
    end = np.inf if seconds is None else time.monotonic() + seconds
    control = control or Control()
    rng = np.random.default_rng([seed, 5])
    truth = encode_target(y, task, classes) if isinstance(y, pd.Series) else y
    known = np.flatnonzero(np.isfinite(truth) if task == "regression" else truth >= 0)
    rows = np.sort(rng.permutation(known)[:MOST_ROWS])
    began = time.monotonic()
    frame, truth = frame.iloc[rows].reset_index(drop=True), truth[rows]
    base = predict(frame)
    # half of the time for the first round: the second call is seldom as fast as the first
    if seconds is None:
        share, repeats = MOST_CALLS / len(columns), max(1, min(repeats, MOST_CALLS // max(1, len(columns))))
    else:
        share = 0.5 * seconds / max(1e-9, (time.monotonic() - began) * (len(columns) + 1))
    if share < 1 and len(rows) > LEAST_ROWS:
        fewer = max(LEAST_ROWS, int(len(rows) * share))
        frame, truth, base = frame.iloc[:fewer], truth[:fewer], base[:fewer]
    if not np.isfinite(score(metric, truth, base, threshold)):
        metric = stand_in(task)
    whole = score(metric, truth, base, threshold)
    losses: dict[str, list[float]] = {name: [] for name in columns}
    for _ in range(repeats):
        for name in columns:
            if time.monotonic() >= end or control.cancelled():
                return _summary(losses, len(frame))
            shuffled = frame.copy(deep=False)
            shuffled[name] = frame[name].iloc[rng.permutation(len(frame))].set_axis(frame.index)
            losses[name].append(metric.improvement(whole, score(metric, truth, predict(shuffled), threshold)))
    return _summary(losses, len(frame))


def _summary(losses: dict[str, list[float]], rows: int) -> list[Importance]:
    found = [
        Importance(column=name, importance=float(np.mean(values)), deviation=float(np.std(values)), rows=rows)
        for name, values in losses.items()
        if values
    ]
    return sorted(found, key=lambda row: -row.importance)
