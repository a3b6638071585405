"""One worker at a time on a run or a session, even across processes; a lease ends with the process that holds it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.database import tried_lock
from engine.errors import Busy


@contextmanager
def lease(folder: Path, thing: str, name: str) -> Iterator[None]:
    """Hold `folder` alone while the block runs.

    Raises:
        Busy: someone else holds it (`run_busy`, `session_busy`).
        DiskFull, HomeNotWritable: the folder cannot be made.
    """
    # a file lock, because the kernel lets it go when a process is killed, which a row in a table would survive
    with tried_lock(folder / "lease") as held:
        if not held:
            raise Busy(thing, name)
        yield
