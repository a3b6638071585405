"""What was told to whom, in SQLite or PostgreSQL: the memory that keeps alerts from being lost or told twice."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from engine.alerts.message import ALERT_ID
from engine.alerts.records import Acknowledgement, AlertRecord, Delivery, DeliveryState, Silence
from engine.alerts.tables import (
    ACKNOWLEDGEMENTS,
    ALERTS,
    DELIVERIES,
    SILENCES,
    TABLES,
    acknowledgement_of,
    delivery_of,
    record_of,
    silence_of,
    stamp,
)
from engine.alerts.turn import Turn
from engine.database import Database
from engine.errors import NotFound

_MOST_KNOWN = 1000

# a write that every turn begins with: SQLite locks the file for it and PostgreSQL the row, until the turn ends
_TAKE_TURN = sa.text(
    "INSERT INTO millwright_alert_turns (id, number) VALUES (1, 1)"
    " ON CONFLICT (id) DO UPDATE SET number = millwright_alert_turns.number + 1 RETURNING number"
)


class Ledger:
    """Alerts, deliveries, acknowledgements and silences of one home. Processes and threads may share it.

    Every method may raise DiskFull or HomeNotWritable where the database is a SQLite file.

    Args:
        url: SQLAlchemy's, of SQLite or PostgreSQL.
        home: where the lock lies that keeps two processes from making the tables at once.
    """

    def __init__(self, url: str, home: Path) -> None:
        self._database = Database(url, home, TABLES)

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        """A transaction in which to decide: one at a time, over all processes."""
        with self._database.begin() as connection:
            yield Turn(connection, connection.execute(_TAKE_TURN).scalar_one())

    def start(self, delivery: Delivery, now: datetime) -> Delivery | None:
        """The attempt to be made for a delivery. None where another process finished it, or where the trouble is over
        before it was told: then the delivery is dropped."""
        same = _same_delivery(delivery) & (DELIVERIES.c.state == "begun")
        resolved = sa.select(ALERTS.c.resolved).where(ALERTS.c.id == delivery.alert_id)
        with self._database.begin() as connection:
            connection.execute(sa.update(DELIVERIES).where(same).values(at=stamp(now)))
            row = connection.execute(sa.select(DELIVERIES).where(same)).mappings().first()
            if row is None:
                return None
            if delivery.event == "trigger" and connection.execute(resolved).scalar_one() is not None:
                connection.execute(sa.update(DELIVERIES).where(same).values(state="dropped", why="it was over"))
                return None
        return delivery_of({**row})

    def finish(
        self,
        started: Delivery,
        state: DeliveryState,
        now: datetime,
        why: str = "",
        seconds: float | None = None,
        *,
        again: bool = False,
    ) -> Delivery:
        """Record what came of an attempt and, where it is to be made `again`, begin the next one in the same step."""
        done = started.model_copy(update={"state": state, "why": why, "seconds": seconds})
        this = _same_delivery(started) & (DELIVERIES.c.attempt == started.attempt) & (DELIVERIES.c.state == "begun")
        following = started.model_copy(update={"attempt": started.attempt + 1})
        with self._database.begin() as connection:
            update = sa.update(DELIVERIES).where(this).values(state=state, why=why, seconds=seconds)
            if connection.execute(update).rowcount and again:
                values = {**following.model_dump(), "at": stamp(now)}
                connection.execute(sa.insert(DELIVERIES).values(**values))
        return done

    def deliveries(self, alert_id: str) -> tuple[Delivery, ...]:
        """Every attempt for an alert, by time."""
        found = sa.select(DELIVERIES).where(DELIVERIES.c.alert_id == alert_id)
        by_time = found.order_by(DELIVERIES.c.at, DELIVERIES.c.channel, DELIVERIES.c.attempt)
        with self._database.begin() as connection:
            rows = connection.execute(by_time).mappings().all()
        return tuple(delivery_of({**row}) for row in rows)

    def held_back(self, delivery: Delivery) -> int:
        """Other troubles that were held back from the channel since it last took an alert, before this one."""
        this = sa.select(ALERTS.c.number).where(ALERTS.c.id == delivery.alert_id).scalar_subquery()
        key = sa.select(ALERTS.c.key).where(ALERTS.c.id == delivery.alert_id).scalar_subquery()
        both = DELIVERIES.join(ALERTS, ALERTS.c.id == DELIVERIES.c.alert_id)
        before = (DELIVERIES.c.channel == delivery.channel) & (ALERTS.c.number < this)
        took = before & (DELIVERIES.c.event == "trigger") & (DELIVERIES.c.state == "delivered")
        last = sa.select(sa.func.coalesce(sa.func.max(ALERTS.c.number), 0)).select_from(both).where(took)
        held = before & (DELIVERIES.c.state == "held_back") & (ALERTS.c.key != key)
        since = held & (ALERTS.c.number > last.scalar_subquery())
        count = sa.select(sa.func.count(sa.distinct(ALERTS.c.key))).select_from(both).where(since)
        with self._database.begin() as connection:
            return int(connection.execute(count).scalar_one())

    def get(self, alert_id: str) -> AlertRecord:
        """An alert by its id.

        Raises:
            NotFound: there is none; names ids that are near.
        """
        found = self._records(ALERTS.c.id == alert_id, 1) if ALERT_ID.fullmatch(alert_id) else ()
        if not found:
            raise NotFound("alert", alert_id, self._ids(_MOST_KNOWN))
        return found[0]

    def alerts(self, monitor: str | None, open_only: bool, limit: int) -> tuple[AlertRecord, ...]:
        """The newest first."""
        of_monitor = ALERTS.c.monitor == monitor if monitor is not None else sa.true()
        still_open = ALERTS.c.resolved.is_(None) if open_only else sa.true()
        return self._records(of_monitor & still_open, limit)

    def silences(self, now: datetime) -> tuple[Silence, ...]:
        """Those that are not over, the first to end first."""
        found = sa.select(SILENCES).where(SILENCES.c.until > stamp(now)).order_by(SILENCES.c.until)
        with self._database.begin() as connection:
            rows = connection.execute(found).mappings().all()
        return tuple(silence_of({**row}) for row in rows)

    def _records(self, where: sa.ColumnElement[bool], limit: int) -> tuple[AlertRecord, ...]:
        found = sa.select(ALERTS).where(where).order_by(ALERTS.c.number.desc()).limit(limit)
        with self._database.begin() as connection:
            rows = connection.execute(found).mappings().all()
            last = _acknowledgements(connection, [row["id"] for row in rows])
        return tuple(record_of({**row}, last.get(row["id"])) for row in rows)

    def _ids(self, limit: int) -> tuple[str, ...]:
        newest = sa.select(ALERTS.c.id).order_by(ALERTS.c.number.desc()).limit(limit)
        with self._database.begin() as connection:
            return tuple(connection.execute(newest).scalars())


def _same_delivery(delivery: Delivery) -> sa.ColumnElement[bool]:
    columns = (DELIVERIES.c.alert_id, DELIVERIES.c.channel, DELIVERIES.c.event)
    return sa.and_(*(column == getattr(delivery, column.name) for column in columns))


def _acknowledgements(connection: sa.Connection, alerts: list[str]) -> dict[str, Acknowledgement]:
    """The latest of each alert."""
    of_these = ACKNOWLEDGEMENTS.c.alert_id.in_(alerts)
    found = sa.select(ACKNOWLEDGEMENTS).where(of_these).order_by(ACKNOWLEDGEMENTS.c.number)
    return {row["alert_id"]: acknowledgement_of({**row}) for row in connection.execute(found).mappings()}
