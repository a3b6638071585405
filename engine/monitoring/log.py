"""The log of predictions: what was asked, what was answered, by which model and when."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from engine.database import Database
from engine.errors import BadArguments
from engine.monitoring.records import Counts, Logged
from engine.monitoring.rows import count_labelled
from engine.monitoring.tables import LONGEST_ID, MONITORS, PREDICTIONS, WINDOWS, check_texts, lock, logged_ids, utc

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

ID_DIGITS = 12


class PredictionLog:
    """Rows by monitor, in the order in which they came."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def log(
        self,
        monitor: str,
        model_id: str,
        rows: "pd.DataFrame",
        answers: "NDArray[np.float64]",
        labels: Sequence[str | None] | None,
        *,
        at: datetime | Sequence[datetime],
        ids: Sequence[str] | None = None,
    ) -> Logged:
        """Append n rows, all of them or (after a crash, at any moment) none.

        Calls for one monitor wait for one another (in SQLite, those for all monitors), so a very large log is better
        given in parts of some 100,000 rows.

        Args:
            monitor: its id.
            model_id: the model that answered.
            rows: (n, columns), the columns of the model.
            answers: (n,) values or (n, k) probabilities.
            labels: the n predicted labels, None where there are none.
            at: when it was answered, for all rows or for each; without a zone it is UTC.
            ids: the caller's own, by which labels come later; made here when not given.

        Raises:
            NotFound: no such monitor.
            BadArguments: lengths differ, a time is missing, or an id or a label cannot be kept.
            DiskFull, HomeNotWritable: nothing was logged.
        """
        records = _records(model_id, rows, answers, labels, at)
        if ids is not None:
            _check_length("ids", ids, len(records))
            check_texts("the id of a row", ids, LONGEST_ID)
        with self._database.begin() as connection:
            position = lock(connection, monitor)
            names = list(ids) if ids is not None else _new_ids(connection, monitor, len(records))
            kept, repeated = _first_of_each(names, logged_ids(connection, monitor, names))
            values = [
                {"monitor": monitor, "position": position + number, "row_id": names[row], **records[row]}
                for number, row in enumerate(kept)
            ]
            if values:
                connection.execute(sa.insert(PREDICTIONS), values)
                grown = sa.update(MONITORS).where(MONITORS.c.id == monitor).values(rows=position + len(values))
                connection.execute(grown)
        return Logged(ids=tuple(names), repeated=repeated)

    def counts(self, monitor: str) -> Counts:
        """How many rows there are by now."""
        mine = PREDICTIONS.c.monitor == monitor
        cut = sa.select(sa.func.coalesce(sa.func.sum(WINDOWS.c.rows), 0)).where(WINDOWS.c.monitor == monitor)
        with self._database.begin() as connection:
            logged = connection.execute(sa.select(sa.func.count()).select_from(PREDICTIONS).where(mine)).scalar_one()
            in_windows = connection.execute(cut).scalar_one()
            labelled = count_labelled(connection, mine)
        return Counts(logged=int(logged), labelled=labelled, in_windows=int(in_windows))


def _records(
    model_id: str,
    rows: "pd.DataFrame",
    answers: "NDArray[np.float64]",
    labels: Sequence[str | None] | None,
    at: datetime | Sequence[datetime],
) -> list[dict[str, object]]:
    """The n rows as the table holds them, but for what only the log knows: positions and ids."""
    from engine.monitoring.cells import answers_to_json, rows_to_json

    n = len(rows)
    predicted = [None] * n if labels is None else labels
    moments = [utc(at)] * n if isinstance(at, datetime) else [utc(moment) for moment in at]
    for what, given in (("answers", answers), ("labels", predicted), ("times", moments)):
        _check_length(what, given, n)
    check_texts("the id of a model", [model_id])
    check_texts("a predicted label", sorted({label for label in predicted if label is not None}))
    return [
        {"model_id": model_id, "at": moment, "cells": cells, "answer": answer, "predicted": label}
        for moment, cells, answer, label in zip(
            moments, rows_to_json(rows), answers_to_json(answers), predicted, strict=True
        )
    ]


def _check_length(what: str, given: "Sequence[object] | NDArray[np.float64]", n: int) -> None:
    if len(given) != n:
        raise BadArguments(f"There are {n:,} rows and {len(given):,} {what}.", f"Give {what} for each row.")


def _new_ids(connection: sa.Connection, monitor: str, count: int) -> list[str]:
    """Ids that no row of the monitor has."""
    while True:
        digits = secrets.token_hex(count * ID_DIGITS // 2)
        ids = [f"row_{digits[start : start + ID_DIGITS]}" for start in range(0, len(digits), ID_DIGITS)]
        # in one of 500 logs of a million rows two ids would be the same, and a row would be lost
        if len(set(ids)) == count and not logged_ids(connection, monitor, ids):
            return ids


def _first_of_each(names: Sequence[str], known: set[str]) -> tuple[list[int], tuple[str, ...]]:
    """The rows to keep, by their place in the call, and the ids of the others."""
    seen = set(known)
    kept, repeated = [], []
    for row, name in enumerate(names):
        if name in seen:
            repeated.append(name)
        else:
            kept.append(row)
            seen.add(name)
    return kept, tuple(repeated)
