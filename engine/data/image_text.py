"""An image as a cell: the text 'data:image/png;base64,...' of a small PNG. No image library is loaded with this.

A column of images is thus a column of text to Parquet, JSON, hashes and everything else that carries rows. Any reader
opens such a PNG. It is written and read here, and not by a library, because it has one form only: what is of that form
is whole, and small images, which are read again and again while models are fitted, open in less than half the time.
"""

import base64
import binascii
import struct
import zlib
from collections import Counter
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MAX_SIDE = 128
"""Pixels of the longer side; a larger image is shrunk when it is read."""

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff"})
ANY_IMAGE = "data:image/"
MOSTLY = 0.5
"""Share of a column's cells that must be images for it to be taken as one of images, if nobody says what it is."""

Pixels = NDArray[np.uint8]

_PREFIX = "data:image/png;base64,"
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = slice(8, 33)
_HEADER_TEXT = len(_PREFIX) + 4 * 33 // 3
_COLOUR_TYPES = {1: 0, 3: 2}
"""By channels; the names and numbers of this module are those of the PNG specification (third edition)."""

_UP = 2
"""The filter of every row: its bytes less those of the row above, modulo 256."""


class Size(NamedTuple):
    """Pixels, and 1 (grey) or 3 (red, green, blue) channels."""

    height: int
    width: int
    channels: int

    def __str__(self) -> str:
        return f"{self.height} x {self.width} {'grey' if self.channels == 1 else 'colour'}"


def cell_of(pixels: Pixels) -> str:
    """The cell of pixels (height, width) or (height, width, channels), neither side longer than `MAX_SIDE`."""
    height, width = pixels.shape[:2]
    rows = pixels.reshape(height, -1)
    filtered = np.full((height, 1 + rows.shape[1]), _UP, dtype=np.uint8)
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    header = _header(Size(height, width, rows.shape[1] // width))
    png = _SIGNATURE + header + _chunk(b"IDAT", zlib.compress(filtered.tobytes())) + _END
    return _PREFIX + base64.b64encode(png).decode("ascii")


def pixels_of(cell: str) -> Pixels | None:
    """Pixels (height, width, channels) of what `cell_of` wrote; None of anything else."""
    size = size_of(cell)
    if size is None:
        return None
    try:
        png = base64.b64decode(cell[len(_PREFIX) :], validate=True)
        packed = png[_HEADER.stop + 8 : -len(_END) - 4]
        if png[_HEADER.stop :] != _chunk(b"IDAT", packed) + _END:
            return None
        return _unfiltered(packed, size)
    except (binascii.Error, zlib.error):
        return None


def size_of(cell: str) -> Size | None:
    """The size of the image in a cell, by its header alone; None when the cell is not of the one form."""
    if not cell.startswith(_PREFIX):
        return None
    try:
        start = base64.b64decode(cell[len(_PREFIX) : _HEADER_TEXT], validate=True)
    except binascii.Error:
        return None
    if len(start) < _HEADER.stop or not start.startswith(_SIGNATURE):
        return None
    width, height, _, colour = struct.unpack(">IIBB", start[16:26])
    size = Size(height, width, 1 if colour == _COLOUR_TYPES[1] else 3)
    fits = 0 < min(height, width) <= max(height, width) <= MAX_SIDE
    return size if fits and start[_HEADER] == _header(size) else None


def image_sizes(cells: pd.Series) -> dict[str, int]:
    """How many images there are of each size, e.g. {'8 x 8 grey': 600}; the most frequent size first."""
    counts = Counter(str(size) for size in map(size_of, cells.dropna()) if size is not None)
    return dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))


def bytes_of(cell: str) -> bytes:
    """The file in a cell 'data:image/...;base64,...' of any form.

    Raises:
        ValueError: the cell is no such text.
    """
    head, comma, data = cell.partition(",")
    if not (head.startswith(ANY_IMAGE) and head.endswith(";base64") and comma):
        raise ValueError("not an image written as text")
    return base64.b64decode(data, validate=True)


def _unfiltered(packed: bytes, size: Size) -> Pixels | None:
    row = 1 + size.width * size.channels
    unpacker = zlib.decompressobj()
    data = unpacker.decompress(packed, size.height * row + 1)
    if len(data) != size.height * row or not unpacker.eof or unpacker.unused_data:
        return None
    if data[::row] != bytes([_UP]) * size.height:
        return None
    filtered = np.frombuffer(data, dtype=np.uint8).reshape(size.height, row)
    pixels: Pixels = np.add.accumulate(filtered[:, 1:], axis=0, dtype=np.uint8)
    return pixels.reshape(size)


def _header(size: Size) -> bytes:
    """8 bits a channel, not interlaced."""
    return _chunk(b"IHDR", struct.pack(">IIBBBBB", size.width, size.height, 8, _COLOUR_TYPES[size.channels], 0, 0, 0))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


_END = _chunk(b"IEND", b"")
