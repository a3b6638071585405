"""A monitor, a checked window and an alert, put into the stores as the tools put them there."""

from datetime import UTC, datetime
from typing import Any

from engine.alerts.message import Alert
from engine.drift.found import ColumnDrift, DriftReport
from engine.drift.levels import Level
from engine.drift.policy import Policy
from engine.monitoring.records import Check, Monitor, WindowSpec
from tools.workshop import Workshop

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)


def a_monitor(workshop: Workshop, schedule: str | None = None) -> Monitor:
    store = workshop.monitoring.monitors
    return store.create(model="churn", reference="mdl_1", window=WindowSpec(rows=20), schedule=schedule)


def checked(workshop: Workshop, monitor: str, window: int, level: Level, *drifted: str) -> None:
    """A window in which these columns are at the level."""
    columns = {name: ColumnDrift(name=name, kind="number", level=level) for name in drifted}
    report = DriftReport(level=level, rows=20, reference_rows=100, columns=columns)
    workshop.monitoring.monitors.history.record_check(
        Check(
            monitor=monitor, window=window, model_id="mdl_1", at=AT, level=level, report=report, findings=len(drifted),
            action="watch_closer",
        )
    )  # fmt: skip


def raised(workshop: Workshop, monitor: str, **values: Any) -> Alert:
    """An alert about a monitor that no channel is there to hear of."""
    given = {"model": "churn", "key": f"drift:{monitor}", "level": Level.ORANGE, "title": "churn is ORANGE in window 1"}
    alert = Alert(monitor=monitor, created=datetime.now(UTC), **{**given, **values})
    workshop.monitoring.alerts.raise_alert(alert, Policy().alerts)
    return alert
