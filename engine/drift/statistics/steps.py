"""Reading empirical distributions: how many values lie below a point, which value stands at a rank."""

import numpy as np

from engine.drift.reference import Counts, Floats, Steps


def from_sorted(values: Floats) -> Steps:
    """The distribution of sorted finite values."""
    last = np.empty(len(values), dtype=bool)
    last[-1:] = True
    np.not_equal(values[1:], values[:-1], out=last[:-1])
    if last.all():
        return Steps(values)
    ends = np.flatnonzero(last)
    return Steps(values[ends], ends + 1)


def up_to(steps: Steps, index: Counts) -> Counts:
    """How many values are among the first `index` distinct ones."""
    if steps.cumulative is None:
        return index
    counted = steps.cumulative[np.maximum(index - 1, 0)]
    return np.where(index > 0, counted, 0)


def at_most(steps: Steps, points: Floats) -> Counts:
    """How many values are <= each point."""
    return up_to(steps, np.searchsorted(steps.values, points, side="right"))


def weights(steps: Steps) -> Counts:
    """How many values equal each distinct one."""
    if steps.cumulative is None:
        return np.ones(len(steps.values), dtype=np.int64)
    return np.diff(steps.cumulative, prepend=0)


def quantiles(steps: Steps, shares: tuple[float, ...]) -> Floats:
    """The least value up to which at least each share of the values lies."""
    ranks = np.maximum(np.ceil(np.asarray(shares) * steps.total).astype(np.int64), 1) - 1
    index: Counts = ranks if steps.cumulative is None else np.searchsorted(steps.cumulative, ranks, side="right")
    return steps.values[index]
