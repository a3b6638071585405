"""Reading the cells of one column as a kind, exactly and by a stated grammar, so that import and predict agree."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from engine.data.image_text import ANY_IMAGE
from engine.kinds import Kind as Kind

Mask = npt.NDArray[np.bool_]

TEXT = pd.StringDtype(na_value=np.nan)
"""The `str` dtype of pandas: missing cells are NaN."""

BLANKS = frozenset(
    {"", "NA", "N/A", "n/a", "na", "NaN", "nan", "NAN", "NULL", "Null", "null", "None", "<NA>", "#N/A", "NaT"}
)
"""Cells that mean 'missing' in every kind but text, where only the empty cell does."""

NUMBER_BLANKS = frozenset({"?", "-", "--", "."})
"""Cells that mean 'missing' where numbers are expected."""

DECIMAL_COMMA = r"^[+-]?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?$"
"""A number as 1.234,5 writes it."""

_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_INFINITE = r"^[+-]?(?i:inf|infinity)$"
_WHOLE = r"^[+-]?\d{1,18}$"
_TRUE = frozenset({"true", "t", "yes", "y", "on", "1", "1.0"})
_FALSE = frozenset({"false", "f", "no", "n", "off", "0", "0.0"})

DATE_FORMATS = (
    "ISO8601",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M:%S",
    "%d %b %Y",
    "%d-%b-%Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%d %B %Y",
)


@dataclass(frozen=True)
class Parsed:
    """A column read as one kind.

    `values` has the kind's dtype. `lost` cells held something that is not of the kind and became missing, `infinite`
    ones became missing too, `rounded` ones were not whole where whole numbers are expected.
    """

    values: pd.Series
    lost: int = 0
    infinite: int = 0
    rounded: int = 0
    examples: tuple[str, ...] = ()

    @property
    def missing(self) -> int:
        return int(self.values.isna().sum())

    @property
    def present(self) -> int:
        """Cells that held anything, readable or not."""
        return int(self.values.notna().sum()) + self.lost + self.infinite


def clip(value: object, most: int = 40) -> str:
    """Text found in data, on one line and short enough to quote in a sentence; of an image only its size."""
    text = str(value)
    if text.startswith(ANY_IMAGE):
        return f"an image of {len(text):,} characters"
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 3]}..."


def cell_text(value: object) -> str | None:
    """One cell of any source as text; None when missing. Numbers keep every digit, dates are written as ISO."""
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    match value:
        case str():
            return value
        case bool() | np.bool_():
            return "True" if value else "False"
        case float() | np.floating():
            return _float_text(float(value))
        case datetime() | date():
            return value.isoformat()
        case dict() | list() | tuple():
            return json.dumps(value, ensure_ascii=False, default=str)
        case _:
            return str(value)


def _float_text(value: float) -> str | None:
    if value != value:
        return None
    # 1.0 is how an integer looks once its column has held a missing cell
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)


def as_text(column: pd.Series) -> pd.Series:
    """The column as `str` (missing = NaN), whatever it is held as."""
    if column.dtype == TEXT:
        return column
    if pd.api.types.is_string_dtype(column.dtype) and column.dtype != object:
        return column.astype(TEXT)
    cells = [cell_text(value) for value in column.tolist()]
    try:
        return pd.Series(cells, index=column.index, dtype=TEXT, name=column.name)
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can escape but no encoding can hold
        whole = [None if cell is None else cell.encode("utf-8", "replace").decode() for cell in cells]
        return pd.Series(whole, index=column.index, dtype=TEXT, name=column.name)


def stripped(column: pd.Series, blanks: frozenset[str] = BLANKS) -> pd.Series:
    """Text without surrounding white space, NaN for every cell that means 'missing'."""
    cells = pc.utf8_trim_whitespace(_arrow(as_text(column)))
    blank = pc.is_in(cells, pa.array(sorted(blanks), pa.large_string()))
    kept = pd.array(pc.if_else(blank, pa.scalar(None, pa.large_string()), cells), dtype=TEXT)
    return pd.Series(kept, index=column.index, name=column.name)


def decimal_points(column: pd.Series) -> pd.Series:
    """Text with 1.234,5 written as 1234.5; cells of another form, and columns held as numbers, stay as they are."""
    if not pd.api.types.is_string_dtype(column.dtype):
        return column
    cells = stripped(column)
    written = column.map(lambda cell: isinstance(cell, str)) if column.dtype == object else column.notna()
    points = cells.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
    fits = cells.str.match(DECIMAL_COMMA).fillna(False).astype(bool)
    return points.where(fits & written.astype(bool), cells)


def parse(column: pd.Series, kind: Kind, date_format: str | None = None) -> Parsed:
    """Read every cell as `kind`; a cell that does not fit becomes missing and is counted."""
    if kind == "number":
        return _parse_number(column)
    if kind == "integer":
        return _parse_integer(column)
    if kind == "boolean":
        return _parse_boolean(column)
    if kind == "datetime":
        return _parse_datetime(column, date_format)
    if kind == "text":
        text = as_text(column)
        return Parsed(text.mask(text.str.strip() == ""))
    if kind == "image":
        return _parse_image(column)
    return Parsed(stripped(column))


def is_number_dtype(column: pd.Series) -> bool:
    """Held as numbers, booleans not counted."""
    return pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype)


def _parse_number(column: pd.Series) -> Parsed:
    if is_number_dtype(column):
        raw = column.to_numpy(dtype=np.float64, na_value=np.nan)
        infinite = np.isinf(raw)
        values = np.where(infinite, np.nan, raw)
        return Parsed(pd.Series(values, index=column.index, name=column.name), infinite=int(infinite.sum()))
    return _by_distinct(stripped(column, BLANKS | NUMBER_BLANKS), _numbers)


def _parse_integer(column: pd.Series) -> Parsed:
    if pd.api.types.is_integer_dtype(column.dtype):
        return Parsed(column.astype("Int64"))
    if not is_number_dtype(column):
        text = stripped(column, BLANKS | NUMBER_BLANKS)
        if bool(text.dropna().str.match(_WHOLE).all()):
            # straight to int64: a detour over floats would lose digits beyond 2**53
            whole = pc.cast(pc.replace_substring_regex(_arrow(text), r"^\+", ""), pa.int64())
            return Parsed(_integers(whole, column))
    found = _parse_number(column)
    floats = found.values.to_numpy()
    too_big = np.abs(floats) >= 2.0**63
    rounded = np.rint(np.where(too_big, np.nan, floats))
    unlike = int(np.sum(np.isfinite(rounded) & (rounded != floats)))
    values = pd.Series(rounded, index=column.index, name=column.name).astype("Int64")
    return Parsed(values, found.lost + int(too_big.sum()), found.infinite, unlike, found.examples)


def _integers(whole: pa.Array, column: pd.Series) -> pd.Series:
    missing = whole.is_null().to_numpy(zero_copy_only=False)
    values = whole.fill_null(0).to_numpy(zero_copy_only=False)
    return pd.Series(pd.arrays.IntegerArray(values, missing), index=column.index, name=column.name)


def _parse_boolean(column: pd.Series) -> Parsed:
    if pd.api.types.is_bool_dtype(column.dtype):
        return Parsed(column.astype("boolean"))
    text = stripped(column).str.lower()
    truth, known = text.isin(_TRUE), text.isin(_TRUE | _FALSE)
    lost = (text.notna() & ~known).to_numpy()
    values = truth.astype("boolean").mask(~known)
    return Parsed(values, lost=int(lost.sum()), examples=_examples(text[lost]))


def _parse_image(column: pd.Series) -> Parsed:
    """Every cell in the one form of `engine.data.images`."""
    from engine.data.images import settled

    text = stripped(column)
    found = {cell: settled(cell) for cell in text.dropna().unique()}
    values = text.map(found, na_action="ignore").astype(TEXT)
    lost = (text.notna() & values.isna()).to_numpy()
    return Parsed(values, lost=int(lost.sum()), examples=_examples(text[lost]))


def _parse_datetime(column: pd.Series, date_format: str | None) -> Parsed:
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return Parsed(_naive(column))
    text = stripped(column)
    form = date_format or best_date_format(text) or "ISO8601"
    found = _by_distinct(text, lambda values: (_dates(values, form), None))
    return Parsed(found.values.astype("datetime64[us]"), found.lost, 0, 0, found.examples)


def best_date_format(text: pd.Series, enough: float = 0.5) -> str | None:
    """The format that reads most of (a sample of) the cells, None when none reads the share `enough`."""
    sample = text.dropna().drop_duplicates().head(200)
    if sample.empty or not sample.str.contains(r"\d", regex=True).mean() >= enough:
        return None
    shares = {form: float(pd.notna(_strict_dates(sample, form)).mean()) for form in DATE_FORMATS}
    best = max(shares, key=lambda form: shares[form])
    return best if shares[best] >= enough else None


def _dates(values: pd.Series, form: str) -> npt.NDArray[np.datetime64]:
    """By the column's own format, and by ISO where that fails."""
    found = _strict_dates(values, form)
    if form == "ISO8601" or not pd.isna(found).any():
        return found
    return np.where(pd.isna(found), _strict_dates(values, "ISO8601"), found)


def _strict_dates(values: pd.Series, form: str) -> npt.NDArray[np.datetime64]:
    parsed = pd.to_datetime(values.astype(object), format=form, errors="coerce", utc=True)
    return _naive(parsed).to_numpy()


def _naive(column: pd.Series) -> pd.Series:
    """UTC wall clock without a zone, in microseconds."""
    if getattr(column.dtype, "tz", None) is not None:
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    return column.astype("datetime64[us]")


def _by_distinct(text: pd.Series, read: Callable[[pd.Series], tuple[npt.NDArray[Any], Mask | None]]) -> Parsed:
    """Read each distinct cell once. `read` gives values (NaN/NaT = unreadable) and which of them are infinite."""
    codes, distinct = pd.factorize(text)
    values, infinite = read(pd.Series(distinct, dtype=TEXT))
    unread = pd.isna(values)
    endless = np.zeros(len(values), dtype=bool) if infinite is None else infinite
    counts = np.bincount(codes[codes >= 0], minlength=len(values))
    blank = np.array(["NaT"], dtype="datetime64[us]") if values.dtype.kind == "M" else np.array([np.nan])
    filled = np.concatenate([values, blank])[codes]  # code -1, a missing cell, picks the blank at the end
    bad = unread & ~endless
    return Parsed(
        pd.Series(filled, index=text.index, name=text.name),
        lost=int(counts[bad].sum()),
        infinite=int(counts[endless].sum()),
        examples=_examples(pd.Series(distinct[bad][:3], dtype=TEXT)) if bad.any() else (),
    )


def _numbers(values: pd.Series) -> tuple[npt.NDArray[np.float64], Mask]:
    """Correctly rounded floats of every cell that is a number by our grammar."""
    cells = _arrow(values)
    good = pc.match_substring_regex(cells, _NUMBER)
    plain = pc.replace_substring_regex(pc.if_else(good, cells, None), r"^\+", "")
    floats = pc.cast(plain, pa.float64()).to_numpy(zero_copy_only=False)
    written = pc.match_substring_regex(cells, _INFINITE).to_numpy(zero_copy_only=False)
    infinite = written.astype(bool) | np.isinf(floats)  # 1e999 overflows
    return np.where(infinite, np.nan, floats), infinite


def _arrow(text: pd.Series) -> pa.Array:
    array = pa.array(text, type=pa.large_string(), from_pandas=True)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _examples(cells: pd.Series) -> tuple[str, ...]:
    if cells.empty:
        return ()
    return tuple(clip(cell, 30) for cell in cells.drop_duplicates().head(3))
