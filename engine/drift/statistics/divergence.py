"""The Jensen-Shannon distance of two sets of counts over the same bins."""

import numpy as np

from engine.drift.reference import Counts, Floats


def jensen_shannon(reference: Counts, current: Counts) -> float:
    """The root of the divergence to base 2 (J. Lin, 1991): 0 for equal shares, 1 where no bin is shared."""
    p, q = reference / reference.sum(), current / current.sum()
    middle = (p + q) / 2
    # rounding may leave a divergence of equal shares just below 0
    return float(np.sqrt(max(0.0, (_bits(p, middle) + _bits(q, middle)) / 2)))


def _bits(p: Floats, middle: Floats) -> float:
    held = p > 0
    return float(np.sum(p[held] * np.log2(p[held] / middle[held])))
