"""What the text readers share: one stream of bytes under limits, decoded strictly, gathered into columns of text."""

import codecs
import gzip
import io
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa

from engine.data.cells import TEXT, clip
from engine.data.load import DataLimits
from engine.errors import BadChoice, DuplicateColumns, HeaderOnly, NotATable, TooLarge, Undecodable

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

Row = Sequence[str | None]

_BATCH = 20_000
"""Rows gathered as Python lists before they are packed; bounds the memory on top of the packed table."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class CheckedBytes(io.RawIOBase):
    """A byte stream that counts against the size limit and refuses bytes that are no text, naming where they stand.

    Raises (from read):
        TooLarge, Undecodable, NotATable.
    """

    def __init__(self, file: io.BufferedIOBase, source: str, encoding: str, max_bytes: int) -> None:
        self._file = file
        self._source = source
        self._encoding = encoding
        self._max_bytes = max_bytes
        self._decoder = codecs.getincrementaldecoder(encoding)("strict")
        self._lines = 1
        self.bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        block = self._file.read(len(view))
        self._check(block)
        view[: len(block)] = block
        return len(block)

    def _check(self, block: bytes) -> None:
        pending = len(self._decoder.getstate()[0])  # bytes of a character that began in the block before
        start = self.bytes - pending
        try:
            text = self._decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            head = error.object[: error.start].decode(self._encoding, "replace")
            line = self._lines + head.count("\n")
            byte, offset = error.object[error.start], start + error.start
            guess = _likely_encoding(error.object[max(0, error.start - 4096) : error.start + 4096])
            raise Undecodable(self._source, self._encoding, byte, offset, line, guess) from None
        self.bytes += len(block)
        if "\0" in text:
            offset = self.bytes - len(block) + max(block.find(b"\0"), 0)
            even = bool(block) and block[0] == 0
            raise _nul(self._source, offset, self._lines + text[: text.index("\0")].count("\n"), even and start == 0)
        self._lines += text.count("\n")
        if self.bytes > self._max_bytes:
            raise too_large(self._source, "bytes", self._max_bytes)


def _likely_encoding(around: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(around).best()
    return best.encoding if best and best.encoding not in {"utf_8", "ascii"} else "latin-1"


def _nul(source: str, offset: int, line: int, big_endian: bool) -> NotATable:
    order = "utf-16-be" if big_endian else "utf-16-le"
    return NotATable(
        f"{source!r} holds a NUL byte at offset {offset} (line {line}), so it is not plain text.",
        f"If it is UTF-16 without a byte order mark, give encoding='{order}'; otherwise it is a binary file.",
    )


def too_large(source: str, what: str, most: int) -> TooLarge:
    """The error for a passed limit, with the setting that holds it."""
    return TooLarge(
        f"{source!r} has more than {most:,} {what}.",
        f"Give a smaller file or raise the limit MILLWRIGHT_DATA__MAX_{what.upper()}.",
    )


@contextmanager
def open_text(
    path: Path, encoding: str | None, max_bytes: int, source: str | None = None
) -> Iterator[io.TextIOWrapper]:
    """The file as text, unpacked when it is gzip, line ends untouched. Decoding is strict.

    `source` is what errors call it, the file's name by default.

    Raises:
        BadChoice: an encoding nobody knows.
        NotATable: a broken gzip file. While reading also TooLarge, Undecodable.
    """
    try:
        with _unpacked(path) as file:
            found = _encoding(file.peek(4)[:4], encoding)
            raw = CheckedBytes(file, source or path.name, found, max_bytes)
            with io.TextIOWrapper(io.BufferedReader(raw, 1 << 20), encoding=found, newline="") as text:
                yield text
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise NotATable(
            f"{(source or path.name)!r} is a damaged gzip file ({error}).", "Pack it again or give it unpacked."
        ) from error


@contextmanager
def _unpacked(path: Path) -> Iterator[io.BufferedReader | gzip.GzipFile]:
    with path.open("rb") as file:
        if file.peek(2)[:2] != b"\x1f\x8b":
            yield file
            return
        with gzip.GzipFile(fileobj=file) as unpacked:
            yield unpacked


def _encoding(start: bytes, asked: str | None) -> str:
    """The one asked for, else the one the byte order mark names, else UTF-8."""
    marked = next((name for mark, name in _BOMS if start.startswith(mark)), None)
    if asked is None:
        return marked or "utf-8"
    try:
        io.TextIOWrapper(io.BytesIO(), encoding=asked)  # refuses codecs that are no text encodings, too
        name = codecs.lookup(asked).name
        # these codecs of Python are for host names and source code, and fail in ways of their own
        if name.replace("-", "_") in {"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"}:
            raise LookupError(name)
    except (LookupError, ValueError):
        raise BadChoice("encoding", asked, ("utf-8", "utf-16", "latin-1", "cp1252", "shift_jis", "gb18030")) from None
    return marked if marked and (marked.startswith(name) or name.startswith(marked)) else name


def clean_names(source: str, cells: Sequence[object], limits: DataLimits) -> tuple[list[str], list[str]]:
    """Column names from a header, and notes. Blank names become unnamed_1, unnamed_2 ... by position.

    Raises:
        TooLarge: too many columns.
        DuplicateColumns: a name stands there twice.
    """
    if len(cells) > limits.max_columns:
        raise too_large(source, "columns", limits.max_columns)
    names = [" ".join(str("" if cell is None else cell).split()) for cell in cells]
    blank = [at for at, name in enumerate(names) if not name]
    for at in blank:
        names[at] = f"unnamed_{at + 1}"
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise DuplicateColumns([clip(name) for name in twice])
    called = ", ".join(names[at] for at in blank[:8])
    return names, [f"{len(blank)} column(s) without a name: called {called}."] if blank else []


def text_frame(
    source: str, names: Sequence[str], rows: Iterable[Row], limits: DataLimits, batch_rows: int = _BATCH
) -> pd.DataFrame:
    """Gather rows of cells into a frame of `str` columns, in bounded memory: `batch_rows` at a time.

    Raises:
        HeaderOnly: no rows.
        TooLarge: more rows or more text than the limits allow.
    """
    schema = pa.schema([pa.field(name, pa.large_string()) for name in names])
    batches: list[pa.RecordBatch] = []
    count = size = 0
    stream = iter(rows)
    while batch := list(islice(stream, min(batch_rows, limits.max_rows + 1 - count))):
        packed = pa.record_batch([_packed(cells) for cells in zip(*batch, strict=True)], schema=schema)
        count, size = count + len(batch), size + packed.nbytes
        if count > limits.max_rows:
            raise too_large(source, "rows", limits.max_rows)
        # offsets and validity come on top of the text itself: eight bytes and a bit a cell
        if size - 9 * count * len(names) > limits.max_bytes:
            raise too_large(source, "bytes", limits.max_bytes)
        batches.append(packed)
    if not batches:
        raise HeaderOnly(source)
    return arrow_frame(pa.Table.from_batches(batches, schema=schema))


def _packed(cells: Row) -> pa.Array:
    try:
        return pa.array(cells, pa.large_string())
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can escape but no encoding can hold
        whole = [None if cell is None else cell.encode("utf-8", "replace").decode() for cell in cells]
        return pa.array(whole, pa.large_string())


_PANDAS = {
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
    pa.large_string(): TEXT,
}


def arrow_frame(table: pa.Table) -> pd.DataFrame:
    """Arrow to pandas: integers Int64, booleans boolean, strings `str`, the rest as pandas does it."""
    frame: pd.DataFrame = table.to_pandas(types_mapper=_PANDAS.get, ignore_metadata=True)
    return frame


def drop_empty_unnamed(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Leave out columns with neither a name nor a value, as trailing delimiters make them."""
    empty = [
        name
        for name in frame.columns
        if name.startswith("unnamed_") and bool((frame[name].fillna("").astype(TEXT).str.strip() == "").all())
    ]
    if not empty or len(empty) == len(frame.columns):
        return frame, []
    return frame.drop(columns=empty), [f"{len(empty)} column(s) without a name or a value were left out."]
