"""Several processes on one log, and processes that are killed."""

import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.monitoring.records import Monitor, WindowSpec
from engine.monitoring.store import Monitors
from tests.engine.monitoring.logged import START, ids_of, log, names
from tests.engine.monitoring.writing import BATCH, BATCHES

BOTH = ("a", "b")


def start(url: str, home: Path, monitor: Monitor, scope: str, who: str, what: str) -> subprocess.Popen[bytes]:
    arguments = [url, str(home), scope, monitor.id, who, what]
    return subprocess.Popen([sys.executable, "-m", "tests.engine.monitoring.writing", *arguments])


@dataclass(frozen=True)
class SideBySide:
    """What was left by two processes that did the same at once; `seen` are the windows that were due meanwhile."""

    store: Monitors
    monitor: Monitor
    returncodes: list[int]
    seen: list[list[str]]


@pytest.fixture(scope="module")
def side_by_side(url: str, monitoring_home: Path) -> SideBySide:
    scope = uuid.uuid4().hex[:8]
    store = Monitors(url, monitoring_home, scope)
    monitor = store.create(model="m", reference="mdl_1", window=WindowSpec(rows=20))
    processes = [start(url, monitoring_home, monitor, scope, who, "write") for who in BOTH]
    seen: list[list[str]] = []
    while any(process.poll() is None for process in processes):
        seen += ids_of(store, store.windows.due(monitor, START)[len(seen) :])
        time.sleep(0.02)
    return SideBySide(store, monitor, [process.wait() for process in processes], seen)


def test_two_processes_that_log_at_once_lose_no_row_and_keep_their_order(side_by_side: SideBySide) -> None:
    store, monitor = side_by_side.store, side_by_side.monitor
    rows = [row for window in ids_of(store, store.windows.due(monitor, START)) for row in window]
    assert side_by_side.returncodes == [0, 0]
    for who in BOTH:
        assert [row for row in rows if row.startswith(who)] == [f"{who}-{row}" for row in names(0, BATCH * BATCHES)]


def test_what_was_due_while_they_logged_has_not_changed_since(side_by_side: SideBySide) -> None:
    store = side_by_side.store
    found = ids_of(store, store.windows.due(side_by_side.monitor, START))
    assert found[: len(side_by_side.seen)] == side_by_side.seen


def test_of_two_processes_that_begin_a_retraining_one_began_it(side_by_side: SideBySide) -> None:
    retrainings = side_by_side.store.retrainings.list(side_by_side.monitor.id)
    assert [one.job in BOTH for one in retrainings] == [True]


def test_a_process_that_is_killed_while_it_logs_leaves_whole_batches(
    url: str, monitoring_home: Path, scope: str, store: Monitors, monitor: Monitor
) -> None:
    assert start(url, monitoring_home, monitor, scope, "a", "die").wait() == -9
    killed = [row for window in ids_of(store, store.windows.due(monitor, START)) for row in window]
    assert killed == [f"a-{row}" for row in names(0, 2 * BATCH)]
    log(store, monitor, names(0, 20))
    assert ids_of(store, store.windows.due(monitor, START)[2:]) == [names(0, 20)]
