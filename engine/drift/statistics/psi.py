"""The population stability index, with its law under no change."""

import numpy as np

from engine.drift.reference import Counts, Floats
from engine.drift.statistics.tested import Tested, told

_PRIOR = 0.5
"""Jeffreys' prior: what each bin is given on both sides, so that an empty one is not infinitely surprising."""


def psi_test(reference: Counts, current: Counts) -> Tested:
    """PSI = sum (p - q) ln(p / q) of the smoothed shares of b bins; the same bins for both sides.

    When nothing changed it follows (1/n + 1/m) times chi-squared of b - 1 degrees (B. Yurdakul, "Statistical properties
    of population stability index", 2018). The effect is PSI less that law's mean, and has no upper end.
    """
    from scipy.special import chdtrc

    held = (reference + current) > 0
    bins = int(held.sum())
    if bins < 2:
        return Tested(0.0, 1.0, 0.0)
    p, q = _smoothed(reference[held]), _smoothed(current[held])
    value = float(np.sum((p - q) * np.log(p / q)))
    spread = 1 / int(reference.sum()) + 1 / int(current.sum())
    return Tested(value, told(float(chdtrc(bins - 1, value / spread))), max(0.0, value - (bins - 1) * spread))


def _smoothed(counts: Counts) -> Floats:
    shares: Floats = (counts + _PRIOR) / (counts.sum() + _PRIOR * len(counts))
    return shares
