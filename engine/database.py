"""Small tables in SQLite or PostgreSQL: one home for how a database is opened, made and waited for."""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError, DataError, IntegrityError, OperationalError, ProgrammingError

from engine.errors import DatabaseFailed, DiskFull, HomeNotWritable
from engine.files import typed_disk_errors

_FULL, _LOCKED_OUT = "SQLITE_FULL", {"SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM"}


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on `path` (made when missing); freed by the system if the process dies.

    Raises:
        DiskFull, HomeNotWritable: the lock file cannot be made.
    """
    with _opened(path) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def tried_lock(path: Path) -> Iterator[bool]:
    """As `file_lock`, but without waiting: gives False where another holds it, and the block runs without it.

    Raises:
        DiskFull, HomeNotWritable: the lock file cannot be made.
    """
    with _opened(path) as file:
        yield _taken(file)


def _opened(path: Path) -> TextIO:
    with typed_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a")


def _taken(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def unsynced(path: Path) -> Iterator[None]:
    """Let SQLite fill the new database `path` without waiting for the disk at every step, and wait once at the end.

    MLflow makes its tables in some hundred small transactions: on a slow disk that is most of the time it takes.
    """

    def relax(connection: object, _: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            files = [Path(row[2]) for row in connection.execute("PRAGMA database_list")]
            if path in files:
                connection.execute("PRAGMA synchronous=OFF")

    sa.event.listen(sa.Engine, "connect", relax)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, "connect", relax)
    with typed_disk_errors(path), path.open("rb") as file:
        os.fsync(file.fileno())


def driver_url(url: str) -> str:
    """Name the PostgreSQL driver that we ship with, where the URL leaves it open."""
    for scheme in ("postgresql://", "postgres://"):
        if url.startswith(scheme):
            return f"postgresql+psycopg://{url.removeprefix(scheme)}"
    return url


class Database:
    """A few tables of a home. Connections are opened per call, so processes and threads may share one.

    Args:
        url: SQLAlchemy's, of SQLite or PostgreSQL.
        home: where the lock lies that keeps two processes from making the tables at once; named in disk errors.
        tables: made when the first transaction begins.
    """

    def __init__(self, url: str, home: Path, tables: sa.MetaData) -> None:
        self._home = home
        self._tables = tables
        sqlite = url.startswith("sqlite")
        # two processes write the same SQLite file: wait for the other instead of failing at once
        arguments = {"timeout": 30} if sqlite else {}
        self._engine = sa.create_engine(driver_url(url), poolclass=sa.NullPool, connect_args=arguments)
        self._ready = False
        self._guard = threading.Lock()

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """One transaction; committed when the block ends well.

        Raises:
            DiskFull, HomeNotWritable: of a SQLite file.
            DatabaseFailed: it is locked for too long, damaged or out of reach.
        """
        self._create_tables()
        with self._typed_failures(), self._engine.begin() as connection:
            yield connection

    def insert_once(self, table: sa.Table, values: dict[str, object], same: sa.ColumnElement[bool]) -> bool:
        """Insert a row unless one that is `same` is there already; whether it was inserted.

        Raises:
            IntegrityError: another row stands in the way.
        """
        try:
            with self.begin() as connection:
                connection.execute(sa.insert(table).values(**values))
        except IntegrityError:
            # already there: fine when it is this row, a real conflict (such as a version used twice) otherwise
            with self.begin() as connection:
                if connection.execute(sa.select(table).where(same)).first() is None:
                    raise
            return False
        return True

    def _create_tables(self) -> None:
        with self._guard:
            if self._ready:
                return
            with file_lock(self._home / "registry.lock"), self._typed_failures():
                _twice(lambda: self._tables.create_all(self._engine))
            self._ready = True

    @contextmanager
    def _typed_failures(self) -> Iterator[None]:
        try:
            yield
        except OperationalError as error:
            name = getattr(error.orig, "sqlite_errorname", "")
            if name == _FULL:
                raise DiskFull(self._home) from error
            if name in _LOCKED_OUT:
                raise HomeNotWritable(self._home) from error
            raise DatabaseFailed(_first_line(error)) from error
        except DatabaseError as error:
            # what the rows themselves refuse is for the caller; a file that is no database is not
            if isinstance(error, IntegrityError | DataError | ProgrammingError):
                raise
            raise DatabaseFailed(_first_line(error)) from error


def _first_line(error: DatabaseError) -> str:
    """What the driver says, without the statement and its values."""
    return str(error.orig).strip().partition("\n")[0]


def _twice(create: Callable[[], None]) -> None:
    """PostgreSQL refuses one of two machines that create the same table at the same moment; the second try finds it."""
    try:
        create()
    except sa.exc.DBAPIError:
        create()
