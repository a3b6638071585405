"""Monitors: made, looked at, paused."""

from typing import TYPE_CHECKING

from engine.errors import BadArguments, MillwrightError, NotFound
from tools import drift_pages
from tools.alerting import alert_line
from tools.drift import (
    CheckLine,
    CreateMonitorRequest,
    DriftReportFile,
    DriftReportRequest,
    MonitorInfo,
    MonitorState,
    MonitorStatus,
    MonitorStatusRequest,
    PauseMonitorRequest,
    RetrainingLine,
)
from tools.spec import ToolSpec, costs_nothing
from tools.standing import level_now, of_present

if TYPE_CHECKING:
    from engine.monitoring.records import Check, Monitor, Retraining
    from tools.workshop import Workshop

WINDOW_ROWS = 500
SHOWN = 10


def create_monitor(workshop: "Workshop", request: CreateMonitorRequest) -> MonitorInfo:
    """Watch the predictions of every version of a registered name.

    Raises:
        NotFound, PackageDamaged: no such model, or its package is not whole or has no reference.
        BadArguments: a window of both rows and hours, a schedule that is no cron expression, or a name that is taken.
    """
    from engine.monitoring.records import WindowSpec
    from tools.drift_rows import watchable
    from tools.schedules import checked_cron, set_schedule

    record = watchable(workshop, request.model).record
    if request.window_rows is not None and request.window_hours is not None:
        raise BadArguments("A window has a number of rows or of hours, and not both.", "Give one of them.")
    rows = None if request.window_hours is not None else request.window_rows or WINDOW_ROWS
    monitor = workshop.monitoring.monitors.create(
        model=record.name,
        reference=record.model_id,
        window=WindowSpec(rows=rows, hours=request.window_hours),
        name=request.name,
        schedule=checked_cron(request.schedule) if request.schedule is not None else None,
        retrain=request.retrain,
    )
    try:
        set_schedule(workshop, monitor)
    except MillwrightError:
        # what was asked for is a monitor that looks by itself, and not half of it
        workshop.monitoring.monitors.delete(monitor.id)
        raise
    return _info(workshop, monitor)


def pause_monitor(workshop: "Workshop", request: PauseMonitorRequest) -> MonitorInfo:
    """Stop or go on, with the schedule first: a monitor that cannot look by itself is not said to.

    Raises:
        NotFound: no such monitor.
        BadArguments: it has a schedule, and nothing here looks at the clock.
    """
    from engine.monitoring.records import MonitorChange
    from tools.schedules import set_schedule

    monitors = workshop.monitoring.monitors
    monitor = monitors.get(request.monitor)
    set_schedule(workshop, monitor.model_copy(update={"paused": request.paused}))
    return _info(workshop, monitors.update(monitor.id, MonitorChange(paused=request.paused)))


def monitor_status(workshop: "Workshop", request: MonitorStatusRequest) -> MonitorStatus:
    """Raises: NotFound: no such monitor."""
    if request.monitor is None and not workshop.monitoring.in_use:
        return MonitorStatus(monitors=())
    monitors = workshop.monitoring.monitors
    chosen = [monitors.get(request.monitor)] if request.monitor else monitors.list()
    return MonitorStatus(monitors=tuple(_state(workshop, monitor) for monitor in chosen))


def drift_report(workshop: "Workshop", request: DriftReportRequest) -> DriftReportFile:
    """Write the page, or one plot, of what a monitor has seen.

    Raises:
        NotFound: no such monitor, or no window was checked yet.
        BadChoice, BadArguments: there is no such plot, or nothing to draw in it.
    """
    from tools.deciding import worst_slices_of

    monitor = workshop.monitoring.monitors.get(request.monitor)
    checks = workshop.monitoring.monitors.history.history(monitor.id, drift_pages.MOST_CHECKS)
    if not checks:
        raise NotFound("report", monitor.name, hint="No window was checked yet: check_drift does that.")
    folder = workshop.monitoring.folder(monitor.id)
    if request.plot is not None:
        path, shows = drift_pages.plot(folder, checks, request.plot)
    else:
        subject = drift_pages.monitored(workshop, monitor, checks, worst_slices_of(workshop, monitor))
        path = drift_pages.write_page(folder / drift_pages.PAGE, subject, drift_pages.points(checks))
        shows = "the newest window in full, drift and performance over time, what to do"
    return DriftReportFile(monitor=monitor.name, level=checks[-1].level, path=str(path), shows=shows)


def _info(workshop: "Workshop", monitor: "Monitor") -> MonitorInfo:
    from tools.schedules import next_check

    window = monitor.window
    return MonitorInfo(
        monitor=monitor.id,
        name=monitor.name,
        model=monitor.model,
        reference=monitor.reference,
        window=f"{window.rows:,} rows" if window.rows else f"{window.hours:g} hours",
        schedule=monitor.schedule,
        next_check=None if monitor.paused else next_check(monitor.schedule, workshop.now()),
        retrain=monitor.retrain,
        paused=monitor.paused,
        policy=str(workshop.monitoring.policy_file(monitor.id)),
    )


def _state(workshop: "Workshop", monitor: "Monitor") -> MonitorState:
    monitors, desk = workshop.monitoring.monitors, workshop.monitoring.alerts
    checks = monitors.history.history(monitor.id, SHOWN)
    counts = monitors.predictions.counts(monitor.id)
    return MonitorState(
        **_info(workshop, monitor).model_dump(),
        level=level_now(of_present(checks, monitors.retrainings.list(monitor.id))),
        checks=tuple(_check_line(check) for check in checks),
        logged=counts.logged,
        labelled=counts.labelled,
        waiting_rows=counts.logged - counts.in_windows,
        alerts=tuple(alert_line(workshop, record) for record in desk.list(monitor.id, open_only=True, limit=SHOWN)),
        retrainings=tuple(retraining_line(one) for one in monitors.retrainings.list(monitor.id)[-SHOWN:]),
    )


def _check_line(check: "Check") -> CheckLine:
    performance = check.performance
    return CheckLine(
        window=check.window,
        at=check.at.isoformat(timespec="seconds"),
        level=check.level,
        rows=check.report.rows,
        labelled=check.labelled,
        drifted=check.report.drifted,
        metric=performance.metric if performance else None,
        value=performance.value if performance else None,
        baseline=performance.baseline if performance else None,
    )


def retraining_line(one: "Retraining") -> RetrainingLine:
    """A retraining in a row."""
    return RetrainingLine(
        retraining=one.id,
        state=one.state,
        begun=one.begun.isoformat(timespec="seconds"),
        challenger=one.challenger,
        sentence=drift_pages.sentence_of(one),
    )


TOOLS = (
    ToolSpec(
        name="create_monitor",
        description="Watch a registered model: from now on its predictions are logged and, window by window (by rows "
        "or hours, on a schedule if one is given), compared with its training rows; alerts go to the configured "
        "channels by level. Needs the user's approval, since it keeps what is predicted and tells others.",
        request=CreateMonitorRequest,
        result=MonitorInfo,
        function=create_monitor,
        effect="write",
        estimate=costs_nothing,
    ),
    ToolSpec(
        name="monitor_status",
        description="Say where monitors stand: level, the last windows with what drifted and how well the model did, "
        "rows logged and labelled, open alerts with their deliveries, retrainings, next check.",
        request=MonitorStatusRequest,
        result=MonitorStatus,
        function=monitor_status,
        effect="read",
        estimate=costs_nothing,
    ),
    ToolSpec(
        name="drift_report",
        description="Write a monitor's report as a page that stands alone (overlays of every feature, drift and "
        "performance over time, what to do), or one plot of it as SVG: plot='drift', 'performance' or a column's name. "
        "Says where it lies.",
        request=DriftReportRequest,
        result=DriftReportFile,
        function=drift_report,
        effect="compute",
        estimate=costs_nothing,
    ),
    ToolSpec(
        name="pause_monitor",
        description="Stop checking a monitor's windows and alerting about them, or go on with it; predictions are "
        "logged all the same. Needs the user's approval.",
        request=PauseMonitorRequest,
        result=MonitorInfo,
        function=pause_monitor,
        effect="write",
        estimate=costs_nothing,
    ),
)
