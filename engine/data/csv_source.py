"""Reading delimited text: the delimiter is found, every row must have as many cells as the header."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pandas as pd

from engine.data.cells import BLANKS, DECIMAL_COMMA, NUMBER_BLANKS, clip, stripped
from engine.data.load import DataLimits, RawTable, ReadOptions
from engine.data.sources import Row, clean_names, drop_empty_unnamed, open_text, text_frame
from engine.errors import BadArguments, EmptySource, NotATable

DELIMITERS = (",", ";", "\t", "|")
"""Those found by themselves, in order of preference."""

_RARE = (":", "^", "~", "\x01", "\x1f", "*", "#", " ")
"""Those worth naming when a file reads as a single column."""

_SAMPLE = 256 * 1024
_LONGEST_CELL = 16 * 1024**2
"""Characters; the csv module's own limit of 131,072 refuses long texts, none would let one open quote fill memory."""
_NAMES = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "pipe", " ": "space"}


def read_csv(path: Path, limits: DataLimits, options: ReadOptions) -> RawTable:
    """Read delimited text, plain or gzip.

    Raises:
        EmptySource, HeaderOnly, Undecodable, NotATable, DuplicateColumns, TooLarge, BadChoice (encoding).
    """
    source = path.name
    csv.field_size_limit(_LONGEST_CELL)
    delimiter = _asked(options.delimiter)
    with open_text(path, options.encoding, limits.max_bytes) as text:
        start, told = _start(text, source)
        delimiter = delimiter or told or _sniff(start, source)
        _refuse_other_delimiter(start, delimiter, source)
        rows = _Rows(_lines(start, text), delimiter, source)
        header = next(rows, None)
        if header is None:
            raise EmptySource(source)
        names, notes = clean_names(source, header, limits)
        notes += _header_notes(names)
        rows.width = len(names)
        frame = text_frame(source, names, rows, limits)
    frame, dropped = drop_empty_unnamed(frame)
    # where the comma does not separate cells it may separate decimals
    commas = _decimal_commas(frame) if delimiter != "," else []
    notes += [f"Decimal commas are read as decimal points in: {clip(', '.join(commas), 100)}."] if commas else []
    skipped = [f"{rows.blank} blank line(s) were skipped."] if rows.blank else []
    return RawTable(frame, str(path), (*notes, *dropped, *skipped), frozenset(commas))


class _Rows(Iterator[Row]):
    """The records of delimited text; once `width` is set, each must have that many cells."""

    def __init__(self, lines: Iterator[str], delimiter: str, source: str) -> None:
        self._records = csv.reader(lines, delimiter=delimiter, strict=True)
        self._delimiter = delimiter
        self._source = source
        self.width: int | None = None
        self.blank = 0

    def __next__(self) -> Row:
        line = self._records.line_num + 1
        try:
            row = next(self._records)
            while not row:
                self.blank += 1
                line = self._records.line_num + 1
                row = next(self._records)
        except csv.Error as error:
            raise self._broken(line, error) from error
        if self.width is not None and len(row) != self.width:
            raise NotATable(
                f"{self._source!r}, line {line}: {len(row)} cell(s) where the header has {self.width} "
                f"(delimiter {called(self._delimiter)}).",
                "Put quotes around cells that hold the delimiter, or name another delimiter.",
            )
        return row

    def _broken(self, line: int, error: csv.Error) -> NotATable:
        if "field larger" in str(error):
            return NotATable(
                f"{self._source!r}, line {line}: a cell has more than {_LONGEST_CELL:,} characters.",
                "Probably a quote that is opened here is never closed; mend it or shorten the cell.",
            )
        what = "a quote that is opened here is never closed" if _endless(error) else f"{error}"
        return NotATable(f"{self._source!r}, line {line}: {what}.", "Mend the quotes around that cell.")


def _endless(error: csv.Error) -> bool:
    return "unexpected end of data" in str(error)


def called(delimiter: str) -> str:
    """A delimiter in words, e.g. "semicolon ';'"."""
    word = _NAMES.get(delimiter)
    return f"{word} {delimiter!r}" if word else repr(delimiter)


def _asked(delimiter: str | None) -> str | None:
    if delimiter is None:
        return None
    asked = {"\\t": "\t", "tab": "\t"}.get(delimiter, delimiter)
    if len(asked) != 1 or asked in '"\r\n':
        raise BadArguments(f"A delimiter is one character, not {delimiter!r}.", "For example delimiter=';'.")
    return asked


def _start(text: io.TextIOWrapper, source: str) -> tuple[list[str], str | None]:
    """The first lines, and the delimiter that a leading 'sep=;' line (as Excel writes it) tells.

    The part of a line that the sample cuts off is completed.
    """
    start = text.read(_SAMPLE)
    if not start.strip():
        raise EmptySource(source)
    start += text.readline() if not start.endswith("\n") else ""
    lines = list(io.StringIO(start, newline=""))
    told = re.match(r"^sep=(.)\s*$", lines[0])
    return (lines[1:], told[1]) if told else (lines, None)


def _lines(start: list[str], text: io.TextIOWrapper) -> Iterator[str]:
    yield from start
    yield from text


def _sniff(lines: list[str], source: str) -> str:
    """The delimiter under which most rows have as many cells (more than one) as the header."""
    shapes = {delimiter: _shape(lines, delimiter) for delimiter in DELIMITERS}
    able = [delimiter for delimiter in DELIMITERS if shapes[delimiter][0] > 1]
    if able:
        # of equally even ones the one with more cells; a comma wins a tie because it comes first
        return max(able, key=lambda delimiter: (round(shapes[delimiter][1], 3), shapes[delimiter][0]))
    for delimiter in _RARE:
        cells, even = _shape(lines, delimiter)
        if cells > 1 and even == 1.0:
            raise NotATable(
                f"{source!r} reads as a single column, but each line has {cells} cells "
                f"if they are separated by {called(delimiter)}.",
                f"Give delimiter={delimiter!r}.",
            )
    return ","


def _shape(lines: list[str], delimiter: str) -> tuple[int, float]:
    """Cells in the header, and the share of the sample's other records with as many."""
    records = csv.reader(lines, delimiter=delimiter)
    widths: list[int] = []
    with suppress(csv.Error):  # the records up to the broken one still tell
        widths.extend(len(record) for record in records if record)
    if not widths:
        return 0, 0.0
    counts = Counter(widths[1:])
    return widths[0], counts[widths[0]] / max(len(widths) - 1, 1) if len(widths) > 1 else 1.0


def _refuse_other_delimiter(lines: list[str], delimiter: str, source: str) -> None:
    """A table that is one column under this delimiter and an even table under another was given the wrong one."""
    if _shape(lines, delimiter)[0] != 1:
        return
    for other in DELIMITERS:
        cells, even = _shape(lines, other)
        if other != delimiter and cells > 1 and even >= 0.9:
            raise NotATable(
                f"{source!r} reads as a single column with {called(delimiter)}, "
                f"but has {cells} columns with {called(other)}.",
                f"Leave the delimiter out or give delimiter={other!r}.",
            )


def _header_notes(names: list[str]) -> list[str]:
    """A header of nothing but measured numbers is probably a row of data."""
    numbers = [name for name in names if re.fullmatch(r"[+-]?\d*\.?\d+([eE][+-]?\d+)?", name)]
    counted = all(name.isdigit() for name in names) and len({int(name) for name in names}) == len(names)
    if len(numbers) < len(names) or (counted and sorted(map(int, names))[-1] <= len(names)):
        return []
    return [f"The first line holds only numbers ({clip(', '.join(names))}) and was taken as the header."]


def _decimal_commas(frame: pd.DataFrame) -> list[str]:
    """Columns in which every cell that is not blank is a number with a decimal comma or whole, and one has a comma."""
    found = []
    for name in frame.columns:
        present = stripped(frame[name], BLANKS | NUMBER_BLANKS).dropna()
        if present.str.contains(",", regex=False).any() and present.str.match(DECIMAL_COMMA).all():
            found.append(name)
    return found
