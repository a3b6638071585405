"""The Wasserstein-1 distance: how far, on average, values would have to move for one sample to become the other."""

from dataclasses import dataclass

import numpy as np

from engine.drift.reference import Counts, Floats, Steps
from engine.drift.statistics.steps import at_most, quantiles, up_to, weights

_REACH = 3.0
"""Values beyond so many inter-quantile ranges are drawn in, so that one wild value cannot decide."""
_SCALES = ((0.25, 0.75, 1.349), (0.1, 0.9, 2.563), (0.01, 0.99, 4.653), (0.001, 0.999, 6.180))
"""Lower and upper share, and their distance in a normal distribution of unit deviation."""


@dataclass(frozen=True)
class Moved:
    """`distance` is in the units of the values, `effect` in robust standard deviations of the reference, with both
    sides drawn in to its quartiles and three times their range.

    Where half of the reference is one value, wider quantiles give the scale; `effect` is None where even they are
    equal and something moved.
    """

    distance: float
    effect: float | None


@np.errstate(over="ignore", invalid="ignore")
def moved(reference: Steps, current: Steps) -> Moved:
    """The distance as it stands, and drawn in and scaled; infinite or NaN where no double holds it."""
    scale = _scale(reference)
    if scale is None:
        distance = wasserstein(reference, current)
        return Moved(distance, None if distance else 0.0)
    low, high, deviation = scale
    drawn_in = wasserstein(_clipped(reference, low, high), _clipped(current, low, high))
    # what was drawn in is added, never taken off: it may be larger by any power of ten
    tails = _tail(reference, current, -np.inf, low) + _tail(reference, current, high, np.inf)
    return Moved(drawn_in + tails, drawn_in / deviation)


def wasserstein(reference: Steps, current: Steps) -> float:
    """The integral of |F^-1 - G^-1| over (0, 1), in the units of the values.

    Each current value stands for a block of quantiles. Where the reference's values of that block lie all on one side
    of it, the block's share is the difference of two sums; a block with values on both sides is cut in two.
    """
    n, m = reference.total, current.total
    blocks = _blocks(reference, current)
    apart = _sums(reference, blocks, m)
    apart -= blocks.values * np.diff(blocks.cuts)
    return float(np.abs(apart, out=apart).sum()) / (n * m)


@dataclass(frozen=True)
class _Blocks:
    """Between each two `cuts` of the quantiles, whole numbers from 0 to n m, stands one of the current `values`.

    `index` tells which distinct value of the reference begins at each cut or goes on across it.
    """

    cuts: Counts
    index: Counts
    values: Floats


def _scale(steps: Steps) -> tuple[float, float, float] | None:
    """To where values are drawn in, and the standard deviation of a normal distribution with these quantiles."""
    for low_share, high_share, deviations in _SCALES:
        low, high = (float(value) for value in quantiles(steps, (low_share, high_share)))
        if high > low:
            reach = _REACH * (high - low)
            return low - reach, high + reach, (high - low) / deviations
    return None


def _clipped(steps: Steps, low: float, high: float) -> Steps:
    return Steps(np.clip(steps.values, low, high), steps.cumulative)


def _tail(reference: Steps, current: Steps, low: float, high: float) -> float:
    """The integral of |F - G| from low to high, one of which is infinite."""
    inside = [_between(steps.values, low, high) for steps in (reference, current)]
    points = np.sort(np.concatenate([*inside, [low if np.isfinite(low) else high]]))
    if len(points) == 1:
        return 0.0
    apart = at_most(reference, points[:-1]) / reference.total - at_most(current, points[:-1]) / current.total
    return float(np.sum(np.abs(apart) * np.diff(points)))


def _between(values: Floats, low: float, high: float) -> Floats:
    return values[np.searchsorted(values, low, side="right") : np.searchsorted(values, high, side="left")]


def _blocks(reference: Steps, current: Steps) -> _Blocks:
    n, m, values = reference.total, current.total, current.values
    cuts = np.concatenate([[0], up_to(current, np.arange(1, len(values) + 1)) * n])
    index = _index(reference, cuts // m)
    last = index[1:] - (up_to(reference, index[1:]) * m == cuts[1:])
    astride = np.flatnonzero((reference.values[index[:-1]] < values) & (values < reference.values[last]))
    place = np.searchsorted(reference.values, values[astride], side="left")
    return _Blocks(
        cuts=np.insert(cuts, astride + 1, up_to(reference, place) * m),
        index=np.insert(index, astride + 1, place),
        values=np.insert(values, astride, values[astride]),
    )


def _index(steps: Steps, rank: Counts) -> Counts:
    """Which distinct value stands at each rank from 0; their number for the rank after the last."""
    return rank if steps.cumulative is None else np.searchsorted(steps.cumulative, rank, side="right")


def _sums(steps: Steps, blocks: _Blocks, m: int) -> Floats:
    """m times the sum of the reference's values in each block; a value across a cut is shared between both sides."""
    mass = steps.values if steps.cumulative is None else steps.values * weights(steps)
    index = blocks.index[:-1]
    sums = np.add.reduceat(mass, index)
    sums[:-1][index[1:] == index[:-1]] = 0.0  # where reduceat gives the value itself
    before = (blocks.cuts[:-1] - up_to(steps, index) * m) * steps.values[index]
    sums *= m
    sums -= before
    sums[:-1] += before[1:]
    return sums
