"""Whole lines at the end of a file, each written with one call of the system.

That outlives the kill of this process at any moment; nothing here waits for the disk, so a power cut may take the last
lines.
"""

import io
import os
from collections.abc import Generator, Sequence
from pathlib import Path

from engine.files import typed_disk_errors

_BLOCK = 1 << 16


class LineFile:
    """Whole lines at the end of a file; what a crash left half written is skipped, and cut off by the next writer.

    One writer at a time, who holds the session's lease and closes the file; readers need nothing.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._writing: io.FileIO | None = None

    def append(self, lines: Sequence[str]) -> None:
        """Add the lines, all or (when the process dies, or the disk is full) none of them.

        Raises:
            DiskFull, HomeNotWritable: they were not written.
        """
        try:
            self._write("\n".join([*lines, ""]).encode())
        except OSError as error:
            self.close()  # the next writer cuts off the half of a line that may stand there now
            # entered here alone: words stream through this, and they would feel it
            with typed_disk_errors(self._file):
                raise error

    def _write(self, data: bytes) -> None:
        if self._writing is None:
            self._writing = self._mended()
        while data:
            data = data[self._writing.write(data) :]

    def close(self) -> None:
        """Let go of the file."""
        if self._writing is not None:
            self._writing.close()
            self._writing = None

    def first(self) -> bytes | None:
        """The first whole line."""
        return next(self.lines(), None)

    def last(self) -> bytes | None:
        """The last whole line, found from the end."""
        return self._tail()[0]

    def lines(self, start: int = 0) -> Generator[bytes, None, None]:
        """The whole lines from the byte `start` on."""
        if not self._file.exists():
            return
        with self._file.open("rb") as file:
            file.seek(start)
            for line in file:
                if not line.endswith(b"\n"):
                    return  # being written right now, or cut off by a crash
                yield line

    def _mended(self) -> io.FileIO:
        whole = self._tail()[1]
        file = io.FileIO(self._file, "ab", opener=_private)
        if file.tell() > whole:
            file.truncate(whole)
        return file

    def _tail(self) -> tuple[bytes | None, int]:
        """The last whole line and the place where it ends."""
        if not self._file.exists():
            return None, 0
        with self._file.open("rb") as file:
            place, read = file.seek(0, os.SEEK_END), b""
            while place > 0:
                step = min(_BLOCK, place)
                place = file.seek(place - step)
                read = file.read(step) + read
                end = read.rfind(b"\n")
                begin = read.rfind(b"\n", 0, max(end, 0))
                if end >= 0 and (begin >= 0 or place == 0):
                    return read[begin + 1 : end + 1], place + end + 1
        return None, 0


def _private(path: str, flags: int) -> int:
    """Open a file that is the owner's alone."""
    return os.open(path, flags, 0o600)
