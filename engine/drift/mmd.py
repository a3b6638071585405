"""Maximum mean discrepancy: how far apart two sets of vectors lie in the space of a Gaussian kernel.

A. Gretton et al., "A kernel two-sample test", Journal of Machine Learning Research 13 (2012).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.drift.learners import Rows
from engine.drift.reference import Floats
from engine.drift.thinning import LEAST_ROWS, chosen

MOST_ROWS = 1_000
"""On each side; more are thinned, as the kernel of N rows has N^2 cells."""
PERMUTATIONS = 999
_TIE = 1e-12
_ROUNDING = 1e-13


@dataclass(frozen=True)
class MmdFound:
    """`mmd2` is the unbiased estimate and may be below 0; `p_value` is not below 1 / (permutations + 1)."""

    mmd2: float
    p_value: float


def mmd_test(reference: Rows, current: Rows, seed: int = 0, permutations: int = PERMUTATIONS) -> MmdFound | None:
    """Compare finite vectors (s, d) and (n, d); None with fewer than 30 on a side.

    The kernel is exp(-|x - y|^2 / (2 b^2)) with b the median distance of all rows; the p-value is the share of random
    relabellings with an MMD^2 at least as large, the true labelling counted among them.
    """
    if min(len(reference), len(current)) < LEAST_ROWS:
        return None
    rng = np.random.default_rng([seed, 22])
    sides = [side[chosen(len(side), MOST_ROWS, rng)] for side in (reference, current)]
    kernel = gaussian_kernel(np.concatenate(sides))
    labels = np.repeat([True, False], [len(side) for side in sides])
    relabelled = rng.permuted(np.tile(labels, (permutations, 1)), axis=1)
    found, *others = unbiased_mmd2(kernel, np.concatenate([labels[None], relabelled])).tolist()
    as_large = sum(other >= found - _TIE for other in others)
    return MmdFound(found, (1 + as_large) / (1 + permutations))


def gaussian_kernel(rows: Rows) -> Floats:
    """(N, N) kernel of rows (N, d). Its width is the median distance of two rows, or the mean where that is 0."""
    wide = rows.astype(np.float64)
    # near the origin the squares below lose the least to rounding
    wide -= wide.mean(axis=0)
    squares = np.einsum("ij,ij->i", wide, wide)
    sums = squares[:, None] + squares[None]
    distances = sums - 2 * (wide @ wide.T)
    # equal rows are to be at distance 0: were most rows equal, rounding would set the width
    distances[distances < _ROUNDING * sums] = 0.0
    np.fill_diagonal(distances, 0.0)
    apart = np.sqrt(distances[np.triu_indices(len(rows), 1)])
    width = float(np.median(apart)) or float(apart.mean()) or 1.0
    return np.asarray(np.exp(distances / (-2 * width**2)))


def unbiased_mmd2(kernel: Floats, first: NDArray[np.bool_]) -> Floats:
    """(p,) unbiased MMD^2 (Gretton et al. 2012, equation 3) of p divisions of N rows in two.

    `kernel` is (N, N) with ones on its diagonal; `first` (p, N) says which rows are of the first sample, the same
    number m of them in each division.
    """
    apart = kernel - np.eye(len(kernel))
    m = int(first[0].sum())
    n = first.shape[1] - m
    members = first.astype(np.float64)
    within_first = np.einsum("pi,pi->p", members @ apart, members)
    with_any = members @ apart.sum(axis=1)
    across = with_any - within_first
    within_second = apart.sum() - within_first - 2 * across
    return np.asarray(within_first / (m * (m - 1)) + within_second / (n * (n - 1)) - 2 * across / (m * n))
