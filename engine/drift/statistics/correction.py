"""Correcting p-values for the number of tests."""

from collections.abc import Sequence

import numpy as np

from engine.drift.reference import Floats


def benjamini_hochberg(p_values: Sequence[float]) -> Floats:
    """Adjusted p-values: those up to q are a set of which at most the share q is false on average.

    Y. Benjamini and Y. Hochberg, "Controlling the false discovery rate" (1995).
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)[::-1]
    count = len(p)
    scaled = p[order] * (count / np.arange(count, 0, -1))
    adjusted = np.empty(count)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled), 1.0)
    return adjusted
