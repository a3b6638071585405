"""What a crew's tools really did. A figure in a crew's report can be traced to a line here."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from pydantic import BaseModel, ConfigDict

from engine.errors import MillwrightError
from tools.jobs import Failure

TRAINING = "train_model"
"""The tool that spends a crew's budget."""


class ToolRecord(BaseModel):
    """One call: `result` is the text the tool gave back, a JSON document or, where it was refused, the sentence of a
    mendable error. `call` is its name for good: the same crew run, task, tool and arguments always have the same one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    agent: str
    tool: str
    arguments: dict[str, object]
    result: str
    seconds: float
    call: str
    failure: Failure | None = None

    @property
    def ok(self) -> bool:
        """Whether the tool gave its result."""
        return self.failure is None


class Ledger:
    """The calls of one crew run in order, kept in `file` so that a new process knows them, and the error that has to
    stop the crew."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._lock = Lock()
        self._calls = list(_read(file)) if file is not None and file.exists() else []
        self._fatal: Exception | None = None

    @property
    def calls(self) -> tuple[ToolRecord, ...]:
        return tuple(self._calls)

    def of(self, task: str) -> tuple[ToolRecord, ...]:
        """The calls made for a task."""
        return tuple(record for record in self._calls if record.task == task)

    def found(self, call: str) -> ToolRecord | None:
        """The call of this name that succeeded, if it was made."""
        return next((record for record in self._calls if record.call == call and record.ok), None)

    def last(self, tool: str) -> ToolRecord | None:
        """The newest call of a tool that succeeded."""
        return next((record for record in reversed(self._calls) if record.tool == tool and record.ok), None)

    def add(self, record: ToolRecord) -> None:
        """Write a call down; it is on disk when this returns."""
        with self._lock:
            self._calls.append(record)
            if self._file is None:
                return
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a", encoding="utf-8") as file:
                file.write(record.model_dump_json() + "\n")
                file.flush()
                os.fsync(file.fileno())

    def stop(self, error: Exception) -> None:
        """Have the crew end with `error`; the first one counts."""
        with self._lock:
            self._fatal = self._fatal or error

    def check(self) -> None:
        """Raise the error that has to stop the crew, if there is one.

        CrewAI turns every exception of a tool into text for the model; asked before each model call, this keeps the
        rule that only mendable errors go back to it.
        """
        if self._fatal:
            raise self._fatal

    @property
    def fatal(self) -> MillwrightError | None:
        """The error of ours that has to stop the crew, if there is one."""
        return self._fatal if isinstance(self._fatal, MillwrightError) else None


def trained_seconds(records: Sequence[ToolRecord]) -> float:
    """Seconds that trainings took by their own account: the time until a worker turned to them is not theirs."""
    done = (json.loads(record.result) for record in records if record.tool == TRAINING and record.ok)
    return sum(float(result["seconds"]) for result in done)


def _read(file: Path) -> "list[ToolRecord]":
    """What was written; the torn last line of a killed process is cut off, so that the next is not joined to it."""
    text = file.read_bytes()
    whole = text[: text.rfind(b"\n") + 1]
    if len(whole) != len(text):
        os.truncate(file, len(whole))
    return [ToolRecord.model_validate(json.loads(line)) for line in whole.splitlines() if line.strip()]
