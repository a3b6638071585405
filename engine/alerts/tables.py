"""The tables of the ledger of alerts, and how their rows are read. Times are text in UTC that sorts as time does."""

from collections.abc import Mapping
from datetime import UTC, datetime

import sqlalchemy as sa

from engine.alerts.message import Alert
from engine.alerts.records import Acknowledgement, AlertRecord, Delivery, Silence

TABLES = sa.MetaData()
ALERTS = sa.Table(
    "millwright_alerts",
    TABLES,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("number", sa.Integer, nullable=False),  # in the order in which they were decided
    sa.Column("monitor", sa.String(250), nullable=False),
    sa.Column("key", sa.String(250), nullable=False, index=True),
    sa.Column("level", sa.String(8), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("suppressed", sa.String(16)),
    sa.Column("repeats", sa.Integer, nullable=False),
    sa.Column("last_raised", sa.String(32), nullable=False),
    sa.Column("resolved", sa.String(32)),
    sa.Column("ending", sa.Text),
)
DELIVERIES = sa.Table(
    "millwright_alert_deliveries",
    TABLES,
    sa.Column("alert_id", sa.String(16), primary_key=True),
    sa.Column("channel", sa.String(16), primary_key=True),
    sa.Column("event", sa.String(16), primary_key=True),
    sa.Column("attempt", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.String(32), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("seconds", sa.Float),
    sa.Index("millwright_alert_deliveries_by_state", "state", "at"),
)
ACKNOWLEDGEMENTS = sa.Table(
    "millwright_alert_acknowledgements",
    TABLES,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("alert_id", sa.String(16), nullable=False, index=True),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("at", sa.String(32), nullable=False),
    sa.Column("note", sa.Text, nullable=False),
)
SILENCES = sa.Table(
    "millwright_alert_silences",
    TABLES,
    sa.Column("about", sa.String(250), primary_key=True),
    sa.Column("until", sa.String(32), nullable=False),
    sa.Column("highest", sa.String(8), nullable=False),
    sa.Column("who", sa.Text, nullable=False),
)
TURNS = sa.Table(
    "millwright_alert_turns",
    TABLES,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, nullable=False),
)


def stamp(at: datetime) -> str:
    """A time as text of fixed length in UTC."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def delivery_of(row: Mapping[str, object]) -> Delivery:
    """A row of DELIVERIES, whatever else was read with it."""
    return Delivery.model_validate({name: row[name] for name in Delivery.model_fields})


def silence_of(row: Mapping[str, object]) -> Silence:
    """A row of SILENCES."""
    return Silence.model_validate(dict(row))


def acknowledgement_of(row: Mapping[str, object]) -> Acknowledgement:
    """A row of ACKNOWLEDGEMENTS."""
    return Acknowledgement.model_validate({name: row[name] for name in Acknowledgement.model_fields})


def record_of(row: Mapping[str, object], acknowledgement: Acknowledgement | None) -> AlertRecord:
    """A row of ALERTS."""
    own = {name: row[name] for name in ("suppressed", "repeats", "last_raised", "resolved", "ending")}
    alert = Alert.model_validate_json(str(row["body"]))
    return AlertRecord.model_validate({**own, "alert": alert, "acknowledgement": acknowledgement})
