"""What lies in a folder of examples: its files and those of its sub-folders, one level deep."""

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from engine.data.image_text import SUFFIXES
from engine.data.load import DataLimits, inside
from engine.data.sources import too_large

Content = Literal["image", "text"]
_TEXTS = frozenset({".txt", ".md"})
_TABLES = frozenset({".csv", ".tsv", ".parquet", ".jsonl", ".xlsx"})


class File(NamedTuple):
    """A file to read; `label` is the name of its sub-folder ('' when it lies loose), `name` its path in the folder."""

    content: Content
    label: str
    name: str
    path: Path


@dataclass
class FolderFiles:
    """What was found: the files to read in the order of their paths, and what else there is.

    `other` counts files of other types by their ending, `nested` names the folders below sub-folders, `tables` the
    loose files that are tables, `folders` the sub-folders.
    """

    files: list[File] = field(default_factory=list)
    other: Counter[str] = field(default_factory=Counter)
    hidden: int = 0
    links: int = 0
    nested: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)


def look(folder: Path, limits: DataLimits) -> FolderFiles:
    """List a folder and its sub-folders without opening a file. Links are followed where they stay in the folder.

    Raises:
        TooLarge: more files than rows are allowed.
    """
    found = FolderFiles()
    for path in _visible(folder, folder, found):
        if len(found.files) > limits.max_rows:
            raise too_large(str(folder), "rows", limits.max_rows)
        if not path.is_dir():
            _sort(found, path, "")
            continue
        found.folders.append(path.name)
        for inner in _visible(path, folder, found):
            if inner.is_dir():
                found.nested.append(path.name)
            else:
                _sort(found, inner, path.name)
        if len(found.files) > limits.max_rows:
            raise too_large(str(folder), "rows", limits.max_rows)
    return found


def _visible(folder: Path, root: Path, found: FolderFiles) -> list[Path]:
    """What is in a folder, sorted, without what is hidden and links that lead out of the root."""
    paths = []
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        path = Path(entry.path)
        if entry.name.startswith("."):
            found.hidden += 1
        elif entry.is_symlink() and inside(path, root) is None:
            found.links += 1
        else:
            paths.append(path)
    return paths


def _sort(found: FolderFiles, path: Path, label: str) -> None:
    ending = path.suffix.lower()
    content: Content | None = "image" if ending in SUFFIXES else "text" if ending in _TEXTS else None
    if content is None or not path.is_file():
        found.other[ending or "no ending"] += 1
        if ending in _TABLES and not label:
            found.tables.append(path.name)
        return
    found.files.append(File(content, label, f"{label}/{path.name}" if label else path.name, path))
