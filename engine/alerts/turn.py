"""What is decided about alerts, in one transaction each: while it lasts, no other process or thread decides."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import cast

import sqlalchemy as sa

from engine.alerts.message import Alert, Event
from engine.alerts.records import Acknowledgement, Delivery, DeliveryState, Reason, Silence
from engine.alerts.rules import Facts, Heard, Plan, Same, Told
from engine.alerts.tables import (
    ACKNOWLEDGEMENTS,
    ALERTS,
    DELIVERIES,
    SILENCES,
    acknowledgement_of,
    delivery_of,
    silence_of,
    stamp,
)
from engine.drift.levels import Level
from engine.drift.policy import ChannelName

_TELLING = ("begun", "delivered")
_TELLING_NOW = (DELIVERIES.c.event == "trigger") & DELIVERIES.c.state.in_(_TELLING)
_OF_ALERT = DELIVERIES.join(ALERTS, ALERTS.c.id == DELIVERIES.c.alert_id)
_ORDER: tuple[Event, ...] = ("trigger", "acknowledge", "resolve")
_CENTURY_HOURS = 876_600.0


class Turn:
    """A transaction that holds the turn; `number` counts the turns of this ledger."""

    def __init__(self, connection: sa.Connection, number: int) -> None:
        self._connection = connection
        self._number = number

    def known(self, alert_id: str) -> Plan | None:
        """What was decided on an alert that is recorded already, as far as it is kept: why it was not told."""
        found = sa.select(ALERTS.c.suppressed).where(ALERTS.c.id == alert_id)
        row = self._connection.execute(found).first()
        return Plan(reason=row.suppressed) if row else None

    def facts(self, alert: Alert, now: datetime, repeat_hours: float) -> Facts:
        """Everything that the rules need to know of an alert that is raised at `now`."""
        return Facts(
            silence=self._silence(alert, now),
            acknowledgement=self._acknowledgement(alert),
            told=self._told(alert.key, now - timedelta(hours=min(repeat_hours, _CENTURY_HOURS))),
            last_hour=self._taken(now - timedelta(hours=1)),
            same=self._same(alert),
        )

    def add(self, alert: Alert, suppressed: Reason | None, now: datetime) -> None:
        """Record a new alert."""
        values = {"id": alert.id, "monitor": alert.monitor, "key": alert.key, "level": alert.level.value}
        state = {"suppressed": suppressed, "repeats": 0, "last_raised": stamp(now)}
        row = sa.insert(ALERTS).values(**values, **state, number=self._number, body=alert.model_dump_json())
        self._connection.execute(row)

    def repeat(self, alert_id: str, now: datetime) -> None:
        """Count a repeat of an alert that stays untold."""
        same = sa.update(ALERTS).where(ALERTS.c.id == alert_id)
        self._connection.execute(same.values(repeats=ALERTS.c.repeats + 1, last_raised=stamp(now)))

    def record(
        self,
        alert_id: str,
        channels: Iterable[ChannelName],
        now: datetime,
        state: DeliveryState = "begun",
        event: Event = "trigger",
    ) -> tuple[Delivery, ...]:
        """Record a delivery for each channel: 'begun' is to be sent, anything else never will be."""
        attempt = int(state == "begun")
        made = [
            Delivery(alert_id=alert_id, channel=channel, event=event, attempt=attempt, at=now, state=state)
            for channel in channels
        ]
        if made:
            rows = [{**delivery.model_dump(), "at": stamp(now)} for delivery in made]
            self._connection.execute(sa.insert(DELIVERIES), rows)
        return tuple(made)

    def unfinished(self, alert_id: str) -> tuple[Delivery, ...]:
        """Deliveries of an alert that are to be sent, in their order."""
        return self._unfinished(DELIVERIES.c.alert_id == alert_id)

    def heard(self, key: str) -> tuple[Heard, ...]:
        """Channels that were tried with the open alerts of a key, the latest first."""
        columns = (DELIVERIES.c.alert_id, DELIVERIES.c.channel, DELIVERIES.c.state)
        tried = (DELIVERIES.c.event == "trigger") & (DELIVERIES.c.attempt > 0)
        found = sa.select(*columns).select_from(_OF_ALERT).where(_open(key), tried)
        rows = self._connection.execute(found.order_by(ALERTS.c.number.desc())).all()
        return tuple(Heard(row.alert_id, row.channel, row.state == "delivered") for row in rows)

    def recorded(self, alert_id: str, event: Event) -> frozenset[ChannelName]:
        """Channels for which a delivery of this event is recorded."""
        same = (DELIVERIES.c.alert_id == alert_id) & (DELIVERIES.c.event == event)
        return frozenset(self._connection.execute(sa.select(DELIVERIES.c.channel).where(same)).scalars())

    def resolve(self, key: str, now: datetime, ending: str) -> str | None:
        """Close the open alerts of a key, with how it ended. Returns the newest of them, None where there was none."""
        newest = sa.select(ALERTS.c.id).where(_open(key)).order_by(ALERTS.c.number.desc())
        found = cast("str | None", self._connection.execute(newest).scalars().first())
        self._connection.execute(sa.update(ALERTS).where(_open(key)).values(resolved=stamp(now), ending=ending or None))
        return found

    def is_open(self, alert_id: str) -> bool:
        """Whether the trouble of an alert is not over."""
        open_one = (ALERTS.c.id == alert_id) & ALERTS.c.resolved.is_(None)
        return self._connection.execute(sa.select(ALERTS.c.id).where(open_one)).first() is not None

    def acknowledge(self, acknowledgement: Acknowledgement) -> None:
        """Add an acknowledgement; there may be several."""
        values = {**acknowledgement.model_dump(), "at": stamp(acknowledgement.at)}
        self._connection.execute(sa.insert(ACKNOWLEDGEMENTS).values(**values))

    def silence(self, silence: Silence) -> None:
        """Set a silence in the place of an older one about the same."""
        self.unsilence(silence.about)
        values = {**silence.model_dump(mode="json"), "until": stamp(silence.until)}
        self._connection.execute(sa.insert(SILENCES).values(**values))

    def unsilence(self, about: str) -> bool:
        """End a silence; whether there was one."""
        return bool(self._connection.execute(sa.delete(SILENCES).where(SILENCES.c.about == about)).rowcount)

    def claim(self, begun_until: datetime, now: datetime) -> tuple[Delivery, ...]:
        """Deliveries begun by then and not finished, in the order in which they are to be sent. They count as begun
        `now`, so that another process leaves them alone."""
        left = DELIVERIES.c.at <= stamp(begun_until)
        found = self._unfinished(left)
        self._connection.execute(sa.update(DELIVERIES).where(left, DELIVERIES.c.state == "begun").values(at=stamp(now)))
        return found

    def _unfinished(self, where: sa.ColumnElement[bool]) -> tuple[Delivery, ...]:
        found = sa.select(DELIVERIES, ALERTS.c.number).select_from(_OF_ALERT).where(where)
        rows = self._connection.execute(found.where(DELIVERIES.c.state == "begun")).mappings().all()
        first = sorted(rows, key=lambda row: (row["number"], _ORDER.index(row["event"])))
        return tuple(delivery_of({**row}) for row in first)

    def _silence(self, alert: Alert, now: datetime) -> Silence | None:
        about = SILENCES.c.about.in_((alert.monitor, alert.key)) & (SILENCES.c.until > stamp(now))
        rows = self._connection.execute(sa.select(SILENCES).where(about).order_by(SILENCES.c.until.desc())).mappings()
        return next((silence for row in rows if (silence := silence_of({**row})).highest >= alert.level), None)

    def _acknowledgement(self, alert: Alert) -> Acknowledgement | None:
        both = ACKNOWLEDGEMENTS.join(ALERTS, ALERTS.c.id == ACKNOWLEDGEMENTS.c.alert_id)
        found = sa.select(ACKNOWLEDGEMENTS).select_from(both).where(_open(alert.key), _at_least(alert.level))
        row = self._connection.execute(found.order_by(ACKNOWLEDGEMENTS.c.number.desc())).mappings().first()
        return acknowledgement_of({**row}) if row else None

    def _told(self, key: str, since: datetime) -> tuple[Told, ...]:
        recent = _TELLING_NOW & (DELIVERIES.c.at > stamp(since))
        found = sa.select(DELIVERIES.c.channel, ALERTS.c.level).select_from(_OF_ALERT).where(_open(key), recent)
        return tuple(Told(row.channel, Level(row.level)) for row in self._connection.execute(found))

    def _taken(self, since: datetime) -> dict[ChannelName, int]:
        recent = _TELLING_NOW & (DELIVERIES.c.at > stamp(since))
        found = sa.select(DELIVERIES.c.channel, sa.func.count()).where(recent).group_by(DELIVERIES.c.channel)
        return {row[0]: row[1] for row in self._connection.execute(found)}

    def _same(self, alert: Alert) -> Same | None:
        found = sa.select(ALERTS.c.id, ALERTS.c.suppressed).where(_open(alert.key), _at_least(alert.level))
        row = self._connection.execute(found.order_by(ALERTS.c.number.desc())).first()
        return Same(row.id, row.suppressed) if row else None


def _open(key: str) -> sa.ColumnElement[bool]:
    return (ALERTS.c.key == key) & ALERTS.c.resolved.is_(None)


def _at_least(level: Level) -> sa.ColumnElement[bool]:
    return ALERTS.c.level.in_([each.value for each in Level if each >= level])
