"""Rows and answers as JSON text and back, so that what was predicted on can be read again years later."""

import json
import math
from collections.abc import Callable, Sequence
from datetime import date, datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.cells import as_text, cell_text
from engine.errors import BadArguments
from engine.naming import shortened

Floats = NDArray[np.float64]
Cell = str | int | float | bool | None

_INFINITE = {math.inf: "inf", -math.inf: "-inf"}
_FROM_WORDS = {"inf": math.inf, "-inf": -math.inf}
_LARGEST = 2**63

# escapes of everything beyond ASCII keep NUL and half surrogate pairs, which PostgreSQL and SQLite refuse in text
_encode: Callable[[object], str] = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def rows_to_json(frame: pd.DataFrame) -> list[str]:
    """One JSON object for each of n rows: text, numbers, booleans and null.

    Missing cells are null, infinite numbers 'inf' and '-inf', dates ISO text, whole numbers beyond 64 bits text, and
    what JSON has no word for is text.

    Raises:
        BadArguments: two columns have the same name.
    """
    names = [str(name) for name in frame.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadArguments(f"Columns come twice: {shortened(twice)}.", "Give each column its own name.")
    columns = [_column_to_json(frame.iloc[:, number]) for number in range(len(names))]
    if not columns:
        return ["{}"] * len(frame)
    return [_encode(dict(zip(names, cells, strict=True))) for cells in zip(*columns, strict=True)]


def rows_from_json(rows: Sequence[str]) -> pd.DataFrame:
    """The rows again, (n, columns), with a column for every name that any of them has, in the order of their coming.

    Whole numbers are int64 (Int64 where some are missing), other numbers float64, truth values bool (boolean where
    some are missing), text `str`, and mixtures object. 'inf' is infinity again in columns that hold only numbers.
    """
    cells = json.loads(f"[{','.join(rows)}]")
    names = dict.fromkeys(name for row in cells for name in row)
    return pd.DataFrame({name: _column([row.get(name) for row in cells]) for name in names}, index=range(len(rows)))


def answers_to_json(answers: Floats) -> list[str]:
    """One JSON number for each of (n,) values, or a list of numbers for each row of (n, k)."""
    plain = _numbers(np.asarray(answers, dtype=np.float64).ravel())
    if answers.ndim == 1:
        return [_encode(value) for value in plain]
    k = answers.shape[1]
    return [_encode(plain[start : start + k]) for start in range(0, len(plain), k)] if k else ["[]"] * len(answers)


def answers_from_json(answers: Sequence[str]) -> Floats:
    """(n,) values or (n, k) probabilities. Where models of different k answered, k is the greatest; the rest is NaN."""
    found = json.loads(f"[{','.join(answers)}]")
    if not any(isinstance(answer, list) for answer in found):
        # numpy reads None as NaN
        return np.array([_number(value) for value in found], dtype=np.float64)
    lists = [answer if isinstance(answer, list) else [answer] for answer in found]
    filled = np.full((len(lists), max(map(len, lists))), np.nan)
    for row, values in enumerate(lists):
        filled[row, : len(values)] = [_number(value) for value in values]
    return filled


def _column_to_json(column: pd.Series) -> Sequence[Cell]:
    if column.dtype == np.float64:
        return _numbers(column.to_numpy())
    if column.dtype in (np.dtype(np.int64), np.dtype(bool)):
        return column.tolist()
    return [_cell(value) for value in column.tolist()]


def _numbers(values: Floats) -> Sequence[Cell]:
    plain: list[float] = values.tolist()
    return plain if np.isfinite(values).all() else [_finite(value) for value in plain]


def _finite(value: float) -> Cell:
    return value if math.isfinite(value) else _INFINITE.get(value)


def _cell(value: object) -> Cell:
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    match value:
        case str():
            return str(value)
        case bool() | np.bool_():
            return bool(value)
        case int() | np.integer():
            return int(value) if -_LARGEST <= value < _LARGEST else str(value)
        case float() | np.floating():
            return _finite(float(value))
        case datetime() | date():
            return value.isoformat()
        case _:
            return cell_text(value)


def _column(values: list[Cell]) -> pd.Series:
    kinds = {type(value) for value in values if value is not None}
    missing = None in values
    if kinds == {bool}:
        return pd.Series(values, dtype="boolean" if missing else "bool")
    if kinds == {int}:
        return pd.Series(values, dtype="Int64" if missing else "int64")
    if kinds and kinds <= {int, float, str} and _texts(values) <= _FROM_WORDS.keys():
        return pd.Series([_number(value) for value in values], dtype="float64")
    if kinds == {str}:
        return as_text(pd.Series(values, dtype=object))
    return pd.Series(values, dtype=object)


def _texts(values: list[Cell]) -> set[str]:
    return {value for value in values if isinstance(value, str)}


def _number(value: Cell) -> Cell:
    return _FROM_WORDS[value] if isinstance(value, str) else value
