"""The two-sample Kolmogorov-Smirnov distance, exact, without looking at every value of a large reference."""

import math

import numpy as np

from engine.drift.reference import Counts, Floats, Steps
from engine.drift.statistics import kolmogorov
from engine.drift.statistics.steps import up_to
from engine.drift.statistics.tested import Tested, above_chance

_MEAN_SQUARE = math.pi**2 / 12
"""Of Kolmogorov's law: what n m / (n + m) times the squared distance is on average by chance."""
_GRID = 1024


def ks_test(reference: Steps, current: Steps) -> Tested:
    """Distance D = sup |F - G| of two samples of n and m values, both with at least one.

    The effect is sqrt(D^2 - pi^2/12 (1/n + 1/m)). Where the reference is a sketch, its greatest error is taken off D
    for the p-value and for the effect: what the sketch alone may have brought is no sign of drift.
    """
    n, m = reference.total, current.total
    distance = ks_distance(reference, current)
    sure = max(0.0, distance - reference.error - current.error)
    return Tested(
        statistic=distance,
        p_value=kolmogorov.p_value(sure, n, m),
        effect=above_chance(sure**2, _MEAN_SQUARE * (1 / n + 1 / m)),
    )


def ks_distance(reference: Steps, current: Steps) -> float:
    """sup |F - G|, over both sides of every value.

    Between two neighbouring points of a grid of reference values both distributions only rise, which bounds their
    distance there; only where the bound beats what is found already are the current values looked up one by one.
    """
    if len(reference.values) <= 4 * _GRID or len(current.values) <= 4 * _GRID:
        return _largest(reference, current, np.arange(len(current.values)))
    grid = np.linspace(0, len(reference.values) - 1, _GRID).astype(np.int64)
    points = reference.values[grid]
    starts = np.searchsorted(current.values, points, side="right")
    ends = np.searchsorted(current.values, points, side="left")
    ours, ours_before = _shares(reference, grid + 1), _shares(reference, grid)
    theirs, theirs_before = _shares(current, starts), _shares(current, ends)
    found = float(max(np.abs(ours - theirs).max(), np.abs(ours_before - theirs_before).max()))
    bound = np.maximum(ours_before[1:] - theirs[:-1], theirs_before[1:] - ours[:-1])
    opened = np.flatnonzero(bound > found)
    inside = _ranges(starts[:-1][opened], ends[1:][opened])
    return max(found, _largest(reference, current, inside))


def _shares(steps: Steps, index: Counts) -> Floats:
    return up_to(steps, index) / steps.total


def _largest(reference: Steps, current: Steps, index: Counts) -> float:
    """The greatest distance just before and at these current values."""
    if not len(index):
        return 0.0
    points = current.values[index]
    place = np.searchsorted(reference.values, points, side="left")
    equal = reference.values[np.minimum(place, len(reference.values) - 1)] == points
    before = np.abs(_shares(reference, place) - _shares(current, index))
    at = np.abs(_shares(reference, place + equal) - _shares(current, index + 1))
    return float(max(before.max(), at.max()))


def _ranges(starts: Counts, ends: Counts) -> Counts:
    """All whole numbers of the ranges [start, end), one after the other."""
    lengths = ends - starts
    numbers: Counts = np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
    return numbers + np.arange(len(numbers))
