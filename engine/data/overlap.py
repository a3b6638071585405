"""Which of some rows are rows of a dataset: those that a model was fitted on prove nothing about it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.schema import Schema, coerce
from engine.data.store import Dataset
from engine.data.tables import read_part

TELLING_SHARE = 0.5
"""Where fewer of a dataset's rows than this are different from each other, equal rows are no sign of the same row."""
_NUMBERS = frozenset({"number", "integer", "boolean"})


@dataclass(frozen=True)
class Overlap:
    """For each of n rows (n,): whether it equals a training row, whether it equals a sealed one.

    `telling` is False where equal rows are common in the dataset, so that a new row may well equal an old one.
    """

    trained: NDArray[np.bool_]
    sealed: NDArray[np.bool_]
    telling: bool


def overlap(dataset: Dataset, frame: pd.DataFrame) -> Overlap:
    """Compare rows with those of a dataset, over the columns that both have, by hash: no sealed row leaves this place.

    Numbers are compared to seven digits, so that a row written to text and read again is the same row.
    """
    given = set(frame.columns)
    schema = dataset.schema_.subset([name for name in dataset.schema_.names if name in given])
    if not schema.columns or frame.empty:
        none = np.zeros(len(frame), dtype=np.bool_)
        return Overlap(none, none, telling=True)
    keys = row_keys(coerce(frame, schema, strict=False), schema)
    trained, sealed = (row_keys(read_part(dataset.folder, part), schema) for part in ("train", "test"))
    telling = len(np.unique(trained)) >= TELLING_SHARE * len(trained)
    return Overlap(np.isin(keys, trained), np.isin(keys, sealed), telling)


def row_keys(frame: pd.DataFrame, schema: Schema) -> NDArray[np.uint64]:
    """A hash of each row's cells (n,); equal rows have equal ones."""
    plain = {str(place): _plain(frame[column.name], column.kind) for place, column in enumerate(schema.columns)}
    return np.asarray(pd.util.hash_pandas_object(pd.DataFrame(plain), index=False), dtype=np.uint64)


def _plain(cells: pd.Series, kind: str) -> NDArray[np.float32] | NDArray[np.int64] | NDArray[np.object_]:
    if kind in _NUMBERS:
        values = cells.to_numpy(dtype=np.float64, na_value=np.nan)
        with np.errstate(over="ignore"):
            # adding zero turns -0.0, which hashes differently, into 0.0
            return values.astype(np.float32) + np.float32(0)
    if kind == "datetime":
        return cells.to_numpy(dtype="datetime64[us]").astype(np.int64)
    return cells.fillna("").to_numpy(dtype=object)
