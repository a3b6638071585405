"""predict: rows in, predictions out, in the same order."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import BadArguments, NotFound
from tools.answers_file import checked_out, write_answers
from tools.finding import is_source
from tools.models import Predictions, PredictRequest
from tools.packages import column_kinds
from tools.prediction_log import ids_of, log_predictions
from tools.spec import Estimate

if TYPE_CHECKING:
    import pandas as pd

    from engine.registry import ModelRecord
    from tools.workshop import Workshop

MOST_WITHOUT_FILE = 1_000
MOST_INLINE = 10_000
SHOWN = 20
PILOT_ROWS = 200
TRAINING_ROWS = "These are the training rows; the sealed test rows stay closed."
MB = 1e6


def predict(workshop: "Workshop", request: PredictRequest) -> Predictions:
    """Predict rows from a file, a dataset, or given inline.

    Raises:
        BadArguments: not exactly one of `data` and `rows`, too many rows without `out`, or `out` is a file to keep.
        NotFound, PackageDamaged, DataError: the model or the data cannot be read.
        ColumnsMissing, TooFewRows: the rows cannot be predicted.
        DiskFull: nothing half-written stays.
    """
    from engine.serving.predictor import load

    _check(request)
    path = checked_out(workshop, request)
    record = workshop.registry.get(request.model)
    frame, training_rows = _rows(workshop, request, record)
    if request.out is None and len(frame) > MOST_WITHOUT_FILE:
        raise BadArguments(
            f"{len(frame):,} rows are too many to return (at most {MOST_WITHOUT_FILE:,}).", "Give `out`, a CSV file."
        )
    predictor = load(record.package)
    prediction = predictor.predict(frame)
    answers = predictor.to_frame(prediction)
    row_ids, said = (
        ((), ())
        if training_rows
        else log_predictions(workshop, record, predictor, frame, prediction, ids_of(frame, request.id_column))
    )
    if row_ids:
        answers["row_id"] = row_ids
    written = write_answers(answers, path, disarm=bool(prediction.classes)) if path else ()
    return Predictions(
        model=record.model_id,
        rows=len(answers),
        logged=len(row_ids),
        predictions=tuple(_plain(row) for row in answers.head(SHOWN).to_dict("records")),
        out=str(path) if path else None,
        notes=(*([TRAINING_ROWS] if training_rows else []), *prediction.notes, *said, *written),
    )


def _check(request: PredictRequest) -> None:
    if (request.data is None) == (not request.rows):
        raise BadArguments("predict needs exactly one of `data` and `rows`.", "Give a file or dataset, or some rows.")
    if len(request.rows) > MOST_INLINE:
        raise BadArguments(
            f"{len(request.rows):,} rows are too many to give inline (at most {MOST_INLINE:,}).", "Give a file."
        )


def _rows(workshop: "Workshop", request: PredictRequest, record: "ModelRecord") -> "tuple[pd.DataFrame, bool]":
    """The rows to predict, and whether they are the training rows of a dataset, which say nothing of a model in use."""
    import pandas as pd

    if request.data is None:
        return pd.DataFrame.from_records(list(request.rows)), False
    if is_source(request.data):
        return workshop.datasets.read_rows(request.data, kinds=column_kinds(record)), False
    try:
        dataset = workshop.datasets.get(request.data)
    except NotFound:
        if not Path(request.data).suffix:
            raise
        # it looks like a file: let the reader say that it is not there, with the nearest name
        return workshop.datasets.read_rows(request.data, kinds=column_kinds(record)), False
    return workshop.datasets.training_frame(dataset.id), True


def _plain(row: "dict[object, object]") -> dict[str, object]:
    """Python's own numbers in place of NumPy's."""
    return {str(name): value.item() if hasattr(value, "item") else value for name, value in row.items()}


def estimate_prediction(workshop: "Workshop", request: PredictRequest) -> Estimate:
    """From a timed prediction of the first rows, scaled to all of them."""
    from engine.serving.predictor import load

    _check(request)
    began = time.perf_counter()
    record = workshop.registry.get(request.model)
    frame, _ = _rows(workshop, request, record)
    predictor = load(record.package)
    reading = time.perf_counter() - began
    head = frame.head(PILOT_ROWS)
    began = time.perf_counter()
    predictor.predict(head)
    seconds = reading + (time.perf_counter() - began) * max(1.0, len(frame) / max(len(head), 1))
    return Estimate(seconds=round(seconds, 4), memory_mb=round(2 * float(frame.memory_usage(deep=True).sum()) / MB, 1))
