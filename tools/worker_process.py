"""A worker that a client starts for itself, and that ends with it."""

import json
import logging
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.files import typed_disk_errors
from tools.lock import is_held

TERMINATE_S = 3.0
LOG_BYTES = 5_000_000
BUSY_EXIT = 3
"""The exit status of a worker that found another one serving the home."""

log = logging.getLogger("millwright.jobs")


@dataclass(frozen=True)
class WorkerCommand:
    """How to start a worker. `settings` goes to its standard input as one line of JSON: secrets stay off the command
    line, and the open pipe tells the worker that its parent lives."""

    arguments: tuple[str, ...]
    settings: Mapping[str, object] = field(default_factory=dict)
    environment: Mapping[str, str] | None = None


class WorkerProcess:
    """Keeps at most one worker of this process running on a home."""

    def __init__(self, command: WorkerCommand, home: Path) -> None:
        self._command = command
        self._home = home
        self._guard = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper: threading.Thread | None = None
        self.ends = 0
        """How many workers ended without being asked to."""

    def ensure(self) -> None:
        """Start a worker unless one serves the home (ours or another's) or ours is just starting."""
        with self._guard:
            if self._process is not None and self._process.poll() is not None:
                if self._process.returncode != BUSY_EXIT:
                    self.ends += 1
                    log.warning("the worker ended with status %s", self._process.returncode)
                self._forget()
            if self._process is None and not is_held(self._home):
                self._start()

    def close(self) -> None:
        """End our worker, if there is one; it goes on with unfinished jobs when it is started again."""
        with self._guard:
            process = self._process
            if process is None:
                return
            process.terminate()
            try:
                process.wait(TERMINATE_S)
            except subprocess.TimeoutExpired:
                process.kill()
            self._forget()

    def last_words(self) -> str:
        """The last line of the worker's log."""
        lines = (
            self._log_path.read_text(encoding="utf-8", errors="replace").split("\n") if self._log_path.exists() else []
        )
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    @property
    def _log_path(self) -> Path:
        return self._home / "logs" / "worker.log"

    def _start(self) -> None:
        # the kernel's parent-death signal goes by thread, so the thread that starts the worker must live as long
        # as the worker is wanted: callers come from short-lived threads
        ready = threading.Event()
        failures: list[BaseException] = []
        self._keeper = threading.Thread(target=self._keep, args=(ready, failures), name="worker-keeper", daemon=True)
        self._keeper.start()
        ready.wait()
        if failures:
            raise failures[0]

    def _keep(self, ready: threading.Event, failures: list[BaseException]) -> None:
        try:
            self._process = process = self._open()
        except BaseException as error:
            failures.append(error)
            return
        finally:
            ready.set()
        process.wait()

    def _open(self) -> subprocess.Popen[bytes]:
        with typed_disk_errors(self._log_path):
            self._log_path.parent.mkdir(parents=True, exist_ok=True)
            if self._log_path.exists() and self._log_path.stat().st_size > LOG_BYTES:
                self._log_path.replace(self._log_path.with_suffix(".old.log"))
            with self._log_path.open("ab") as output:
                process = subprocess.Popen(
                    self._command.arguments,
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=output,
                    env=dict(self._command.environment) if self._command.environment is not None else None,
                    start_new_session=True,
                )
        assert process.stdin is not None
        process.stdin.write(json.dumps(dict(self._command.settings)).encode() + b"\n")
        process.stdin.flush()
        return process

    def _forget(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()
        if self._keeper is not None:
            self._keeper.join()
            self._keeper = None
