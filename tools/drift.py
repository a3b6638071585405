"""Tools over live data: compare it with a reference, watch a model, decide, retrain, answer alerts."""

from typing import Literal

from pydantic import Field

from engine.drift.levels import Level
from engine.drift.policy import ActionName
from tools.spec import ToolRequest, ToolResult

Monitored = Field(description="Monitor id or name.")


class CheckDriftRequest(ToolRequest):
    """Compare current rows with a reference. Give `monitor` alone, or `data` with one of `model` and `reference`."""

    monitor: str | None = Field(
        None, description="Monitor id or name: check its complete windows of logged predictions, and raise alerts."
    )
    model: str | None = Field(None, description="Model id or name whose training rows are the reference.")
    reference: str | None = Field(
        None, description="Instead of a model: a saved profile, or a file or dataset whose rows are the reference."
    )
    data: str | None = Field(None, description="File or dataset with the current rows.")


class DriftedColumn(ToolResult):
    """A column at YELLOW or higher. `effect` is that of `test`, corrected for chance; `p` is adjusted."""

    column: str
    level: Level
    test: str
    effect: float | None
    psi: float | None
    p: float | None


class PerformanceFigure(ToolResult):
    """The metric of one window; `source` says whether it was measured on labels or estimated without."""

    source: Literal["labels", "estimated"]
    metric: str
    value: float | None
    baseline: float | None
    drop: float | None = Field(description="Relative to the baseline; positive is worse.")
    rows: int
    level: Level


class DriftFound(ToolResult):
    """A comparison in short. `columns` are the drifted ones, most serious first; `full` is the whole report as JSON,
    `report` the page to read."""

    level: Level
    rows: int
    reference_rows: int
    columns: tuple[DriftedColumn, ...]
    findings: tuple[str, ...]
    performance: tuple[PerformanceFigure, ...] = ()
    full: str
    report: str


class WindowFound(DriftFound):
    """One window of a monitor, with what its policy says is to be done."""

    window: int
    begins: str
    ends: str
    labelled: int
    action: ActionName
    due: str | None = None
    alerts: tuple[str, ...] = Field((), description="What was told to whom, or why nobody was told.")


class DriftCheck(ToolResult):
    """`found` is the comparison asked for, or the monitor's newest window; `windows` are all that were checked now,
    oldest first; empty when no window was complete."""

    monitor: str | None = None
    model: str | None = None
    level: Level
    found: DriftFound | None
    windows: tuple[WindowFound, ...] = ()
    notes: tuple[str, ...] = ()


class CreateMonitorRequest(ToolRequest):
    """Watch a registered model: its predictions are logged from now on and compared, window by window, with the rows it
    was trained on. Needs approval."""

    model: str = Field(description="Model id or name; predictions of every version of that name are watched.")
    name: str | None = Field(None, description="Name of the monitor; the model's name by default.")
    window_rows: int | None = Field(
        None, ge=20, le=1_000_000, description="Rows of a window; 500 when no window is given."
    )
    window_hours: float | None = Field(
        None, ge=0.01, le=366 * 24, description="Hours of a window, instead of rows; at most a year."
    )
    schedule: str | None = Field(
        None, description="When to check by itself, as a cron expression in UTC, e.g. '0 * * * *' for every hour."
    )
    retrain: Literal["ask", "never"] = Field(
        "ask", description="Whether the loop trains a challenger when the policy says so; promoting it is always asked."
    )


class MonitorInfo(ToolResult):
    """A monitor. `policy` is the YAML file in which thresholds, actions and routes of alerts can be changed."""

    monitor: str
    name: str
    model: str
    reference: str = Field(description="Model id whose training rows are the reference.")
    window: str
    schedule: str | None
    next_check: str | None = None
    retrain: str
    paused: bool
    policy: str


class CheckLine(ToolResult):
    """One checked window in a row."""

    window: int
    at: str
    level: Level
    rows: int
    labelled: int
    drifted: tuple[str, ...]
    metric: str | None = None
    value: float | None = None
    baseline: float | None = None


class AlertLine(ToolResult):
    """An alert. `state` is open, acknowledged or resolved; `deliveries` say which channel was told, or why not."""

    alert: str
    monitor: str
    level: Level
    title: str
    created: str
    state: str
    deliveries: tuple[str, ...] = ()


class RetrainingLine(ToolResult):
    """A retraining and how it ended."""

    retraining: str
    state: str
    begun: str
    challenger: str | None = None
    sentence: str = ""


class MonitorState(MonitorInfo):
    """Where a monitor stands. `waiting_rows` are logged and not checked yet."""

    level: Level
    checks: tuple[CheckLine, ...]
    logged: int
    labelled: int
    waiting_rows: int
    alerts: tuple[AlertLine, ...]
    retrainings: tuple[RetrainingLine, ...]


class MonitorStatusRequest(ToolRequest):
    """Say where monitors stand."""

    monitor: str | None = Field(None, description="Monitor id or name; all of them when left out.")


class MonitorStatus(ToolResult):
    monitors: tuple[MonitorState, ...]


class EvaluateActionsRequest(ToolRequest):
    """Say what the policy of a monitor asks for now, and why."""

    monitor: str = Monitored


class DriftedFeature(ToolResult):
    """A feature at YELLOW or higher in the newest window; `since` is the first window of the unbroken run."""

    column: str
    level: Level
    since: int
    effect: float | None


class Slice(ToolResult):
    """Rows with one value or range of one column, e.g. 'Contract = Two year', in the newest labelled rows.

    `metric` is of the error there and elsewhere: the share of wrong answers, or the mean absolute error.
    """

    rows_where: str
    rows: int
    share: float
    reference_share: float | None
    error: float
    error_elsewhere: float


class ActionAdvice(ToolResult):
    """The decision: action and date of the level, whether to retrain and why, and what is wrong where."""

    monitor: str
    model: str = Field(description="Registered name.")
    level: Level
    action: ActionName
    due: str | None
    retrain: bool
    reasons: tuple[str, ...]
    features: tuple[DriftedFeature, ...]
    slices: tuple[Slice, ...]
    retraining: RetrainingLine | None = Field(None, description="One that is under way or waits for approval.")
    roll_back_to: str | None = Field(None, description="Model id that was the champion before, if there is one.")
    next_steps: tuple[str, ...]


class DriftReportRequest(ToolRequest):
    """Write a monitor's report as a page, or one plot of it."""

    monitor: str = Monitored
    plot: str | None = Field(
        None, description="Instead of the page one SVG: 'drift' or 'performance' over time, or a column's name."
    )


class DriftReportFile(ToolResult):
    """Where the page or the plot lies."""

    monitor: str
    level: Level
    path: str
    shows: str


class RetrainModelRequest(ToolRequest):
    """Train a challenger on old and fresh rows and let it compete with the champion on the newest labelled rows."""

    monitor: str = Monitored
    budget_seconds: float = Field(60.0, ge=2, le=86_400, description="Wall-clock limit of the training in seconds.")
    seed: int = Field(0, ge=0, description="Seed of folds and models.")


class Retrained(ToolResult):
    """How challenger and champion compare on `gate_rows` rows that neither was trained on. Nothing was promoted."""

    monitor: str
    retraining: str
    champion: str
    challenger: str
    trained_on: str
    passed: bool
    metric: str
    champion_value: float | None
    challenger_value: float | None
    improvement: tuple[float, float] | None = Field(
        description="Interval of the paired difference; the challenger wins where all of it lies above 0."
    )
    p_value: float | None
    gate_rows: int
    fresh_rows: int
    old_rows: int
    verdict: str
    roll_back_to: str | None = Field(None, description="An earlier champion that beats the present one on these rows.")
    cancelled: bool = False
    notes: tuple[str, ...] = ()


class AcknowledgeAlertRequest(ToolRequest):
    """Say that somebody looks after an alert: it is not repeated at the same level. Needs approval."""

    alert: str = Field(description="Alert id; 'latest' for the newest of the most serious open ones.")
    note: str = Field("", description="What is being done about it.")
    silence_hours: float | None = Field(
        None, gt=0, le=24 * 30, description="Also keep the monitor's alerts below RED quiet for so long."
    )


class Acknowledged(ToolResult):
    alert: AlertLine
    silenced_until: str | None = None


class LogLabelsRequest(ToolRequest):
    """Tell the true values of logged predictions, by row id, whenever they come in."""

    monitor: str = Monitored
    data: str | None = Field(None, description="File or dataset with the row ids and the labels.")
    rows: tuple[dict[str, object], ...] = Field((), description="Instead of data: e.g. [{'row_id': 'a', 'label': 1}].")
    id_column: str | None = Field(
        None, description="Column that holds the row ids; 'row_id', or else the identifier of the training data."
    )
    label_column: str | None = Field(None, description="Column that holds the labels; the target's name by default.")


class LabelsLogged(ToolResult):
    """How many labels met their row; those of rows not logged yet are kept until they come."""

    monitor: str
    joined: int
    changed: int
    waiting: int
    notes: tuple[str, ...] = ()


class TellOutcomeRequest(ToolRequest):
    """Tell who heard of a monitor's trouble how it ended. Goes to the alert channels, so it needs approval."""

    monitor: str = Monitored
    resolved: bool = Field(description="Whether the trouble is over, e.g. a better model was promoted.")
    sentence: str = Field(description="What was done, in one sentence.")
    about: Literal["outcome", "decision"] = Field(
        "outcome", description="decision: something waits for a yes; told once, until it is settled."
    )


class OutcomeTold(ToolResult):
    """Which channels were told, or why not."""

    monitor: str
    told: tuple[str, ...]


class ReferenceProfileRequest(ToolRequest):
    """Keep what a comparison needs of a table, without its rows."""

    data: str = Field(description="File or dataset: the reference rows.")
    out: str = Field(description="File to write the profile to.")
    target: str | None = Field(None, description="Column that is predicted, if there is one.")
    sketch: bool = Field(False, description="A small sketch that merges with others, instead of exact distributions.")


class ReferenceProfile(ToolResult):
    """`kinds` names how many columns are of which kind."""

    path: str
    rows: int
    columns: int
    kinds: dict[str, int]
    size_mb: float


class ListAlertsRequest(ToolRequest):
    """List alerts, newest first."""

    monitor: str | None = Field(None, description="Monitor id or name; of all monitors when left out.")
    open_only: bool = Field(False, description="Only those whose trouble is not over.")
    limit: int = Field(50, ge=1, le=500, description="How many.")


class AlertList(ToolResult):
    alerts: tuple[AlertLine, ...]


class PauseMonitorRequest(ToolRequest):
    """Stop checking and alerting, or go on with it. Needs approval."""

    monitor: str = Monitored
    paused: bool = Field(description="True to stop, False to go on.")
