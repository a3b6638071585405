"""The tools over live data at the desk: a model that is watched, grows RED, and is retrained."""

from collections.abc import Mapping

from engine.drift.levels import Level
from engine.errors import NotFound, SourceNotFound
from tools.drift import (
    Acknowledged,
    ActionAdvice,
    AlertLine,
    CheckLine,
    DriftCheck,
    DriftedColumn,
    DriftedFeature,
    DriftFound,
    DriftReportFile,
    LabelsLogged,
    MonitorInfo,
    MonitorState,
    MonitorStatus,
    PerformanceFigure,
    Retrained,
    RetrainingLine,
    Slice,
    WindowFound,
)
from tools.models import Promotion
from tools.spec import ToolResult

Arguments = Mapping[str, object]
WATCHING = (
    *("check_drift", "create_monitor", "monitor_status", "drift_report", "evaluate_actions", "retrain_model"),
    *("acknowledge_alert", "log_labels", "roll_back_model"),
)
MONITOR, ALERT = "mon_4f0c2a91d3be", "alr_12ab34cd56ef"
FILES = ("january.csv", "june.csv", "new.csv", "old.csv", "may.csv", "labels.csv", "truth.csv")
COLUMNS = (
    DriftedColumn(column="tenure", level=Level.RED, test="ks", effect=0.3142, psi=0.41, p=0.0001),
    DriftedColumn(column="Contract", level=Level.ORANGE, test="chi2", effect=0.1712, psi=0.21, p=0.0004),
    DriftedColumn(column="MonthlyCharges", level=Level.YELLOW, test="ks", effect=0.0713, psi=0.11, p=0.0213),
    DriftedColumn(column="gender", level=Level.YELLOW, test="chi2", effect=0.1034, psi=0.1, p=0.0311),
)
PERFORMANCE = PerformanceFigure(
    source="labels", metric="roc_auc", value=0.7113, baseline=0.8634, drop=0.1762, rows=183, level=Level.RED
)
ALERTS = (
    AlertLine(
        alert=ALERT,
        monitor=MONITOR,
        level=Level.RED,
        title="tenure has drifted",
        created="2026-03-01T06:00:00Z",
        state="open",
        deliveries=("slack: told", "pagerduty: no key is set"),
    ),
    AlertLine(
        alert="alr_99ab34cd56ef",
        monitor=MONITOR,
        level=Level.YELLOW,
        title="gender has drifted",
        created="2026-02-20T06:00:00Z",
        state="resolved",
    ),
)
NAMES = {MONITOR: "telco-Churn", "mon_00000000beef": "houses-median_house_value"}


class Watching:
    """`monitors` are the ids there are, `level` is where they stand, `wins` whether a challenger beats its champion,
    `begun` a retraining that is under way or waits."""

    def __init__(self) -> None:
        self.monitors: list[str] = []
        self.level = Level.GREEN
        self.wins = True
        self.begun: RetrainingLine | None = None

    def check_drift(self, arguments: Arguments) -> ToolResult:
        for name in ("data", "reference"):
            if name in arguments and not str(arguments[name]).startswith("ds_") and arguments[name] not in FILES:
                raise SourceNotFound(str(arguments[name]), FILES)
        if "monitor" in arguments:
            return self._check_of_windows(self._known(arguments))
        found = DriftFound(level=Level.ORANGE, rows=412, **_found(COLUMNS[1:2], "drift/file.html"))
        model = arguments.get("model")
        return DriftCheck(model=None if model is None else str(model), level=found.level, found=found)

    def _check_of_windows(self, monitor: str) -> DriftCheck:
        if self.level is Level.GREEN:
            newest = _window(7, Level.GREEN, ())
            return DriftCheck(
                monitor=monitor, model=NAMES[monitor], level=newest.level, found=newest, windows=(newest,)
            )
        before = _window(6, Level.YELLOW, COLUMNS[2:3])
        newest = _window(7, self.level, COLUMNS)
        return DriftCheck(
            monitor=monitor, model=NAMES[monitor], level=newest.level, found=newest, windows=(before, newest)
        )

    def create_monitor(self, arguments: Arguments) -> ToolResult:
        self.monitors.append(MONITOR)
        rows, hours = arguments.get("window_rows"), arguments.get("window_hours")
        schedule = arguments.get("schedule")
        return MonitorInfo(
            window=f"{hours} hours" if hours else f"{rows or 500} rows",
            schedule=None if schedule is None else str(schedule),
            next_check=None if schedule is None else "2026-03-02T06:00:00Z",
            retrain=str(arguments.get("retrain", "ask")),
            **_info(MONITOR),
        )

    def monitor_status(self, arguments: Arguments) -> ToolResult:
        chosen = [self._known(arguments)] if arguments.get("monitor") else self.monitors
        return MonitorStatus(monitors=tuple(self._state(monitor) for monitor in chosen))

    def _state(self, monitor: str) -> MonitorState:
        bad = self.level is not Level.GREEN
        line = {"at": "2026-03-01T06:00:00Z", "rows": 200, "labelled": 183, "metric": "roc_auc", "baseline": 0.8634}
        checks = (
            CheckLine(window=5, level=Level.GREEN, drifted=(), value=0.8611, **line),
            CheckLine(window=6, level=Level.YELLOW, drifted=("tenure",) if bad else (), value=0.8034, **line),
            CheckLine(window=7, level=self.level, drifted=("tenure", "Contract") if bad else (), value=0.7113, **line),
        )
        return MonitorState(
            level=self.level,
            checks=checks,
            logged=1455,
            labelled=913,
            waiting_rows=55,
            alerts=ALERTS if bad else (),
            retrainings=(),
            window="200 rows",
            schedule="0 * * * *",
            next_check="2026-03-01T07:00:00Z",
            retrain="ask",
            **_info(monitor),
        )

    def drift_report(self, arguments: Arguments) -> ToolResult:
        plot = arguments.get("plot")
        path = f"monitors/{plot}.svg" if plot else "monitors/report.html"
        return DriftReportFile(
            monitor=self._known(arguments), level=self.level, path=path, shows=f"Plot of {plot}" if plot else "The page"
        )

    def evaluate_actions(self, arguments: Arguments) -> ToolResult:
        monitor = self._known(arguments)
        if self.level is Level.GREEN:
            return ActionAdvice(action="go_on", due=None, retrain=False, **_advice(monitor, Level.GREEN))
        worst = Slice(
            rows_where="Contract = Two year",
            rows=37,
            share=0.2,
            reference_share=0.1,
            error=0.4321,
            error_elsewhere=0.1278,
        )
        features = (
            DriftedFeature(column="tenure", level=Level.RED, since=6, effect=0.3142),
            DriftedFeature(column="Contract", level=Level.ORANGE, since=7, effect=0.1712),
        )
        return ActionAdvice(
            action="roll_back_and_retrain",
            due="2026-03-01T06:00:00Z",
            retrain=True,
            **{
                **_advice(monitor, self.level),
                "reasons": ("3 feature(s) drifted; the policy asks for 3.",),
                "features": features,
                "slices": (worst,),
                "roll_back_to": "mdl_0",
                "next_steps": ("Retrain on the fresh rows.",),
                "retraining": self.begun,
            },
        )

    def retrain_model(self, arguments: Arguments) -> ToolResult:
        monitor = self._known(arguments)
        return Retrained(
            monitor=monitor,
            retraining="ret_77aa77aa77aa",
            champion="mdl_1",
            challenger="mdl_9",
            trained_on="ds_fresh",
            passed=self.wins,
            metric="roc_auc",
            champion_value=0.7113,
            challenger_value=0.8391,
            improvement=(0.0912, 0.1644),
            p_value=0.0012,
            gate_rows=183,
            fresh_rows=731,
            old_rows=5634,
            verdict="The challenger is better." if self.wins else "The challenger is not better for sure.",
            roll_back_to=None,
        )

    def acknowledge_alert(self, arguments: Arguments) -> ToolResult:
        if arguments["alert"] not in (ALERT, "latest"):
            raise NotFound("alert", str(arguments["alert"]), [ALERT])
        until = "2026-03-01T10:00:00Z" if "silence_hours" in arguments else None
        return Acknowledged(alert=ALERTS[0].model_copy(update={"state": "acknowledged"}), silenced_until=until)

    def log_labels(self, arguments: Arguments) -> ToolResult:
        return LabelsLogged(monitor=self._known(arguments), joined=120, changed=3, waiting=7)

    def roll_back_model(self, arguments: Arguments) -> ToolResult:
        name = str(arguments["name"])
        if name not in NAMES.values():
            raise NotFound("model", name, list(NAMES.values()))
        return Promotion(
            model="mdl_0", name=name, version=1, alias=str(arguments.get("alias", "champion")), previous="mdl_1"
        )

    def _known(self, arguments: Arguments) -> str:
        named = str(arguments["monitor"])
        found = [monitor for monitor in self.monitors if named in (monitor, NAMES[monitor])]
        if not found:
            raise NotFound("monitor", named, [NAMES[monitor] for monitor in self.monitors])
        return found[0]


def _found(columns: tuple[DriftedColumn, ...], report: str) -> dict[str, object]:
    findings = ("tenure has drifted.", "A classifier tells the rows apart (AUC 0.91).") if columns else ()
    return {
        "reference_rows": 5634,
        "columns": columns,
        "findings": findings,
        "full": report.replace("html", "json"),
        "report": report,
    }


def _window(number: int, level: Level, columns: tuple[DriftedColumn, ...]) -> WindowFound:
    bad = level is not Level.GREEN
    return WindowFound(
        window=number,
        begins="2026-03-01T05:00:00Z",
        ends="2026-03-01T06:00:00Z",
        labelled=183,
        level=level,
        rows=200,
        action="roll_back_and_retrain" if bad else "go_on",
        due="2026-03-01T06:00:00Z" if bad else None,
        alerts=("slack was told of RED", "email: no address is set") if bad else (),
        performance=(PERFORMANCE,) if bad else (),
        **_found(columns, f"monitors/{number}.html"),
    )


def _info(monitor: str) -> dict[str, object]:
    return {
        "monitor": monitor,
        "name": NAMES[monitor],
        "model": NAMES[monitor],
        "reference": "mdl_1",
        "paused": False,
        "policy": f"monitors/{monitor}/policy.yaml",
    }


def _advice(monitor: str, level: Level) -> dict[str, object]:
    return {
        "monitor": monitor,
        "model": NAMES[monitor],
        "level": level,
        "reasons": (),
        "features": (),
        "slices": (),
        "next_steps": (),
    }


WAITING = RetrainingLine(
    retraining="ret_77aa77aa77aa",
    state="won",
    begun="2026-03-01T06:00:00Z",
    challenger="mdl_9",
    sentence="A better model waits.",
)
