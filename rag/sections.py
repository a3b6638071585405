"""Find the sections that Markdown headings make. Nothing is dropped: the sections cover the whole text."""

import re

from pydantic import BaseModel, ConfigDict

_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


class Section(BaseModel):
    """Characters [start, end) under the headings `path`, outermost first."""

    model_config = ConfigDict(frozen=True)

    start: int
    end: int
    path: tuple[str, ...] = ()


def markdown_sections(text: str) -> tuple[Section, ...]:
    """Sections of a Markdown text; a heading belongs to the section it opens.

    A '#' inside a code fence is not a heading; a fence that is never closed runs to the end of the text.
    Text before the first heading is a section with an empty path.
    """
    sections: list[Section] = []
    path: dict[int, str] = {}
    start = 0
    for offset, level, title in _headings(text):
        if offset > start:
            sections.append(Section(start=start, end=offset, path=_in_order(path)))
        path = {depth: name for depth, name in path.items() if depth < level} | {level: title}
        start = offset
    if start < len(text):
        sections.append(Section(start=start, end=len(text), path=_in_order(path)))
    return tuple(sections)


def _in_order(path: dict[int, str]) -> tuple[str, ...]:
    return tuple(path[level] for level in sorted(path))


def _headings(text: str) -> list[tuple[int, int, str]]:
    """(offset, level 1-6, title) of each heading outside code fences."""
    found: list[tuple[int, int, str]] = []
    fence = ""
    offset = 0
    for line in text.splitlines(keepends=True):
        mark = _FENCE.match(line)
        heading = _HEADING.match(line.rstrip("\r\n"))
        if fence:
            if mark and mark[1].startswith(fence) and not line[mark.end() :].strip():
                fence = ""
        elif mark:
            fence = mark[1]
        elif heading:
            found.append((offset, len(heading[1]), heading[2].strip()))
        offset += len(line)
    return found
