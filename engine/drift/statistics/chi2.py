"""The chi-squared test of homogeneity of two sets of counts, on bins that are full enough for it."""

import math
from dataclasses import dataclass

import numpy as np

from engine.drift.reference import Counts
from engine.drift.statistics.tested import Tested, above_chance, told


@dataclass(frozen=True)
class Homogeneity(Tested):
    """`cramers_v` is as it stands in textbooks; it shrinks as the sizes of the samples differ, `effect` does not."""

    cramers_v: float
    degrees: int


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
