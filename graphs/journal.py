"""The events of a session, one JSON line each, so that a client that comes back gets what it missed."""

from collections.abc import Iterator
from pathlib import Path

from engine.files import typed_disk_errors
from graphs.events import EVENT, Event, with_sequence


class Journal:
    """Appends to one file; its writer holds the session's lease, its readers need nothing."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._last: int | None = None

    def append(self, event: Event) -> Event:
        """Record `event` under the next number and return it with that number."""
        if self._last is None:
            self._last = self._mend()
        self._last += 1
        numbered = with_sequence(event, self._last)
        with typed_disk_errors(self._file), self._file.open("ab") as file:
            file.write(numbered.model_dump_json().encode() + b"\n")
        return numbered

    def read(self, after: int = 0) -> Iterator[Event]:
        """The recorded events whose number is above `after`."""
        if not self._file.exists():
            return
        with self._file.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    return  # being written right now, or cut off by a crash
                if number > after:
                    yield EVENT.validate_json(line)

    def _mend(self) -> int:
        """Cut off a line that a crash left half written; the number of whole lines."""
        if not self._file.exists():
            return 0
        whole = lines = 0
        with self._file.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    whole, lines = whole + len(line), lines + 1
        with self._file.open("r+b") as file:
            file.truncate(whole)
        return lines
