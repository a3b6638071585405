"""Small logs and checks for the tests of the store behind monitors."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from engine.drift.found import ColumnDrift, DriftReport
from engine.drift.levels import Level, highest
from engine.monitoring.records import Check, Logged, Monitor, PerformanceSummary, Window
from engine.monitoring.store import Monitors

START = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def names(first: int, last: int) -> list[str]:
    """Ids of the rows from `first` on and before `last`."""
    return [f"r{number}" for number in range(first, last)]


def log(
    store: Monitors,
    monitor: Monitor,
    ids: Sequence[str],
    at: datetime | Sequence[datetime] = START,
    model: str = "mdl_1",
) -> Logged:
    """Log a row for each id, with its place in the call as its cell and twice that as its answer."""
    count = np.arange(len(ids))
    frame = pd.DataFrame({"number": count})
    return store.predictions.log(monitor.id, model, frame, 2.0 * count, None, at=at, ids=ids)


def minutes(*after: float) -> list[datetime]:
    return [START + minute * MINUTE for minute in after]


def ids_of(store: Monitors, windows: Sequence[Window]) -> list[list[str]]:
    return [list(store.windows.read(window).ids) for window in windows]


def check(
    monitor: str,
    window: int,
    levels: Mapping[str, Level] | None = None,
    *,
    value: float | None = None,
    labelled: int = 0,
    model: str = "mdl_1",
    metric: str = "roc_auc",
    baseline: float | None = 0.8,
    greater_is_better: bool = True,
) -> Check:
    """A check with columns at these levels."""
    found = {name: ColumnDrift(name=name, kind="number", level=level) for name, level in (levels or {}).items()}
    level = highest((levels or {}).values())
    performance = PerformanceSummary(
        metric=metric, value=value, baseline=baseline, greater_is_better=greater_is_better, labelled=labelled
    )
    return Check(
        monitor=monitor,
        window=window,
        model_id=model,
        at=START + window * HOUR,
        level=level,
        report=DriftReport(level=level, rows=20, reference_rows=100, columns=found),
        performance=performance,
        findings=0,
        action="go_on",
    )
