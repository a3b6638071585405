"""Reading images and labels that NumPy saved together (.npz). Never pickle: arrays of objects are refused."""

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.data.image_cells import shrunk_note
from engine.data.image_text import Pixels
from engine.data.images import from_pixels, stretched
from engine.data.load import DataLimits, RawTable
from engine.data.sources import Row, text_frame, too_large
from engine.errors import NotATable
from engine.kinds import Kind
from engine.naming import shortened
from engine.tasks import label_text

_IMAGES = ("x", "images", "image", "data")
_LABELS = ("y", "labels", "label", "target")
_CHANNELS = (1, 3, 4)
_BATCH = 500
# the last three: a header that claims more than any memory holds, more than any number, or an encrypted archive
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, KeyError, NotImplementedError, SyntaxError,
    MemoryError, OverflowError, RuntimeError,
)  # fmt: skip
_WANTED = "Save images as x (rows, height, width) or (rows, height, width, channels), and labels as y (rows,)."

Array = NDArray[np.generic]


@dataclass(frozen=True)
class _Part:
    """Images (rows, height, width, channels) in the file's own numbers, and their labels (rows,) if there are any."""

    images: Array
    labels: Array | None


def read_npz(path: Path, limits: DataLimits) -> RawTable:
    """Read arrays x and y, or x_train, y_train (and x_test, y_test, which are joined to them), as `image` and `label`.

    Numbers other than 8-bit ones are stretched from their least to their largest value over the whole file.

    Raises:
        NotATable: a damaged file, arrays of objects, or none of the names and shapes that are read.
        TooLarge.
    """
    parts, notes = _parts(path.name, _arrays(path, limits))
    if sum(len(part.images) for part in parts) > limits.max_rows:
        raise too_large(path.name, "rows", limits.max_rows)
    reader = _Reader(parts)
    labelled = parts[0].labels is not None
    frame = text_frame(path.name, ["image", *(["label"] if labelled else [])], reader.rows(), limits, _BATCH)
    kinds: dict[str, Kind] = {"image": "image", **({"label": "category"} if _are_classes(parts) else {})}
    said = (*notes, *reader.notes(), *shrunk_note(reader.shrunk))
    return RawTable(frame, str(path), said, kinds=kinds, target="label" if labelled else None)


def first_cells(path: Path, limits: DataLimits, rows: int) -> tuple[list[str], int]:
    """The cells of the first images of the file, and how many it has.

    Raises: as `read_npz`.
    """
    parts, _ = _parts(path.name, _arrays(path, limits))
    cells = [str(row[0]) for row in islice(_Reader(parts).rows(), rows)]
    return cells, sum(len(part.images) for part in parts)


def _arrays(path: Path, limits: DataLimits) -> dict[str, Array]:
    """Every array of the file by name; what they unpack to is checked first."""
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > limits.max_bytes:
                raise too_large(path.name, "bytes", limits.max_bytes)
        with np.load(path, allow_pickle=False) as file:
            return {name: np.asarray(file[name]) for name in file.files}
    except ValueError as error:
        what = "it holds arrays of Python objects" if "allow_pickle" in str(error) else "an array in it is damaged"
        raise NotATable(f"{path.name!r} cannot be read: {what}.", _WANTED) from error
    except PermissionError:
        raise
    except _DAMAGE as error:
        raise NotATable(
            f"{path.name!r} is not a readable .npz file ({type(error).__name__}).", "Save it again with numpy.savez."
        ) from error


def _parts(source: str, arrays: Mapping[str, Array]) -> tuple[list[_Part], list[str]]:
    """The images and labels of the file; of one that is split already, training and test rows alike."""
    by_name = {name.lower(): name for name in arrays}
    parts = []
    for ending in ("", "_train", "_test"):
        images = next((by_name[name + ending] for name in _IMAGES if name + ending in by_name), None)
        labels = next((by_name[name + ending] for name in _LABELS if name + ending in by_name), None)
        if images is not None:
            parts.append(_part(source, images, labels, arrays))
        if parts and not ending:
            break
    if not parts:
        held = shortened([f"{name} {array.shape}" for name, array in arrays.items()]) or "nothing"
        raise NotATable(f"{source!r} holds no array of images (it holds: {held}).", _WANTED)
    if len({(part.images.shape[3], part.labels is None) for part in parts}) > 1:
        raise NotATable(f"{source!r}: training and test arrays are of different shapes.", _WANTED)
    joined = ["Training and test arrays were read together; the sealed test rows are chosen anew."]
    return parts, joined if len(parts) > 1 else []


def _part(source: str, images: str, labels: str | None, arrays: Mapping[str, Array]) -> _Part:
    found = _channels_last(source, images, arrays[images])
    if labels is None:
        return _Part(found, None)
    values = arrays[labels]
    flat = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
    if flat.shape != (len(found),) or flat.dtype.kind not in "biufU":
        raise NotATable(
            f"{source!r}: {labels} has shape {values.shape} of {values.dtype} for {len(found):,} images.", _WANTED
        )
    return _Part(found, flat)


def _channels_last(source: str, name: str, array: Array) -> Array:
    """The images as (rows, height, width, channels)."""
    if array.dtype.kind in "biuf" and array.size:
        if array.ndim == 3:
            return array[:, :, :, None]
        if array.ndim == 4 and array.shape[3] in _CHANNELS:
            return array
        if array.ndim == 4 and array.shape[1] in _CHANNELS:
            return array.transpose(0, 2, 3, 1)
    raise NotATable(f"{source!r}: {name} has shape {array.shape} of {array.dtype}, which are no images.", _WANTED)


def _are_classes(parts: list[_Part]) -> bool:
    """Whether labels name classes: words, whole numbers, true and false."""
    labels = [part.labels for part in parts if part.labels is not None]
    return bool(labels) and all(
        label.dtype.kind != "f" or bool((label == np.rint(label.astype(np.float64))).all()) for label in labels
    )


class _Reader:
    """Turns images into cells one by one."""

    def __init__(self, parts: list[_Part]) -> None:
        self._parts = parts
        self._range = _range([part.images for part in parts])
        self.shrunk = 0

    def rows(self) -> Iterator[Row]:
        for part in self._parts:
            for place, image in enumerate(part.images):
                found = from_pixels(self._pixels(image))
                self.shrunk += found.shrunk
                label = () if part.labels is None else (label_text(part.labels[place].item()),)
                yield found.cell, *label

    def notes(self) -> list[str]:
        if self._range is None:
            return []
        low, high = self._range
        return [f"Pixel values from {low:g} to {high:g} were stretched to 0 to 255."]

    def _pixels(self, image: Array) -> Pixels:
        if self._range is None:
            return image.astype(np.uint8)
        return stretched(image.astype(np.float64), *self._range)


def _range(images: list[Array]) -> tuple[float, float] | None:
    """The least and largest finite value of all images; None when they have 8 bits already."""
    if all(array.dtype == np.uint8 for array in images):
        return None
    finite = [array[np.isfinite(array)] if array.dtype.kind == "f" else array for array in images]
    known = [array for array in finite if array.size]
    if not known:
        return 0.0, 0.0
    return float(min(array.min() for array in known)), float(max(array.max() for array in known))
