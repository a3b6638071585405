"""How one column becomes features. Each step is fitted on training rows, frozen, and kept as JSON.

A step turns a Series of n rows into a float32 array (n, width), or a csr matrix for text in a linear plan. Infinite
is missing. Three flavours: "linear" (filled, scaled, one-hot), "tree" (NaN kept, integer codes) and "network" (filled,
scaled, codes and token ids that a network looks up, pixels).
"""

import math
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from engine.features_image import ImageStep
from engine.features_layout import CategoryBlock, NumberBlock
from engine.features_text import TextStep
from engine.features_tokens import TokenStep
from engine.tasks import label_text

Flavour = Literal["linear", "tree", "network"]
Block = NDArray[np.float32]

LARGEST = 1e30
MIN_LEVEL_ROWS = 5
MAX_LEVELS: dict[Flavour, int] = {"linear": 40, "tree": 120, "network": 1_000}
HINGE_ROWS = 500
HINGE_DISTINCT = 30
HINGES = (0.1, 0.25, 0.5, 0.75, 0.9)
BENT_LIMIT = 1e6
"""Interquartile ranges from the median beyond which nothing changes any more; its square is still a number."""


class _Step(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str


class NumberStep(_Step):
    """A number, whole number or boolean.

    Linear: missing becomes the median (and a 0/1 feature of its own if there was any), values are held within
    [low, high] so that an outlier cannot dominate, then scaled to mean 0 and deviation 1. `knots` add max(0, x - knot)
    so that a linear model can bend. Tree: the value itself, NaN where missing. Network: missing as in linear; the
    distance from the median in interquartile ranges, bent smoothly into (-3, 3) (RealMLP, Holzmüller et al. 2024).
    """

    step: Literal["number"] = "number"
    flavour: Flavour
    fill: float = 0.0
    low: float = 0.0
    high: float = 0.0
    centre: float = 0.0
    scale: float = 1.0
    missing_flag: bool = False
    knots: tuple[float, ...] = ()

    @classmethod
    def fit(cls, series: pd.Series, flavour: Flavour) -> "NumberStep":
        column = str(series.name)
        if flavour == "tree":
            return cls(column=column, flavour=flavour)
        values = numbers(series)
        known = values[np.isfinite(values)]
        if flavour == "network":
            centre, scale = _middle_and_spread(known)
            gaps = len(known) < len(values)
            return cls(column=column, flavour=flavour, fill=centre, centre=centre, scale=scale, missing_flag=gaps)
        low, high = _bounds(known)
        fill = float(np.median(known))
        held = np.clip(np.where(np.isfinite(values), values, fill), low, high)
        return cls(
            column=column, flavour=flavour, fill=fill, low=low, high=high, centre=float(held.mean()),
            scale=float(held.std()) or 1.0, missing_flag=len(known) < len(values), knots=_knots(known, low, high),
        )  # fmt: skip

    @property
    def names(self) -> tuple[str, ...]:
        bends = tuple(f"{self.column} above {knot:.6g}" for knot in self.knots)
        return (self.column, *bends, *((f"{self.column} is missing",) if self.missing_flag else ()))

    def block(self, start: int) -> NumberBlock:
        """What a network plan's features are, from place `start` on."""
        return NumberBlock(column=self.column, start=start, width=len(self.names))

    def apply(self, series: pd.Series) -> Block:
        values = numbers(series)
        if self.flavour == "tree":
            return values.astype(np.float32)[:, None]
        missing = ~np.isfinite(values)
        filled = np.where(missing, self.fill, values)
        parts = [self._bent(filled)] if self.flavour == "network" else self._held(filled)
        if self.missing_flag:
            parts.append(missing.astype(np.float64))
        return np.stack(parts, axis=1).astype(np.float32)

    def _held(self, filled: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        held = np.clip(filled, self.low, self.high)
        bends = [np.maximum(held - knot, 0.0) / self.scale for knot in self.knots]
        return [(held - self.centre) / self.scale, *bends]

    def _bent(self, filled: NDArray[np.float64]) -> NDArray[np.float64]:
        with np.errstate(over="ignore"):
            distance = np.clip((filled - self.centre) / self.scale, -BENT_LIMIT, BENT_LIMIT)
        return np.asarray(distance / np.sqrt(1 + (distance / 3) ** 2), dtype=np.float64)


class CategoryStep(_Step):
    """A category. Levels seen in training, most frequent first; the rare ones share one bin.

    Linear: one 0/1 feature a level, one for missing if there was any, one for the rare bin; an unseen level counts as
    rare. Tree: the level's number, NaN for missing, the next number for rare and unseen. With more levels than are
    kept (`frequency`), how often each level occurs is one more feature; the target is never looked at. Network: one
    code, 0 for missing, 1 for rare and unseen, from 2 on the levels.
    """

    step: Literal["category"] = "category"
    flavour: Flavour
    levels: tuple[str, ...]
    rare: bool
    missing_flag: bool
    frequency: dict[str, float] | None = None

    @classmethod
    def fit(cls, series: pd.Series, flavour: Flavour) -> "CategoryStep":
        text = texts(series)
        counts = text.value_counts()
        order = sorted(zip(counts.index, counts.to_numpy(), strict=True), key=lambda pair: (-pair[1], pair[0]))
        enough = MIN_LEVEL_ROWS if len(order) > 2 and len(text) >= 10 * MIN_LEVEL_ROWS else 1
        kept = [level for level, count in order if count >= enough][: MAX_LEVELS[flavour]]
        many = len(order) > MAX_LEVELS[flavour] and flavour != "network"
        # log of the share, so that frequent and rare levels are both told apart
        shares = {str(level): math.log1p(float(count)) for level, count in order if count > 1} if many else None
        return cls(
            column=str(series.name), flavour=flavour, levels=tuple(kept), rare=len(kept) < len(order),
            missing_flag=bool(text.isna().any()), frequency=shares,
        )  # fmt: skip

    @property
    def names(self) -> tuple[str, ...]:
        often = (f"{self.column} frequency",) if self.frequency is not None else ()
        if self.flavour != "linear":
            return (self.column, *often)
        bins = (*(("rare",) if self.rare else ()), *(("missing",) if self.missing_flag else ()))
        return (*(f"{self.column} = {level}" for level in (*self.levels, *bins)), *often)

    def block(self, start: int) -> CategoryBlock:
        """What a network plan's feature is, at place `start`."""
        return CategoryBlock(column=self.column, start=start, width=1, levels=len(self.levels) + 2)

    def apply(self, series: pd.Series) -> Block:
        text = texts(series)
        missing = text.isna().to_numpy()
        codes = pd.Index(self.levels, dtype="str").get_indexer(pd.Index(text))
        codes = np.where(missing, -2, codes)
        if self.flavour == "network":
            return (codes + 2).astype(np.float32)[:, None]
        parts = [self._codes(codes) if self.flavour == "tree" else self._one_hot(codes)]
        if self.frequency is not None:
            parts.append(self._often(text))
        return np.concatenate(parts, axis=1)

    def _codes(self, codes: NDArray[np.int64]) -> Block:
        known = np.where(codes == -1, len(self.levels), codes).astype(np.float32)
        return np.where(codes == -2, np.float32(np.nan), known)[:, None]

    def _one_hot(self, codes: NDArray[np.int64]) -> Block:
        width = len(self.levels) + self.rare + self.missing_flag
        places = codes.copy()
        places[codes == -1] = len(self.levels) if self.rare else -1
        places[codes == -2] = len(self.levels) + self.rare if self.missing_flag else -1
        block = np.zeros((len(codes), width), dtype=np.float32)
        rows = np.flatnonzero(places >= 0)
        block[rows, places[rows]] = 1.0
        return block

    def _often(self, text: pd.Series) -> Block:
        assert self.frequency is not None
        table = pd.Series(self.frequency, dtype=np.float64)
        found = table.index.get_indexer(pd.Index(text))
        values = np.append(table.to_numpy(), 0.0)[found]
        top = float(table.max()) if len(table) else 1.0
        return (values / top).astype(np.float32)[:, None]


class DateStep(_Step):
    """A date: year, month, day of week, hour and days since the first training row; a constant part is left out.

    Linear and network: month, weekday and hour as a point on a circle, the rest scaled and filled with their mean.
    """

    step: Literal["date"] = "date"
    flavour: Flavour
    first: str
    parts: tuple[str, ...]
    centres: tuple[float, ...] = ()
    scales: tuple[float, ...] = ()

    @classmethod
    def fit(cls, series: pd.Series, flavour: Flavour) -> "DateStep":
        dates = moments(series)
        first = dates.min().isoformat()
        found = _date_parts(dates, first)
        parts = tuple(name for name, values in found.items() if len(np.unique(values[np.isfinite(values)])) > 1)
        centres = tuple(float(np.nanmean(found[name])) for name in parts)
        scales = tuple(float(np.nanstd(found[name])) or 1.0 for name in parts)
        return cls(column=str(series.name), flavour=flavour, first=first, parts=parts, centres=centres, scales=scales)

    @property
    def names(self) -> tuple[str, ...]:
        out: list[str] = []
        for part in self.parts:
            circle = self.flavour != "tree" and part in _CYCLES
            out += (
                [f"{self.column} {part} {half}" for half in ("sine", "cosine")] if circle else [f"{self.column} {part}"]
            )
        return tuple(out)

    def block(self, start: int) -> NumberBlock:
        """What a network plan's features are, from place `start` on."""
        return NumberBlock(column=self.column, start=start, width=len(self.names))

    def apply(self, series: pd.Series) -> Block:
        found = _date_parts(moments(series), self.first)
        columns: list[NDArray[np.float64]] = []
        for part, centre, scale in zip(self.parts, self.centres, self.scales, strict=True):
            columns += self._part(found[part], part, centre, scale)
        if not columns:
            return np.zeros((len(series), 0), dtype=np.float32)
        return np.stack(columns, axis=1).astype(np.float32)

    def _part(self, values: NDArray[np.float64], part: str, centre: float, scale: float) -> list[NDArray[np.float64]]:
        if self.flavour == "tree":
            return [values]
        missing = ~np.isfinite(values)
        if part not in _CYCLES:
            # three deviations at most: a date far outside training must not swing the model
            return [np.clip(np.where(missing, 0.0, (values - centre) / scale), -3.0, 3.0)]
        angle = 2 * np.pi * np.where(missing, 0.0, values) / _CYCLES[part]
        return [np.where(missing, 0.0, np.sin(angle)), np.where(missing, 0.0, np.cos(angle))]


Step = Annotated[NumberStep | CategoryStep | DateStep | TextStep | TokenStep | ImageStep, Field(discriminator="step")]

_CYCLES = {"month": 12.0, "weekday": 7.0, "hour": 24.0}


def numbers(series: pd.Series) -> NDArray[np.float64]:
    """(n,) float64 with NaN for missing, infinite and unreadable cells, held within what float32 can add up."""
    if pd.api.types.is_bool_dtype(series) or pd.api.types.is_numeric_dtype(series):
        values = series.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        values = pd.to_numeric(series, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    return np.clip(np.where(np.isfinite(values), values, np.nan), -LARGEST, LARGEST)


def texts(series: pd.Series) -> pd.Series:
    """The cells as text, missing kept as NaN."""
    if isinstance(series.dtype, pd.StringDtype):
        return series.astype("str")
    return series.map(label_text, na_action="ignore").astype("str")


def moments(series: pd.Series) -> pd.Series:
    """The cells as naive moments, NaT where missing or unreadable."""
    if pd.api.types.is_datetime64_any_dtype(series):
        return series
    return pd.to_datetime(series, errors="coerce", format="mixed")


def _bounds(known: NDArray[np.float64]) -> tuple[float, float]:
    """The range of a column, drawn in to the 0.5 and 99.5 percentiles where its tails are long."""
    low, first, last, high = np.quantile(known, [0.0, 0.005, 0.995, 1.0])
    if high - low > 1.5 * (last - first) and last > first:
        return float(first), float(last)
    return float(low), float(high)


def _middle_and_spread(known: NDArray[np.float64]) -> tuple[float, float]:
    """The median and the interquartile range; half of the whole range where the quartiles are equal."""
    least, low, middle, high, most = np.quantile(known, [0.0, 0.25, 0.5, 0.75, 1.0])
    return float(middle), float(high - low) or float(most / 2 - least / 2) or 1.0


def _knots(known: NDArray[np.float64], low: float, high: float) -> tuple[float, ...]:
    distinct = np.unique(known)
    if len(known) < HINGE_ROWS or len(distinct) < HINGE_DISTINCT:
        return ()
    cuts = np.unique(np.quantile(known, HINGES))
    return tuple(float(cut) for cut in cuts if low < cut < high)


def _date_parts(dates: pd.Series, first: str) -> dict[str, NDArray[np.float64]]:
    days = (dates - pd.Timestamp(first)) / pd.Timedelta(days=1)
    parts = {
        "year": dates.dt.year,
        "month": dates.dt.month,
        "weekday": dates.dt.day_of_week,
        "hour": dates.dt.hour,
        "days": days,
    }
    return {name: values.to_numpy(dtype=np.float64, na_value=np.nan) for name, values in parts.items()}
