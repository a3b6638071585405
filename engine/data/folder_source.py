"""Reading a folder of images or of texts: a sub-folder for each class, or loose files to be predicted."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from engine.data.cells import clip
from engine.data.folder_files import Content, File, FolderFiles, look
from engine.data.image_cells import shrunk_note
from engine.data.images import read_image
from engine.data.load import READ, DataLimits, RawTable, ReadOptions
from engine.data.sources import Row, open_text, text_frame, too_large
from engine.errors import EmptyText, NotATable, UnreadableImage, UnsupportedFormat
from engine.kinds import Kind
from engine.naming import shortened

FEW_UNREADABLE = 0.05
"""Share of the images that may be left out for being unreadable."""

_BATCH = 500


def read_folder(path: Path, limits: DataLimits, options: ReadOptions) -> RawTable:
    """Read the files of the sub-folders as `image` or `text`, with the sub-folder's name as `label`.

    Without sub-folders that hold any, the loose files are read, with their name as `file`. Files come in the order of
    their paths; hidden files, files of other types and links that lead out of the folder are left out and counted.

    Raises:
        UnsupportedFormat: the folder holds neither images nor texts.
        NotATable: it holds both, or files both in and beside its sub-folders.
        UnreadableImage, EmptyText, Undecodable, TooLarge.
    """
    found = look(path, limits)
    content, files = _chosen(path, found)
    size = sum(file.path.stat().st_size for file in files)
    if size > limits.max_bytes:
        raise too_large(str(path), "bytes", limits.max_bytes)
    reader = _Images(path, files) if content == "image" else _Texts(path, files, limits, options)
    beside, kind = _second_column(files)
    frame = text_frame(str(path), [content, beside], reader.rows(), limits, _BATCH)
    return RawTable(
        frame,
        str(path),
        (*reader.notes(), *_left_out(found, content, {file.label for file in files})),
        kinds={content: content, beside: kind},
        target=beside if kind == "category" else None,
    )


def _second_column(files: list[File]) -> tuple[str, Kind]:
    return ("label", "category") if files[0].label else ("file", "identifier")


def _chosen(path: Path, found: FolderFiles) -> tuple[Content, list[File]]:
    """What the folder is a folder of, and those files."""
    inside = [file for file in found.files if file.label]
    files = inside or found.files
    counts = Counter(file.content for file in files)
    if not counts:
        raise UnsupportedFormat(f"{str(path)!r} is a folder without images or texts.", _what_instead(path, found))
    if len(counts) > 1:
        raise NotATable(
            f"{str(path)!r} holds both {counts['image']:,} image(s) and {counts['text']:,} text(s).",
            "Give a folder of one of the two, or a table that names the images in one of its columns.",
        )
    content = files[0].content
    loose = sum(file.content == content for file in found.files) - len(files)
    if loose:
        raise NotATable(
            f"{str(path)!r} holds {loose:,} loose {content}(s) beside its sub-folders.",
            "Move them into the sub-folder of their class.",
        )
    if found.tables and len({file.label for file in inside}) == 1:
        raise NotATable(
            f"{str(path)!r} holds a table ({shortened(found.tables, 3)}) and a single sub-folder of {content}s.",
            "Give the table, if a column of it names the files; otherwise make a sub-folder for each class.",
        )
    return content, files


def _what_instead(path: Path, found: FolderFiles) -> str:
    if found.tables:
        return f"Give one of its files, e.g. {str(path / found.tables[0])!r}."
    if found.nested:
        return f"Give the folder whose sub-folders are the classes, e.g. {str(path / found.nested[0])!r}."
    return f"Read are: {READ}."


def _left_out(found: FolderFiles, content: str, labels: set[str]) -> list[str]:
    other = [file for file in found.files if file.content != content]
    endings = Counter(found.other)
    endings.update(file.path.suffix.lower() for file in other)
    counted = [
        f"{endings.total():,} file(s) of other types ({shortened(sorted(endings), 4)})" if endings else "",
        f"{found.hidden:,} hidden one(s)" if found.hidden else "",
        f"{found.links:,} link(s) that lead outside" if found.links else "",
        f"{len(found.nested):,} folder(s) below the sub-folders" if found.nested else "",
    ]
    empty = [name for name in found.folders if name not in labels]
    return [
        *([f"Left out of the folder: {', '.join(filter(None, counted))}."] if any(counted) else []),
        *([f"Sub-folder(s) without {content}s: {clip(', '.join(empty), 100)}."] if empty and labels != {""} else []),
    ]


class _Reader(Protocol):
    """Reads files one by one; what there is to say is known after the last."""

    def rows(self) -> Iterator[Row]: ...

    def notes(self) -> tuple[str, ...]: ...


class _Images:
    """Images; a few that cannot be read are left out."""

    def __init__(self, folder: Path, files: list[File]) -> None:
        self._folder = folder
        self._files = files
        self._unreadable: list[UnreadableImage] = []
        self._names: list[str] = []
        self._shrunk = 0

    def rows(self) -> Iterator[Row]:
        """Raises: UnreadableImage: more than a few cannot be read, or the only ones of a class."""
        kept = set()
        for file in self._files:
            try:
                found = read_image(file.path.read_bytes(), file.name)
            except UnreadableImage as error:
                self._unreadable.append(error)
                self._names.append(file.name)
                continue
            self._shrunk += found.shrunk
            kept.add(file.label)
            yield found.cell, file.label or file.name
        lost = {file.label for file in self._files} - kept
        if lost or len(self._unreadable) > FEW_UNREADABLE * len(self._files):
            self._refuse()

    def _refuse(self) -> None:
        first = self._unreadable[0]
        raise UnreadableImage(
            self._names[0],
            first.why,
            f"In {str(self._folder)!r}, {len(self._unreadable):,} of {len(self._files):,} images cannot be read: "
            "save them again as PNG or JPEG, or take them out.",
        )

    def notes(self) -> tuple[str, ...]:
        few = len(self._unreadable)
        left = f"{few:,} image(s) cannot be read and were left out: {shortened([clip(n) for n in self._names], 3)}."
        return (*((left,) if few else ()), *shrunk_note(self._shrunk))


class _Texts:
    """Texts; one that holds nothing is a missing cell."""

    def __init__(self, folder: Path, files: list[File], limits: DataLimits, options: ReadOptions) -> None:
        self._folder = folder
        self._files = files
        self._limits = limits
        self._options = options
        self._empty: list[str] = []

    def rows(self) -> Iterator[Row]:
        """Raises: EmptyText: all of them hold nothing. Undecodable, NotATable: one is no text."""
        for file in self._files:
            with open_text(file.path, self._options.encoding, self._limits.max_bytes, file.name) as stream:
                text = stream.read()
            if not text.strip():
                self._empty.append(file.name)
            yield text if text.strip() else None, file.label or file.name
        if len(self._empty) == len(self._files):
            raise EmptyText(
                f"All {len(self._files):,} texts in {str(self._folder)!r} are empty.", "Give files that hold some text."
            )

    def notes(self) -> tuple[str, ...]:
        if not self._empty:
            return ()
        names = shortened([clip(name) for name in self._empty], 3)
        return (f"{len(self._empty):,} text(s) are empty and count as missing: {names}.",)
