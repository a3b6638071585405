"""The shared facts of the DBOS journal: the names that client and worker agree on, and how to open it."""

import os
import uuid
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from engine.database import driver_url
from engine.files import write_json
from tools.home import read_json

if TYPE_CHECKING:
    from dbos import DBOSClient

WORKFLOW = "run_tool"
SCHEDULED = "run_scheduled"
STREAM = "progress"
QUEUE_POLL_S = 0.1
JOURNAL_VERSION = "2"
"""Fixed, so that a newer release goes on with jobs that an older one began; raise it when steps change their order."""


def home_id(home: Path) -> str:
    """A short id that moves with the folder; keeps the jobs of several homes apart in one PostgreSQL database."""
    path = home / "home.json"
    if not path.exists():
        mine = home / f".home.{uuid.uuid4().hex}.json"
        write_json(mine, {"id": uuid.uuid4().hex[:8]})
        # a link fails where another process was first: the two must not go on with different ids
        with suppress(FileExistsError):
            os.link(mine, path)
        mine.unlink()
    return str(read_json(path)["id"])


def queue_name(home: str) -> str:
    return f"jobs-{home}"


def open_client(database_url: str, home: str, concurrency: int = 1) -> "DBOSClient":
    """A client of the journal; makes the tables and the home's queue first where they are missing."""
    import logging

    from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer

    logging.getLogger("dbos").setLevel(logging.WARNING)
    url = driver_url(database_url)
    DBOS.migrate(url)
    client = DBOSClient(
        system_database_url=url, serializer=DBOSPortableJSONSerializer(), application_name=application_name(home)
    )
    client.register_queue(
        queue_name(home), worker_concurrency=concurrency, polling_interval_sec=QUEUE_POLL_S, on_conflict="always_update"
    )
    return client


def application_name(home: str) -> str:
    return f"millwright-{home}"
