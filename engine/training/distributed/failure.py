"""How a process of several failed, left in a file for the one that waits for them."""

import json
import signal
import time
import traceback
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from engine.errors import JobFailed, MillwrightError, ProcessesFailed
from engine.files import write_json

LINES = 12
_BY_THE_SYSTEM = "If nobody did that, it was probably the system, for want of memory. "


class Failure(BaseModel):
    """What one process died of. `code`, `sentence` and `hint` are those of an error that a user can mend, else None."""

    model_config = ConfigDict(frozen=True)

    rank: int
    at: float
    lines: tuple[str, ...]
    code: str | None = None
    sentence: str = ""
    hint: str = ""

    @classmethod
    def of(cls, error: BaseException, rank: int) -> "Failure":
        lines = "".join(traceback.format_exception(error)).rstrip().splitlines()[-LINES:]
        if not isinstance(error, MillwrightError):
            return cls(rank=rank, at=time.time(), lines=tuple(lines))
        return cls(
            rank=rank, at=time.time(), lines=tuple(lines), code=error.code, sentence=error.sentence, hint=error.hint
        )

    def write(self, folder: Path) -> None:
        write_json(folder / f"failed-{self.rank}.json", self.model_dump())


def failure_files(folder: Path) -> list[Path]:
    """All that a failed attempt may leave in a folder."""
    return [*folder.glob("failed-*.json"), exits_file(folder)]


def exits_file(folder: Path) -> Path:
    """Where torchrun's starter leaves the exit codes."""
    return folder / "exits.json"


def failed(folder: Path, log: Path, processes: int) -> MillwrightError:
    """The error to raise when the processes of `folder` ended without a result.

    A process that was killed says nothing itself, and the others fail for want of it; else what failed first counts.
    """
    go_on = f"Start the job again when that is mended: it goes on from its last checkpoint. All is in {str(log)!r}."
    killed = _killed(exits_file(folder))
    if killed is not None:
        rank, name = killed
        return ProcessesFailed(
            f"Process {rank} of {processes} (counted from 0) of the training was ended by {name}. "
            f"The last lines of its log:\n{_lines(log_end(log))}",
            f"{_BY_THE_SYSTEM if name == 'SIGKILL' else ''}{go_on}",
        )
    found = sorted((_read(path) for path in folder.glob("failed-*.json")), key=lambda failure: failure.at)
    if not found:
        return ProcessesFailed(f"The processes of the training failed. The last lines:\n{_lines(log_end(log))}", go_on)
    first = found[0]
    if first.code is not None:
        return JobFailed(first.sentence, first.hint, first.code)
    return ProcessesFailed(
        f"Process {first.rank} of {processes} (counted from 0) of the training failed. "
        f"The last lines of its log:\n{_lines(first.lines)}",
        go_on,
    )


def log_end(log: Path) -> tuple[str, ...]:
    """The last lines of a log that hold something."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    return tuple(line for line in lines if line.strip())[-LINES:]


def _killed(exits: Path) -> tuple[int, str] | None:
    """Which process was ended by a signal, and its name. SIGTERM is what torchrun sends to those that are left."""
    codes = json.loads(exits.read_bytes()) if exits.exists() else {}
    for rank, code in codes.items():
        if code < 0 and code != -signal.SIGTERM:
            return int(rank), signal.Signals(-code).name
    return None


def _read(path: Path) -> Failure:
    return Failure.model_validate_json(path.read_bytes())


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"  {line}\n" for line in lines)
