"""What is worth a word about a column although no test asks for it."""

from collections.abc import Iterator

import numpy as np

from engine.data.cells import clip
from engine.drift.found import Finding, FindingCode
from engine.drift.levels import Level
from engine.drift.reference import ColumnReference, CurrentColumn
from engine.drift.shape import Compared
from engine.drift.wording import day, of_rows, subject
from engine.figures import figure

_MOST_UNREADABLE = 0.5
"""Share of the cells that hold something, above which a column is taken to be of another kind now."""

_LEAST_LATER = 0.01
"""Share of times later than all of the reference, from which on they are told of: a few are so by chance."""


def notes_on(found: Compared) -> Iterator[Finding]:
    """What the current cells of a column are like, apart from their distribution."""
    reference, current = found.reference, found.current
    yield from _unreadable(reference, current)
    if current.present == 0:
        yield from _nothing_there(reference, current)
    elif reference.kind == "identifier":
        yield _note("not_tested", reference, "is an identifier, which is new in every row; only its gaps are compared")
    elif found.shape.tested is None and reference.test != "rates":
        few = f"has {current.present:,} values, and {reference.present:,} in the reference: too few to be compared"
        yield _note("too_few_rows", reference, few, rows=current.present)
    else:
        yield from _constant(reference, current)
        yield from _moved_on(reference, current)


def _note(
    code: FindingCode, reference: ColumnReference, predicate: str, level: Level = Level.GREEN, **figures: float
) -> Finding:
    return Finding(
        code=code,
        level=level,
        sentence=f"{subject(reference)} {predicate}.",
        column=reference.name,
        figures=dict(figures),
    )


def _unreadable(reference: ColumnReference, current: CurrentColumn) -> Iterator[Finding]:
    if not current.unreadable:
        return
    filled = current.rows - current.missing + current.unreadable
    retyped = current.unreadable > _MOST_UNREADABLE * filled
    told = f"cannot be read as {reference.kind} in {of_rows(current.unreadable, filled)}"
    yield _note(
        "retyped_column" if retyped else "unreadable_cells",
        reference,
        told,
        Level.RED if retyped else Level.GREEN,
        unreadable=current.unreadable,
        filled=filled,
    )


def _nothing_there(reference: ColumnReference, current: CurrentColumn) -> Iterator[Finding]:
    if not current.unreadable and not current.infinite:
        told = f"has no value in any of {current.rows:,} rows"
        yield _note("all_missing", reference, told, rows=current.rows)


def _constant(reference: ColumnReference, current: CurrentColumn) -> Iterator[Finding]:
    value = _only_value(current)
    if value is None or _distinct(reference) == 1:
        return
    yield _note("constant_column", reference, f"is {value} in all of {current.present:,} rows", rows=current.present)


def _only_value(current: CurrentColumn) -> str | None:
    if current.values is not None and current.values[0] == current.values[-1]:
        return figure(float(current.values[0]))
    held = [name for name, rows in (current.counts or {}).items() if rows]
    return repr(clip(held[0])) if len(held) == 1 else None


def _distinct(reference: ColumnReference) -> int:
    if reference.steps is not None:
        return len(reference.steps.values)
    return len(reference.counts or {})


def _moved_on(reference: ColumnReference, current: CurrentColumn) -> Iterator[Finding]:
    if reference.kind != "datetime" or reference.steps is None or current.values is None or not reference.present:
        return
    until, now = float(reference.steps.values[-1]), float(current.values[-1])
    later = int(np.count_nonzero(current.values > until))
    if later >= _LEAST_LATER * current.present:
        told = f"goes on to {day(now)} in {of_rows(later, current.present)}; the reference ends at {day(until)}"
        yield _note("time_moved_on", reference, told, until=until, now=now, later=later)
