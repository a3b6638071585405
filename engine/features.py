"""The feature plan: how the columns of a frame become the numbers a model sees. Fitted once, kept as JSON.

Linear models get filled and scaled numbers and one-hot categories; trees get raw numbers (NaN kept) and integer
codes. The plan never looks at the target, and all features are float32, since that is what every export format and
serving runtime computes in.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy.sparse import csr_matrix, hstack

from engine.data.schema import Schema
from engine.features_steps import CategoryStep, DateStep, Flavour, NumberStep, Step, moments, numbers, texts
from engine.features_text import TextStep

Matrix: TypeAlias = NDArray[np.float32] | csr_matrix

MAX_DENSE_WIDTH = 300
PLAN_FORMAT = 1

Check: TypeAlias = Callable[[], None]


def no_check() -> None:
    """The check that never ends anything."""


class FeaturePlan(BaseModel):
    """Fitted steps in column order. `dropped` says why a column has no step."""

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
        for name in columns:
            if name in dropped:
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
        return tuple(step.column for step in self.steps)

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

    def transform(self, frame: pd.DataFrame, check: Check = no_check) -> Matrix:
        """Features (rows, width): a C-ordered float32 array, or csr when the plan is sparse.

        Unseen categories, missing and infinite cells are tolerated; extra columns are ignored. `check` as in `fit`.
        """
        blocks = []
        for step in self.steps:
            check()
            blocks.append(step.apply(frame[step.column]))
        if self.sparse:
            return csr_matrix(hstack([csr_matrix(block) for block in blocks], format="csr", dtype=np.float32))
        if not blocks:
            return np.zeros((len(frame), 0), dtype=np.float32)
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
        return TextStep.fit(series, flavour)
    return CategoryStep.fit(series, flavour)


def uninformative(
    frame: pd.DataFrame, schema: Schema, columns: Iterable[str], check: Check = no_check
) -> dict[str, str]:
    """Columns that cannot help and why: all missing, the same value everywhere, or a copy of an earlier column."""
    reasons: dict[str, str] = {}
    seen: dict[int, list[str]] = {}
    views: dict[str, pd.Series] = {}
    kinds = {column.name: column.kind for column in schema.columns}
    for name in columns:
        check()
        view = _comparable(frame[name], kinds[name])
        distinct = view.nunique()
        if distinct == 0:
            reasons[name] = "every value is missing"
        elif distinct == 1 and not view.isna().any():
            reasons[name] = "it has the same value in every row"
        else:
            key = int(pd.util.hash_pandas_object(view, index=False).to_numpy().sum(dtype=np.uint64))
            twin = next((other for other in seen.get(key, []) if views[other].equals(view)), None)
            if twin is None:
                seen.setdefault(key, []).append(name)
                views[name] = view
            else:
                reasons[name] = f"it is a copy of {twin!r}"
    return reasons


def _comparable(series: pd.Series, kind: str) -> pd.Series:
    if kind in {"number", "integer", "boolean"}:
        return pd.Series(numbers(series))
    if kind == "datetime":
        return moments(series).reset_index(drop=True)
    return texts(series).reset_index(drop=True)
