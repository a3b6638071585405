"""Image columns as features: the pixels themselves for a network, a coarse picture in numbers for everything else.

Images are decoded a few hundred at a time, so that memory holds their features and little more.
"""

from collections.abc import Iterator
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict

from engine.data.image_text import size_of
from engine.data.images import opened
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

    def block(self, start: int) -> ImageBlock:
        """What a network plan's features are, from place `start` on."""
        return ImageBlock(
            column=self.column, start=start, width=len(self.names), channels=self.channels, height=self.height,
            width_=self.width,
        )  # fmt: skip

    def apply(self, series: pd.Series) -> Floats:
        """Features (n, width)."""
        out = np.full((len(series), len(self.names)), np.nan if self.flavour == "tree" else 0.0, dtype=np.float32)
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
        count, total, squares = 0, np.zeros(()), np.zeros(())
        for _, values in self._chunks(sample):
            wide = values.astype(np.float64)
            if self.flavour == "network":
                wide = wide.reshape(len(values), self.channels, -1).transpose(0, 2, 1).reshape(-1, self.channels)
            count, total, squares = count + len(wide), total + wide.sum(axis=0), squares + (wide**2).sum(axis=0)
        if count == 0:
            width = self.channels if self.flavour == "network" else len(self.names)
            return np.zeros(width), np.ones(width)
        mean = total / count
        return mean, np.sqrt(np.maximum(squares / count - mean**2, 0.0))

    def _chunks(self, series: pd.Series) -> Iterator[tuple[NDArray[np.int64], Floats]]:
        """Places of the rows that hold an image, and their unscaled features, a few rows at a time."""
        look = self._pixels if self.flavour == "network" else self._coarse
        cells = series.astype("str")
        known = np.flatnonzero(cells.notna().to_numpy())
        for start in range(0, len(known), CHUNK):
            rows = known[start : start + CHUNK]
            images = [opened(cell) for cell in cells.iloc[rows]]
            found = [place for place, image in enumerate(images) if image is not None]
            if found:
                yield rows[found], np.stack([look(image) for image in images if image is not None])

    def _pixels(self, image: Image.Image) -> Floats:
        """(channels * height * width,), channel by channel."""
        image = image.convert("L" if self.channels == 1 else "RGB")
        if image.size != (self.width, self.height):
            image = image.resize((self.width, self.height), Image.Resampling.BILINEAR)
        pixels = np.asarray(image, dtype=np.float32).reshape(self.height, self.width, self.channels)
        return pixels.transpose(2, 0, 1).reshape(-1)

    def _coarse(self, image: Image.Image) -> Floats:
        """(height * width + 2 * channels,)."""
        grid = image.convert("L").resize((self.width, self.height), Image.Resampling.BOX)
        colours = np.asarray(image.convert("L" if self.channels == 1 else "RGB"), dtype=np.float32)
        flat = colours.reshape(-1, self.channels)
        return np.concatenate([np.asarray(grid, dtype=np.float32).reshape(-1), flat.mean(axis=0), flat.std(axis=0)])


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
