"""Columns of images in tables: cells that hold an image as text, and cells that name a file beside the table."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from engine.data.cells import TEXT, clip, stripped
from engine.data.image_text import ANY_IMAGE, MAX_SIDE, MOSTLY, SUFFIXES
from engine.data.images import read_image, settled
from engine.data.load import DataLimits, RawTable, inside
from engine.data.sources import too_large
from engine.errors import UnreadableImage

_SAMPLE = 20


def read_image_file(path: Path, limits: DataLimits) -> RawTable:
    """One image as a table of one row.

    Raises:
        UnreadableImage, TooLarge.
    """
    if path.stat().st_size > limits.max_bytes:
        raise too_large(path.name, "bytes", limits.max_bytes)
    found = read_image(path.read_bytes(), path.name)
    notes = shrunk_note(int(found.shrunk))
    return RawTable(pd.DataFrame({"image": [found.cell]}, dtype=TEXT), str(path), notes, kinds={"image": "image"})


def shrunk_note(count: int) -> tuple[str, ...]:
    """What to say of images that were larger than is kept."""
    return (f"{count:,} image(s) were shrunk so that the longer side has {MAX_SIDE} pixels.",) if count else ()


def settle_images(
    frame: pd.DataFrame, folder: Path | None, kinds: Mapping[str, str], max_bytes: int
) -> tuple[pd.DataFrame, tuple[str, ...], tuple[str, ...]]:
    """The frame with every column of images in the one form of image cells, their names, and what to say of them.

    A column is one of images when most cells (of a sample) hold an image as text or name a file below `folder`, or
    when `kinds` says so; never when `kinds` says otherwise. Files outside the folder are not read, and no address is
    fetched: such cells stay as they are, as do those whose file is missing or cannot be read.

    Raises:
        TooLarge: the files have more than `max_bytes` bytes together.
    """
    changed: dict[str, pd.Series] = {}
    notes: list[str] = []
    for name in frame.columns:
        asked = kinds.get(str(name))
        if asked not in {None, "image"} or not pd.api.types.is_string_dtype(frame[name].dtype):
            continue
        sample = _sample(frame[name])
        if not sample:
            continue
        if _share(cell.startswith(ANY_IMAGE) for cell in sample) >= MOSTLY:
            changed[name] = _written(frame[name])
        elif folder is not None and (asked or all(_is_named_so(cell) for cell in sample)):
            files = _Files(folder, max_bytes)
            if asked or _share(files.find(cell) is not None for cell in sample) >= MOSTLY:
                cells, said = _named(frame[name], files, asked=asked is not None)
                changed.update({} if cells is None else {name: cells})
                notes += said
    return frame.assign(**changed) if changed else frame, tuple(changed), tuple(notes)


def _sample(column: pd.Series) -> list[str]:
    """Some of the cells that hold anything."""
    present = np.flatnonzero((column.fillna("") != "").to_numpy(dtype=bool))
    if not len(present):
        return []
    places = np.unique(np.linspace(0, len(present) - 1, _SAMPLE).astype(int))
    return stripped(column.iloc[present[places]]).dropna().tolist()


def _share(yes: Iterable[bool]) -> float:
    return float(np.mean(list(yes)))


def _is_named_so(cell: str) -> bool:
    return len(cell) < 4096 and Path(cell).suffix.lower() in SUFFIXES


def _written(column: pd.Series) -> pd.Series:
    """Images as text, each brought into the one form; what cannot be read stays as it is, to be counted by its kind."""
    cells = stripped(column)
    found = {cell: settled(cell) or cell for cell in cells.dropna().unique()}
    return cells.map(found, na_action="ignore").astype(TEXT)


@dataclass
class _Files:
    """The image files below one folder, read under a limit of bytes."""

    folder: Path
    max_bytes: int
    bytes: int = 0
    shrunk: int = 0
    outside: int = 0
    damaged: dict[str, str] = field(default_factory=dict)

    def find(self, cell: str) -> Path | None:
        """The file that a cell names; None when there is none below the folder, after all links are followed."""
        path = Path(cell)
        full = None if path.is_absolute() else inside(self.folder / path, self.folder)
        if full is None:
            self.outside += 1
            return None
        try:
            return full if full.is_file() else None
        except OSError:  # a name that is too long
            return None

    def read(self, cell: str) -> str | None:
        """The image that a cell names; None when it cannot be had."""
        path = self.find(cell)
        if path is None:
            return None
        try:
            self.bytes += path.stat().st_size
            if self.bytes > self.max_bytes:
                raise too_large("the images of the table", "bytes", self.max_bytes)
            found = read_image(path.read_bytes(), cell)
        except OSError as error:
            self.damaged[cell] = error.strerror or "it cannot be read"
            return None
        except UnreadableImage as error:
            self.damaged[cell] = error.why
            return None
        self.shrunk += found.shrunk
        return found.cell


def _named(column: pd.Series, files: _Files, *, asked: bool) -> tuple[pd.Series | None, list[str]]:
    """The column with images for paths; None where too few of them can be read and nobody asked for images."""
    files.outside = 0
    cells, name = stripped(column), clip(column.name)
    found = {cell: files.read(cell) for cell in cells.dropna().unique()}
    images = cells.map(found, na_action="ignore")
    count, present = int(images.notna().sum()), int(cells.notna().sum())
    notes = [f"Column {name!r}: {count:,} of {present:,} image file(s) were read from beside the table."]
    notes += [f"Column {name!r}: {note}" for note in shrunk_note(files.shrunk)]
    if files.outside:
        notes.append(f"Column {name!r}: {files.outside:,} path(s) lead outside the table's folder; not followed.")
    if files.damaged:
        examples = "; ".join(f"{clip(cell)!r} ({why})" for cell, why in list(files.damaged.items())[:3])
        notes.append(f"Column {name!r}: {len(files.damaged):,} file(s) cannot be read as images: {examples}.")
    if not asked and count < MOSTLY * present:
        return None, [*notes, f"Column {name!r} is kept as words, since most of its images cannot be read."]
    return images.where(images.notna(), cells).astype(TEXT), notes
