"""Categories of a column: each cell as its text, and how many rows there are of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from heapq import nsmallest

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from engine.data.cells import as_text, parse, stripped
from engine.drift.reference import Counts

KEPT = 1_000
"""Categories of a reference that are kept by name."""

TRUE, FALSE = "True", "False"
"""How booleans are called, as `engine.data.cells` writes them."""


@dataclass(frozen=True)
class Spelling:
    """The cells of one column as texts, each distinct one held once.

    Attributes:
        codes: (n,) place of the cell's text in `names`; -1 for a missing cell.
        names: distinct texts, as import would write them: 1 and 1.0 are '1'.
    """

    codes: Counts
    names: tuple[str, ...]

    @property
    def missing(self) -> int:
        return int((self.codes < 0).sum())

    def counts(self) -> dict[str, int]:
        """Rows by name, in no special order; no name without a row."""
        rows = np.bincount(self.codes[self.codes >= 0], minlength=len(self.names)).tolist()
        return {name: count for name, count in zip(self.names, rows, strict=True) if count}

    def looked_up(self, table: Mapping[str, float], otherwise: float) -> NDArray[np.float32]:
        """(n,) the number of each cell's text; `otherwise` for missing cells and texts not in the table."""
        numbers = [table.get(name, otherwise) for name in self.names]
        return np.array([*numbers, otherwise], dtype=np.float32)[self.codes]


@dataclass(frozen=True)
class Ranking:
    """The most frequent categories by name; see `ColumnReference` for `counts`, `rest` and `once`."""

    counts: Mapping[str, int]
    rest: int = 0
    once: int = 0


def spell(cells: pd.Series) -> Spelling:
    """Read cells as categories: without surrounding white space, blanks missing."""
    codes, distinct = pd.factorize(cells if _told_apart(cells) else as_text(cells))
    texts = stripped(as_text(pd.Series(distinct)))
    places, names = pd.factorize(texts)
    return Spelling(np.append(places, -1)[codes], tuple(names.tolist()))


def spell_booleans(cells: pd.Series) -> tuple[Spelling, int]:
    """Read cells as booleans, named 'True' and 'False'; also how many are none (and count as missing)."""
    found = spell(cells)
    truth = parse(pd.Series(found.names, dtype=object), "boolean").values
    places = truth.astype("Int64").fillna(-1).to_numpy(dtype=np.int64)
    codes = np.append(places, -1)[found.codes]
    return Spelling(codes, (FALSE, TRUE)), int((codes < 0).sum()) - found.missing


def count_blank(cells: pd.Series) -> int:
    """Cells that mean 'missing'."""
    if pd.api.types.is_numeric_dtype(cells.dtype) or pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return int(cells.isna().sum())
    return int(stripped(cells).isna().sum())


def rank(counts: Mapping[str, int]) -> Ranking:
    """Keep the `KEPT` most frequent by name, of equally frequent ones the first by alphabet."""
    kept = dict(nsmallest(KEPT, counts.items(), key=lambda entry: (-entry[1], entry[0])))
    return Ranking(kept, sum(counts.values()) - sum(kept.values()), sum(rows == 1 for rows in counts.values()))


def merge_rankings(first: Ranking, second: Ranking) -> Ranking:
    """Counts added up: exact while neither has left a category out.

    After that, rows of a category that only one of the two kept by name stay short of those in the other's rest, and
    `once` is an upper bound: categories without a name are taken to be in one of the two alone.
    """
    counts = {
        name: first.counts.get(name, 0) + second.counts.get(name, 0) for name in {**first.counts, **second.counts}
    }
    union = rank(counts)
    return Ranking(
        union.counts, union.rest + first.rest + second.rest, union.once + _once_unnamed(first) + _once_unnamed(second)
    )


def _once_unnamed(ranking: Ranking) -> int:
    return ranking.once - sum(rows == 1 for rows in ranking.counts.values())


def _told_apart(cells: pd.Series) -> bool:
    """Whether pandas can tell the cells apart as their texts can: lists it cannot, nor True from 1 among objects."""
    if isinstance(cells.dtype, pd.ArrowDtype):
        return not pa.types.is_nested(cells.dtype.pyarrow_dtype)
    return cells.dtype != object or pd.api.types.infer_dtype(cells, skipna=True) == "string"
