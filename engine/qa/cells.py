"""Checks of odd cells: missing, never seen, far out of range, of another type."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from engine.data.cells import clip
from engine.data.image_text import cell_of
from engine.errors import Fixable
from engine.naming import shortened
from engine.package_info import InputColumn
from engine.qa.check import Finding, failed, passed, skipped, warned
from engine.qa.subject import FEW, MOST_COLUMNS, Subject, filled, tried

NEVER_SEEN = "never seen before 7f3a"
FAR = (0.0, -1.0, 1e6, -1e6, 1e12, -1e12)
"""Numbers that a broken sensor or a wrong unit sends."""
ABSURD = (1e300, -1e300, 1e38, float("inf"), float("-inf"))
OUT_OF_RANGE = 10.0
"""Times the range of the training rows."""
LONG_WORDS = 20_000
WRONG = {
    "number": "not a number",
    "integer": "not a number",
    "datetime": "not a date",
    "boolean": "perhaps",
    "image": "not an image",
}
DATES = ("1900-01-01", "1970-01-01", "2199-12-31")
TEXTS = ("", " ", "word " * LONG_WORDS, "😀 \u202e mixed \u0000 up\ufffd", "<script>alert(1)</script>", "12345")


def missing_values(subject: Subject) -> Finding:
    """No value in one column after another, then in all of them."""
    columns = subject.info.columns[:MOST_COLUMNS]
    bad = _bad(subject, columns, (None,))
    nothing = subject.some(FEW).assign(**{column.name: _nothing(FEW) for column in subject.info.columns})
    why = tried(subject, nothing)
    bad += [f"all columns at once: {why}"] if why else []
    asked = f"A missing value in each of {_of(len(columns), subject)}, and in all at once"
    return _told(asked, bad, columns=len(columns))


def unseen_categories(subject: Subject) -> Finding:
    """A value that training did not hold, in one category column after another; the model is to say so."""
    columns = subject.of_kind("category")
    if not columns:
        return skipped("The model has no category column.")
    bad = _bad(subject, columns, (NEVER_SEEN,))
    if bad:
        return _told("A value never seen", bad, columns=len(columns))
    silent = [
        column.name
        for column in columns
        if column.known is not None and not _noted(subject, column.name, (NEVER_SEEN,))
    ]
    if silent:
        return warned(
            f"Values never seen are answered without a word in {_names(silent)}.",
            columns=len(columns), silent=len(silent),
        )  # fmt: skip
    return passed(
        f"A value never seen in each of {len(columns)} category column(s) is answered by a finite number and named.",
        columns=len(columns),
    )


def extreme_numbers(subject: Subject) -> Finding:
    """Zero, negative and huge numbers in one numeric column after another."""
    columns = subject.of_kind("number", "integer")
    if not columns:
        return skipped("The model has no numeric column.")
    bad: list[str] = []
    for column in columns:
        bad += _bad(subject, [column], (*FAR, *_beyond(subject.rows[column.name])))
    if bad:
        return _told("Zero, negative and huge numbers", bad, columns=len(columns))
    absurd = _bad(subject, columns, ABSURD)
    if absurd:
        return warned(
            f"Numbers up to 1e12 are answered by finite numbers, but not absurd ones (1e300, infinity): "
            f"{shortened(absurd, 3)}.",
            columns=len(columns), absurd=len(absurd),
        )  # fmt: skip
    return passed(
        f"Zero, negative, huge and infinite numbers in each of {len(columns)} numeric column(s) are answered by finite "
        "numbers.",
        columns=len(columns),
    )


def wrong_types(subject: Subject) -> Finding:
    """Words where a number, a date or an image belongs: refused, or named in the notes, but never taken silently."""
    columns = subject.of_kind(*WRONG)
    if not columns:
        return skipped("Any text is a valid cell in every column of the model.")
    bad: list[str] = []
    for column in columns:
        bad += _bad(subject, [column], (WRONG[column.kind],))
    if bad:
        return _told("Cells of a wrong type", bad, columns=len(columns))
    silent = [column.name for column in columns if not _noted(subject, column.name, (WRONG[column.kind],))]
    if silent:
        return failed(
            f"Cells of a wrong type are taken without a word in {_names(silent)}.",
            columns=len(columns), silent=len(silent),
        )  # fmt: skip
    return passed(
        f"Cells of a wrong type in each of {len(columns)} column(s) are refused, or named and taken as missing.",
        columns=len(columns),
    )


def odd_dates(subject: Subject) -> Finding:
    """Dates far from those of the training rows."""
    columns = subject.of_kind("datetime")
    if not columns:
        return skipped("The model has no column of dates.")
    return _told(f"Dates from {DATES[0]} to {DATES[-1]}", _bad(subject, columns, DATES), columns=len(columns))


def odd_texts(subject: Subject) -> Finding:
    """Empty, very long and mixed-up texts."""
    columns = subject.of_kind("text")
    if not columns:
        return skipped("The model has no column of texts.")
    asked = f"Empty texts, texts of {LONG_WORDS:,} words and mixed-up characters"
    return _told(asked, _bad(subject, columns, TEXTS), columns=len(columns))


def odd_images(subject: Subject) -> Finding:
    """One pixel, all black, all white, very wide."""
    columns = subject.of_kind("image")
    if not columns:
        return skipped("The model has no column of images.")
    shapes = ((1, 1), (3, 120), (120, 3))
    cells = [cell_of(np.full(shape, shade, dtype=np.uint8)) for shape in shapes for shade in (0, 255)]
    return _told("Images of one pixel, one colour and odd shapes", _bad(subject, columns, cells), columns=len(columns))


def _bad(subject: Subject, columns: Iterable[InputColumn], values: Sequence[object]) -> list[str]:
    """Columns that the model does not answer well with these cells, and why."""
    base = subject.some(max(FEW, len(values)))
    rows = base if len(base) >= len(values) else pd.concat([base] * len(values), ignore_index=True).head(len(values))
    found = []
    for column in columns:
        why = tried(subject, filled(rows, column.name, values))
        if why:
            found.append(f"{clip(column.name)!r} {why}")
    return found


def _beyond(cells: pd.Series) -> list[float]:
    numbers = cells.dropna().to_numpy(dtype=np.float64)
    if not len(numbers):
        return []
    low, high = float(numbers.min()), float(numbers.max())
    reach = OUT_OF_RANGE * (high - low)
    return [value for value in (low - reach, high + reach) if np.isfinite(value)]


def _noted(subject: Subject, column: str, values: Sequence[object]) -> bool:
    """Whether such cells are refused, or named in the notes by their column."""
    try:
        notes = subject.predict(filled(subject.some(FEW), column, values)).notes
    except Fixable:
        return True
    return any(column in note for note in notes)


def _told(asked: str, bad: Sequence[str], columns: int) -> Finding:
    if bad:
        return failed(f"{asked}: {shortened(bad, 3)}.", columns=columns, bad=len(bad))
    return passed(f"{asked}: answered by finite numbers, or refused in words.", columns=columns, bad=0)


def _nothing(rows: int) -> pd.Series:
    return pd.Series([None] * rows, dtype=object)


def _of(count: int, subject: Subject) -> str:
    whole = len(subject.info.columns)
    return f"{count} columns" if count == whole else f"the first {count} of {whole} columns"


def _names(names: Sequence[str]) -> str:
    return shortened([repr(clip(name)) for name in names], 5)
