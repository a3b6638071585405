"""Small images made on the spot, as files in bytes and as cells."""

import io

import numpy as np
from PIL import Image

from engine.data.images import from_pixels


def pixels(height: int = 8, width: int = 8, colour: bool = False, seed: int = 0) -> np.ndarray:
    """Noise (height, width) or (height, width, 3)."""
    shape = (height, width, 3) if colour else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def file_of(image: np.ndarray | Image.Image, form: str = "PNG", **options: object) -> bytes:
    """The image as the bytes of a file."""
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, form, **options)
    return buffer.getvalue()


def picture(seed: int = 0, **options: object) -> bytes:
    """A PNG file of 8 x 8 grey noise."""
    return file_of(pixels(seed=seed), **options)


def cell(seed: int = 0, height: int = 8, width: int = 8, colour: bool = False) -> str:
    """A cell of noise."""
    return from_pixels(pixels(height, width, colour, seed)).cell


def bars(seed: int, upright: bool, side: int = 8) -> np.ndarray:
    """A bright bar on a dark ground, upright or lying, at a place that the seed draws."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 60, (side, side), dtype=np.uint8)
    place = rng.integers(side)
    image[:, place] = image[:, place] if not upright else 250
    image[place, :] = image[place, :] if upright else 250
    return image
