"""Reading images of any common format: whatever one was, here it becomes a cell, grey or RGB of 8 bits and small."""

import io
import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from engine.data.image_text import ANY_IMAGE, MAX_SIDE, Pixels, bytes_of, cell_of, pixels_of
from engine.errors import UnreadableImage

MAX_PIXELS = 64_000_000
"""Of one image as it unpacks; a larger one is not unpacked at all."""

_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")
_DAMAGE = (
    *(OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, AttributeError, OverflowError),
    *(MemoryError, NotImplementedError, ZeroDivisionError, struct.error, zlib.error, Image.DecompressionBombError),
    Warning,  # where warnings are errors
)
"""What Pillow raises for files that are cut, altered or made to harm."""

_ORIENTATION = 0x0112
"""The EXIF tag that says how the camera was held."""


@dataclass(frozen=True)
class ReadImage:
    """An image as a cell, and whether it was shrunk to fit `MAX_SIDE`."""

    cell: str
    shrunk: bool


def read_image(data: bytes, source: str) -> ReadImage:
    """Read a PNG, JPEG, GIF (its first frame), BMP, WebP or TIFF file, turned upright and laid on white.

    16 bits become 8; other deep greys are stretched from their least to their largest value. An image without colour
    is grey, however it was stored.

    Raises:
        UnreadableImage: it is none of these, damaged, or too large.
    """
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise UnreadableImage(source, f"it unpacks to {width:,} x {height:,} pixels")
            image.draft(None, (2 * MAX_SIDE, 2 * MAX_SIDE))  # a JPEG can be unpacked at half size and less
            return _settled(_upright(image), shrunk=max(width, height) > MAX_SIDE)
    except UnidentifiedImageError as error:
        raise UnreadableImage(source, _unknown(data)) from error
    except Image.DecompressionBombError as error:
        raise UnreadableImage(source, "it unpacks to far too many pixels") from error
    except _DAMAGE as error:
        raise UnreadableImage(source, f"it is damaged ({clipped_reason(error)})") from error


def from_pixels(pixels: Pixels) -> ReadImage:
    """The cell of pixels (height, width) or (height, width, channels) with 1, 3 or 4 channels, of any size."""
    flat = pixels[:, :, 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    large = max(pixels.shape[:2]) > MAX_SIDE
    if not large and flat.shape[2:] in {(), (3,)}:
        return ReadImage(cell_of(_without_needless_colour(flat)), shrunk=False)
    return _settled(Image.fromarray(np.ascontiguousarray(flat)), shrunk=large)


def settled(cell: str) -> str | None:
    """A cell in the one form that all cells have; None when it holds no image that can be read."""
    if pixels_of(cell) is not None:
        return cell
    if not cell.startswith(ANY_IMAGE):
        return None
    try:
        return read_image(bytes_of(cell), "cell").cell
    except (ValueError, UnreadableImage):
        return None


def _unknown(data: bytes) -> str:
    return "it is no PNG, JPEG, GIF, BMP, WebP or TIFF file" if data else "the file is empty"


def clipped_reason(error: BaseException) -> str:
    """What Pillow says, on one line."""
    return " ".join(str(error).split())[:80] or type(error).__name__


def _upright(image: Image.Image) -> Image.Image:
    turned = image.getexif().get(_ORIENTATION, 1) != 1
    return ImageOps.exif_transpose(image) if turned else image


def _settled(image: Image.Image, *, shrunk: bool) -> ReadImage:
    image = _eight_bits(image)
    image.thumbnail((MAX_SIDE, MAX_SIDE))
    pixels = _without_needless_colour(np.asarray(_on_white(image)))
    return ReadImage(cell_of(pixels), shrunk)


def _eight_bits(image: Image.Image) -> Image.Image:
    """The image in a copy of mode L, RGB or RGBA."""
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in {"I", "F"}:
        return Image.fromarray(stretched(np.asarray(image, dtype=np.float64)))
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image.convert("L" if image.mode in {"1", "L"} else "RGB")


def stretched(values: NDArray[np.float64], low: float | None = None, high: float | None = None) -> Pixels:
    """Numbers brought from [low, high] (their own range by default) to 0 .. 255; what is not finite becomes 0."""
    finite = np.isfinite(values)
    low = float(values.min(where=finite, initial=np.inf)) if low is None else low
    high = float(values.max(where=finite, initial=-np.inf)) if high is None else high
    scale = 255.0 / (high - low) if high > low else 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        spread = np.where(finite, values - low, 0.0) * scale
        return np.rint(np.nan_to_num(spread)).clip(0, 255).astype(np.uint8)


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image)
    return white.convert("RGB")


def _without_needless_colour(pixels: Pixels) -> Pixels:
    if pixels.ndim == 3 and bool((pixels == pixels[:, :, :1]).all()):
        return pixels[:, :, 0].copy()
    return pixels
