"""Keeping what a watched model was asked and what it answered."""

import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from engine.errors import BadArguments, Fixable, MillwrightError, NotFound, PackageDamaged
from tools.packages import find_package

if TYPE_CHECKING:
    import pandas as pd

    from engine.monitoring.records import Monitor
    from engine.package_info import PackageInfo
    from engine.registry import ModelRecord
    from engine.serving.predictor import Prediction, Predictor
    from tools.workshop import Workshop

log = logging.getLogger("millwright.monitoring")


def log_predictions(
    workshop: "Workshop",
    record: "ModelRecord",
    predictor: "Predictor",
    frame: "pd.DataFrame",
    prediction: "Prediction",
    ids: Sequence[str] | None = None,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Log rows (n) with their answers in every monitor of the model's name; returns the n row ids (none where nobody
    watches), by which labels are told later, and notes.

    An answer is worth more than its record: what cannot be logged is told, and the answer stands.

    Raises:
        BadArguments: ids that cannot be kept, or not one for each row.
    """
    if not workshop.monitoring.in_use:
        return (), ()
    try:
        return _logged(workshop, record, predictor, frame, prediction, ids)
    except Fixable:
        raise
    except MillwrightError as error:
        log.warning("predictions of %s are not logged: %s", record.name, error)
        return (), (f"These predictions are not logged for monitoring: {error.code.replace('_', ' ')}.",)


def _logged(
    workshop: "Workshop",
    record: "ModelRecord",
    predictor: "Predictor",
    frame: "pd.DataFrame",
    prediction: "Prediction",
    ids: Sequence[str] | None,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    monitors = [one for one in workshop.monitoring.monitors.list() if one.model == record.name]
    if not monitors:
        return (), ()
    ids = ids if ids is not None else _usual_ids(workshop, monitors[0], predictor.info, frame)
    rows = frame[[column.name for column in predictor.info.columns]]
    regression = prediction.probabilities is None
    answers = prediction.labels.astype(float) if prediction.probabilities is None else prediction.probabilities
    labels = None if regression else [str(label) for label in prediction.labels]
    repeated: set[str] = set()
    for monitor in monitors:
        logged = workshop.monitoring.monitors.predictions.log(
            monitor.id, record.model_id, rows, answers, labels, at=workshop.now(), ids=ids
        )
        ids = logged.ids
        repeated.update(logged.repeated)
    again = f"{len(repeated):,} row(s) were logged before under the same id and stay as they were."
    return tuple(ids or ()), (again,) if repeated else ()


def usual_id_column(workshop: "Workshop", info: "PackageInfo", columns: Iterable[object]) -> str | None:
    """The column that names rows in the dataset that a model was trained on, where it is among `columns`."""
    try:
        schema = workshop.datasets.get(info.lineage.dataset).schema_
    except NotFound:
        return None
    return next((name for name in schema.of_kind("identifier") if name in columns), None)


def _usual_ids(
    workshop: "Workshop", monitor: "Monitor", info: "PackageInfo", frame: "pd.DataFrame"
) -> list[str] | None:
    """The rows' own ids, by which `log_labels` will look for them, unless some have none or share one."""
    columns = list(frame.columns)
    try:
        # of the model that the monitor was made for: logged rows, of which later ones learn, have no such column
        column = usual_id_column(workshop, find_package(workshop, monitor.reference)[1], columns)
    except (NotFound, PackageDamaged):
        column = None
    ids = ids_of(frame, column or usual_id_column(workshop, info, columns))
    return ids if ids is not None and all(ids) and len(set(ids)) == len(ids) else None


def ids_of(frame: "pd.DataFrame", column: str | None) -> list[str] | None:
    """The row ids in a column, as text.

    Raises:
        BadArguments: there is no such column.
    """
    if column is None:
        return None
    if column not in frame.columns:
        names = ", ".join(str(name) for name in frame.columns[:20])
        raise BadArguments(f"There is no column {column!r} with row ids.", f"The columns are: {names}.")
    from engine.data.cells import cell_text

    return [cell_text(value) or "" for value in frame[column]]
