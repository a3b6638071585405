"""What a test of one column, or of one rate, says."""

import math
from dataclasses import dataclass

SMALLEST_P = 1e-300
"""No p-value is told as 0: the smallest double keeps its order, and a logarithm of it is finite."""


@dataclass(frozen=True)
class Tested:
    """`effect` is corrected for chance and lies in [0, 1]; the units of `statistic` are those of the test."""

    statistic: float
    p_value: float
    effect: float


def told(p: float) -> float:
    """A p-value within (0, 1]."""
    return min(1.0, max(SMALLEST_P, p))


def above_chance(square: float, expected: float) -> float:
    """The root of a squared distance less what it is on average by chance, not below 0 and not above 1."""
    return min(1.0, math.sqrt(max(0.0, square - expected)))
