"""How often chance alone gives a two-sample Kolmogorov-Smirnov distance: the exact law or the limiting one.

Up to 10,000 values on either side the exact law is counted path by path (J. L. Hodges, "The significance probability of
the Smirnov two-sample test", 1957). Above, the limiting law is taken at the argument of J. Vrbik, "Small-sample
corrections to Kolmogorov-Smirnov test statistic" (2018), which is off by 4e-5 at most from an effective size of 500 on
and costs microseconds; below 500 it is the exact one-sample law of that size. scipy divides the cases likewise.
"""

import math

import numpy as np

from engine.drift.reference import Floats
from engine.drift.statistics.tested import told

MOST_EXACT = 10_000
LEAST_LIMIT = 500
_FAR_OUT = 1e-6
"""Below this the limiting law is as good a witness, and path counts would leave the range of a double."""
_RESCALED_EVERY = 16
_HEADROOM = 1e150


def p_value(distance: float, n: int, m: int) -> float:
    """P(D >= distance) when n and m values are of one continuous distribution; with ties it is an upper bound."""
    size = round(n * m / (n + m))
    if distance <= 0 or size < 1:
        return 1.0
    limit = _limit(distance, size)
    if max(n, m) <= MOST_EXACT and limit > _FAR_OUT:
        return told(_counted(distance, min(n, m), max(n, m)))
    far_out = _one_sample(distance, size) if size < LEAST_LIMIT else limit
    # nothing is rarer than one single order of all values
    return told(max(far_out, math.exp(-_log_paths(n, m))))


def _limit(distance: float, size: int) -> float:
    from scipy.special import kolmogorov

    root = math.sqrt(size)
    x = distance * root
    return float(kolmogorov(x + 1 / (6 * root) + (x - 1) / (4 * size)))


def _one_sample(distance: float, size: int) -> float:
    from scipy.stats import kstwo

    return float(kstwo.sf(distance, size))


def _counted(distance: float, rows: int, columns: int) -> float:
    """One less the share of all paths from (0, 0) to (rows, columns) that stay within the distance of the diagonal.

    A path reaches a point from its row or from its column, so a row of counts is the running sum of the row before.
    """
    common = math.gcd(rows, columns)
    across, down = columns // common, rows // common
    reach = math.ceil(distance * across * down * common - 1e-6)
    middle = np.arange(rows + 1) * across
    first = np.maximum((middle - reach) // down + 1, 0).tolist()
    last = np.minimum(-((-middle - reach) // down) - 1, columns).tolist()
    if last[rows] < columns or last[0] < 0:
        return 1.0
    paths: Floats = np.zeros(columns + 1)
    paths[: last[0] + 1] = 1.0
    scale = 0.0
    for row in range(1, rows + 1):
        reached = paths[first[row] : last[row] + 1]
        np.add.accumulate(reached, out=reached)
        if row % _RESCALED_EVERY == 0:
            factor = _HEADROOM / float(reached[-1])
            reached *= factor
            scale += math.log(factor)
    within = math.log(paths[columns]) - scale if paths[columns] > 0 else -math.inf
    return 1.0 - math.exp(within - _log_paths(rows, columns))


def _log_paths(rows: int, columns: int) -> float:
    return math.lgamma(rows + columns + 1) - math.lgamma(rows + 1) - math.lgamma(columns + 1)
