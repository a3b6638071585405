"""One worker for one home: an advisory lock that the system releases however the worker ends."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import HomeBusy
from engine.files import typed_disk_errors

LOCK_NAME = "worker.lock"
PATIENCE_S = 1.0
"""A client that only looks whether the lock is free holds it for an instant; a worker waits this long for it."""


@contextmanager
def home_lock(home: Path) -> Iterator[None]:
    """Hold the home's worker lock, with this process's id in the file.

    Raises:
        HomeBusy: another worker holds it.
        HomeNotWritable, DiskFull: the lock file cannot be written.
    """
    handle = _open(home)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not _take(handle, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise HomeBusy(home, holder(home))
            time.sleep(0.02)
        with typed_disk_errors(home / LOCK_NAME):
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def is_held(home: Path) -> bool:
    """Whether a worker serves this home now."""
    if not (home / LOCK_NAME).exists():
        return False
    handle = _open(home)
    try:
        return not _take(handle, fcntl.LOCK_SH)
    finally:
        os.close(handle)


def holder(home: Path) -> int | None:
    """The process id written by the worker that holds (or last held) the lock."""
    try:
        return int((home / LOCK_NAME).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _open(home: Path) -> int:
    with typed_disk_errors(home):
        home.mkdir(parents=True, exist_ok=True)
        return os.open(home / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)


def _take(handle: int, how: int) -> bool:
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
