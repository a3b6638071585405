"""The feature plan: how the columns of a frame become the numbers a model sees. Fitted once, kept as JSON.

Linear models get filled and scaled numbers and one-hot categories; trees get raw numbers (NaN kept) and integer
codes; networks get numbers, codes, token ids and pixels, which the plan's layout tells apart. The plan never looks at
the target, and all features are float32, since that is what every export format and serving runtime computes in.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from scipy.sparse import csr_matrix, hstack

from engine.data.cells import clip
from engine.data.schema import Schema
from engine.features_image import ImageStep
from engine.features_layout import Block, Layout
from engine.features_pixels import PixelStep
from engine.features_steps import CategoryStep, DateStep, Flavour, NumberStep, moments, numbers, texts
from engine.features_steps import Step as ColumnStep
from engine.features_text import TextStep
from engine.features_tokens import TokenStep

Matrix: TypeAlias = NDArray[np.float32] | csr_matrix

MAX_DENSE_WIDTH = 300
PLAN_FORMAT = 1

View: TypeAlias = NDArray[np.float64] | pd.Series
"""A column as it is compared with others: numbers as an array, all else as a Series."""

Step: TypeAlias = Annotated[ColumnStep | PixelStep, Field(discriminator="step")]

Check: TypeAlias = Callable[[], None]


def no_check() -> None:
    """The check that never ends anything."""


class FeaturePlan(BaseModel):
    """Fitted steps in column order (pixels of one image first, together). `dropped` says why a column has no step."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = PLAN_FORMAT
    flavour: Flavour
    steps: tuple[Step, ...]
    dropped: dict[str, str] = {}
    sparse: bool = False

    @classmethod
    def fit(
        cls,
        frame: pd.DataFrame,
        schema: Schema,
        columns: Sequence[str],
        flavour: Flavour,
        seed: int = 0,
        check: Check = no_check,
    ) -> "FeaturePlan":
        """Fit on training rows. Columns without information in these rows are dropped.

        `seed` is part of the signature so that a step may draw; none does today. `check` is called at every column and
        may raise to end the work.
        """
        dropped = uninformative(frame, schema, columns, check)
        kinds = {column.name: column.kind for column in schema.columns}
        steps: list[Step] = []
        kept = [name for name in columns if name not in dropped]
        pixels = PixelStep.find(frame, schema, kept) if flavour == "network" else None
        if pixels is not None:
            steps.append(pixels)
        for name in kept:
            if pixels is not None and name in pixels.columns:
                continue
            check()
            steps.append(_fit_step(frame[name], kinds[name], flavour))
        text = any(isinstance(step, TextStep) for step in steps)
        width = sum(len(step.names) for step in steps)
        sparse = flavour == "linear" and (text or width > MAX_DENSE_WIDTH)
        return cls(flavour=flavour, steps=tuple(steps), dropped=dropped, sparse=sparse)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a frame must have."""
        return tuple(
            name for step in self.steps for name in (step.columns if isinstance(step, PixelStep) else (step.column,))
        )

    @property
    def feature_names(self) -> tuple[str, ...]:
        return tuple(name for step in self.steps for name in step.names)

    @property
    def categorical(self) -> tuple[int, ...]:
        """Places of the integer-coded features (tree plans), for models that treat codes as categories."""
        places, start = [], 0
        for step in self.steps:
            if isinstance(step, CategoryStep) and self.flavour == "tree":
                places.append(start)
            start += len(step.names)
        return tuple(places)

    @property
    def layout(self) -> Layout:
        """What the features mean, block by block (network plans); () for other flavours."""
        blocks: list[Block] = []
        start = 0
        for step in self.steps if self.flavour == "network" else ():
            assert not isinstance(step, TextStep)
            block = step.block(start)
            if block.width:
                blocks.append(block)
            start = block.stop
        return tuple(blocks)

    @property
    def cautions(self) -> tuple[str, ...]:
        """What a person should know of the features, in sentences."""
        return tuple(
            f"Column {clip(step.column)!r}: {step.truncated:.1%} of the texts have more than {step.length} tokens; "
            "what comes after them is not read."
            for step in self.steps
            if isinstance(step, TokenStep) and step.truncated > 0
        )

    def transform(self, frame: pd.DataFrame, check: Check = no_check) -> Matrix:
        """Features (rows, width): a C-ordered float32 array, or csr when the plan is sparse.

        Unseen categories, missing and infinite cells are tolerated; extra columns are ignored. `check` as in `fit`.
        """
        blocks = []
        for step in self.steps:
            check()
            blocks.append(step.apply(frame) if isinstance(step, PixelStep) else step.apply(frame[step.column]))
        if self.sparse:
            return csr_matrix(hstack([csr_matrix(block) for block in blocks], format="csr", dtype=np.float32))
        if not blocks:
            return np.zeros((len(frame), 0), dtype=np.float32)
        if len(blocks) == 1:  # pixels are large: no second copy
            return np.ascontiguousarray(blocks[0], dtype=np.float32)
        return np.ascontiguousarray(np.concatenate(blocks, axis=1), dtype=np.float32)

    def to_json(self) -> dict[str, object]:
        """A JSON-safe dictionary from which `from_json` rebuilds a plan with bit-equal features."""
        return self.model_dump(mode="json")

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> "FeaturePlan":
        """Raises:
        pydantic.ValidationError: not a plan, or one of a format this version does not know.
        """
        return cls.model_validate(data)


def _fit_step(series: pd.Series, kind: str, flavour: Flavour) -> Step:
    if kind in {"number", "integer", "boolean"}:
        return NumberStep.fit(series, flavour)
    if kind == "datetime":
        return DateStep.fit(series, flavour)
    if kind == "text":
        return TokenStep.fit(series) if flavour == "network" else TextStep.fit(series, flavour)
    if kind == "image":
        return ImageStep.fit(series, flavour)
    return CategoryStep.fit(series, flavour)


def uninformative(
    frame: pd.DataFrame, schema: Schema, columns: Iterable[str], check: Check = no_check
) -> dict[str, str]:
    """Columns that cannot help and why: all missing, the same value everywhere, or a copy of an earlier column."""
    reasons: dict[str, str] = {}
    seen: dict[int, list[str]] = {}
    views: dict[str, View] = {}
    kinds = {column.name: column.kind for column in schema.columns}
    for name in columns:
        check()
        view = _comparable(frame[name], kinds[name])
        distinct, gaps, key = _summary(view)
        if distinct == 0:
            reasons[name] = "every value is missing"
        elif distinct == 1 and not gaps:
            reasons[name] = "it has the same value in every row"
        else:
            twin = next((other for other in seen.get(key, []) if _equal(views[other], view)), None)
            if twin is None:
                seen.setdefault(key, []).append(name)
                views[name] = view
            else:
                reasons[name] = f"it is a copy of {twin!r}"
    return reasons


def _summary(view: View) -> tuple[int, bool, int]:
    """Distinct values (2 stands for more), whether any is missing, and a hash of all."""
    if isinstance(view, np.ndarray):  # wide tables are mostly numbers, and asking pandas takes fifty times as long
        known = view[~np.isnan(view)]
        distinct = 0 if not len(known) else 1 if known.min() == known.max() else 2
        return distinct, len(known) < len(view), hash(view.tobytes())
    key = int(pd.util.hash_pandas_object(view, index=False).to_numpy().sum(dtype=np.uint64))
    return min(2, int(view.nunique())), bool(view.isna().any()), key


def _equal(one: View, other: View) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return type(one) is type(other) and np.array_equal(np.asarray(one), np.asarray(other), equal_nan=True)
    return bool(one.equals(other))


def _comparable(series: pd.Series, kind: str) -> View:
    if kind in {"number", "integer", "boolean"}:
        return numbers(series) + 0.0  # no negative zeros
    if kind == "datetime":
        return moments(series).reset_index(drop=True)
    return texts(series).reset_index(drop=True)
