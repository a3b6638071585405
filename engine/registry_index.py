"""The light half of the registry: which model lies where, who is champion, how often a test set was looked at.

Three small tables beside MLflow, so that `predict` and `models list` answer without importing it.
"""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, OperationalError

from engine.errors import DiskFull, HomeNotWritable
from engine.files import typed_disk_errors

_TABLES = sa.MetaData()
_MODELS = sa.Table(
    "millwright_models",
    _TABLES,
    sa.Column("model_id", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(250), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("run_id", sa.String(64), nullable=False),
    sa.Column("package", sa.Text, nullable=False),
    sa.Column("created", sa.String(32), nullable=False),
    sa.UniqueConstraint("name", "version"),
)
_ALIASES = sa.Table(
    "millwright_aliases",
    _TABLES,
    sa.Column("name", sa.String(250), primary_key=True),
    sa.Column("alias", sa.String(64), primary_key=True),
    sa.Column("model_id", sa.String(64), nullable=False),
)
_LOOKS = sa.Table(
    "millwright_looks",
    _TABLES,
    sa.Column("dataset", sa.String(64), primary_key=True),
    sa.Column("model", sa.String(64), primary_key=True),
    sa.Column("purpose", sa.String(200), primary_key=True),
    sa.Column("at", sa.String(32), nullable=False),
)
_FULL, _LOCKED_OUT = "SQLITE_FULL", {"SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM"}


@dataclass(frozen=True)
class IndexRow:
    """One registered model; `package` is relative to the home when it lies inside."""

    model_id: str
    name: str
    version: int
    run_id: str
    package: str
    created: datetime
    aliases: tuple[str, ...] = ()


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on `path` (made when missing); freed by the system if the process dies.

    Raises:
        DiskFull, HomeNotWritable: the lock file cannot be made.
    """
    with typed_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a")
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


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


class Index:
    """The tables, on SQLite or PostgreSQL. Connections are opened per call, so processes and threads may share one."""

    def __init__(self, url: str, home: Path) -> None:
        self._home = home
        sqlite = url.startswith("sqlite")
        # two processes write the same SQLite file: wait for the other instead of failing at once
        arguments = {"timeout": 30} if sqlite else {}
        self._engine = sa.create_engine(driver_url(url), poolclass=sa.NullPool, connect_args=arguments)
        self._ready = False
        self._guard = threading.Lock()

    def add(self, row: IndexRow) -> None:
        """Insert a model; one that is there already is left as it is."""
        values = {
            "model_id": row.model_id,
            "name": row.name,
            "version": row.version,
            "run_id": row.run_id,
            "package": row.package,
            "created": row.created.astimezone(UTC).isoformat(),
        }
        self._insert_once(_MODELS, values, _MODELS.c.model_id == row.model_id)

    def find(self, model_id: str) -> IndexRow | None:
        return self._first(_MODELS.c.model_id == model_id)

    def newest(self, name: str) -> IndexRow | None:
        return self._first(_MODELS.c.name == name)

    def at_version(self, name: str, version: int) -> IndexRow | None:
        return self._first((_MODELS.c.name == name) & (_MODELS.c.version == version))

    def aliased(self, name: str, alias: str) -> IndexRow | None:
        model = (
            sa.select(_ALIASES.c.model_id).where(_ALIASES.c.name == name, _ALIASES.c.alias == alias).scalar_subquery()
        )
        return self._first(_MODELS.c.model_id == model)

    def all(self) -> list[IndexRow]:
        """Newest first."""
        return self._rows(sa.true())

    def set_alias(self, name: str, alias: str, model_id: str) -> None:
        """Move `alias` of `name` to `model_id`."""
        with self._begin() as connection:
            connection.execute(sa.delete(_ALIASES).where(_ALIASES.c.name == name, _ALIASES.c.alias == alias))
            connection.execute(sa.insert(_ALIASES).values(name=name, alias=alias, model_id=model_id))

    def record_look(self, dataset: str, model: str, purpose: str) -> int:
        """Count a look at a sealed test set; the same triple counts once. Returns the dataset's total."""
        same = (_LOOKS.c.dataset == dataset) & (_LOOKS.c.model == model) & (_LOOKS.c.purpose == purpose)
        at = datetime.now(UTC).isoformat()
        self._insert_once(_LOOKS, {"dataset": dataset, "model": model, "purpose": purpose, "at": at}, same)
        return self.looks(dataset)

    def looks(self, dataset: str) -> int:
        with self._begin() as connection:
            count = sa.select(sa.func.count()).select_from(_LOOKS).where(_LOOKS.c.dataset == dataset)
            return int(connection.execute(count).scalar_one())

    def _insert_once(self, table: sa.Table, values: dict[str, object], same: sa.ColumnElement[bool]) -> None:
        try:
            with self._begin() as connection:
                connection.execute(sa.insert(table).values(**values))
        except IntegrityError:
            # already there: fine when it is this row, a real conflict (such as a version used twice) otherwise
            with self._begin() as connection:
                if connection.execute(sa.select(table).where(same)).first() is None:
                    raise

    def _first(self, where: sa.ColumnElement[bool]) -> IndexRow | None:
        rows = self._rows(where)
        return rows[0] if rows else None

    def _rows(self, where: sa.ColumnElement[bool]) -> list[IndexRow]:
        newest_first = (_MODELS.c.created.desc(), _MODELS.c.version.desc())
        with self._begin() as connection:
            models = connection.execute(sa.select(_MODELS).where(where).order_by(*newest_first)).all()
            aliases = connection.execute(sa.select(_ALIASES).order_by(_ALIASES.c.alias)).all()
        return [
            IndexRow(
                *(row.model_id, row.name, row.version, row.run_id, row.package),
                created=datetime.fromisoformat(row.created),
                aliases=tuple(alias.alias for alias in aliases if alias.model_id == row.model_id),
            )
            for row in models
        ]

    @contextmanager
    def _begin(self) -> Iterator[sa.Connection]:
        self._create_tables()
        with self._typed_failures(), self._engine.begin() as connection:
            yield connection

    def _create_tables(self) -> None:
        with self._guard:
            if self._ready:
                return
            with file_lock(self._home / "registry.lock"), self._typed_failures():
                _twice(lambda: _TABLES.create_all(self._engine))
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
            raise


def _twice(create: Callable[[], None]) -> None:
    """PostgreSQL refuses one of two machines that create the same table at the same moment; the second try finds it."""
    try:
        create()
    except sa.exc.DBAPIError:
        create()
