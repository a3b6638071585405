"""What happened in a session, one JSON line each, so that a client that comes back gets what it missed.

A line is written with one call of the system and never changed (`tools.lines`). No secret is in it. A piece of text
that may be the beginning of one takes its number with an empty line; its text comes in a second line of that number, or
of the newest piece that waits with it, when the secret is whole or turns out to be none.
"""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import closing
from json.encoder import encode_basestring
from pathlib import Path
from typing import BinaryIO, cast

from engine.redaction import Pieces, may_hold_secret, redacted
from graphs.events import TextDelta
from graphs.session_types import SESSION_EVENT, AnySessionEvent, SessionEvent
from tools.lines import LineFile

_BLOCK = 1 << 16


class Journal:
    """The numbered events of a session."""

    def __init__(self, file: Path) -> None:
        self._file, self._lines = file, LineFile(file)
        self._last: int | None = None
        self._pieces = Pieces()
        self._guard = threading.Lock()

    def append(self, event: AnySessionEvent) -> AnySessionEvent:
        """Record `event` under the next number and return it with that number.

        In the record passwords and keys are blotted out; what is returned is told to who listens now, and has them.

        Raises:
            DiskFull, HomeNotWritable: it was not recorded.
        """
        with self._guard:
            number = self.last + 1
            if isinstance(event, TextDelta):
                told = self._pieces.add(event.text)
                # where a piece waits, the newest does
                own = "" if self._pieces.waits else told.pop()
                numbered: SessionEvent = TextDelta(sequence=number, text=event.text)
                line = _text_line(number, own)
            else:
                told = self._pieces.end()
                numbered = event.model_copy(update={"sequence": number})
                line = _line_of(numbered)
            self._lines.append([*_late(number - 1, told), line])
            self._last = number
        return cast(AnySessionEvent, numbered)

    @property
    def last(self) -> int:
        """The number of the newest event, 0 with none."""
        if self._last is None:
            line = self._lines.last()
            self._last = _number(line) if line else 0
        return self._last

    def close(self) -> None:
        """Write what waits, and let go of the file.

        Raises:
            DiskFull, HomeNotWritable: that was not written.
        """
        try:
            with self._guard:
                late = _late(self.last, self._pieces.end())
                if late:
                    self._lines.append(late)
        finally:
            self._lines.close()

    def read(self, after: int = 0) -> Iterator[SessionEvent]:
        """The recorded events whose number is above `after`; not yet the last ones, while their text waits."""
        waiting: list[TextDelta] = []
        with closing(self._lines.lines(self._place(after))) as lines:
            for line in lines:
                event = SESSION_EVENT.validate_json(line)
                if event.sequence <= after:
                    continue
                if isinstance(event, TextDelta):
                    if waiting and waiting[-1].sequence == event.sequence:
                        waiting.pop()  # this is its text
                    if not event.text:
                        waiting.append(event)
                        continue
                yield from waiting
                waiting.clear()
                yield event

    def _place(self, after: int) -> int:
        """The beginning of a line not far before the first event above `after`."""
        if after <= 0 or not self._file.exists():
            return 0
        with self._file.open("rb") as file:
            low, high = 0, file.seek(0, os.SEEK_END)
            while high - low > _BLOCK:
                middle = (low + high) // 2
                line = _line_after(file, middle)[1]
                low, high = (middle, high) if line and _number(line) <= after else (low, middle)
            return _line_after(file, low)[0] if low else 0


def as_recorded(event: AnySessionEvent) -> AnySessionEvent:
    """The event as it can be read again: without passwords and keys."""
    return cast(AnySessionEvent, SESSION_EVENT.validate_json(_line_of(event)))


def _late(number: int, texts: list[str]) -> list[str]:
    """The text of pieces that waited, as a second line of the newest of them."""
    text = "".join(texts)
    return [_text_line(number, text)] if text else []


def _text_line(number: int, text: str) -> str:
    """The line of a TextDelta, made by hand: there are so many of them that the usual way would be felt."""
    return f'{{"sequence":{number},"kind":"text","text":{encode_basestring(text)}}}'


def _line_of(event: SessionEvent) -> str:
    line = event.model_dump_json()
    if not may_hold_secret(line):
        return line
    told = json.loads(line)
    kept = redacted(told)
    return line if kept == told else json.dumps(kept, ensure_ascii=False, separators=(",", ":"))


def _line_after(file: BinaryIO, place: int) -> tuple[int, bytes | None]:
    """Where the first whole line that begins behind `place` begins, and the line."""
    file.seek(place)
    file.readline()
    begin, line = file.tell(), file.readline()
    return begin, line if line.endswith(b"\n") else None


def _number(line: bytes) -> int:
    return int(json.loads(line)["sequence"])
