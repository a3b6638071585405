"""Reading Excel sheets: values as shown by the last calculation, streamed row by row."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

from engine.data.cells import cell_text
from engine.data.load import DataLimits, RawTable, ReadOptions
from engine.data.sources import Row, clean_names, drop_empty_unnamed, text_frame, too_large
from engine.errors import BadChoice, EmptySource, NotATable

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook

_ERRORS = frozenset({"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"})
_DAMAGE = (zipfile.BadZipFile, zlib.error, ParseError, EOFError)


def read_excel(path: Path, limits: DataLimits, options: ReadOptions) -> RawTable:
    """Read one sheet of an .xlsx workbook: the first, or the one named.

    Raises:
        NotATable: a damaged workbook. BadChoice: an unknown sheet.
        EmptySource, HeaderOnly, DuplicateColumns, TooLarge.
    """
    source = path.name
    _check_size(path, limits)
    with _workbook(path) as book:
        sheet = _sheet(book, options.sheet)
        rows = _rows(sheet.iter_rows(values_only=True))
        header = next(rows, None)
        if header is None:
            raise EmptySource(source)
        names, notes = clean_names(source, header[1], limits)
        frame = text_frame(source, names, _even(rows, len(names), source), limits)
        others = (
            [f"Sheet {sheet.title!r} was read; there are {len(book.sheetnames)}."] if len(book.sheetnames) > 1 else []
        )
    frame, dropped = drop_empty_unnamed(frame)
    return RawTable(frame, str(path), (*notes, *dropped, *(others if options.sheet is None else [])))


@contextmanager
def _workbook(path: Path) -> "Iterator[Workbook]":
    """The open workbook; its sheets are unpacked and parsed while they are read, so damage may show at any row.

    Raises:
        NotATable: it is damaged.
    """
    import openpyxl

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        try:
            yield book
        finally:
            book.close()
    except PermissionError:
        raise
    except (*_DAMAGE, KeyError, ValueError, IndexError, TypeError, AttributeError, OSError) as error:
        raise NotATable(
            f"{path.name!r} is not a readable .xlsx workbook ({type(error).__name__}).", "Save it again as .xlsx."
        ) from error


def _check_size(path: Path, limits: DataLimits) -> None:
    """A workbook is a zip archive: what it unpacks to is what counts."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile as error:
        raise NotATable(f"{path.name!r} is not a readable .xlsx workbook.", "Save it again as .xlsx.") from error
    if size > limits.max_bytes:
        raise too_large(path.name, "bytes", limits.max_bytes)


def _sheet(book: "Workbook", asked: str | None) -> Any:  # noqa: ANN401  openpyxl's read-only sheets share no typed base
    titles = [sheet.title for sheet in book.worksheets]
    if asked is not None and asked not in titles:
        raise BadChoice("sheet", asked, titles)
    if not titles:
        raise NotATable("The workbook has no sheet of cells.", "Give one with a table.")
    sheet = book.worksheets[0 if asked is None else titles.index(asked)]
    sheet.reset_dimensions()  # the size a file claims may be wrong, or a million empty rows
    return sheet


def _rows(cells: Iterator[tuple[object, ...]]) -> Iterator[tuple[int, Row]]:
    """Row numbers and rows as text, without empty rows and without empty cells at the end."""
    for number, values in enumerate(cells, start=1):
        row = [None if value in _ERRORS else cell_text(value) for value in values]
        while row and row[-1] is None:
            row.pop()
        if row:
            yield number, row


def _even(rows: Iterator[tuple[int, Row]], width: int, source: str) -> Iterator[Row]:
    """Short rows are filled with missing cells, as Excel shows them."""
    for number, row in rows:
        if len(row) > width:
            raise NotATable(
                f"{source!r}, row {number}: {len(row)} cells under a header of {width}.",
                "The table must start in the first row, with a name over each column.",
            )
        yield [cell for cell, _ in zip_longest(row, range(width))]
