"""Feature-importance drift: does the model lean on the same columns as before, as far as labels can tell?

Columns are weighed by what shuffling them costs (permutation importance, Breiman 2001), kept row by row, so that the
two groups of rows can be exchanged to see what chance brings.
"""

import time
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.drift.baseline import known
from engine.drift.found import ImportanceDrift
from engine.drift.judging import level_of
from engine.drift.policy import Policy
from engine.drift.resample import Floats, in_batches, tail_share
from engine.errors import BadArguments
from engine.metrics import Target
from engine.tasks import Task

Contributions = NDArray[np.float32]

MOST_ROWS = 2_000
LEAST_ROWS = 50
THINNED_ROWS = 200
LEAST_PROBABILITY = 1e-4
"""A single row that a shuffle turns from sure and right to sure and wrong must not outweigh a thousand others."""


def contributions(
    predict: Callable[[pd.DataFrame], Floats],
    frame: pd.DataFrame,
    truth: Target,
    columns: Sequence[str],
    task: Task,
    seed: int,
    repeats: int = 2,
    seconds: float | None = None,
) -> Contributions:
    """(r, d) by how much the loss of each row grows when a column is shuffled among the rows, the mean of `repeats`.

    The loss is log loss (probabilities below 1e-4 count as that) or the squared error; a column's importance is its
    mean. `truth` is encoded (-1 or NaN: not known, left out). At most 2,000 rows are taken, and fewer, down to 200,
    when `seconds` would not do for one round. A column that is not reached in time, or for which a loss is beyond what
    numbers can hold, is not finite.
    """
    end = np.inf if seconds is None else time.monotonic() + seconds
    rng = np.random.default_rng([seed, 16])
    rows = rng.permutation(np.flatnonzero(known(truth, task)))[:MOST_ROWS]
    if not len(rows):
        return np.zeros((0, len(columns)), dtype=np.float32)
    frame, truth = frame.iloc[rows].reset_index(drop=True), truth[rows]
    began = time.monotonic()
    before = _loss(truth, predict(frame), task)
    if seconds is not None:
        # half of the time for the first round: the second call is seldom as fast as the first
        share = 0.5 * seconds / max(1e-9, (time.monotonic() - began) * (len(columns) + 1))
        fewer = min(len(rows), max(THINNED_ROWS, int(len(rows) * min(share, 1.0))))
        frame, truth, before = frame.iloc[:fewer], truth[:fewer], before[:fewer]
    grown = np.zeros((len(frame), len(columns)))
    rounds = np.zeros(len(columns))
    for place in [*range(len(columns))] * repeats:
        if time.monotonic() >= end:
            break
        name = columns[place]
        shuffled = frame.copy(deep=False)
        shuffled[name] = frame[name].iloc[rng.permutation(len(frame))].set_axis(frame.index)
        with np.errstate(invalid="ignore"):
            grown[:, place] += _loss(truth, predict(shuffled), task) - before
        rounds[place] += 1
    with np.errstate(over="ignore"):
        return np.where(rounds > 0, grown / np.maximum(rounds, 1), np.nan).astype(np.float32)


def importance_drift(
    reference: Contributions, names: Sequence[str], current: Contributions, policy: Policy, seed: int
) -> ImportanceDrift:
    """How far importance has moved between columns, from contributions (r, d) then and (m, d) now.

    Importance is told as shares of what all columns with a positive mean bring. Their total variation is compared with
    that of 1,000 random exchanges of rows between the groups, which gives the p-value. `change` is corrected: the mean
    of the exchanges, which few rows make large, is taken off it (not below 0); the level is by `change` and p-value
    both. Columns that are not finite on either side are left out. Source: Good 2005, permutation tests.

    Raises:
        BadArguments: the columns are not the same.
    """
    if reference.shape[1:] != (len(names),) or current.shape[1:] != (len(names),):
        raise BadArguments(
            f"Contributions of shapes {reference.shape} and {current.shape} do not fit {len(names)} column(s).",
            "Measure both on the same columns.",
        )
    measured = np.isfinite(reference).all(axis=0) & np.isfinite(current).all(axis=0)
    then, now = reference[:, measured].astype(np.float64), current[:, measured].astype(np.float64)
    if min(len(then), len(now)) < LEAST_ROWS or not measured.any():
        return ImportanceDrift(change=None, p_value=None, rows=len(now))
    kept = [names[place] for place in np.flatnonzero(measured).tolist()]
    before, after = _shares(then.mean(axis=0)), _shares(now.mean(axis=0))
    seen = float(_variation(before, after))
    chance = _exchanged(np.concatenate([then, now]), len(then), np.random.default_rng([seed, 17]))
    p_value = tail_share(chance, seen)
    change = max(0.0, seen - float(chance.mean()))
    return ImportanceDrift(
        change=change,
        p_value=p_value,
        reference=dict(zip(kept, before.tolist(), strict=True)),
        current=dict(zip(kept, after.tolist(), strict=True)),
        rows=len(now),
        level=level_of(change, p_value, policy.thresholds.importance_change, policy),
    )


def _loss(truth: Target, prediction: Floats, task: Task) -> Floats:
    """Loss of each row (n,)."""
    prediction = np.asarray(prediction, dtype=np.float64)
    if task == "regression":
        with np.errstate(over="ignore"):
            return np.asarray((truth - prediction) ** 2, dtype=np.float64)
    chosen = prediction[np.arange(len(truth)), np.asarray(truth, dtype=np.int64)]
    return -np.log(np.clip(chosen, LEAST_PROBABILITY, 1.0))


def _shares(means: Floats) -> Floats:
    """Positive parts over their sum, along the last axis; all 0 where no column helps."""
    positive = np.maximum(means, 0.0)
    whole = positive.sum(axis=-1, keepdims=True)
    return positive / np.where(whole > 0, whole, 1.0)


def _variation(one: Floats, other: Floats) -> Floats:
    """Total variation distance along the last axis."""
    return np.asarray(np.abs(one - other).sum(axis=-1) / 2, dtype=np.float64)


def _exchanged(pooled: Floats, first: int, rng: np.random.Generator) -> Floats:
    """(permutations,) distances when any `first` of the pooled rows (n, d) are taken for those of the reference."""
    rows, whole = len(pooled), pooled.sum(axis=0)

    def exchange(batch: int) -> Floats:
        drawn = np.argpartition(rng.random((batch, rows)), first - 1, axis=1)[:, :first]
        chosen = np.zeros((batch, rows))
        np.put_along_axis(chosen, drawn, 1.0, axis=1)
        sums = chosen @ pooled
        return _variation(_shares(sums / first), _shares((whole - sums) / (rows - first)))

    return in_batches(exchange, rows)
