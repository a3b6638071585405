"""Image columns as features: the pixels themselves for a network, a coarse picture in numbers for everything else.

Images are unpacked a few hundred at a time, so that memory holds their features and little more.
"""

from collections.abc import Iterator
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict

from engine.data.image_text import Pixels, pixels_of, size_of
from engine.features_layout import ImageBlock

LONGEST_SIDE = 64
GRID = 8
FIT_ROWS = 5_000
CHUNK = 256
_LEAST_SCALE = 0.25
"""Of the mean deviation of the grid: a place that hardly ever changes must not swing a linear model when it does."""

Floats = NDArray[np.float32]


class ImageStep(BaseModel):
    """One column of images, brought to one size.

    Network: channels * height * width pixels, channel by channel, less the training pixels' mean and over their
    deviation. Linear and tree: grey values averaged over a grid of `height` x `width` places, then mean and deviation
    of each channel; scaled for linear, as they are for tree. A missing image is 0 after scaling, NaN in a tree plan.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    step: Literal["image"] = "image"
    flavour: Literal["linear", "tree", "network"]
    height: int
    width: int
    channels: int
    centre: tuple[float, ...]
    scale: tuple[float, ...]

    @classmethod
    def fit(cls, series: pd.Series, flavour: Literal["linear", "tree", "network"]) -> "ImageStep":
        rows = np.linspace(0, len(series) - 1, min(len(series), FIT_ROWS)).astype(int)
        sample = series.iloc[rows].dropna()
        height, width, channels = _common_size(sample)
        if flavour != "network":
            height, width = min(height, GRID), min(width, GRID)
        bare = cls(
            column=str(series.name), flavour=flavour, height=height, width=width, channels=channels, centre=(), scale=()
        )  # fmt: skip
        if flavour == "tree":
            return bare
        mean, deviation = bare._moments(sample)
        if flavour == "linear":
            places = height * width
            deviation[:places] = np.maximum(deviation[:places], _LEAST_SCALE * deviation[:places].mean())
        deviation[deviation == 0] = 1.0
        return bare.model_copy(update={"centre": tuple(mean.tolist()), "scale": tuple(deviation.tolist())})

    @property
    def names(self) -> tuple[str, ...]:
        places = [f"{row} {column}" for row in range(self.height) for column in range(self.width)]
        if self.flavour == "network":
            return tuple(f"{self.column} {channel} {place}" for channel in range(self.channels) for place in places)
        moments = [f"{what} {channel}" for what in ("mean", "deviation") for channel in range(self.channels)]
        return tuple(f"{self.column} {name}" for name in (*places, *moments))

    @property
    def features(self) -> int:
        """How many `names` there are."""
        places = self.height * self.width
        return places * self.channels if self.flavour == "network" else places + 2 * self.channels

    def block(self, start: int) -> ImageBlock:
        """What a network plan's features are, from place `start` on."""
        return ImageBlock(
            column=self.column, start=start, width=self.features, channels=self.channels, height=self.height,
            width_=self.width,
        )  # fmt: skip

    def apply(self, series: pd.Series) -> Floats:
        """Features (n, width)."""
        out = np.full((len(series), self.features), np.nan if self.flavour == "tree" else 0.0, dtype=np.float32)
        for rows, values in self._chunks(series):
            out[rows] = values if self.flavour == "tree" else self._scaled(values)
        return out

    def _scaled(self, values: Floats) -> Floats:
        """Centre and scale hold one number a channel (network) or one a feature (linear)."""
        repeats = values.shape[1] // len(self.centre)
        centre = np.repeat(np.asarray(self.centre, dtype=np.float32), repeats)
        scale = np.repeat(np.asarray(self.scale, dtype=np.float32), repeats)
        return np.asarray((values - centre) / scale, dtype=np.float32)

    def _moments(self, sample: pd.Series) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean and deviation: of each channel's pixels (network), or of each feature (linear)."""
        width = self.channels if self.flavour == "network" else self.features
        count, total, squares = 0, np.zeros(width), np.zeros(width)
        for _, values in self._chunks(sample):
            wide = values.astype(np.float64)
            if self.flavour == "network":
                wide = wide.reshape(len(values), self.channels, -1).transpose(0, 2, 1).reshape(-1, self.channels)
            count, total, squares = count + len(wide), total + wide.sum(axis=0), squares + (wide**2).sum(axis=0)
        mean = total / max(1, count)
        return mean, np.sqrt(np.maximum(squares / max(1, count) - mean**2, 0.0))

    def _chunks(self, series: pd.Series) -> Iterator[tuple[NDArray[np.int64], Floats]]:
        """Places of the rows that hold an image, and their unscaled features, a few rows at a time."""
        look = self._pixels if self.flavour == "network" else self._coarse
        cells = series.astype("str")
        known = np.flatnonzero(cells.notna().to_numpy())
        for start in range(0, len(known), CHUNK):
            rows = known[start : start + CHUNK]
            images = [pixels_of(cell) for cell in cells.iloc[rows].tolist()]
            found = [place for place, image in enumerate(images) if image is not None]
            if found:
                yield rows[found], np.stack([look(image) for image in images if image is not None])

    def _pixels(self, image: Pixels) -> Floats:
        """(channels * height * width,), channel by channel, of pixels (h, w, c)."""
        coloured = _with_channels(image, self.channels)
        sized = _resized(coloured, self.height, self.width, Image.Resampling.BILINEAR)
        return sized.transpose(2, 0, 1).reshape(-1).astype(np.float32)

    def _coarse(self, image: Pixels) -> Floats:
        """(height * width + 2 * channels,) of pixels (h, w, c)."""
        grid = _resized(_with_channels(image, 1), self.height, self.width, Image.Resampling.BOX)
        planes = _with_channels(image, self.channels).reshape(-1, self.channels).T.astype(np.float32, order="C")
        return np.concatenate([grid.reshape(-1), planes.mean(axis=1), planes.std(axis=1)], dtype=np.float32)


def _common_size(sample: pd.Series) -> tuple[int, int, int]:
    """Height, width and channels to which all images are brought.

    Images of one size keep it, shrunk to `LONGEST_SIDE`; others become squares as large as half of them are. One
    image with colour gives all of them three channels.
    """
    sizes = [size for size in map(size_of, sample) if size is not None]
    if not sizes:
        return GRID, GRID, 1
    channels = max(size.channels for size in sizes)
    if len({(size.height, size.width) for size in sizes}) == 1:
        height, width = sizes[0].height, sizes[0].width
        shrink = min(1.0, LONGEST_SIDE / max(height, width))
        return max(1, round(height * shrink)), max(1, round(width * shrink)), channels
    side = int(np.median([max(size.height, size.width) for size in sizes]))
    return min(LONGEST_SIDE, side), min(LONGEST_SIDE, side), channels


def _with_channels(image: Pixels, channels: int) -> Pixels:
    """Pixels (h, w, c) with 1 channel (grey) or 3."""
    if image.shape[2] == channels:
        return image
    if channels == 3:
        return np.repeat(image, 3, axis=2)
    return np.asarray(Image.fromarray(image).convert("L"))[:, :, None]


def _resized(image: Pixels, height: int, width: int, how: Image.Resampling) -> Pixels:
    """Pixels (h, w, c) as (height, width, c)."""
    if image.shape[:2] == (height, width):
        return image
    flat = image[:, :, 0] if image.shape[2] == 1 else image
    return np.asarray(Image.fromarray(flat).resize((width, height), how)).reshape(height, width, -1)
