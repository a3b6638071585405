"""Predict rows that came with a request, by the packaged model alone."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from engine.serving.predictor import Predictor, load
from tools.workshop import Workshop

MAX_ROWS = 1_000
Cell = str | int | float | bool | None


class PredictIn(BaseModel):
    """Rows as objects, one value per column of the model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: tuple[dict[str, Cell], ...] = Field(min_length=1, max_length=MAX_ROWS)


class PredictOut(BaseModel):
    """One prediction per row, in order: 'prediction' and, for classes, 'probability_<class>'."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    predictions: tuple[dict[str, object], ...]
    notes: tuple[str, ...]


def predict_rows(workshop: Workshop, model: str, rows: Sequence[dict[str, Cell]]) -> PredictOut:
    """Predict `rows` with the model of that id or name.

    Raises:
        NotFound: `model_not_found`.
        ColumnsMissing: a column that the model needs is in no row.
        PackageDamaged: the package cannot be used.
    """
    record = workshop.registry.get(model)
    predictor = _loaded(record.package)
    # object columns keep each cell as it was sent; the model's own schema decides what it means
    prediction = predictor.predict(pd.DataFrame(list(rows), dtype=object))
    table = predictor.to_frame(prediction)
    found = tuple({str(name): value for name, value in row.items()} for row in table.to_dict("records"))
    return PredictOut(model=record.model_id, predictions=found, notes=tuple(prediction.notes))


@lru_cache(maxsize=8)
def _loaded(package: Path) -> Predictor:
    """A package never changes once it is registered, so a loaded one stays good."""
    return load(package)
