"""Where the state of every graph is kept: SQLite in the home by default, PostgreSQL by URL."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.sqlite import SqliteSaver
from pydantic import SecretStr

from engine.errors import BadSettings
from engine.files import typed_disk_errors

CHECKPOINTS = "checkpoints.db"
_LOCK_WAIT = 30.0  # seconds a writer waits for another process's commit


@contextmanager
def open_saver(place: Path | str | SecretStr) -> Iterator[BaseCheckpointSaver[str]]:
    """Open the checkpoints of a home (a folder) or of a database (`postgresql://...`, `sqlite:///FILE`).

    Raises:
        BadSettings: another kind of URL, or PostgreSQL without its extra.
        DiskFull, HomeNotWritable: the folder cannot be made.
    """
    url = place.get_secret_value() if isinstance(place, SecretStr) else str(place)
    scheme, separator, rest = url.partition("://")
    if not separator:
        with _sqlite(Path(place if isinstance(place, Path) else url) / CHECKPOINTS) as saver:
            yield saver
    elif scheme.split("+")[0] == "sqlite":
        with _sqlite(Path(rest.removeprefix("/"))) as saver:
            yield saver
    elif scheme.split("+")[0] in {"postgresql", "postgres"}:
        with _postgres(f"postgresql://{rest}") as saver:
            yield saver
    else:
        raise BadSettings(
            f"Checkpoints cannot be kept in a {scheme!r} database.", "Use postgresql://... or sqlite:///FILE."
        )


@contextmanager
def _sqlite(file: Path) -> Iterator[BaseCheckpointSaver[str]]:
    with typed_disk_errors(file.parent):
        file.parent.mkdir(parents=True, exist_ok=True)
        # what people type is in it, passwords too; SQLite gives its log the mode that the file has
        file.touch(mode=0o600)
    with suppress(PermissionError):  # a file of somebody else, who let us write in it
        file.chmod(0o600)
    # nodes run on threads of LangGraph's pool; the saver serialises them with its own lock
    connection = sqlite3.connect(file, check_same_thread=False, timeout=_LOCK_WAIT)
    try:
        saver = SqliteSaver(connection)
        saver.setup()
        # with the write-ahead log that setup() turned on, a commit outlives the kill of this process without a wait
        # for the disk; a power cut may take the last of them and damages nothing
        connection.execute("PRAGMA synchronous=NORMAL")
        yield saver
    finally:
        connection.close()


@contextmanager
def _postgres(url: str) -> Iterator[BaseCheckpointSaver[str]]:
    try:
        from langgraph.checkpoint.postgres import PostgresSaver
    except ImportError as error:
        raise BadSettings(
            "PostgreSQL checkpoints need the 'postgres' extra.", "Install it: pip install 'millwright[postgres]'."
        ) from error
    with PostgresSaver.from_conn_string(url) as saver:
        saver.setup()
        yield saver
