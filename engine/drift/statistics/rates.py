"""Comparing two rates: of missing, infinite or unseen values."""

import math

import numpy as np

from engine.drift.statistics.tested import Tested, above_chance, told

_MOST_EXACT = 1000
_TIE = 1e-7
"""Relative: tables as likely as the one found, but for rounding, count as being so."""


def rate_test(reference: int, n: int, current: int, m: int) -> Tested:
    """Are `reference` of n and `current` of m rows the same rate? Both ways: a fall is a change too.

    Fisher's exact test while the rarer outcome has at most 1,000 rows in all, the two-proportion z test above. The
    statistic is the difference current - reference, the effect its size corrected for chance.
    """
    if not n or not m:
        return Tested(0.0, 1.0, 0.0)
    held = reference + current
    pooled = held / (n + m)
    difference = current / m - reference / n
    variance = pooled * (1 - pooled) * (1 / n + 1 / m)
    if variance == 0:
        return Tested(0.0, 1.0, 0.0)
    exact = min(held, n + m - held) <= _MOST_EXACT
    p = _fisher(current, n, m, held) if exact else math.erfc(abs(difference) / math.sqrt(2 * variance))
    return Tested(difference, told(p), above_chance(difference**2, variance))


def least_p_value(held: int, n: int, m: int) -> float:
    """The smallest p-value that `held` of n + m rows can give, however they divide between the two samples.

    What cannot reach any alpha cannot raise a false alarm, and may be left out of the correction for many tests (R. E.
    Tarone, "A modified Bonferroni method for discrete data", 1990; P. B. Gilbert for the false discovery rate, 2005).
    """
    return min(rate_test(held - now, n, now, m).p_value for now in (max(0, held - n), min(held, m)))


def _fisher(current: int, n: int, m: int, held: int) -> float:
    """Share of the tables with these margins that are no likelier than the one found."""
    from scipy.special import gammaln

    split = np.arange(max(0, held - n), min(held, m) + 1)
    logs = -(gammaln(split + 1) + gammaln(m - split + 1) + gammaln(held - split + 1) + gammaln(n - held + split + 1))
    likelihood = np.exp(logs - logs.max())
    found = likelihood[current - split[0]]
    return float(likelihood[likelihood <= found * (1 + _TIE)].sum() / likelihood.sum())
