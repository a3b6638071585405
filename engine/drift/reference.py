"""What is kept of one column of the reference, and read of the same column of current rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.drift.found import ColumnKind, Role

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Test = Literal["ks", "chi2", "domain_classifier", "mmd", "rates", "none"]
"""How a column is compared; decided from the reference when the profile is made, never from the current rows."""


@dataclass(frozen=True)
class Steps:
    """An empirical distribution of n finite values.

    Attributes:
        values: (m,) distinct, sorted.
        cumulative: (m,) how many of the n values are <= each; None when all are distinct (1, 2, ..., m).
        error: greatest error of cumulative / n; 0 where it is exact, that of the sketch otherwise.
    """

    values: Floats
    cumulative: Counts | None = None
    error: float = 0.0

    @property
    def total(self) -> int:
        """How many values there are, n."""
        if not len(self.values):
            return 0
        return len(self.values) if self.cumulative is None else int(self.cumulative[-1])


@dataclass(frozen=True)
class ColumnReference:
    """One column of the reference.

    Attributes:
        rows: rows seen; `missing` and `infinite` of them have no usable value.
        test: how it is compared.
        steps: of numbers, integers and datetimes (seconds since 1970 in UTC); None for others.
        edges: (b - 1,) interior edges of the bins of PSI and of the plots; the outer bins are open.
        counts: rows by category, the most frequent first; None for others. Integers and numbers with test 'chi2'
            have `steps` instead, each of whose values (or bins of them) is a category.
        rest: rows of categories that are not in `counts`.
        once: how many categories occur in exactly one row, for what share of new categories to expect.
        sample: (s, d) float32 vectors of a sample of texts, images or embeddings; None for others.
    """

    name: str
    kind: ColumnKind
    role: Role
    rows: int
    missing: int
    infinite: int
    test: Test
    steps: Steps | None = None
    edges: Floats | None = None
    counts: Mapping[str, int] | None = None
    rest: int = 0
    once: int = 0
    sample: NDArray[np.float32] | None = None

    @property
    def present(self) -> int:
        """Rows with a usable value."""
        return self.rows - self.missing - self.infinite


@dataclass(frozen=True)
class CurrentColumn:
    """The same column in current rows, read as the kind that the reference declares.

    Attributes:
        values: (n,) finite values, sorted; None for kinds without.
        counts: rows by category; None for kinds without.
        vectors: (n, d) of texts, images or embeddings; None for others.
        unreadable: cells that are not of the kind (they count as missing too).
    """

    rows: int
    missing: int
    infinite: int
    unreadable: int = 0
    values: Floats | None = None
    counts: Mapping[str, int] | None = None
    vectors: NDArray[np.float32] | None = None

    @property
    def present(self) -> int:
        """Rows with a usable value."""
        return self.rows - self.missing - self.infinite
