"""Cut documents into chunks that never cross a heading and always know where they came from."""

import re
from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict

from rag.load import Document
from rag.sections import Section

TARGET = 1000
"""Characters a chunk aims at: about 300 tokens, a screenful that still answers one thing."""

# a cut is made after the last of the first of these that occurs: blank line, line, sentence, word
_CUTS = [re.compile(pattern) for pattern in (r"\n[ \t]*\n\s*", r"\n", r"(?<=[.!?])\s+", r"\s+")]


class Chunk(BaseModel):
    """Characters [start, end) of document `doc` under the headings `path`."""

    model_config = ConfigDict(frozen=True)

    doc: str
    start: int
    end: int
    path: tuple[str, ...]

    @property
    def breadcrumb(self) -> str:
        """The headings above the chunk, e.g. 'Trees > Random forest'."""
        return " > ".join(self.path)


def chunk_document(document: Document, target: int = TARGET) -> list[Chunk]:
    """Chunks of at most `target` characters, in order and without overlap, that hold every non-blank character."""
    return [
        Chunk(doc=document.id, start=start, end=end, path=section.path)
        for section in document.sections
        for start, end in _spans(document.text, section, target)
    ]


def _spans(text: str, section: Section, target: int) -> Iterator[tuple[int, int]]:
    start = section.start
    while start < section.end:
        end = _end(text, start, section.end, target)
        span = _trimmed(text, start, end)
        if span:
            yield span
        start = end


def _end(text: str, start: int, stop: int, target: int) -> int:
    """Where the chunk that begins at `start` ends: a natural boundary in its second half, else a hard cut."""
    if stop - start <= target:
        return stop
    window = text[start : start + target]
    for cut in _CUTS:
        ends = [match.end() for match in cut.finditer(window) if match.end() > target // 2]
        if ends:
            return start + ends[-1]
    return start + target


def _trimmed(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The span without blanks at its ends; None when nothing else is in it."""
    body = text[start:end]
    left, right = len(body) - len(body.lstrip()), len(body.rstrip())
    return (start + left, start + right) if left < right else None
