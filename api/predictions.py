"""Predict rows that came with a request, by the packaged model alone."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator

from engine.serving.predictor import Predictor, load
from tools.prediction_log import log_predictions
from tools.workshop import Workshop

MAX_ROWS = 1_000
Cell = str | int | float | bool | None


class PredictIn(BaseModel):
    """Rows as objects, one value per column of the model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: tuple[dict[str, Cell], ...] = Field(min_length=1, max_length=MAX_ROWS)
    ids: tuple[str, ...] | None = Field(
        None, description="Your own id for each row, by which its true value is told; found or made where left out."
    )

    @model_validator(mode="after")
    def _an_id_for_each_row(self) -> "PredictIn":
        if self.ids is not None and len(self.ids) != len(self.rows):
            raise ValueError(f"there are {len(self.rows):,} rows and {len(self.ids):,} ids: give one for each row")
        return self


class PredictOut(BaseModel):
    """One prediction per row, in order: 'prediction' and, for classes, 'probability_<class>'.

    `row_ids` are there where a monitor watches the model: true values are told by them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    predictions: tuple[dict[str, object], ...]
    notes: tuple[str, ...]
    row_ids: tuple[str, ...] = ()


def predict_rows(
    workshop: Workshop, model: str, rows: Sequence[dict[str, Cell]], ids: Sequence[str] | None = None
) -> PredictOut:
    """Predict `rows` with the model of that id or name, and log them where it is watched.

    Raises:
        NotFound: `model_not_found`.
        ColumnsMissing: a column that the model needs is in no row.
        PackageDamaged: the package cannot be used.
        BadArguments: ids that cannot be kept, where the model is watched.
    """
    record = workshop.registry.get(model)
    predictor = _loaded(record.package)
    # object columns keep each cell as it was sent; the model's own schema decides what it means
    frame = pd.DataFrame(list(rows), dtype=object)
    prediction = predictor.predict(frame)
    row_ids, said = log_predictions(workshop, record, predictor, frame, prediction, ids)
    table = predictor.to_frame(prediction)
    found = tuple({str(name): value for name, value in row.items()} for row in table.to_dict("records"))
    return PredictOut(model=record.model_id, predictions=found, notes=(*prediction.notes, *said), row_ids=row_ids)


@lru_cache(maxsize=8)
def _loaded(package: Path) -> Predictor:
    """A package never changes once it is registered, so a loaded one stays good."""
    return load(package)
