"""Reading a little of a folder, an image or a file of arrays, so that the time of reading all of it can be told."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engine.data.folder_files import look
from engine.data.image_text import SUFFIXES
from engine.data.images import read_image
from engine.data.load import DataLimits
from engine.data.npz_source import first_cells
from engine.errors import UnreadableImage

FILES = 20
ROWS = 100


@dataclass(frozen=True)
class Pilot:
    """`characters` is the size of the cells that were read; there are `share` times as many of them in all."""

    characters: int
    share: float


def pilot(path: Path, limits: DataLimits) -> Pilot | None:
    """Read some of a source that is no table; None for one that is.

    Raises:
        NotATable, TooLarge: as reading all of it.
    """
    if path.is_dir():
        return _some_files(path, limits)
    if path.suffix.lower() == ".npz":
        return _some_arrays(path, limits)
    if path.suffix.lower() in SUFFIXES:
        return Pilot(_characters(path), 1.0)
    return None


def _some_files(folder: Path, limits: DataLimits) -> Pilot:
    files = look(folder, limits).files
    some = files[:: max(1, len(files) // FILES)]
    return Pilot(sum(_characters(file.path) for file in some), len(files) / max(1, len(some)))


def _characters(path: Path) -> int:
    """Of the cell that the file becomes; what cannot be read is for the reading of all of it to say."""
    content = path.read_bytes()
    if path.suffix.lower() in SUFFIXES:
        with suppress(UnreadableImage):
            return len(read_image(content, path.name).cell)
    return len(content)


def _some_arrays(path: Path, limits: DataLimits) -> Pilot:
    cells, rows = first_cells(path, limits, ROWS)
    return Pilot(sum(len(cell) for cell in cells), rows / len(cells))
