"""How many rows an A/B test needs to see a difference, and the bounds of one that is looked at more than once.

Shares:  z-test of two shares, two-sided, with the pooled variance under the null and the separate ones under the
         alternative (Fleiss, Levin and Paik 2003, chapter 4, without continuity correction).
Means:   t-test of two means of one standard deviation, two-sided, power from the noncentral t.
Looks:   O'Brien and Fleming 1979: equally spaced, the bound on z falls as the square root of the looks so far; solved
         by integrating over the looks (Armitage, McPherson and Rowe 1969), and with it the factor for the rows.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

LEAST = 2
MANY = 2_000
"""Rows of an arm from which the normal distribution stands in for Student's t, with the usual correction."""
NODES = 200


@dataclass(frozen=True)
class Arms:
    """Rows of the model in use and of the new one."""

    a: int
    b: int


def rows_for_shares(first: float, second: float, *, share: float, power: float, alpha: float) -> Arms:
    """Rows to tell two shares apart; `share` of all rows go to the second.

    Raises ValueError: a share outside (0, 1] and [0, 1), or equal ones.
    """
    from scipy.special import ndtri

    if first == second or not (0 <= first <= 1 and 0 <= second <= 1):
        raise ValueError(f"{first} and {second} are no two shares to tell apart")
    ratio = share / (1 - share)
    pooled = (first + ratio * second) / (1 + ratio)
    null = math.sqrt((1 + 1 / ratio) * pooled * (1 - pooled))
    other = math.sqrt(first * (1 - first) + second * (1 - second) / ratio)
    needed = ((float(ndtri(1 - alpha / 2)) * null + float(ndtri(power)) * other) / (first - second)) ** 2
    return _arms(needed, ratio)


def rows_for_means(difference: float, deviation: float, *, share: float, power: float, alpha: float) -> Arms:
    """Rows to tell two means of values with this standard deviation apart; `share` of all rows go to the second.

    Raises ValueError: a difference or deviation that is not above 0.
    """
    from scipy.special import ndtri

    if not (difference > 0 and deviation > 0):
        raise ValueError("a difference and a deviation above 0 are needed")
    ratio = share / (1 - share)
    quantile = float(ndtri(1 - alpha / 2))
    normal = (1 + 1 / ratio) * ((quantile + float(ndtri(power))) * deviation / difference) ** 2
    if normal >= MANY:
        return _arms(normal + quantile**2 / 4, ratio)
    rows = max(LEAST, math.floor(normal))
    while _power_of_t(_arms(rows, ratio), difference / deviation, alpha) < power:
        rows += 1
    return _arms(rows, ratio)


def _power_of_t(arms: Arms, effect: float, alpha: float) -> float:
    from scipy.stats import nct, t

    freedom = arms.a + arms.b - 2
    shift = effect / math.sqrt(1 / arms.a + 1 / arms.b)
    bound = float(t.ppf(1 - alpha / 2, freedom))
    return float(nct.sf(bound, freedom, shift) + nct.cdf(-bound, freedom, shift))


def _arms(rows: float, ratio: float) -> Arms:
    # what rounding leaves above a whole number is no row
    return Arms(max(LEAST, math.ceil(rows - 1e-9)), max(LEAST, math.ceil(rows * ratio - 1e-9)))


@dataclass(frozen=True)
class Looks:
    """|z| from which the test stops at each look, and by which factor all rows grow for looking that often."""

    bounds: tuple[float, ...]
    factor: float


def looks_of(count: int, *, power: float, alpha: float) -> Looks:
    """O'Brien-Fleming bounds of `count` looks at equal distances, the end included; one look needs no correction."""
    from scipy.special import ndtri

    usual = float(ndtri(1 - alpha / 2))
    if count == 1:
        return Looks((usual,), 1.0)
    # on the scale of the sum of all rows so far, the bound is the same at every look
    edge = _root(lambda bound: alpha - _crossed(bound, 0.0, count), usual * 0.9, usual * 2, count)
    drift = _root(lambda shift: _crossed(edge, shift, count) - power, 0.1, usual + 8.0, 1)
    bounds = tuple(edge / math.sqrt(look) for look in range(1, count + 1))
    return Looks(bounds, (drift / (usual + float(ndtri(power)))) ** 2)


def _crossed(edge: float, drift: float, looks: int) -> float:
    """How likely the sum of `looks` steps N(drift / sqrt(looks), 1) is to leave [-edge, edge] at one of them."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    places, weights = nodes * edge, weights * edge
    step = drift / math.sqrt(looks)
    density = _normal(places - step)
    kernel = _normal(places[:, None] - places[None, :] - step)
    for _ in range(looks - 1):
        density = kernel @ (weights * density)
    return 1 - float(weights @ density)


def _normal(
    values: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]",
) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    return np.exp(-(values**2) / 2) / math.sqrt(2 * math.pi)


def _root(function: Callable[[float], float], low: float, high: float, looks: int) -> float:
    """Where a rising function is 0; the ends are given for z and meant for the sum of `looks` looks."""
    from scipy.optimize import brentq

    scale = math.sqrt(looks)
    return float(brentq(function, low * scale, high * scale, xtol=1e-10))
