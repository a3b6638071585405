"""How many rows a test of many columns needs, and which ones to look at when there are more."""

import numpy as np
from numpy.typing import NDArray

LEAST_ROWS = 30
"""On each side; from fewer nothing can be told."""


def chosen(rows: int, most: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """At most `most` of the row numbers 0 to rows - 1, drawn without replacement, in their order."""
    return np.sort(rng.choice(rows, min(rows, most), replace=False, shuffle=False)).astype(np.int64)
