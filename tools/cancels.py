"""Who asked for a job to be cancelled: one small table in the jobs' database, written by clients, polled by workers."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError, SQLAlchemyError
from sqlalchemy.schema import CreateTable

from engine.database import driver_url

POLL_S = 0.15

_METADATA = sa.MetaData()
_TABLE = sa.Table(
    "millwright_cancels",
    _METADATA,
    sa.Column("job", sa.String(64), primary_key=True),
    sa.Column("asked", sa.Float, nullable=False),
)


class Cancels:
    """The table of cancel requests; safe to use from several threads and processes."""

    def __init__(self, database_url: str) -> None:
        self._engine = make_engine(database_url)
        _create(self._engine)

    def ask(self, job: str) -> None:
        """Ask once; asking again changes nothing."""
        try:
            with self._engine.begin() as connection:
                connection.execute(_TABLE.insert().values(job=job, asked=time.time()))
        except IntegrityError:
            return

    def asked(self, job: str) -> bool:
        with self._engine.connect() as connection:
            return connection.execute(sa.select(_TABLE.c.job).where(_TABLE.c.job == job)).first() is not None

    def among(self, jobs: list[str]) -> set[str]:
        """Those of `jobs` that somebody asked to cancel."""
        with self._engine.connect() as connection:
            return set(connection.execute(sa.select(_TABLE.c.job).where(_TABLE.c.job.in_(jobs))).scalars())

    @contextmanager
    def flag(self, job: str) -> Iterator[threading.Event]:
        """An event that is set within POLL_S of a request, for as long as the block runs."""
        raised, over = threading.Event(), threading.Event()

        def poll() -> None:
            while not over.is_set():
                # a database that is busy or away for a moment is asked again: nobody else would hear the request
                with suppress(SQLAlchemyError):
                    if self.asked(job):
                        raised.set()
                        return
                over.wait(POLL_S)

        thread = threading.Thread(target=poll, name=f"cancel-{job}", daemon=True)
        thread.start()
        try:
            yield raised
        finally:
            over.set()
            thread.join()

    def close(self) -> None:
        self._engine.dispose()


def make_engine(database_url: str) -> sa.Engine:
    """An engine for the jobs' database; SQLite in write-ahead mode, so that readers and the writer do not wait."""
    engine = sa.create_engine(driver_url(database_url), pool_pre_ping=True)
    if engine.dialect.name == "sqlite":

        @sa.event.listens_for(engine, "connect")
        def _prepare(connection: sqlite3.Connection, _: object) -> None:
            connection.execute("PRAGMA busy_timeout=30000")
            # another process may hold the file at this moment; the next connection sets the mode then
            with suppress(sqlite3.OperationalError):
                connection.execute("PRAGMA journal_mode=WAL")

    return engine


def _create(engine: sa.Engine) -> None:
    """Create the table; two processes may do it at once, and one of them is then told that it is there already."""
    for last in (False, True):
        try:
            with engine.begin() as connection:
                connection.execute(CreateTable(_TABLE, if_not_exists=True))
            return
        except (IntegrityError, OperationalError, ProgrammingError):
            if last:
                raise
