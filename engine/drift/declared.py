"""What each column of a reference is: declared by its maker, or judged once from its cells; never judged again."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from engine.data.schema import KINDS, Schema, infer_schema
from engine.drift.reading import Reading, real
from engine.drift.vectors import embedding_width
from engine.errors import ColumnNotFound, ColumnsMissing, KindMismatch, UnknownKind

_ALL_KINDS = (*KINDS, "embedding")
_JUDGED_ON = 100_000
"""Rows, spread evenly, that a column is judged on."""


def declare(
    frame: pd.DataFrame, schema: Schema | Mapping[str, str] | None, target: str | None = None
) -> dict[str, Reading]:
    """How each column is read, in the frame's order.

    Of a `Schema` the columns are taken and no others. A mapping gives the kinds of the columns that it names; the
    others are judged as at import, and a column of equally long lists of numbers is an embedding. Columns that pandas
    holds as categorical are categories.

    Raises:
        ColumnsMissing: the frame lacks a column of the schema.
        ColumnNotFound: the target or a column of the mapping is not there.
        UnknownKind: the mapping has another kind.
        KindMismatch: most cells of a column cannot be read as the kind that the mapping gives.
    """
    readings = _of_schema(frame, schema) if isinstance(schema, Schema) else _judged(frame, schema or {}, target)
    if target is not None and target not in readings:
        raise ColumnNotFound(target, list(readings))
    return {name: readings[name] for name in frame.columns if name in readings}


def _of_schema(frame: pd.DataFrame, schema: Schema) -> dict[str, Reading]:
    missing = [name for name in schema.names if name not in frame.columns]
    if missing:
        raise ColumnsMissing(missing, list(frame.columns))
    return {
        column.name: Reading(kind=column.kind, date_format=column.date_format, decimal_comma=column.decimal_comma)
        for column in schema.columns
    }


def _judged(frame: pd.DataFrame, asked: Mapping[str, str], target: str | None) -> dict[str, Reading]:
    for name, kind in asked.items():
        if name not in frame.columns:
            raise ColumnNotFound(name, list(frame.columns))
        if kind not in _ALL_KINDS:
            raise UnknownKind(name, kind, _ALL_KINDS)
    spread = frame.iloc[np.linspace(0, len(frame) - 1, min(len(frame), _JUDGED_ON)).astype(int)]
    widths = {name: _width(spread[name], asked.get(name)) for name in frame.columns}
    others = [name for name, width in widths.items() if width is None]
    plain = pd.DataFrame({name: real(spread[name]) for name in others})
    schema = infer_schema(plain, {name: asked[name] for name in others if name in asked}, target, told=_told(plain))
    embeddings = {name: Reading(kind="embedding", width=width) for name, width in widths.items() if width is not None}
    return _of_schema(frame, schema) | embeddings


def _width(cells: pd.Series, asked: str | None) -> int | None:
    """Of an embedding; None when the column is not to be one."""
    if asked not in {None, "embedding"}:
        return None
    width = embedding_width(cells)
    if width is None and asked == "embedding":
        raise KindMismatch(
            f"Column {cells.name!r} cannot be read as embedding: its cells are not lists of one length.",
            "Leave its kind out, or give lists of numbers that are equally long.",
        )
    return width


def _told(frame: pd.DataFrame) -> dict[str, str]:
    return {name: "category" for name in frame.columns if isinstance(frame[name].dtype, pd.CategoricalDtype)}
