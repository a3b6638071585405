"""Monitors: made, looked at, paused, told of labels."""

from typing import TYPE_CHECKING

from engine.drift.levels import Level
from engine.errors import BadArguments, MillwrightError, NotFound
from tools import drift_pages
from tools.alerting import alert_line
from tools.drift import (
    CheckLine,
    CreateMonitorRequest,
    DriftReportFile,
    DriftReportRequest,
    LabelsLogged,
    LogLabelsRequest,
    MonitorInfo,
    MonitorState,
    MonitorStatus,
    MonitorStatusRequest,
    PauseMonitorRequest,
    RetrainingLine,
)
from tools.finding import is_source
from tools.packages import find_package
from tools.prediction_log import usual_id_column
from tools.spec import ToolSpec, costs_nothing

if TYPE_CHECKING:
    import pandas as pd

    from engine.monitoring.records import Check, Monitor, Retraining
    from tools.workshop import Workshop

WINDOW_ROWS = 500
LABEL = "label"
SHOWN = 10
ROW_ID = "row_id"


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


def log_labels(workshop: "Workshop", request: LogLabelsRequest) -> LabelsLogged:
    """Join true values to logged predictions by row id.

    Raises:
        NotFound, DataError: no such monitor or data.
        BadArguments: not exactly one of data and rows, a column that is not there, or a blank id or label.
    """
    monitor = workshop.monitoring.monitors.get(request.monitor)
    frame = _label_rows(workshop, request)
    _, info = find_package(workshop, monitor.reference)
    label_column = request.label_column or (info.target if info.target in frame.columns else LABEL)
    usual = ROW_ID if ROW_ID in frame.columns else usual_id_column(workshop, info, list(frame.columns))
    id_column = request.id_column or usual or ROW_ID
    for name in (id_column, label_column):
        if name not in frame.columns:
            columns = ", ".join(str(column) for column in frame.columns[:20])
            raise BadArguments(
                f"There is no column {name!r} with the {'ids' if name == id_column else 'labels'}.",
                f"Give `id_column` and `label_column`; the columns are: {columns}.",
            )
    known = frame[frame[label_column].notna()]
    found = workshop.monitoring.monitors.labels.label(
        monitor.id,
        [_text(value) for value in known[id_column]],
        [_comma(value) if info.target_decimal_comma else _text(value) for value in known[label_column]],
        workshop.now(),
    )
    notes = [f"Ids without a row yet, e.g.: {', '.join(found.examples)}."] if found.unknown else []
    blank = len(frame) - len(known)
    notes += [f"{blank:,} row(s) without a label are left out."] if blank else []
    return LabelsLogged(
        monitor=monitor.name, joined=found.joined, changed=found.changed, waiting=found.unknown, notes=tuple(notes)
    )


def _label_rows(workshop: "Workshop", request: LogLabelsRequest) -> "pd.DataFrame":
    import pandas as pd

    if (request.data is None) == (not request.rows):
        raise BadArguments("log_labels needs exactly one of `data` and `rows`.", "Give a file, or some rows.")
    if request.data is None:
        return pd.DataFrame.from_records(list(request.rows))
    if is_source(request.data):
        return workshop.datasets.read_rows(request.data)
    try:
        return workshop.datasets.training_frame(workshop.datasets.get(request.data).id)
    except NotFound:
        return workshop.datasets.read_rows(request.data)


def _text(value: object) -> str:
    from engine.data.cells import cell_text

    return cell_text(value) or ""


def _comma(value: object) -> str:
    """A number as the source of the model's target writes it, where 1.234 is more than a thousand."""
    import numpy as np

    if not isinstance(value, float):
        return _text(value)
    return np.format_float_positional(value, trim="-").replace(".", ",")


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
        level=checks[-1].level if checks else Level.GREEN,
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
        name="log_labels",
        description="Tell the true values of logged predictions by row id, from a file or inline, whenever they come: "
        "before or after the rows, in any order; a corrected label replaces the old one. With them a monitor measures "
        "how well the model does, and a retraining has something to learn from.",
        request=LogLabelsRequest,
        result=LabelsLogged,
        function=log_labels,
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
