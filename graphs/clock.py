"""How long a run has worked, kept on disk so that the time it lay dead between two processes does not count."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from engine.files import write_json

_EVERY = 1.0  # seconds between two records, and so the most that a killed process can forget


class RunClock:
    """Counts seconds while it is entered, on from what `file` says; it may be entered again later."""

    def __init__(self, file: Path, now: Callable[[], float] = time.monotonic) -> None:
        self._file, self._now = file, now
        self._before = _read(file)
        self._start: float | None = None
        self._stop = threading.Event()
        self._recorder: threading.Thread | None = None

    def __enter__(self) -> "RunClock":
        self._before, self._start = _read(self._file), self._now()
        self._stop.clear()
        self._recorder = threading.Thread(target=self._record, name="run-clock", daemon=True)
        self._recorder.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._recorder is not None:
            self._recorder.join()
        self._before, self._start = self.spent(), None
        write_json(self._file, {"spent": self._before})

    def spent(self) -> float:
        """Seconds this run has worked, in all processes so far."""
        return self._before + (self._now() - self._start if self._start is not None else 0.0)

    def _record(self) -> None:
        while not self._stop.wait(_EVERY):
            write_json(self._file, {"spent": self.spent()})


def _read(file: Path) -> float:
    if not file.exists():
        return 0.0
    return float(json.loads(file.read_text())["spent"])
