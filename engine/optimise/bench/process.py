"""One process that times variants: started, asked, and ended, whatever happens in between."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from engine.environment import lean_environment
from engine.optimise.bench.protocol import ANSWER, Answer, Failed, Question
from engine.progress import never

LOOK_SECONDS = 0.2
"""How often a waiting parent asks whether it is cancelled."""
LONGEST_LINE = 1 << 20
LAST_WORDS = 300


class ChildFailedError(Exception):
    """A variant cannot be timed; the sentence says why. `lost`: its process is gone with it."""

    def __init__(self, why: str, *, lost: bool) -> None:
        super().__init__(why)
        self.lost = lost


class CancelledError(Exception):
    """The caller said stop while a process was at work."""


@dataclass
class Child:
    """A running process. `log` holds what its libraries said. Asked one question at a time."""

    process: subprocess.Popen[bytes]
    log: Path
    cancelled: Callable[[], bool] = never
    _unread: bytes = field(default=b"", init=False)

    def ask(self, question: Question, patience: float) -> Answer:
        """Its answer, within `patience` seconds.

        Raises:
            ChildFailedError: it ended, hangs (and is killed), or answered with an error.
            CancelledError: the caller stopped.
        """
        try:
            _input(self.process).write(question.model_dump_json().encode() + b"\n")
            _input(self.process).flush()
        except OSError as error:
            raise self._ended() from error
        return self.hear(patience)

    def hear(self, patience: float) -> Answer:
        """The next thing that it says; raises as `ask`."""
        try:
            answer = ANSWER.validate_json(self._line(patience))
        except ValidationError as error:
            self.kill()
            raise ChildFailedError("its process said what is no answer", lost=True) from error
        if isinstance(answer, Failed):
            raise ChildFailedError(answer.why, lost=False)
        return answer

    def kill(self) -> None:
        """End it and what it started. Nothing is lost: all that is worth keeping has been said."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except OSError:  # a question that it never read is still in the pipe
                continue

    def _line(self, patience: float) -> bytes:
        output, end = self.process.stdout, time.monotonic() + patience
        assert output is not None
        while b"\n" not in self._unread:
            if self.cancelled():
                raise CancelledError
            left = end - time.monotonic()
            if left <= 0 or len(self._unread) > LONGEST_LINE:
                self.kill()
                raise ChildFailedError(f"no answer within {patience:g} s; its process was ended", lost=True)
            ready, _, _ = select.select([output], [], [], min(LOOK_SECONDS, left))
            if not ready:
                continue
            some = os.read(output.fileno(), 1 << 16)
            if not some:
                raise self._ended()
            self._unread += some
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _ended(self) -> ChildFailedError:
        self.kill()
        code, said = self.process.returncode, last_words(self.log)
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        memory = " (out of memory?)" if code == -signal.SIGKILL else ""
        return ChildFailedError(f"its process {how}{memory}" + (f": {said}" if said else ""), lost=True)


def start(
    folders: Sequence[Path], rows: Path, *, threads: int, aside: Path, cancelled: Callable[[], bool] = never
) -> Child:
    """Start a process for variants' folders, with so many threads for what uses OpenMP or BLAS.

    What torch.compile makes is kept in `aside`, a folder of this process alone, so that every one pays for compiling.
    On Linux the process ends with the thread that called this.
    """
    aside.mkdir()
    count = str(threads)
    environment = lean_environment(
        OMP_NUM_THREADS=count,
        OPENBLAS_NUM_THREADS=count,
        MKL_NUM_THREADS=count,
        TORCHINDUCTOR_CACHE_DIR=str(aside / "inductor"),
        TRITON_CACHE_DIR=str(aside / "triton"),
    )
    command = [
        sys.executable, "-m", "engine.optimise.bench.child",
        str(os.getpid()), str(rows), *(str(folder.absolute()) for folder in folders),
    ]  # fmt: skip
    log = aside / "log.txt"
    with log.open("wb") as said:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, env=environment, start_new_session=True
        )
    return Child(process, log, cancelled)


def last_words(log: Path) -> str:
    """The last line that a process left, shortened."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1][-LAST_WORDS:].strip() if lines else ""


def _input(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdin is not None
    return process.stdin
