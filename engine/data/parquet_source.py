"""Reading Parquet: sizes are checked in the footer before any data is read."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from engine.data.load import DataLimits, RawTable
from engine.data.sources import arrow_frame, clean_names, too_large
from engine.errors import HeaderOnly, NotATable


def read_parquet(path: Path, limits: DataLimits) -> RawTable:
    """Read a Parquet file whose columns are plain values.

    Raises:
        NotATable: a damaged file, or a column of lists, structs or bytes.
        HeaderOnly, DuplicateColumns, TooLarge.
    """
    source = path.name
    try:
        with pq.ParquetFile(path) as file:
            meta = file.metadata
            _check_size(source, meta, limits)
            names, notes = clean_names(source, file.schema_arrow.names, limits)
            table = file.read().rename_columns(names)
    except PermissionError:
        raise
    except (pa.ArrowException, OSError) as error:  # a damaged page shows as either
        raise NotATable(f"{source!r} is not a readable Parquet file.", "Write it again.") from error
    if table.num_rows == 0:
        raise HeaderOnly(source)
    index = [name for name in names if name.startswith("__index_level_")]
    table = table.drop_columns(index)
    notes += [f"The stored row index ({', '.join(index)}) was left out."] if index else []
    plain = pa.table({name: _plain(name, table.column(name), source) for name in table.column_names})
    return RawTable(arrow_frame(plain), str(path), tuple(notes))


def _check_size(source: str, meta: pq.FileMetaData, limits: DataLimits) -> None:
    if meta.num_columns > limits.max_columns:
        raise too_large(source, "columns", limits.max_columns)
    if meta.num_rows > limits.max_rows:
        raise too_large(source, "rows", limits.max_rows)
    size = sum(meta.row_group(at).total_byte_size for at in range(meta.num_row_groups))
    if size > limits.max_bytes:
        raise too_large(source, "bytes", limits.max_bytes)


def _plain(name: str, column: pa.ChunkedArray, source: str) -> pa.ChunkedArray:
    """One of int64, double, bool, timestamp[us] (UTC) or large_string."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(name, column.cast(kind.value_type), source)
    if pa.types.is_boolean(kind) or kind == pa.int64():
        return column
    if pa.types.is_null(kind) or pa.types.is_time(kind) or _is_text(kind):
        return column.cast(pa.large_string())
    if pa.types.is_integer(kind) and kind != pa.uint64():
        return column.cast(pa.int64())
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind) or kind == pa.uint64():
        return column.cast(pa.float64(), safe=False)
    if pa.types.is_duration(kind):
        return column.cast(pa.duration("us"), safe=False).cast(pa.int64())
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return column.cast(pa.timestamp("us", getattr(kind, "tz", None)), safe=False).cast(pa.timestamp("us"))
    raise NotATable(
        f"{source!r}: column {name!r} holds {kind}, not plain values.",
        "Unpack it into columns of their own or drop it.",
    )


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
