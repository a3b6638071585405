"""Reading the result of one query from a database. Nothing is ever changed there, and no password is ever told."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from engine.data.cells import cell_text
from engine.data.load import READ, DataLimits, RawTable, ReadOptions, near_files
from engine.data.sources import Row, clean_names, text_frame
from engine.errors import BadArguments, DataError, NotATable, SourceNotFound, UnsupportedFormat
from engine.naming import shortened
from engine.redaction import url_without_secrets, without

_READS = re.compile(r"^\s*(select|with|values|table)\b", re.IGNORECASE)
_BATCH = 10_000


def read_sql(source: str, limits: DataLimits, options: ReadOptions) -> RawTable:
    """Read the rows of `options.query`, streamed, in a transaction that is read-only and rolled back.

    Raises:
        BadArguments: no query, or one that is not a single SELECT.
        DataError: the database refuses the connection or the query.
        UnsupportedFormat: no such database, or its driver is not installed.
        SourceNotFound, HeaderOnly, NotATable, DuplicateColumns, TooLarge.
    """
    url = _url(source)
    shown = url_without_secrets(url)
    with _engine(url, shown) as engine:
        if not options.query:
            raise BadArguments(f"{shown!r} needs a query.", _tables(engine))
        if not _READS.match(options.query) or ";" in options.query.strip().rstrip(";"):
            raise BadArguments("Only one SELECT is run.", "Give a query that starts with SELECT or WITH.")
        with engine.connect() as connection:
            return _read(connection, options.query, shown, limits)


def _url(source: str) -> URL:
    try:
        url = make_url(source)
    except (ArgumentError, ValueError):
        # `from None`: the text of the cause may hold the password
        raise UnsupportedFormat("The database URL cannot be understood.", f"Read are: {READ}.") from None
    if url.get_backend_name() == "sqlite" and url.database not in {None, "", ":memory:"}:
        path = Path(str(url.database))
        if not path.is_file():
            raise SourceNotFound(str(path), near_files(path))
    return url


@contextmanager
def _engine(url: URL, shown: str) -> Iterator[Engine]:
    try:
        engine = create_engine(url)
    except (NoSuchModuleError, ImportError):
        raise UnsupportedFormat(
            f"{shown!r}: there is no driver for {url.drivername!r} here.",
            "Install it, for example millwright[postgres].",
        ) from None
    try:
        yield engine
    except SQLAlchemyError as error:
        raise DataError(f"{shown!r} answered: {_plain(error, url)}", "Check the URL and the query.") from None
    finally:
        engine.dispose()


def _plain(error: SQLAlchemyError, url: URL) -> str:
    """The database's own first line, without the password and without SQLAlchemy's link."""
    cause = getattr(error, "orig", None) or error
    line = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
    secrets = [str(url.password)] if url.password else []
    secrets += [value for values in url.normalized_query.values() for value in values]
    return without(line, secrets).rstrip(".") + "."


def _tables(engine: Engine) -> str:
    names = inspect(engine).get_table_names()
    example = names[0] if names else "the_table"
    known = f" It has these tables: {shortened(names)}." if names else ""
    return f"For example query='SELECT * FROM {example}'.{known}"


def _read(connection: Connection, query: str, shown: str, limits: DataLimits) -> RawTable:
    connection = _read_only(connection)
    result = connection.execution_options(stream_results=True, yield_per=_BATCH).execute(
        text(query.strip().rstrip(";"))
    )
    if not result.returns_rows:
        raise BadArguments("The query gives no rows.", "Give a query that starts with SELECT or WITH.")
    names, notes = clean_names(shown, list(result.keys()), limits)
    frame = text_frame(shown, names, (_row(row, names, shown) for row in result), limits)
    return RawTable(frame, shown, tuple(notes))


def _read_only(connection: Connection) -> Connection:
    match connection.dialect.name:
        case "sqlite":
            connection.execute(text("PRAGMA query_only = ON"))
        case "postgresql":
            connection = connection.execution_options(postgresql_readonly=True)
        case "mysql" | "mariadb":
            connection.execute(text("SET TRANSACTION READ ONLY"))
    return connection


def _row(values: Iterable[object], names: list[str], shown: str) -> Row:
    cells: list[str | None] = []
    for name, value in zip(names, values, strict=True):
        if isinstance(value, bytes | memoryview):
            raise NotATable(f"{shown!r}: column {name!r} holds bytes, not plain values.", "Leave it out of the query.")
        cells.append(cell_text(value))
    return cells
