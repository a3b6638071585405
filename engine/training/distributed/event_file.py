"""The events of a training as lines of JSON in a file, for the process that waits for it."""

import json
from pathlib import Path

from pydantic import TypeAdapter

from engine.training.events import (
    BatchReduced,
    CheckpointSaved,
    EpochDone,
    FitBegan,
    FitEnded,
    LoopEvent,
    StepDone,
)

_ADAPTERS: dict[str, TypeAdapter[LoopEvent]] = {
    kind.__name__: TypeAdapter(kind)
    for kind in (FitBegan, StepDone, EpochDone, CheckpointSaved, BatchReduced, FitEnded)
}


class EventWriter:
    """A listener that writes every event down at once. A loss that is not finite is written as none."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def __call__(self, event: LoopEvent) -> None:
        kind = type(event).__name__
        value = json.loads(_ADAPTERS[kind].dump_json(event))
        self._file.write(json.dumps({"kind": kind, "event": value}) + "\n")

    def close(self) -> None:
        self._file.close()


class EventReader:
    """Reads a file of events while it is being written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0

    def new(self) -> list[LoopEvent]:
        """The events since the last call; a line that is not through yet is left for the next."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._read)
            whole, _, _ = file.read().rpartition(b"\n")
        if not whole:
            return []
        self._read += len(whole) + 1
        return [_event(line) for line in whole.split(b"\n")]


def _event(line: bytes) -> LoopEvent:
    record = json.loads(line)
    return _ADAPTERS[record["kind"]].validate_python(record["event"])
