"""Reading logged rows back, with the labels that have come by now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from engine.monitoring.tables import LABELS, PREDICTIONS

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

# looked up row by row: of a join PostgreSQL makes a nested loop over all labels as long as it has no statistics on them
LABEL = (
    sa.select(LABELS.c.label)
    .where(LABELS.c.monitor == PREDICTIONS.c.monitor, LABELS.c.row_id == PREDICTIONS.c.row_id)
    .correlate(PREDICTIONS)
    .scalar_subquery()
)
"""The label of a logged row, NULL where none has come."""


@dataclass(frozen=True)
class WindowRows:
    """n logged rows in the order of the log.

    Attributes:
        frame: (n, columns), the cells in their types as far as JSON keeps them (see `cells.rows_from_json`).
        answers: (n,) values or (n, k) probabilities, NaN where there was none.
        predicted: n predicted labels, None where none was logged.
        labels: n true labels, None where none has come yet.
        ids, times, model_ids: of each row; times are in UTC.
    """

    frame: "pd.DataFrame"
    answers: "NDArray[np.float64]"
    predicted: tuple[str | None, ...]
    labels: tuple[str | None, ...]
    ids: tuple[str, ...]
    times: tuple[datetime, ...]
    model_ids: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)


def read_rows(connection: sa.Connection, which: sa.ColumnElement[bool]) -> WindowRows:
    """The rows that `which` names."""
    chosen = sa.select(PREDICTIONS, LABEL.label("label")).where(which).order_by(PREDICTIONS.c.position)
    return _window_rows(connection.execute(chosen).all())


def newest_labelled(connection: sa.Connection, which: sa.ColumnElement[bool], limit: int) -> WindowRows:
    """The last `limit` rows of `which` that have a label."""
    labelled = sa.select(PREDICTIONS, LABEL.label("label")).where(which, LABEL.is_not(None))
    newest = labelled.order_by(PREDICTIONS.c.position.desc()).limit(limit)
    return _window_rows(connection.execute(newest).all()[::-1])


def count_labelled(connection: sa.Connection, which: sa.ColumnElement[bool]) -> int:
    """How many rows of `which` have a label."""
    return int(connection.execute(sa.select(sa.func.count(LABEL)).select_from(PREDICTIONS).where(which)).scalar_one())


def _window_rows(rows: Sequence[sa.Row[tuple[object, ...]]]) -> WindowRows:
    from engine.monitoring.cells import answers_from_json, rows_from_json

    return WindowRows(
        frame=rows_from_json([row.cells for row in rows]),
        answers=answers_from_json([row.answer for row in rows]),
        predicted=tuple(row.predicted for row in rows),
        labels=tuple(row.label for row in rows),
        ids=tuple(row.row_id for row in rows),
        times=tuple(row.at for row in rows),
        model_ids=tuple(row.model_id for row in rows),
    )
