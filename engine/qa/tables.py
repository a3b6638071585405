"""Checks of the table that a model is given: its columns, their order, its rows, how many there are."""

import time

import numpy as np
import pandas as pd

from engine.data.cells import clip
from engine.errors import Fixable
from engine.naming import shortened
from engine.qa.check import Finding, failed, passed, skipped, warned
from engine.qa.subject import ALIKE, EQUAL, MOST_COLUMNS, Subject, answers_of, apart

EXTRA = "zz_extra_7f3a"
ROWS = 32
ALONE = 16
LARGE, LARGE_HEAVY = 5_000, 256
"""Rows of a large batch; fewer where a row is a text or an image."""


def column_order(subject: Subject) -> Finding:
    """The same rows with their columns in reverse."""
    rows = subject.some(ROWS)
    mixed = rows[list(reversed(rows.columns))]
    return _same(subject, rows, mixed, "With the columns in reverse order", rows.shape[1] > 1)


def extra_columns(subject: Subject) -> Finding:
    """A column that the model does not know: ignored and named, or refused."""
    rows = subject.some(ROWS)
    try:
        prediction = subject.predict(rows.assign(**{EXTRA: "extra"}))
    except Fixable as error:
        return passed(f"A column that it does not know is refused: {error.sentence}")
    distance = apart(subject.answers(rows), answers_of(prediction))
    if distance > ALIKE:
        return failed(f"A column that it does not know changes answers by up to {distance:.3g}.", largest=distance)
    if not any(EXTRA in note for note in prediction.notes):
        return warned("A column that it does not know is ignored without a word.", largest=distance)
    return passed("A column that it does not know is ignored and named in the notes.", largest=distance)


def missing_columns(subject: Subject) -> Finding:
    """One column after another left out: refused, by its name."""
    rows, silent, unnamed = subject.some(ROWS), list[str](), list[str]()
    columns = [column.name for column in subject.info.columns[:MOST_COLUMNS]]
    for name in columns:
        try:
            subject.predict(rows.drop(columns=[name]))
        except Fixable as error:
            unnamed += [] if name in str(error) else [name]
        else:
            silent.append(name)
    if silent:
        return failed(
            f"It answers without {len(silent)} of its columns and does not say so: "
            f"{shortened([repr(clip(name)) for name in silent], 5)}.",
            columns=len(columns), silent=len(silent),
        )  # fmt: skip
    if unnamed:
        return failed(
            f"It refuses rows without {clip(unnamed[0])!r} and does not name the column.",
            columns=len(columns), unnamed=len(unnamed),
        )  # fmt: skip
    return passed(f"Rows without a column are refused by its name ({len(columns)} tried).", columns=len(columns))


def one_row_as_many(subject: Subject) -> Finding:
    """Rows asked for one at a time get the answers that they get together."""
    rows = subject.some(ALONE)
    alone = np.concatenate([subject.answers(rows.iloc[[place]]) for place in range(len(rows))])
    return _judged(apart(subject.answers(rows), alone), f"{len(rows)} rows asked for one at a time and together")


def same_twice(subject: Subject) -> Finding:
    """The same rows asked for twice."""
    rows = subject.some(ROWS)
    return _judged(apart(subject.answers(rows), subject.answers(rows)), f"The same {len(rows)} rows asked for twice")


def duplicates(subject: Subject) -> Finding:
    """Every row three times in one batch."""
    rows = subject.some(ROWS)
    thrice = subject.answers(pd.concat([rows] * 3, ignore_index=True))
    expected = np.concatenate([subject.answers(rows)] * 3)
    return _judged(apart(expected, thrice), f"{len(rows)} rows given three times each in one batch")


def row_order(subject: Subject) -> Finding:
    """The rows shuffled: each keeps its answer."""
    rows = subject.some(ROWS)
    order = np.random.default_rng([subject.seed, 3]).permutation(len(rows))
    shuffled = subject.answers(rows.iloc[order].reset_index(drop=True))
    return _judged(apart(subject.answers(rows)[order], shuffled), f"{len(rows)} rows in another order")


def identifiers(subject: Subject) -> Finding:
    """Other identifiers and other row numbers: who a row is must not matter."""
    rows = subject.some(ROWS)
    numbered = rows.set_axis(pd.Index(range(10_000, 10_000 + len(rows)), name="row"), axis="index")
    known = subject.identifiers.head(len(rows))
    given = numbered.join(known.iloc[::-1].set_axis(numbered.index, axis="index"))
    what = shortened([repr(clip(name)) for name in known.columns], 3)
    words = f"With other row numbers{f' and other values of {what}' if what else ''}"
    return _same(subject, rows, given, words, True)


def empty_input(subject: Subject) -> Finding:
    """No rows: refused in words, or answered by nothing."""
    try:
        answers = subject.answers(subject.some(ROWS).head(0))
    except Fixable as error:
        return passed(f"A table without rows is refused: {error.sentence}")
    if len(answers):
        return failed(f"A table without rows gets {len(answers)} answer(s).", answers=len(answers))
    return passed("A table without rows gets no answers.", answers=0)


def large_batch(subject: Subject) -> Finding:
    """Thousands of rows at once."""
    heavy = bool(subject.of_kind("text", "image"))
    count = LARGE_HEAVY if heavy else LARGE
    rows = pd.concat([subject.rows] * -(-count // len(subject.rows)), ignore_index=True).head(count)
    began = time.perf_counter()
    answers = subject.answers(rows)
    seconds = time.perf_counter() - began
    if len(answers) != count or not np.isfinite(answers).all():
        return failed(f"{count:,} rows at once are not all answered by numbers.", rows=count, answers=len(answers))
    rate = count / max(seconds, 1e-9)
    return passed(
        f"{count:,} rows at once are answered in {seconds:.2f} s ({rate:,.0f} rows a second).",
        rows=count, seconds=round(seconds, 4), rows_per_second=round(rate, 1),
    )  # fmt: skip


def _same(subject: Subject, rows: pd.DataFrame, other: pd.DataFrame, words: str, can_differ: bool) -> Finding:
    if not can_differ:
        return skipped("The model has one column.")
    return _judged(apart(subject.answers(rows), subject.answers(other)), words)


def _judged(distance: float, words: str) -> Finding:
    if distance <= EQUAL:
        return passed(f"{words}: the answers are the same.", largest=distance)
    if distance <= ALIKE:
        return warned(f"{words}: the answers differ by up to {distance:.1g}.", largest=distance)
    if np.isfinite(distance):
        return failed(f"{words}: the answers differ by up to {distance:.3g}.", largest=distance)
    return failed(f"{words}: the answers cannot be compared (not all are numbers).")
