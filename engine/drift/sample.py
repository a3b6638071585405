"""A random sample of whole rows of the reference as numbers, for what looks at all columns together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.drift.categories import FALSE, TRUE, spell, spell_booleans
from engine.drift.reading import Reading, named, read_values, real
from engine.drift.reference import ColumnReference, Floats
from engine.drift.vectors import lowest

if TYPE_CHECKING:
    from engine.drift.profile import Profile

Rows = NDArray[np.float32]

MOST_ROWS = 2_000
_UNKNOWN = -1.0
"""Code of a missing category and of one that the reference does not know by name."""

_LOOKED_AT = 32
_GREATEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, eq=False)
class RowSample:
    """Evenly random rows; any first part of them is a random sample too.

    Attributes:
        names: the d columns.
        values: (s, d) as `encode_rows` gives them.
        keys: (s,) the rows' random keys, ascending.
    """

    names: tuple[str, ...]
    values: Rows
    keys: Floats


Drawn = tuple[RowSample, Mapping[str, ColumnReference]]
"""A sample and the columns whose ranks its categories have."""


def encode_rows(profile: "Profile", frame: pd.DataFrame) -> Rows:
    """Rows of any frame (n, d) as `profile.sample` has its own.

    Numbers as they are (NaN where missing or infinite, cut to the range of float32), booleans 0 and 1 (NaN where
    missing), categories as their rank by frequency in the reference (0 is the most frequent, -1 missing or not known
    there by name). A column that the frame lacks is missing in every row; (n, 0) without a sample.

    Raises:
        DuplicateColumns: two columns of the frame have one name.
    """
    names = profile.sample.names if profile.sample is not None else ()
    return encoded(named(frame), names, profile.readings, profile.columns)


def encoded(
    frame: pd.DataFrame, names: tuple[str, ...], readings: Mapping[str, Reading], columns: Mapping[str, ColumnReference]
) -> Rows:
    """As `encode_rows`, for the columns `names`."""
    missing = pd.Series(np.full(len(frame), np.nan))
    rows = np.empty((len(frame), len(names)), dtype=np.float32)
    for place, name in enumerate(names):
        cells = real(frame[name]) if name in frame.columns else missing
        rows[:, place] = _encoded(cells, readings[name], columns[name])
    return rows


def row_keys(frame: pd.DataFrame, seed: int) -> Floats:
    """A random key for each row (n,). Frames of other cells have other keys: else the parts of a merged profile would
    all be drawn at the same places."""
    looked_at = frame.iloc[np.linspace(0, len(frame) - 1, min(len(frame), _LOOKED_AT)).astype(int)]
    content = repr([looked_at[name].tolist() for name in frame.columns])
    return np.random.default_rng([seed, crc32(content.encode("utf-8", "backslashreplace"))]).random(len(frame))


def sample_rows(
    frame: pd.DataFrame, readings: Mapping[str, Reading], columns: Mapping[str, ColumnReference], keys: Floats
) -> RowSample | None:
    """The `MOST_ROWS` rows of the lowest keys (n,); None where no feature can be a number."""
    names = tuple(name for name, column in columns.items() if _taken(column))
    if not names:
        return None
    places = lowest(keys, MOST_ROWS)
    return RowSample(names, encoded(frame.iloc[places], names, readings, columns), keys[places])


def merge_samples(first: Drawn, second: Drawn, union: Mapping[str, ColumnReference]) -> RowSample:
    """A sample of the rows of both, categories by their ranks in `union`."""
    keys = np.concatenate((first[0].keys, second[0].keys))
    values = np.concatenate((_recoded(*first, union), _recoded(*second, union)))
    kept = lowest(keys, MOST_ROWS)
    return RowSample(first[0].names, values[kept], keys[kept])


def _taken(column: ColumnReference) -> bool:
    return column.role == "feature" and column.kind in {"number", "integer", "boolean", "category"}


def _encoded(cells: pd.Series, reading: Reading, column: ColumnReference) -> Rows:
    if reading.kind == "boolean":
        return spell_booleans(cells)[0].looked_up({FALSE: 0.0, TRUE: 1.0}, np.nan)
    if reading.kind == "category":
        return spell(cells).looked_up(_ranks(column), _UNKNOWN)
    return np.clip(read_values(cells, reading).values, -_GREATEST, _GREATEST).astype(np.float32)


def _ranks(column: ColumnReference) -> dict[str, float]:
    return {name: float(place) for place, name in enumerate(column.counts or {})}


def _recoded(sample: RowSample, part: Mapping[str, ColumnReference], union: Mapping[str, ColumnReference]) -> Rows:
    values = sample.values.copy()
    for place, name in enumerate(sample.names):
        if part[name].kind == "category":
            ranks = _ranks(union[name])
            codes = [ranks.get(category, _UNKNOWN) for category in part[name].counts or {}]
            values[:, place] = np.array([*codes, _UNKNOWN], dtype=np.float32)[values[:, place].astype(np.int64)]
    return values
