"""Reading JSON lines: one object a line; a key that is absent is a missing cell."""

import io
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pandas as pd

from engine.data.cells import cell_text, clip
from engine.data.load import DataLimits, RawTable, ReadOptions
from engine.data.sources import clean_names, open_text, text_frame, too_large
from engine.errors import EmptySource, NotATable

_BATCH = 20_000


def read_json_lines(path: Path, limits: DataLimits, options: ReadOptions) -> RawTable:
    """Read JSON lines, plain or gzip. Columns come in the order in which their keys are first seen.

    Raises:
        NotATable: a line that is no JSON object, or a key twice in one object.
        EmptySource, Undecodable, DuplicateColumns, TooLarge.
    """
    source = path.name
    parts: list[pd.DataFrame] = []
    seen: dict[str, None] = {}
    nested: dict[str, None] = {}
    with open_text(path, options.encoding, limits.max_bytes) as text:
        records = _records(text, source, nested)
        count = 0
        while batch := list(islice(records, _BATCH)):
            count += len(batch)
            if count > limits.max_rows:
                raise too_large(source, "rows", limits.max_rows)
            seen.update(dict.fromkeys(key for record in batch for key in record))
            if len(seen) > limits.max_columns:
                raise too_large(source, "columns", limits.max_columns)
            keys = list(seen)
            parts.append(text_frame(source, keys, ([record.get(key) for key in keys] for record in batch), limits))
    if not parts:
        raise EmptySource(source)
    if not seen:
        raise NotATable(f"{source!r} holds only empty objects.", "Write one JSON object with keys a line.")
    frame = pd.concat(parts, ignore_index=True)
    names, notes = clean_names(source, list(frame.columns), limits)
    notes += [f"Lists and objects are kept as JSON text in: {clip(', '.join(nested), 100)}."] if nested else []
    return RawTable(frame.set_axis(names, axis=1), str(path), tuple(notes))


def _records(text: io.TextIOWrapper, source: str, nested: dict[str, None]) -> Iterator[dict[str, str | None]]:
    for number, line in enumerate(text, start=1):
        if not line.strip():
            continue
        record = _object(line, number, source)
        nested.update(dict.fromkeys(key for key, value in record.items() if isinstance(value, dict | list)))
        yield {key: cell_text(value) for key, value in record.items()}


def _object(line: str, number: int, source: str) -> dict[str, object]:
    """Numbers stay as they are written, so that no digit is lost on the way to the column's kind."""
    try:
        record = json.loads(line, parse_float=str, parse_int=str, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        whole = " (an array over the whole file is not read)" if line.lstrip().startswith("[") else ""
        raise NotATable(
            f"{source!r}, line {number} is not a JSON object: {error}{whole}.", "Write one JSON object a line."
        ) from error
    if not isinstance(record, dict):
        raise NotATable(f"{source!r}, line {number} is not a JSON object.", "Write one JSON object a line.")
    return record


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    record = dict(pairs)
    if len(record) < len(pairs):
        raise ValueError("a key stands there twice")
    return record
