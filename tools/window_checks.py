"""Checking the windows of a monitor: compare, remember, and tell whoever is to hear of it."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from engine.database import file_lock
from engine.drift.checking import LEAST_LABELLED, check_rows
from engine.drift.found import DriftReport
from engine.drift.levels import Level
from engine.errors import NotFound, PackageDamaged
from engine.metrics import METRICS
from engine.monitoring.records import Check, PerformanceSummary
from engine.monitoring.rules import action_of
from tools import drift_pages
from tools.drift import DriftCheck, DriftFound, WindowFound
from tools.drift_found import in_short, kept
from tools.drift_rows import Watched, answered_by, from_log, watchable
from tools.standing import level_now, of_present
from tools.telling import tell_of

if TYPE_CHECKING:
    from engine.drift.policy import Policy
    from engine.monitoring.records import Monitor, Window
    from engine.monitoring.rows import WindowRows
    from tools.workshop import Workshop

GRACE = timedelta(minutes=5)
"""How long after the end of a time window its last rows are waited for."""
REVISED = 10
"""Newest windows that are looked at again when labels came."""
EARLIER_ERRORS = 3_000
LEAST_ROWS = 30
"""Rows that a model answered in a window below which these say nothing of it."""


def check_windows(workshop: "Workshop", name: str) -> DriftCheck:
    """Check what is due, the oldest window first; look again at recent windows whose labels have come.

    Raises:
        NotFound: no such monitor.
        BadArguments: its policy file is no policy.
    """
    monitors = workshop.monitoring.monitors
    monitor = monitors.get(name)
    if monitor.paused:
        return _newest(workshop, monitor, (), ("The monitor is paused: nothing was checked.",))
    # one at a time, so that a schedule and a person do not both tell of the same window
    with file_lock(workshop.monitoring.folder(monitor.id) / "check.lock"):
        workshop.monitoring.alerts.deliver_pending()
        policy = workshop.monitoring.policy(monitor.id)
        due = monitors.windows.due(monitor, workshop.now(), GRACE)
        found = [_checked(workshop, monitor, policy, window) for window in (*_relabelled(workshop, monitor), *due)]
    return _newest(workshop, monitor, found, _notes(workshop, monitor, due))


def _checked(workshop: "Workshop", monitor: "Monitor", policy: "Policy", window: "Window") -> WindowFound:
    model, report = _report(workshop, monitor, policy, window)
    action, due = action_of(report.level, policy, workshop.now())
    check = Check(
        monitor=monitor.id,
        window=window.number,
        model_id=model.record.model_id,
        at=workshop.now(),
        level=report.level,
        report=report,
        performance=_summary(report),
        findings=len([finding for finding in report.findings if finding.level > Level.GREEN]),
        action=action.name,
    )
    # told before it is on record: a window whose check was cut off is checked again, and its alert known
    told = tell_of(workshop, monitor, policy, check, due) if _is_newest(workshop, monitor, window) else ()
    workshop.monitoring.monitors.history.record_check(check)
    folder = workshop.monitoring.folder(monitor.id)
    full = kept(report, folder / "windows" / f"{window.number}.json")
    return WindowFound(
        **in_short(report, full, folder / drift_pages.PAGE).model_dump(),
        window=window.number,
        begins=window.begins.isoformat(timespec="seconds"),
        ends=window.ends.isoformat(timespec="seconds"),
        labelled=window.labelled,
        action=action.name,
        due=due.isoformat(timespec="minutes") if due else None,
        alerts=told,
    )


def _report(
    workshop: "Workshop", monitor: "Monitor", policy: "Policy", window: "Window"
) -> tuple[Watched, DriftReport]:
    """Rows that one model answered, against what that model was trained on."""
    windows = workshop.monitoring.monitors.windows
    rows = windows.read(window)
    answering = _answering(rows)
    model = _model_of(workshop, monitor, answering)
    earlier = windows.recent_labelled(monitor.id, EARLIER_ERRORS, before=window.begins)
    answered = from_log(model, answered_by(rows, answering), answered_by(earlier, answering))
    return model, check_rows(model.profile, answered, policy, predict=model.raw, seed=window.number)


def _answering(rows: "WindowRows") -> str:
    """The model that answered last, if it answered enough rows to tell anything of it; else the most."""
    counts = Counter(reversed(rows.model_ids))
    return next((model for model, count in counts.items() if count >= LEAST_ROWS), counts.most_common(1)[0][0])


def _model_of(workshop: "Workshop", monitor: "Monitor", model_id: str) -> Watched:
    """The model by its id; the monitor's reference where it is gone: its windows are to be checked all the same."""
    try:
        return watchable(workshop, model_id)
    except (NotFound, PackageDamaged):
        return watchable(workshop, monitor.reference)


def _summary(report: DriftReport) -> PerformanceSummary | None:
    measured = next((one for one in report.performance if one.source == "labels"), None)
    if measured is None:
        return None
    return PerformanceSummary(
        metric=measured.metric,
        value=measured.value,
        baseline=measured.baseline,
        greater_is_better=METRICS[measured.metric].greater_is_better,
        labelled=measured.rows,
    )


def _relabelled(workshop: "Workshop", monitor: "Monitor") -> "list[Window]":
    """Recent windows with more labels than when they were checked."""
    monitors = workshop.monitoring.monitors
    recent = monitors.history.history(monitor.id, REVISED)
    windows = [(check, monitors.windows.get(monitor.id, check.window)) for check in recent]
    return [window for check, window in windows if _has_new_labels(workshop, monitor, check, window)]


def _has_new_labels(workshop: "Workshop", monitor: "Monitor", check: Check, window: "Window") -> bool:
    """Whether more of the rows that were compared have a label, one that can be read, than had one then."""
    compared = [column.rows for column in check.report.columns.values() if column.role == "target"]
    least = max(sum(compared) + 1, LEAST_LABELLED)
    if window.labelled < least:
        return False
    rows = workshop.monitoring.monitors.windows.read(window)
    answering = _answering(rows)
    model = _model_of(workshop, monitor, answering)
    return int(from_log(model, answered_by(rows, answering)).known.sum()) >= least


def _is_newest(workshop: "Workshop", monitor: "Monitor", window: "Window") -> bool:
    """Whether no later window says more. One without labels says nothing of what labels would show: where these come
    a window late, the newest that was measured is the one to tell of."""
    recent = workshop.monitoring.monitors.history.history(monitor.id, REVISED)
    return not any(check.window > window.number and check.performance is not None for check in recent)


def _newest(
    workshop: "Workshop", monitor: "Monitor", found: Sequence[WindowFound], notes: tuple[str, ...]
) -> DriftCheck:
    """The page is written anew, and the newest window stands for the whole."""
    history = workshop.monitoring.monitors.history.history(monitor.id, drift_pages.MOST_CHECKS)
    if not history:
        return DriftCheck(monitor=monitor.id, level=Level.GREEN, found=None, notes=notes)
    folder = workshop.monitoring.folder(monitor.id)
    page = drift_pages.write_page(
        folder / drift_pages.PAGE, drift_pages.monitored(workshop, monitor, history), drift_pages.points(history)
    )
    newest = history[-1]
    full = folder / "windows" / f"{newest.window}.json"
    short: DriftFound = in_short(newest.report, full if full.exists() else kept(newest.report, full), page)
    return DriftCheck(
        monitor=monitor.id,
        model=newest.model_id,
        level=level_now(of_present(history, workshop.monitoring.monitors.retrainings.list(monitor.id))),
        found=short,
        windows=tuple(sorted(found, key=lambda window: window.window)),
        notes=notes,
    )


def _notes(workshop: "Workshop", monitor: "Monitor", due: "Sequence[Window]") -> tuple[str, ...]:
    if due:
        return ()
    size = f"{monitor.window.rows:,} rows" if monitor.window.rows else f"{monitor.window.hours:g} hours"
    return (f"No new window of {size} was complete.",)
