"""The bootstrap of any figure of a table of rows, bounded in work however many rows there are."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

REPEATS = 1000
MOST_DRAWN = 5_000
"""Rows in one resample. With more at hand, the deviations of smaller resamples are scaled (m out of n bootstrap)."""
CELLS = 500_000

Statistic = Callable[[Rows], Floats]
"""From row numbers (b, n), a draw in each line, to a figure of each draw (b,); NaN where it has none."""


def resampled(
    statistic: Statistic, rows: int, rng: np.random.Generator, size: int | None = None, repeats: int = REPEATS
) -> Floats:
    """(repeats,) values of a statistic on `size` (by default `rows`) of `rows` row numbers, drawn with replacement.

    Source: Efron and Tibshirani 1993, chapter 6; m out of n: Bickel, Goetze and van Zwet 1997.
    """
    size = rows if size is None else size
    drawn = min(size, MOST_DRAWN)
    values = in_batches(lambda batch: statistic(rng.integers(0, rows, (batch, drawn))), drawn, repeats)
    if drawn == size:
        return values
    centre = statistic(np.arange(rows)[None])
    return np.asarray(centre + (values - centre) * np.sqrt(drawn / size), dtype=np.float64)


def in_batches(draw: Callable[[int], Floats], width: int, repeats: int = REPEATS) -> Floats:
    """`repeats` values of `draw(batch) -> (batch,)`, so many at a time that `width` cells of each fit in memory."""
    batch = max(1, CELLS // max(width, 1))
    return np.concatenate([draw(min(batch, repeats - start)) for start in range(0, repeats, batch)])


def interval(values: Floats, alpha: float = 0.05) -> tuple[float, float] | None:
    """The central 1 - alpha of the finite values; None when there is none."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return None
    low, high = np.quantile(finite, [alpha / 2, 1 - alpha / 2])
    return float(low), float(high)


def deviation(values: Floats) -> float:
    """Standard deviation of the finite values; 0 when there is none."""
    finite = values[np.isfinite(values)]
    # values of 1e200 are finite, their squares are not
    largest = float(np.abs(finite).max(initial=0.0))
    return largest * float((finite / largest).std()) if largest else 0.0


def expansion(rows: int, alpha: float) -> float:
    """What the quantiles of a bootstrap of so few rows are too narrow by: Student's over the normal one, and the root
    of n over n - 1 (expanded percentile interval, Hesterberg 2015).
    """
    from scipy.special import ndtri, stdtrit

    return float(stdtrit(rows - 1, 1 - alpha) / ndtri(1 - alpha) * np.sqrt(rows / (rows - 1)))


def tail_share(values: Floats, at_least: float) -> float:
    """How often chance gives `at_least` as much, as a p-value: the observation counts as one more draw, so that it is
    1 when no value is finite. Source: Davison and Hinkley 1997, equation 4.11.
    """
    finite = values[np.isfinite(values)]
    # sums in another order differ in the last digits
    reached = np.count_nonzero(finite >= at_least - 1e-9 * abs(at_least))
    return (1 + reached) / (1 + len(finite))
