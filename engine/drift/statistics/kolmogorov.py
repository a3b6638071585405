"""How often chance alone gives a two-sample Kolmogorov-Smirnov distance: the asymptotic law at the effective size.

From an effective size n m / (n + m) of 500 on, Kolmogorov's limiting law is taken at the argument of J. Vrbik,
"Small-sample corrections to Kolmogorov-Smirnov test statistic" (2018), which is off by 4e-5 at most and costs
microseconds; below, and wherever the p-value is near to a line that decides, it is the exact one-sample law of that
size, which scipy's `ks_2samp(method="asymp")` takes throughout.
"""

import math

from engine.drift.statistics.tested import told

LEAST_SIZE = 2
"""Of fewer values nothing can be told."""
LEAST_LIMIT = 500
LINES = (0.05, 0.005, 0.001)
"""Levels of significance of the usual policy."""
_NEAR = 0.2


def p_value(distance: float, n: int, m: int) -> float:
    """P(D >= distance) when n and m values are of one continuous distribution; with ties it is an upper bound."""
    size = round(n * m / (n + m))
    if distance <= 0 or size < LEAST_SIZE:
        return 1.0
    limit = _limit(distance, size)
    near = any(abs(limit - line) <= _NEAR * line for line in LINES)
    p = _one_sample(distance, size) if size < LEAST_LIMIT or near else limit
    # nothing is rarer than one single order of all values
    return told(min(1.0, max(p, math.exp(-_log_orders(n, m)))))


def _limit(distance: float, size: int) -> float:
    from scipy.special import kolmogorov

    root = math.sqrt(size)
    x = distance * root
    return float(kolmogorov(x + 1 / (6 * root) + (x - 1) / (4 * size)))


def _one_sample(distance: float, size: int) -> float:
    from scipy.stats import kstwo

    return float(kstwo.sf(distance, size))


def _log_orders(n: int, m: int) -> float:
    """Logarithm of the number of ways in which two samples can be sorted into one."""
    return math.lgamma(n + m + 1) - math.lgamma(n + 1) - math.lgamma(m + 1)
