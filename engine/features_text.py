"""Free text as hashed TF-IDF: words and word pairs fall into fixed buckets, so there is no vocabulary to keep.

The hash is CRC-32 of the UTF-8 bytes: the same on every machine and in every version.
"""

import re
from functools import cached_property
from itertools import pairwise
from typing import Literal
from zlib import crc32

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy.sparse import csr_matrix, hstack

BUCKETS = 1 << 16
KEPT = {"linear": 8_000, "tree": 250}
FIT_ROWS = 20_000
MAX_WORDS = 400
_WORD = re.compile(r"\w+|[^\w\s]")


class _Hashes(dict[str, int]):
    """Word -> bucket, computed once a word."""

    def __missing__(self, gram: str) -> int:
        bucket = self[gram] = crc32(gram.encode("utf-8", "surrogatepass")) % BUCKETS
        return bucket


class TextStep(BaseModel):
    """One text column: TF-IDF of the buckets that occur in two or more training rows, rows scaled to length 1.

    Linear keeps up to 8,000 buckets (csr), tree the 250 most frequent (dense); both add the length in characters and
    words (logarithm).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    step: Literal["text"] = "text"
    flavour: Literal["linear", "tree"]
    buckets: tuple[int, ...]
    idf: tuple[float, ...]

    @classmethod
    def fit(cls, series: pd.Series, flavour: Literal["linear", "tree"]) -> "TextStep":
        rows = np.linspace(0, len(series) - 1, min(len(series), FIT_ROWS)).astype(int)
        _, buckets, _ = _counted(series.iloc[rows])
        found = np.bincount(buckets, minlength=BUCKETS)
        enough = np.flatnonzero(found >= 2)
        kept = np.sort(enough[np.lexsort((enough, -found[enough]))][: KEPT[flavour]])
        idf = np.log((1 + len(rows)) / (1 + found[kept])) + 1
        return cls(
            column=str(series.name), flavour=flavour, buckets=tuple(kept.tolist()), idf=tuple(idf.tolist())
        )  # fmt: skip

    @property
    def names(self) -> tuple[str, ...]:
        words = (f"{self.column} words {bucket}" for bucket in self.buckets)
        return (*words, f"{self.column} characters", f"{self.column} length")

    def apply(self, series: pd.Series) -> csr_matrix | NDArray[np.float32]:
        """csr (n, width) for linear, float32 array (n, width) for tree."""
        width, n = len(self.buckets), len(series)
        rows, buckets, counts = _counted(series)
        length = np.bincount(rows, weights=counts, minlength=n)
        place, idf = self._tables
        keep = place[buckets] >= 0
        rows, columns, counts = rows[keep], place[buckets[keep]], counts[keep]
        values = (1 + np.log(counts)) * idf[columns]
        norm = np.sqrt(np.bincount(rows, weights=values**2, minlength=n))
        words = csr_matrix(((values / norm[rows]).astype(np.float32), (rows, columns)), shape=(n, width))
        characters = series.astype("str").str.len().fillna(0).to_numpy(dtype=np.float64)
        # a tenth keeps the lengths within the range of the other features
        extra = (np.log1p(np.stack([characters, length], axis=1)) / 10).astype(np.float32)
        if self.flavour == "tree":
            return np.concatenate([words.toarray(), extra], axis=1)
        return csr_matrix(hstack([words, csr_matrix(extra)], format="csr", dtype=np.float32))

    @cached_property
    def _tables(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Each bucket's place among those that are kept (-1: not kept), and their weights. Made once: for one row it
        takes longer than all else.
        """
        place = np.full(BUCKETS, -1, dtype=np.int64)
        place[list(self.buckets)] = np.arange(len(self.buckets))
        return place, np.asarray(self.idf, dtype=np.float64)


def _counted(series: pd.Series) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Row, bucket and count of every word and neighbouring pair; rows ascending, none for a missing cell."""
    known = _Hashes()
    flat: list[int] = []
    sizes = np.zeros(len(series), dtype=np.int64)
    for row, cell in enumerate(series.astype("str")):
        tokens = _WORD.findall(cell.lower())[:MAX_WORDS] if isinstance(cell, str) else []
        flat += [known[token] for token in tokens]
        flat += [known[f"{first} {second}"] for first, second in pairwise(tokens)]
        sizes[row] = max(0, 2 * len(tokens) - 1)
    places = np.repeat(np.arange(len(series)), sizes) * BUCKETS + np.asarray(flat, dtype=np.int64)
    cells, counts = np.unique(places, return_counts=True)
    return cells // BUCKETS, cells % BUCKETS, counts.astype(np.int64)
