"""What the checks of a monitor found, window by window."""

import json

import sqlalchemy as sa

from engine.database import Database
from engine.drift.levels import Level
from engine.monitoring.records import Check
from engine.monitoring.tables import CHECKS, lock


class History:
    """One check for each window of a monitor; kept under the monitor's id when the monitor is deleted."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record_check(self, check: Check) -> Check:
        """Keep what was found in a window; returns what is kept.

        Of a window that is checked again, since labels came, the newer findings are kept with the time of the first
        check. Findings on fewer labels than those kept change nothing, and neither do the same findings again.

        Raises:
            NotFound: there is no such monitor.
        """
        this = (CHECKS.c.monitor == check.monitor) & (CHECKS.c.window == check.window)
        with self._database.begin() as connection:
            lock(connection, check.monitor)
            stored = connection.execute(sa.select(CHECKS.c.record).where(this)).scalar_one_or_none()
            if stored is None:
                values = {"monitor": check.monitor, "window": check.window, **_columns(check)}
                connection.execute(sa.insert(CHECKS).values(**values))
                return check
            kept = Check.model_validate_json(stored)
            if check.labelled < kept.labelled or _same_findings(check, kept):
                return kept
            revised = check.model_copy(update={"at": kept.at, "revised": check.at})
            connection.execute(sa.update(CHECKS).where(this).values(**_columns(revised)))
        return revised

    def history(self, monitor: str, limit: int = 100) -> tuple[Check, ...]:
        """The last checks by window, the newest at the end."""
        newest = sa.select(CHECKS.c.record).where(CHECKS.c.monitor == monitor).order_by(CHECKS.c.window.desc())
        with self._database.begin() as connection:
            records = connection.execute(newest.limit(limit)).scalars().all()
        return tuple(Check.model_validate_json(record) for record in reversed(records))

    def last_levels(self, monitor: str) -> dict[str, Level]:
        """The level of each column in the newest check; empty before the first."""
        newest = sa.select(CHECKS.c.levels).where(CHECKS.c.monitor == monitor).order_by(CHECKS.c.window.desc())
        with self._database.begin() as connection:
            levels = connection.execute(newest.limit(1)).scalar_one_or_none()
        return _levels(levels) if levels else {}

    def since_when(self, monitor: str, column: str) -> int | None:
        """The window since which the column was at YELLOW or higher in every check; None when it is not now."""
        newest_first = (
            sa.select(CHECKS.c.window, CHECKS.c.levels)
            .where(CHECKS.c.monitor == monitor)
            .order_by(CHECKS.c.window.desc())
        )
        since = None
        with self._database.begin() as connection:
            for window, levels in connection.execute(newest_first):
                if _levels(levels).get(column, Level.GREEN) == Level.GREEN:
                    break
                since = int(window)
        return since


def _same_findings(one: Check, other: Check) -> bool:
    return one == other.model_copy(update={"at": one.at, "revised": one.revised})


def _columns(check: Check) -> dict[str, str]:
    levels = {name: column.level for name, column in check.report.columns.items()}
    return {"levels": json.dumps(levels), "record": check.model_dump_json()}


def _levels(stored: str) -> dict[str, Level]:
    return {name: Level(level) for name, level in json.loads(stored).items()}
