"""One worker at a time on a run or a session, even across processes; a lease ends with the process that holds it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import Busy
from engine.files import typed_disk_errors


@contextmanager
def lease(folder: Path, thing: str, name: str) -> Iterator[None]:
    """Hold `folder` alone while the block runs.

    Raises:
        Busy: someone else holds it (`run_busy`, `session_busy`).
        DiskFull, HomeNotWritable: the folder cannot be made.
    """
    with typed_disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        # a file lock, because the kernel lets it go when a process is killed, which a row in a table would survive
        handle = os.open(folder / "lease", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Busy(thing, name) from error
        yield
    finally:
        os.close(handle)
