"""The tables behind monitors, and the few steps that every part of the store takes with them.

Rows of a monitor have positions 0, 1, 2 ... without a gap. A position is given out while the monitor's own row in
`millwright_monitors` is locked, and the lock is held until the rows are committed. So whoever sees a position sees all
lower ones too, and no row can turn up later below a position that was read.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from engine.errors import BadArguments, NotFound

IDS_PER_QUERY = 5_000
"""Well below the number of parameters that either database takes in one statement."""

LONGEST_ID = 200

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc(moment: datetime) -> datetime:
    """The moment in UTC; one without a zone is in UTC already.

    Raises:
        BadArguments: it is pandas' NaT.
    """
    if moment != moment:  # NaT is a datetime to Python, and the only one that differs from itself
        raise BadArguments("A time is missing (NaT).", "Give the time of each row.")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def microseconds(moment: datetime) -> int:
    """Whole microseconds since 1970."""
    return (utc(moment) - _EPOCH) // timedelta(microseconds=1)


def moment(since_1970: int) -> datetime:
    """The time that lies so many microseconds after 1970, in UTC."""
    return _EPOCH + timedelta(microseconds=since_1970)


class Moment(sa.types.TypeDecorator[datetime]):
    """A time as microseconds since 1970: exact, and arithmetic on it is the same in both databases."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else moment(value)


TABLES = sa.MetaData()
MONITORS = sa.Table(
    "millwright_monitors",
    TABLES,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("scope", sa.String(64), nullable=False),
    sa.Column("name", sa.String(250), nullable=False),
    sa.Column("record", sa.Text, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("scope", "name"),
)
PREDICTIONS = sa.Table(
    "millwright_predictions",
    TABLES,
    sa.Column("monitor", sa.String(64), primary_key=True),
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("row_id", sa.String(LONGEST_ID), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("model_id", sa.Text, nullable=False),
    sa.Column("cells", sa.Text, nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("predicted", sa.Text),
    sa.UniqueConstraint("monitor", "row_id"),
    sa.Index("millwright_predictions_at", "monitor", "at"),
)
LABELS = sa.Table(
    "millwright_labels",
    TABLES,
    sa.Column("monitor", sa.String(64), primary_key=True),
    sa.Column("row_id", sa.String(LONGEST_ID), primary_key=True),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
)
WINDOWS = sa.Table(
    "millwright_windows",
    TABLES,
    sa.Column("monitor", sa.String(64), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("first", sa.BigInteger, nullable=False),
    sa.Column("last", sa.BigInteger, nullable=False),
    sa.Column("begins", Moment, nullable=False),
    sa.Column("ends", Moment, nullable=False),
    sa.Column("until", Moment),
    sa.Column("rows", sa.BigInteger, nullable=False),
)
CHECKS = sa.Table(
    "millwright_checks",
    TABLES,
    sa.Column("monitor", sa.String(64), primary_key=True),
    sa.Column("window", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("levels", sa.Text, nullable=False),
    sa.Column("record", sa.Text, nullable=False),
)
RETRAININGS = sa.Table(
    "millwright_retrainings",
    TABLES,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("monitor", sa.String(64), nullable=False),
    sa.Column("window", sa.Integer, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("champion", sa.Text, nullable=False),
    sa.Column("challenger", sa.Text),
    sa.Column("job", sa.Text),
    sa.Column("begun", Moment, nullable=False),
    sa.Column("ended", Moment),
    sa.Column("verdict", sa.Text),
)
IN_FLIGHT = RETRAININGS.c.state.in_(["running", "won"])
sa.Index(
    "millwright_retrainings_in_flight",
    RETRAININGS.c.monitor,
    unique=True,
    sqlite_where=IN_FLIGHT,
    postgresql_where=IN_FLIGHT,
)


def lock(connection: sa.Connection, monitor: str) -> int:
    """Keep other writers of this monitor out until the transaction ends; returns how many rows it has.

    Raises:
        NotFound: there is no such monitor.
    """
    # an update locks the row in PostgreSQL and the file in SQLite, where SELECT ... FOR UPDATE would do nothing
    touch = sa.update(MONITORS).where(MONITORS.c.id == monitor).values(rows=MONITORS.c.rows)
    rows = connection.execute(touch.returning(MONITORS.c.rows)).scalar_one_or_none()
    if rows is None:
        raise NotFound("monitor", monitor, hint="It was deleted; make it again, or name another.")
    return int(rows)


def logged_ids(connection: sa.Connection, monitor: str, ids: Sequence[str]) -> set[str]:
    """Those of `ids` that have a row in the monitor's log."""
    known: set[str] = set()
    for part in parts(ids):
        here = (PREDICTIONS.c.monitor == monitor) & PREDICTIONS.c.row_id.in_(part)
        known.update(connection.execute(sa.select(PREDICTIONS.c.row_id).where(here)).scalars())
    return known


def parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """The ids in runs that fit into one statement."""
    return (ids[start : start + IDS_PER_QUERY] for start in range(0, len(ids), IDS_PER_QUERY))


def check_texts(what: str, texts: Sequence[str], longest: int | None = None) -> None:
    """Refuse what one of the databases cannot hold.

    Raises:
        BadArguments: one is empty, holds a NUL or half a surrogate pair, or is longer than `longest`.
    """
    for text in texts:
        if not text or "\x00" in text or (longest and len(text) > longest) or not _encodable(text):
            limit = f" of at most {longest} characters" if longest else ""
            raise BadArguments(
                f"{text[:40]!r} cannot be kept as {what}.", f"Give text{limit}, not empty and without NUL characters."
            )


def _encodable(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)
