"""Cutting the log of a monitor into windows, once and for all.

A window is cut when it is found complete, while the monitor is locked, and what it holds never changes after that:
whoever asks later, in whatever process, is told the same. A row belongs to one window at most and none is left out:

by rows     A window holds the next `rows` positions.
by time     A window holds the rows with a time before its end that no window before it holds. So a row whose time lies
            in a window that was cut already (it came late, or its clock was wrong) is in the next one that is cut, and
            a row with a time in the future waits without holding up the others.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from engine.monitoring.records import Monitor
from engine.monitoring.tables import PREDICTIONS, WINDOWS, microseconds, moment

_HOUR = 3_600_000_000
_at = sa.type_coerce(PREDICTIONS.c.at, sa.BigInteger)
_Stepped = sa.Select[tuple[int, int, int]]


@dataclass(frozen=True)
class _Cell:
    """Rows of one step of the grid (from 0), with their lowest and highest position and time in microseconds."""

    step: int
    rows: int
    first: int
    final: int
    earliest: int
    latest: int

    def merged(self, later: "_Cell") -> "_Cell":
        return _Cell(
            step=later.step,
            rows=self.rows + later.rows,
            first=min(self.first, later.first),
            final=max(self.final, later.final),
            earliest=min(self.earliest, later.earliest),
            latest=max(self.latest, later.latest),
        )


@dataclass(frozen=True)
class _Cut:
    """A window as its table holds it; `until` is the time that bounds its rows, None where positions alone do."""

    number: int
    first: int
    last: int
    begins: datetime
    ends: datetime
    until: datetime | None
    rows: int

    def holds(self) -> sa.ColumnElement[bool]:
        """Rows that this window or one before it holds."""
        below = PREDICTIONS.c.position < self.last
        return below if self.until is None else below & (PREDICTIONS.c.at < self.until)


def cut(connection: sa.Connection, monitor: Monitor, logged: int, now: datetime) -> None:
    """Cut every window that is complete at `now` and not cut yet. The monitor is locked and has `logged` rows."""
    before = _cut_windows(connection, monitor.id, sa.true(), limit=1)
    newest = before[0] if before else None
    if monitor.window.hours is None:
        new = _by_rows(connection, monitor, newest, logged)
    else:
        new = list(_by_time(connection, monitor, newest, now))
    values = [{"monitor": monitor.id, **vars(window)} for window in new]
    if values:
        connection.execute(sa.insert(WINDOWS), values)


def rows_of(connection: sa.Connection, monitor: str, number: int) -> sa.ColumnElement[bool]:
    """The rows that a window holds; none when it was not cut."""
    near = _cut_windows(connection, monitor, WINDOWS.c.number.in_([number - 1, number]), limit=2)
    if not near or near[0].number != number:
        return sa.false()
    window, *before = near
    within = (PREDICTIONS.c.monitor == monitor) & (PREDICTIONS.c.position >= window.first) & window.holds()
    return sa.and_(within, *(~earlier.holds() for earlier in before))


def _cut_windows(connection: sa.Connection, monitor: str, which: sa.ColumnElement[bool], limit: int) -> list[_Cut]:
    """The newest windows of `which`, the newest first."""
    columns = [column for column in WINDOWS.c if column.name != "monitor"]
    chosen = sa.select(*columns).where(WINDOWS.c.monitor == monitor, which).order_by(WINDOWS.c.number.desc())
    return [_Cut(**row._mapping) for row in connection.execute(chosen.limit(limit))]


def _by_rows(connection: sa.Connection, monitor: Monitor, before: _Cut | None, logged: int) -> list[_Cut]:
    size = monitor.window.rows or 0
    number, start = (before.number, before.last) if before else (0, 0)
    full = (logged - start) // size
    position = PREDICTIONS.c.position
    rows = _stepped(monitor.id, (position - start) // size, position.between(start, start + full * size - 1))
    return [
        _Cut(
            number=number + cell.step + 1,
            first=cell.first,
            last=cell.final + 1,
            begins=moment(cell.earliest),
            ends=moment(cell.latest),
            until=None,
            rows=cell.rows,
        )
        for cell in _cells(connection, rows)
    ]


def _by_time(connection: sa.Connection, monitor: Monitor, before: _Cut | None, now: datetime) -> Iterator[_Cut]:
    width = max(1, round((monitor.window.hours or 0) * _HOUR))
    start = microseconds(before.ends) if before else _grid_start(connection, monitor.id, width)
    if start is None:
        return
    complete = start + (microseconds(now) - start) // width * width
    if complete <= start:
        return
    rows = [_stepped(monitor.id, (_at - start) // width, _at.between(start, complete - 1))]
    number, last, begins = (before.number, before.last, start) if before else (0, 0, start)
    if before:
        # what came late counts with the first step; + 0 keeps SQLite from the index of times, which is long there
        rows.append(_stepped(monitor.id, sa.literal(0), (PREDICTIONS.c.position >= last) & (_at + 0 < start)))
    for cell in _merged(_cells(connection, *rows), monitor.window.least_rows):
        number, last, ends = number + 1, max(last, cell.final + 1), start + (cell.step + 1) * width
        yield _Cut(
            number=number,
            first=cell.first,
            last=last,
            begins=moment(begins),
            ends=moment(ends),
            until=moment(ends),
            rows=cell.rows,
        )
        begins = ends


def _grid_start(connection: sa.Connection, monitor: str, width: int) -> int | None:
    """Where the first window begins: at the time of the first row, or whole steps before it if a later row is older."""
    mine = PREDICTIONS.c.monitor == monitor
    origin = connection.execute(sa.select(_at).where(mine, PREDICTIONS.c.position == 0)).scalar_one_or_none()
    if origin is None:
        return None
    earliest = connection.execute(sa.select(sa.func.min(_at)).where(mine)).scalar_one()
    return int(origin + (earliest - origin) // width * width)


def _stepped(monitor: str, step: sa.ColumnElement[int], which: sa.ColumnElement[bool]) -> _Stepped:
    """Step, position and time of each row of `which`."""
    mine = PREDICTIONS.c.monitor == monitor
    return sa.select(step.label("step"), PREDICTIONS.c.position, _at.label("at")).where(mine, which)


def _cells(connection: sa.Connection, *parts: _Stepped) -> list[_Cell]:
    """The rows of all parts by step, in the order of the steps."""
    rows = sa.union_all(*parts).subquery().c
    grouped = sa.select(
        rows.step,
        sa.func.count().label("rows"),
        sa.func.min(rows.position).label("first"),
        sa.func.max(rows.position).label("final"),
        sa.func.min(rows.at).label("earliest"),
        sa.func.max(rows.at).label("latest"),
    )
    in_order = grouped.group_by(rows.step).order_by(rows.step)
    return [_Cell(**row._mapping) for row in connection.execute(in_order)]


def _merged(cells: Iterable[_Cell], least: int) -> Iterator[_Cell]:
    """Cells with at least so many rows, each made of neighbours; the last rows that are too few stay out."""
    pending: _Cell | None = None
    for cell in cells:
        pending = pending.merged(cell) if pending else cell
        if pending.rows >= least:
            yield pending
            pending = None
