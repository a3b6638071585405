"""The windows of a monitor: which are due, what they hold, and the labelled rows between them."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from engine.database import Database
from engine.errors import NotFound
from engine.monitoring.cutting import cut, rows_of
from engine.monitoring.records import Monitor, Window
from engine.monitoring.rows import LABEL, WindowRows, count_labelled, newest_labelled, read_rows
from engine.monitoring.tables import CHECKS, PREDICTIONS, WINDOWS, lock


class Windows:
    """Windows of logged rows; how they are cut is told in `engine.monitoring.cutting`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self, monitor: Monitor, now: datetime, grace: timedelta = timedelta(0)) -> tuple[Window, ...]:
        """Complete windows without a check, in order.

        A time window is complete `grace` after its end, so that rows which come a little late are still in it. One
        with fewer than `least_rows` rows goes on through the next; the last rows wait until there are enough of them.

        Raises:
            NotFound: the monitor was deleted.
        """
        checked = sa.select(CHECKS.c.window).where(CHECKS.c.monitor == monitor.id)
        with self._database.begin() as connection:
            logged = lock(connection, monitor.id)
            cut(connection, monitor, logged, now - grace)
            return self._found(connection, monitor.id, WINDOWS.c.number.not_in(checked))

    def get(self, monitor: str, number: int) -> Window:
        """One window, with as many labels as have come by now.

        Raises:
            NotFound: it was not cut.
        """
        with self._database.begin() as connection:
            found = self._found(connection, monitor, WINDOWS.c.number == number)
        if not found:
            raise NotFound(
                "window", str(number), hint=f"The monitor {monitor!r} has no complete window of this number."
            )
        return found[0]

    def list(self, monitor: str) -> tuple[Window, ...]:
        """All windows that were cut, in order."""
        with self._database.begin() as connection:
            return self._found(connection, monitor, sa.true())

    def read(self, window: Window) -> WindowRows:
        """The rows of a window, in the order of the log."""
        with self._database.begin() as connection:
            return read_rows(connection, rows_of(connection, window.monitor, window.number))

    def recent_labelled(self, monitor: str, limit: int, before: datetime | None = None) -> WindowRows:
        """The last `limit` rows of the log that have a label (and a time before `before`), in the order of the log."""
        which = PREDICTIONS.c.monitor == monitor
        earlier = which if before is None else which & (PREDICTIONS.c.at < before)
        with self._database.begin() as connection:
            return newest_labelled(connection, earlier, limit)

    def labelled_between(self, monitor: str, begins: datetime, ends: datetime) -> WindowRows:
        """The rows with begins <= time < ends that have a label, in the order of the log."""
        within = (PREDICTIONS.c.at >= begins) & (PREDICTIONS.c.at < ends) & LABEL.is_not(None)
        with self._database.begin() as connection:
            return read_rows(connection, (PREDICTIONS.c.monitor == monitor) & within)

    def _found(self, connection: sa.Connection, monitor: str, which: sa.ColumnElement[bool]) -> tuple[Window, ...]:
        columns = [column for column in WINDOWS.c if column.name != "until"]
        chosen = sa.select(*columns).where(WINDOWS.c.monitor == monitor, which).order_by(WINDOWS.c.number)
        return tuple(
            Window(**row._mapping, labelled=count_labelled(connection, rows_of(connection, monitor, row.number)))
            for row in connection.execute(chosen).all()
        )
