"""What other processes do in the tests: python -m tests.engine.monitoring.writing URL HOME SCOPE MONITOR WHO WHAT."""

import os
import signal
import sys
from pathlib import Path

import sqlalchemy as sa

from engine.monitoring.store import Monitors
from tests.engine.monitoring.logged import START, log, minutes, names

BATCH = 20
BATCHES = 15


def write(store: Monitors, monitor: str, who: str) -> None:
    """Begin a retraining, and log batches of rows, a minute apart."""
    store.retrainings.begin(monitor, 1, champion="mdl_1", at=START, job=who)
    for batch in range(BATCHES):
        ids = [f"{who}-{row}" for row in names(batch * BATCH, (batch + 1) * BATCH)]
        log(store, store.get(monitor), ids, minutes(batch)[0])


def die(store: Monitors, monitor: str, who: str) -> None:
    """Write, and be killed when the rows of the third batch were sent and are not committed yet."""
    sent: list[str] = []

    def count(_: object, __: object, statement: str, *rest: object) -> None:
        sent.extend([statement] if statement.startswith("INSERT INTO millwright_predictions") else [])
        if len(sent) == 3:
            os.kill(os.getpid(), signal.SIGKILL)

    sa.event.listen(sa.Engine, "after_cursor_execute", count)
    write(store, monitor, who)


if __name__ == "__main__":
    url, home, scope, monitor, who, what = sys.argv[1:]
    {"write": write, "die": die}[what](Monitors(url, Path(home), scope), monitor, who)
