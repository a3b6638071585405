"""A table whose columns are the pixels of one image, as the image that it is, for networks."""

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from engine.data.schema import Schema
from engine.features_layout import ImageBlock
from engine.features_steps import numbers
from engine.pixels import pixel_grid

NUMBERS = ("number", "integer", "boolean")


class PixelStep(BaseModel):
    """All pixel columns of a table: one channel of `height` x `width`, less the training pixels' mean and over their
    deviation. A pixel that is missing, or whose column says nothing (`''` in `places`), is as `low` as the lowest.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: Literal["pixels"] = "pixels"
    places: tuple[tuple[str, ...], ...]
    low: float
    centre: float
    scale: float

    @classmethod
    def find(cls, frame: pd.DataFrame, schema: Schema, columns: list[str]) -> "PixelStep | None":
        """The grid that the schema's numbers make, with those of `columns` that belong to it; None without one."""
        grid = pixel_grid(schema.of_kind(*NUMBERS))
        used = set(columns)
        if grid is None or used.isdisjoint(grid.columns):
            return None
        places = tuple(tuple(name if name in used else "" for name in row) for row in grid.places)
        bare = cls(places=places, low=0.0, centre=0.0, scale=1.0)
        pixels = np.stack([numbers(frame[name]) for name in bare.columns])
        known = pixels[np.isfinite(pixels)]
        found = {"low": float(known.min()), "centre": float(known.mean()), "scale": float(known.std()) or 1.0}
        return bare.model_copy(update=found)

    @property
    def column(self) -> str:
        """What the image is called: the first of its columns."""
        return self.columns[0]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a frame must have, row by row."""
        return tuple(name for row in self.places for name in row if name)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name or "no pixel" for row in self.places for name in row)

    def block(self, start: int) -> ImageBlock:
        """What the features are, from place `start` on."""
        height, width = len(self.places), len(self.places[0])
        return ImageBlock(
            column=self.column, start=start, width=height * width, channels=1, height=height, width_=width
        )

    def apply(self, frame: pd.DataFrame) -> NDArray[np.float32]:
        """Pixels (n, height * width)."""
        out = np.full((len(frame), len(self.names)), self.low)
        flat = [name for row in self.places for name in row]
        for place, name in enumerate(flat):
            if name:
                pixels = numbers(frame[name])
                out[:, place] = np.where(np.isfinite(pixels), pixels, self.low)
        return np.asarray((out - self.centre) / self.scale, dtype=np.float32)
