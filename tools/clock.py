"""How long a job has worked, kept on disk: a job that goes on after a crash has spent what it had spent before."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.files import write_json
from tools.home import read_json_if_there

RECORD_EVERY_S = 1.0
"""The most that a killed worker can forget."""


class JobClock:
    """Seconds spent by one job over all the workers that it had.

    Args:
        file: where the spent seconds are recorded.
        began: epoch seconds from which this worker's part counts.
    """

    def __init__(self, file: Path, began: float) -> None:
        self._file = file
        self._began = began
        self._before = float((read_json_if_there(file) or {"spent": 0.0})["spent"])

    def spent(self) -> float:
        return self._before + max(0.0, time.time() - self._began)

    def record(self) -> None:
        write_json(self._file, {"spent": self.spent()})

    @contextmanager
    def ticking(self) -> Iterator["JobClock"]:
        """Record the time regularly while the block runs."""
        over = threading.Event()

        def tick() -> None:
            while not over.wait(RECORD_EVERY_S):
                self.record()

        thread = threading.Thread(target=tick, name="job-clock", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            over.set()
            thread.join()
            self.record()
