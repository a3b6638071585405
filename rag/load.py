"""Read documents from Markdown, plain text and JSON lines, with the sections their headings make.

Offsets everywhere in `rag` count characters of `Document.text`, which is kept as it was read:
`text[start:end]` of a citation is the quote, letter for letter.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from engine.errors import (
    DataError,
    EmptySource,
    NotATable,
    SourceNotFound,
    TooLarge,
    Undecodable,
    UnsupportedFormat,
)
from rag.sections import Section, markdown_sections

MARKDOWN = {".md", ".markdown"}
TEXT = {".txt", ".text"}
LINES = {".jsonl", ".ndjson"}
SUFFIXES = MARKDOWN | TEXT | LINES


class Document(BaseModel):
    """One text with its sections, in order and without gaps: together they cover all of it."""

    model_config = ConfigDict(frozen=True)

    id: str
    title: str
    text: str
    sections: tuple[Section, ...]


class DocumentLimits(BaseModel):
    """What one index accepts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_file_bytes: int = 64 * 2**20
    max_documents: int = 200_000


class Loaded(NamedTuple):
    """Documents in order of their ids' files, and a sentence for each file of a folder that was left out."""

    documents: tuple[Document, ...]
    skipped: tuple[str, ...]


class _Line(BaseModel):
    """One line of a JSON lines file; further fields are ignored."""

    text: str
    id: str | int | None = None
    title: str | None = None
    sections: tuple[Section, ...] = ()


def load_documents(source: Path, limits: DocumentLimits | None = None) -> Loaded:
    """Read one file, or every readable file under a folder.

    A file named by itself must be good; in a folder one bad file is left out and said, so that it
    cannot stop the others. Hidden files and links are not followed.

    Raises:
        SourceNotFound: `source` does not exist.
        DataError: the file is empty, not UTF-8, not JSON lines, too large or of another format.
    """
    limits = limits or DocumentLimits()
    if source.is_file():
        return Loaded(_capped(tuple(_read(source, source.name, limits)), limits), ())
    if not source.is_dir():
        raise SourceNotFound(str(source), [str(entry) for entry in _siblings(source)])
    documents: list[Document] = []
    skipped: list[str] = []
    for path in sorted(_readable(source)):
        try:
            documents.extend(_read(path, path.relative_to(source).as_posix(), limits))
        except DataError as error:
            skipped.append(str(error))
    return Loaded(_capped(tuple(documents), limits), tuple(skipped))


def _siblings(source: Path) -> list[Path]:
    return sorted(source.parent.iterdir()) if source.parent.is_dir() else []


def _readable(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and path.suffix.lower() in SUFFIXES and path.is_file() and not path.is_symlink():
            yield path


def _capped(documents: tuple[Document, ...], limits: DocumentLimits) -> tuple[Document, ...]:
    if len(documents) > limits.max_documents:
        raise TooLarge(f"There are more than {limits.max_documents:,} documents.", "Index a smaller folder.")
    return documents


def _read(path: Path, name: str, limits: DocumentLimits) -> Iterator[Document]:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UnsupportedFormat(
            f"{str(path)!r} is not a kind of document that can be read.", f"Use {', '.join(sorted(SUFFIXES))}."
        )
    text = _decoded(path, limits)
    if suffix in LINES:
        yield from _lines(text, name)
    else:
        yield _document(name, text, markdown_sections(text) if suffix in MARKDOWN else ())


def _decoded(path: Path, limits: DocumentLimits) -> str:
    if path.stat().st_size > limits.max_file_bytes:
        raise TooLarge(f"{str(path)!r} is larger than {limits.max_file_bytes:,} bytes.", "Split it.")
    data = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Undecodable(str(path), "UTF-8", data[error.start], error.start, line) from error
    if not text.strip():
        raise EmptySource(str(path))
    return text


def _lines(text: str, name: str) -> Iterator[Document]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = _Line.model_validate(json.loads(line))
        except (json.JSONDecodeError, ValidationError) as error:
            raise NotATable(
                f"Line {number} of {name!r} is not a document.", "Each line needs JSON such as {'text': '...'}."
            ) from error
        if row.text.strip():
            identity = str(row.id) if row.id is not None else f"{name}#{number}"
            yield _document(identity, row.text, row.sections, row.title)


def _document(identity: str, text: str, sections: tuple[Section, ...], title: str | None = None) -> Document:
    title = title or (sections[0].path[0] if sections and sections[0].path else Path(identity).stem)
    return Document(id=identity, title=title, text=text, sections=_covering(sections, len(text), title))


def _covering(sections: tuple[Section, ...], length: int, title: str) -> tuple[Section, ...]:
    """The sections clipped to the text, with the gaps between them filled, so that no text is lost."""
    covered: list[Section] = []
    at = 0
    for section in sorted(sections, key=lambda each: each.start):
        start, end = max(section.start, at), min(section.end, length)
        if start >= end:
            continue
        if start > at:
            covered.append(Section(start=at, end=start, path=(title,)))
        covered.append(Section(start=start, end=end, path=section.path or (title,)))
        at = end
    if at < length:
        covered.append(Section(start=at, end=length, path=(title,)))
    return tuple(covered)
