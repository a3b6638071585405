"""Distributions in bounded memory, by the KLL sketch of DataSketches.

Karnin, Lang, Liberty: Optimal quantile approximation in streams (FOCS 2016). A sketch of any number of values holds
about 3,000 of them and can be merged with another; every rank F(x) taken from it is within `Steps.error` of the truth
(for 99 of 100 sketches at all x at once). Which values it holds is drawn by the library and differs from run to run.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.drift.numbers import merged_steps, weighted_steps
from engine.drift.reference import Steps
from engine.drift.statistics.steps import weights

if TYPE_CHECKING:
    from datasketches import kll_doubles_sketch

K = 1_024
"""Rank error 0.0027 in 24 KB."""

EXACT = 1_024
"""Distributions with so few distinct values stay exact: they take no more room than a sketch."""

_AT_ONCE = 1 << 20
"""Values given to a sketch in one call."""


@dataclass(frozen=True)
class Compact:
    """A distribution in bounded memory: exact where `sketch` is None, otherwise what the serialised sketch tells."""

    steps: Steps
    sketch: bytes | None = None


def compact(steps: Steps) -> Compact:
    """An exact distribution in bounded memory."""
    return Compact(steps) if len(steps.values) <= EXACT else told_by(_sketch(steps).serialize())


def merge(first: Compact, second: Compact) -> Compact:
    """The distribution of the values of both."""
    if first.sketch is None and second.sketch is None:
        return compact(merged_steps(first.steps, second.steps))
    union = _opened(first)
    union.merge(_opened(second))
    return told_by(union.serialize())


def told_by(sketch: bytes) -> Compact:
    """What a serialised sketch tells; its least and greatest value are exact.

    Raises:
        ValueError, IndexError, RuntimeError: the bytes are no sketch.
    """
    from datasketches import kll_doubles_sketch

    opened = kll_doubles_sketch.deserialize(sketch)
    held = np.unique([value for value, _ in opened])
    # the weights beside the values are wrong where a sketch has no value of weight 1 (DataSketches 5.2.0)
    shares = np.array(opened.get_cdf(held.tolist(), True)[:-1])
    steps = Steps(held, np.rint(shares * opened.n).astype(np.int64), opened.normalized_rank_error(False))
    return Compact(_with_ends(steps, opened.get_min_value(), opened.get_max_value()), sketch)


def _opened(part: Compact) -> "kll_doubles_sketch":
    from datasketches import kll_doubles_sketch

    return _sketch(part.steps) if part.sketch is None else kll_doubles_sketch.deserialize(part.sketch)


def _sketch(steps: Steps) -> "kll_doubles_sketch":
    from datasketches import kll_doubles_sketch

    sketch = kll_doubles_sketch(K)
    if steps.cumulative is None:
        sketch.update(steps.values)
        return sketch
    for start in range(0, steps.total, _AT_ONCE):
        ranks = np.arange(start, min(start + _AT_ONCE, steps.total))
        sketch.update(steps.values[np.searchsorted(steps.cumulative, ranks, side="right")])
    return sketch


def _with_ends(steps: Steps, least: float, greatest: float) -> Steps:
    """One of the values that stand for the lowest ones moved to the very lowest, and so above."""
    counts = weights(steps)
    counts[0] -= 1
    counts[-1] -= 1
    values, counts = np.concatenate(([least], steps.values, [greatest])), np.concatenate(([1], counts, [1]))
    return weighted_steps(values[counts > 0], counts[counts > 0], steps.error)
