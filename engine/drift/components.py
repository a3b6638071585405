"""Do current rows lie as close to the reference's principal components as the reference itself?

What columns have in common shows in how well a few components give back a row. A correlation that breaks is seen here
even where every single column looks as before.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.drift.learners import Rows
from engine.drift.reference import Floats
from engine.drift.statistics.ks import ks_test
from engine.drift.statistics.steps import from_sorted
from engine.drift.statistics.tested import Tested
from engine.drift.thinning import LEAST_ROWS

EXPLAINED = 0.95
"""Least share of the variance that the components keep."""
_FARTHEST = 4.0
"""In deviations; values beyond are drawn in, so that one wild value cannot decide."""
_SHARES = (0.25, 0.1, 0.01)
_NORMAL = (1.349, 2.563, 4.653)
"""Between these shares and their complements lie so many deviations of a normal distribution."""
_DECIMALS = 6
"""Errors beyond these are rounding, and the rounding of large values is not to be compared with that of small ones."""


@dataclass(frozen=True)
class Components:
    """Principal components of standardised columns.

    Attributes:
        columns: (d,) numbers of the columns that vary.
        centre: (d,) medians.
        scale: (d,) robust standard deviations.
        mean: (d,) of the standardised rows.
        axes: (k, d) orthonormal, 1 <= k < d.
    """

    columns: NDArray[np.int64]
    centre: Floats
    scale: Floats
    mean: Floats
    axes: Floats


def reconstruction_test(reference: Rows, current: Rows, seed: int = 0) -> Tested | None:
    """KS test of the reconstruction errors of current rows (n, d) against those of reference rows (s, d).

    The components come from one half of the reference and its errors from the other, so that neither side was fitted.
    None with fewer than 30 rows on a side, or fewer than two columns that vary. NaN and infinity stand for the median.
    """
    if min(len(reference), len(current)) < LEAST_ROWS:
        return None
    order = np.random.default_rng([seed, 23]).permutation(len(reference))
    half = len(order) // 2
    components = fit_components(reference[order[:half]])
    if components is None:
        return None
    sides = (reference[order[half:]], current)
    return ks_test(*(from_sorted(np.sort(reconstruction_errors(components, side))) for side in sides))


def fit_components(rows: Rows) -> Components | None:
    """The fewest components of rows (n, d) that keep 95 % of the variance, but not all; None for fewer than two columns
    that vary."""
    finite = np.where(np.isfinite(rows), rows, np.nan).astype(np.float64)
    columns = np.flatnonzero(_varies(finite))
    if len(columns) < 2:
        return None
    centre, scale = _centre_and_scale(finite[:, columns])
    standard = _standardised(rows[:, columns], centre, scale)
    mean = standard.mean(axis=0)
    _, lengths, axes = np.linalg.svd(standard - mean, full_matrices=False)
    kept = np.cumsum(lengths**2) / np.sum(lengths**2)
    count = int(np.searchsorted(kept, EXPLAINED)) + 1
    return Components(columns, centre, scale, mean, axes[: min(count, len(columns) - 1)])


def reconstruction_errors(components: Components, rows: Rows) -> Floats:
    """(n,) distances of rows (n, all columns) from what the components give back, in standard deviations."""
    standard = _standardised(rows[:, components.columns], components.centre, components.scale) - components.mean
    rest = standard - (standard @ components.axes.T) @ components.axes
    return np.asarray(np.round(np.linalg.norm(rest, axis=1), _DECIMALS))


def _varies(rows: Floats) -> NDArray[np.bool_]:
    """(d,) whether a column has two distinct values; NaN is none."""
    lowest = np.where(np.isnan(rows), np.inf, rows).min(axis=0)
    highest = np.where(np.isnan(rows), -np.inf, rows).max(axis=0)
    return np.asarray(lowest < highest)


def _centre_and_scale(rows: Floats) -> tuple[Floats, Floats]:
    """Median and deviation by quantiles, of columns that vary; where most values are one, wider quantiles give the
    scale, and where nearly all are, the standard deviation."""
    low = np.nanquantile(rows, _SHARES, axis=0)
    high = np.nanquantile(rows, [1 - share for share in _SHARES], axis=0)
    wide = np.vstack([(high - low) / np.array(_NORMAL)[:, None], np.nanstd(rows, axis=0)])
    first = np.argmax(wide > 0, axis=0)
    return np.nanmedian(rows, axis=0), wide[first, np.arange(rows.shape[1])]


def _standardised(rows: Rows, centre: Floats, scale: Floats) -> Floats:
    known = np.where(np.isfinite(rows), rows, centre)
    return np.asarray(np.clip((known - centre) / scale, -_FARTHEST, _FARTHEST))
