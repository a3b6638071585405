"""The chi-squared test of homogeneity of two sets of counts, on bins that are full enough for it."""

import math
from dataclasses import dataclass, replace

import numpy as np

from engine.drift.reference import Counts
from engine.drift.statistics.pooling import Bins
from engine.drift.statistics.rates import rate_test
from engine.drift.statistics.tested import Tested, above_chance, told


@dataclass(frozen=True)
class Homogeneity(Tested):
    """`cramers_v` is as it stands in textbooks; it shrinks as the sizes of the samples differ, `effect` does not."""

    cramers_v: float
    degrees: int


def bins_test(bins: Bins) -> Homogeneity:
    """The chi-squared test of bins. If the last one is rare, it is set against all others by Fisher's exact test, and
    chi-squared is asked of the others alone; the p-value is that of the two together (Bonferroni).
    """
    whole = chi2_test(bins.reference, bins.current)
    if not bins.rare:
        return whole
    n, m = int(bins.reference.sum()), int(bins.current.sum())
    last = rate_test(int(bins.reference[-1]), n, int(bins.current[-1]), m)
    if whole.degrees == 1:
        return replace(whole, p_value=last.p_value)
    others = chi2_test(bins.reference[:-1], bins.current[:-1])
    return replace(whole, p_value=min(1.0, 2 * min(last.p_value, others.p_value)))


def chi2_test(reference: Counts, current: Counts) -> Homogeneity:
    """Are two samples, counted in the same bins, of one distribution? Neither is taken to be exact.

    The effect is Cramer's V of two equally large samples with these shares, sqrt(sum (p - q)^2 / (p + q) / 2), less
    what chance brings to its square, (b - 1) (1/n + 1/m) / 4. For samples of equal size that is sqrt((chi2 - (b - 1))
    / (n + m)).
    """
    from scipy.special import chdtrc

    held = (reference + current) > 0
    n, m, bins = int(reference.sum()), int(current.sum()), int(held.sum())
    if bins < 2 or not n or not m:
        return Homogeneity(0.0, 1.0, 0.0, 0.0, 0)
    p, q = reference[held] / n, current[held] / m
    squares = (p - q) ** 2
    statistic = float(np.sum(squares / (n * p + m * q))) * n * m
    return Homogeneity(
        statistic=statistic,
        p_value=told(float(chdtrc(bins - 1, statistic))),
        effect=above_chance(float(np.sum(squares / (p + q))) / 2, (bins - 1) * (1 / n + 1 / m) / 4),
        cramers_v=math.sqrt(statistic / (n + m)),
        degrees=bins - 1,
    )
