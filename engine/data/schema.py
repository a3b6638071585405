"""What the columns of a dataset are. Declared once at import; nothing is inferred again later."""

from collections.abc import Collection, Mapping, Sequence
from typing import get_args

import pandas as pd
from pydantic import BaseModel, ConfigDict

from engine.data.cells import Kind, Parsed, decimal_points, parse
from engine.data.guess import Guess, cautions, guess
from engine.errors import ColumnNotFound, ColumnsMissing, KindMismatch, UnknownKind

__all__ = ["KINDS", "Column", "Kind", "Schema", "coerce", "coerce_counted", "infer_schema", "retold"]

KINDS: tuple[str, ...] = get_args(Kind)

_ASKED = ", as asked"
_TOLD = ", as its source tells"
_MOST = 0.5
"""A column of which more than this share of the present cells does not fit its kind is refused."""


class Column(BaseModel):
    """One column. `missing` counts cells without a usable value, `distinct` the different values present.

    `reason` says why it is of its kind, `caution` what was given up in reading it ('' if nothing),
    `date_format` how dates are written in the source (None for other kinds), `decimal_comma` that its numbers are
    written as 1.234,5.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: Kind
    missing: int = 0
    distinct: int = 0
    reason: str = ""
    caution: str = ""
    date_format: str | None = None
    decimal_comma: bool = False


class Schema(BaseModel):
    """The columns in their order in the source."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: tuple[Column, ...]

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    def column(self, name: str) -> Column:
        """Raises: ColumnNotFound, naming the nearest."""
        for column in self.columns:
            if column.name == name:
                return column
        raise ColumnNotFound(name, self.names)

    def kind(self, name: str) -> Kind:
        """Raises: ColumnNotFound, naming the nearest."""
        return self.column(name).kind

    def of_kind(self, *kinds: str) -> list[str]:
        """Names of the columns of these kinds."""
        return [column.name for column in self.columns if column.kind in kinds]

    def features(self, target: str | None, drop: Sequence[str] = ()) -> list[str]:
        """Columns to learn from: all but the target, the dropped ones and identifiers.

        Raises:
            ColumnNotFound: the target or a dropped column does not exist.
        """
        for name in (*([target] if target else []), *drop):
            self.kind(name)
        left_out = {target, *drop, *self.of_kind("identifier")}
        return [name for name in self.names if name not in left_out]

    def written_as(self, other: "Schema") -> "Schema":
        """The same columns, with numbers and dates written as those of the same name and kind in `other`."""
        ways = {(column.name, column.kind): column for column in other.columns}
        return Schema(
            columns=tuple(
                column.model_copy(update={"date_format": way.date_format, "decimal_comma": way.decimal_comma})
                if (way := ways.get((column.name, column.kind)))
                else column
                for column in self.columns
            )
        )

    def subset(self, names: Sequence[str]) -> "Schema":
        """These columns, in the given order. Raises: ColumnNotFound."""
        return Schema(columns=tuple(self.column(name) for name in names))


def infer_schema(
    frame: pd.DataFrame,
    overrides: Mapping[str, str],
    target: str | None = None,
    decimal_commas: Collection[str] = frozenset(),
    told: Mapping[str, str] | None = None,
) -> Schema:
    """Judge every column; an override wins. The target is never an identifier, whatever it looks like.

    `decimal_commas` names text columns whose numbers are written as 1.234,5; `told` are kinds that follow from what
    the source is, and are not judged.

    Raises:
        ColumnNotFound: an override names no column.
        UnknownKind: an override is no kind.
        KindMismatch: most cells of a column cannot be read as the kind asked for.
    """
    names = [str(name) for name in frame.columns]
    for name, kind in overrides.items():
        if name not in names:
            raise ColumnNotFound(name, names)
        if kind not in KINDS:
            raise UnknownKind(name, kind, KINDS)
    told = told or {}
    return Schema(
        columns=tuple(
            _judge(frame[name], overrides.get(name), name == target, name in decimal_commas, told.get(name))
            for name in names
        )
    )


def retold(schema: Schema, frame: pd.DataFrame, target: str | None = None) -> Schema:
    """The same kinds, with what is told of each column (counts, reason, caution) as these rows alone show it."""
    return Schema(
        columns=tuple(_retold(column, frame[column.name], column.name == target) for column in schema.columns)
    )


def _retold(column: Column, cells: pd.Series, is_target: bool) -> Column:
    unjudged = column.reason.endswith((_ASKED, _TOLD))
    again = None if unjudged else _judge(cells, None, is_target, column.decimal_comma)
    if again is not None and (again.kind, again.date_format) == (column.kind, column.date_format):
        return again
    # these rows alone look like another kind: only what no row can give away is told
    parsed = parse(_readable(cells, column), column.kind, column.date_format)
    return column.model_copy(
        update={
            "missing": parsed.missing,
            "distinct": int(parsed.values.nunique()),
            "reason": column.reason if unjudged else f"{column.kind}, judged on all rows",
            "caution": cautions(column.name, column.kind, parsed),
        }
    )


def _readable(cells: pd.Series, column: Column) -> pd.Series:
    return decimal_points(cells) if column.decimal_comma else cells


def _judge(
    column: pd.Series, asked: str | None, is_target: bool, decimal_comma: bool, told: str | None = None
) -> Column:
    column = decimal_points(column) if decimal_comma else column
    found = guess(column)
    wanted = asked or told
    if wanted is not None and wanted != found.kind:
        found = _override(column, wanted, found)
    elif is_target and found.kind == "identifier":
        kind: Kind = "integer" if pd.api.types.is_numeric_dtype(column.dtype) else "category"
        found = Guess(kind, "the target, though each value differs", parse(column, kind))
    reason = f"{found.kind}{_ASKED}" if asked is not None else found.reason or f"{found.kind}{_TOLD}"
    return Column(
        name=str(column.name),
        kind=found.kind,
        missing=found.parsed.missing,
        distinct=int(found.parsed.values.nunique()),
        reason=reason,
        caution=found.caution,
        date_format=found.date_format,
        decimal_comma=decimal_comma,
    )


def _override(column: pd.Series, asked: str, inferred: Guess) -> Guess:
    kind: Kind = next(kind for kind in get_args(Kind) if kind == asked)
    if inferred.kind == "image" and kind in {"category", "text"}:
        raise KindMismatch(
            f"Column {str(column.name)!r} holds images, which cannot be read as {kind}.", "Leave the override out."
        )
    parsed = parse(column, kind)
    _refuse_mismatch(str(column.name), kind, parsed, f"Leave the override out: it looks like {inferred.kind}.")
    return Guess(kind, "", parsed, cautions(str(column.name), kind, parsed))


def _refuse_mismatch(name: str, kind: Kind, parsed: Parsed, hint: str) -> None:
    unfit = parsed.lost + parsed.rounded
    if parsed.present == 0 or unfit <= _MOST * parsed.present:
        return
    examples = ", ".join(repr(cell) for cell in parsed.examples) or "values that are not whole"
    raise KindMismatch(
        f"Column {name!r} cannot be read as {kind}: {unfit:,} of {parsed.present:,} cells do not fit, e.g. {examples}.",
        hint,
    )


def coerce(frame: pd.DataFrame, schema: Schema, *, strict: bool = True) -> pd.DataFrame:
    """The schema's columns in its order and dtypes; other columns are ignored.

    number -> float64, integer -> Int64 (when strict, values that are not whole are rounded; otherwise such
    a column becomes float64, so that a new 2.5 is seen as 2.5), category, text, identifier and image -> `str`
    (all but text without surrounding white space, images in the one form of `engine.data.images`), boolean -> boolean,
    datetime -> datetime64[us] in UTC without a zone. Cells that do not fit and infinite values become missing.

    Raises:
        ColumnsMissing: the frame lacks a column of the schema.
        KindMismatch: when strict and most cells of a column do not fit its kind.
    """
    return coerce_counted(frame, schema, strict=strict)[0]


def coerce_counted(frame: pd.DataFrame, schema: Schema, *, strict: bool = False) -> tuple[pd.DataFrame, dict[str, int]]:
    """As `coerce`, with the number of cells per column that held something unusable (columns without any left out)."""
    given = [str(name) for name in frame.columns]
    missing = [name for name in schema.names if name not in set(given)]
    if missing:
        raise ColumnsMissing(missing, given)
    parts: dict[str, pd.Series] = {}
    counts: dict[str, int] = {}
    for column in schema.columns:
        cells = _readable(frame[column.name], column)
        parsed = parse(cells, column.kind, column.date_format)
        if strict:
            _refuse_mismatch(column.name, column.kind, parsed, "Give the column another kind.")
        elif parsed.rounded:
            parsed = parse(cells, "number")
        parts[column.name] = parsed.values
        counts[column.name] = parsed.lost + parsed.infinite
    coerced = pd.DataFrame(parts, index=frame.index, columns=schema.names)
    return coerced, {name: count for name, count in counts.items() if count}
