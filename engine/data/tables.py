"""A dataset's files: how rows are written, hashed, and read back by part."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from engine.data.cells import Kind
from engine.data.schema import Schema
from engine.data.sources import arrow_frame
from engine.data.split import Split
from engine.files import typed_disk_errors

_ARROW: dict[Kind, pa.DataType] = {
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "datetime": pa.timestamp("us"),
    "category": pa.large_string(),
    "text": pa.large_string(),
    "identifier": pa.large_string(),
    "image": pa.large_string(),
}


def to_table(frame: pd.DataFrame, schema: Schema) -> pa.Table:
    """A coerced frame as Arrow; missing cells are nulls in every kind."""
    arrays = [pa.array(frame[column.name], _ARROW[column.kind], from_pandas=True) for column in schema.columns]
    return pa.table(dict(zip(schema.names, arrays, strict=True)))


def content_hash(table: pa.Table) -> str:
    """SHA-256 over names, types, which cells are missing, and the values, column by column."""
    digest = hashlib.sha256()
    for name, column in zip(table.column_names, table.columns, strict=True):
        digest.update(f"{len(name)}:{name}:{column.type}:{len(column)};".encode())
        digest.update(pc.is_null(column).to_numpy().tobytes())
        if pa.types.is_large_string(column.type):
            digest.update(pc.binary_length(column).fill_null(0).to_numpy().tobytes())
            for chunk in column.chunks:
                _update_with_text(digest, chunk)
        elif pa.types.is_boolean(column.type):
            digest.update(column.fill_null(False).to_numpy().tobytes())
        else:
            whole = column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column
            digest.update(whole.fill_null(0).to_numpy().tobytes())
    return digest.hexdigest()


def _update_with_text(digest: "hashlib._Hash", chunk: pa.Array) -> None:
    _, offsets, data = chunk.buffers()
    if data is None or len(chunk) == 0:
        return
    ends = np.frombuffer(offsets, dtype=np.int64)[chunk.offset : chunk.offset + len(chunk) + 1]
    digest.update(memoryview(data)[ends[0] : ends[-1]])


def write_tables(folder: Path, table: pa.Table, split: Split) -> None:
    """Write the rows and their parts. A full disk shows as an OSError."""
    _write(folder / "data.parquet", table)
    _write(folder / "split.parquet", pa.table({"test": split.test, "left_out": split.left_out}))


def _write(path: Path, table: pa.Table) -> None:
    with path.open("wb") as file:
        pq.write_table(table, file, compression="zstd")
        file.flush()
        os.fsync(file.fileno())


def read_part(folder: Path, part: Literal["train", "test"]) -> pd.DataFrame:
    """The rows of one part in their order in the source, numbered from 0."""
    parts = pq.read_table(folder / "split.parquet")
    test, left_out = parts.column("test"), parts.column("left_out")
    chosen = test if part == "test" else pc.invert(pc.or_(test, left_out))
    return arrow_frame(pq.read_table(folder / "data.parquet").filter(chosen))


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Hold the folder's write lock; the system lets go of it however the process ends.

    Raises:
        DiskFull, HomeNotWritable.
    """
    with typed_disk_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        file = (root / ".lock").open("w")
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def sweep(root: Path) -> None:
    """Remove what an import that was killed left aside. Only the holder of the lock may: nobody else is writing."""
    for stale in root.glob(".ds_*"):
        shutil.rmtree(stale, ignore_errors=True)
