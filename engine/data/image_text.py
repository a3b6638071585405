"""An image as a cell: the text 'data:image/png;base64,...' of a small PNG. No image library is loaded with this.

A column of images is thus a column of text to Parquet, JSON, hashes and everything else that carries rows.
"""

import base64
import binascii
import struct
import zlib
from collections import Counter
from typing import NamedTuple

import pandas as pd

MAX_SIDE = 128
"""Pixels of the longer side; a larger image is shrunk when it is read."""

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff"})
ANY_IMAGE = "data:image/"
MOSTLY = 0.5
"""Share of a column's cells that must be images for it to be taken as one of images, if nobody says what it is."""

_PREFIX = "data:image/png;base64,"
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER_BYTES = 33
_HEADER_TEXT = len(_PREFIX) + 4 * _HEADER_BYTES // 3
_CHANNELS = {0: 1, 2: 3}
"""PNG's colour types (its specification, section 11.2.1) that a cell may have: grey and red-green-blue."""


class Size(NamedTuple):
    """Pixels, and 1 (grey) or 3 (red, green, blue) channels."""

    height: int
    width: int
    channels: int

    def __str__(self) -> str:
        return f"{self.height} x {self.width} {'grey' if self.channels == 1 else 'colour'}"


def cell_of(png: bytes) -> str:
    """The cell of a PNG file."""
    return _PREFIX + base64.b64encode(png).decode("ascii")


def bytes_of(cell: str) -> bytes:
    """The file in a cell 'data:image/...;base64,...'.

    Raises:
        ValueError: the cell is no such text.
    """
    head, comma, data = cell.partition(",")
    if not (head.startswith(ANY_IMAGE) and head.endswith(";base64") and comma):
        raise ValueError("not an image written as text")
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error as error:
        raise ValueError("its base64 text is damaged") from error


def size_of(cell: str) -> Size | None:
    """The size that the header of a cell tells; None when it is not a PNG of the one form that cells have."""
    if not cell.startswith(_PREFIX):
        return None
    try:
        return _size(base64.b64decode(cell[len(_PREFIX) : _HEADER_TEXT], validate=True))
    except binascii.Error:
        return None


def image_sizes(cells: pd.Series) -> dict[str, int]:
    """How many images there are of each size, e.g. {'8 x 8 grey': 600}; the most frequent size first."""
    counts = Counter(str(size) for size in map(size_of, cells.dropna()) if size is not None)
    return dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))


def is_settled(cell: str) -> bool:
    """Whether a cell is as reading an image makes it: small, of 8 bits, and whole to the last byte."""
    size = size_of(cell)
    if size is None or not 0 < max(size.height, size.width) <= MAX_SIDE or min(size.height, size.width) == 0:
        return False
    try:
        return _is_whole(base64.b64decode(cell[len(_PREFIX) :], validate=True))
    except binascii.Error:
        return False


def _size(data: bytes) -> Size | None:
    if len(data) < _HEADER_BYTES or not data.startswith(_SIGNATURE) or data[12:16] != b"IHDR":
        return None
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", data[16:29])
    if depth != 8 or colour not in _CHANNELS or interlaced:
        return None
    return Size(height, width, _CHANNELS[colour])


def _is_whole(data: bytes) -> bool:
    """Whether header, pixels and end follow each other with nothing else between them, each with its right checksum."""
    at, kinds = len(_SIGNATURE), []
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4])
        kinds.append(data[at + 4 : at + 8])
        if zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end]):
            return False
        at = end
    pixels = kinds[1:-1]
    return at == len(data) and kinds[-1:] == [b"IEND"] and bool(pixels) and set(pixels) == {b"IDAT"}
