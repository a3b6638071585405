"""Texts, images and embeddings as vectors, by rules that know no data: equal cells have equal vectors everywhere.

Only a random sample of a column is turned into vectors; what cannot be read is counted in all of it, as far as a look
at each cell's outside tells.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.cells import parse, stripped
from engine.data.image_text import ANY_IMAGE, Pixels, pixels_of
from engine.drift.reference import Floats

Vectors = NDArray[np.float32]

SAMPLE = 1_000
"""Vectors kept of a column."""

BUCKETS = 256
"""As many as a byte has values."""

SIDE = 8
"""Of the grey thumbnail of an image."""

_WORD = re.compile(r"\w+|[^\w\s]")
_MOST_WORDS = 400


@dataclass(frozen=True)
class VectorCells:
    """A column of texts, images or embeddings.

    Attributes:
        missing: cells without a usable value, the unreadable ones among them.
        vectors: (s, d) of at most `SAMPLE` cells, in the order of their keys.
        places: (s,) the rows that they stand in.
    """

    missing: int
    unreadable: int
    vectors: Vectors
    places: NDArray[np.int64]


def lowest(keys: Floats, most: int) -> NDArray[np.int64]:
    """Places of the lowest keys, in ascending order of the keys.

    With a random key for each row they are a random sample of the rows, and so is any first part of it; the lowest of
    two samples' keys are a sample of the union.
    """
    places = np.argpartition(keys, most)[:most] if len(keys) > most else np.arange(len(keys))
    return places[np.argsort(keys[places], kind="stable")]


def read_texts(cells: pd.Series, keys: Floats) -> VectorCells:
    """Texts by the rule of `text_vectors`; `keys` (n,) say which are taken."""
    texts = parse(cells, "text").values
    places = _chosen(texts.notna().to_numpy(), keys)
    return VectorCells(int(texts.isna().sum()), 0, text_vectors(texts.iloc[places].tolist()), places)


def read_images(cells: pd.Series, keys: Floats) -> VectorCells:
    """Images by the rule of `image_vector`. All cells are read by their first letters, those chosen to the end."""
    texts = stripped(cells)
    fits = texts.str.startswith(ANY_IMAGE).fillna(False).to_numpy(dtype=bool)
    chosen = _chosen(fits, keys)
    found = [_image_or_none(cell) for cell in texts.iloc[chosen]]
    return _counted(found, chosen, blank=int(texts.isna().sum()), fits=fits, width=SIDE * SIDE + 6)


def read_embeddings(cells: pd.Series, keys: Floats, width: int) -> VectorCells:
    """Embeddings as they are. Of all cells the length is read, of those chosen whether they hold finite numbers."""
    listed = cells.tolist()
    fits = np.array([_length(cell) == width for cell in listed], dtype=bool)
    chosen = _chosen(fits, keys)
    found = [_embedding_or_none(listed[place]) for place in chosen]
    return _counted(found, chosen, blank=int(cells.isna().sum()), fits=fits, width=width)


def embedding_width(cells: pd.Series) -> int | None:
    """How many numbers the cells hold that are lists of numbers, all of one length; None when they are no such."""
    if not (cells.dtype == object or isinstance(cells.dtype, pd.ArrowDtype)):
        return None
    present = cells.dropna().head(SAMPLE).tolist()
    widths = {_length(cell) for cell in present}
    width = widths.pop() if len(widths) == 1 else None
    return width if width and all(_embedding_or_none(cell) is not None for cell in present) else None


def text_vectors(texts: Sequence[str]) -> Vectors:
    """(n, 256): words and pairs of words in signed buckets, their counts as logarithms, each row of length 1.

    Bucket and sign are bits of the BLAKE2b of the lower-case UTF-8 text (feature hashing: Weinberger et al., Feature
    hashing for large scale multitask learning, ICML 2009). A checksum would not do: in CRC-32 the bucket of a word
    settles that of its pair with a frequent word.
    """
    counts = np.zeros((len(texts), BUCKETS))
    for row, text in enumerate(texts):
        words = _WORD.findall(text.lower())[:_MOST_WORDS]
        for gram in (*words, *(f"{first} {second}" for first, second in pairwise(words))):
            bucket, sign = blake2b(gram.encode("utf-8", "surrogatepass"), digest_size=2).digest()
            counts[row, bucket] += 1 if sign % 2 else -1
    values = np.sign(counts) * np.log1p(np.abs(counts))
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    return (values / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)


def image_vector(pixels: Pixels) -> Vectors:
    """(70,) of pixels (height, width, 1 or 3): an 8 x 8 grey thumbnail, mean and deviation of each channel, all 0 to 1.

    A grey image has three equal channels.
    """
    from PIL import Image

    grey = np.asarray(pixels.mean(axis=2), dtype=np.float32)
    thumbnail = np.asarray(Image.fromarray(grey).resize((SIDE, SIDE), Image.Resampling.BOX))
    colours = np.broadcast_to(pixels, (*pixels.shape[:2], 3))
    numbers = np.concatenate((thumbnail.ravel(), colours.mean(axis=(0, 1)), colours.std(axis=(0, 1))))
    return (numbers / 255).astype(np.float32)


def _chosen(usable: NDArray[np.bool_], keys: Floats) -> NDArray[np.int64]:
    places = np.flatnonzero(usable)
    return places[lowest(keys[places], SAMPLE)]


def _counted(
    found: Sequence[Vectors | None], chosen: NDArray[np.int64], blank: int, fits: NDArray[np.bool_], width: int
) -> VectorCells:
    read = np.array([vector is not None for vector in found], dtype=bool)
    vectors = np.array([vector for vector in found if vector is not None], dtype=np.float32).reshape(-1, width)
    missing = int((~fits).sum() + (~read).sum())
    return VectorCells(missing, missing - blank, vectors, chosen[read])


def _image_or_none(cell: str) -> Vectors | None:
    from engine.data.images import settled

    pixels = pixels_of(cell)
    if pixels is None:
        again = settled(cell)
        pixels = None if again is None else pixels_of(again)
    return None if pixels is None else image_vector(pixels)


def _length(cell: object) -> int | None:
    """Of a list of anything; None of other cells."""
    if isinstance(cell, np.ndarray):
        return len(cell) if cell.ndim == 1 else None
    return len(cell) if isinstance(cell, list | tuple) else None


def _embedding_or_none(cell: Sequence[float] | NDArray[np.generic]) -> Vectors | None:
    try:
        vector = np.asarray(cell, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    most = float(np.finfo(np.float32).max)
    fits = vector.ndim == 1 and bool((np.abs(vector) <= most).all())  # False for NaN
    return vector.astype(np.float32) if fits else None
