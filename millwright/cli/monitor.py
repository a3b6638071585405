"""`millwright monitor`: watch a model, and act on what is seen."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from millwright.cli.opening import call, call_job, opened, opened_mind
from millwright.cli.options import Json
from millwright.cli.plain import plain
from millwright.cli.reply import Reply

if TYPE_CHECKING:
    from graphs.loop_types import Proposal

app = typer.Typer(help="Watch a model in use: windows, alerts, retraining.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="MONITOR", help="Monitor id or name.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Budget = Annotated[float, typer.Option(metavar="SECONDS", min=2, help="Wall-clock limit of a retraining.")]


@app.command("create")
def create(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Model id, name, or name@champion.")],
    name: Annotated[str | None, typer.Option(help="Name of the monitor; the model's by default.")] = None,
    rows: Annotated[int | None, typer.Option(min=20, help="Rows of a window; 500 by default.")] = None,
    hours: Annotated[float | None, typer.Option(min=0.01, help="Hours of a window, instead of rows.")] = None,
    schedule: Annotated[
        str | None, typer.Option(metavar="CRON", help="When to check by itself, e.g. '0 * * * *'; needs a worker.")
    ] = None,
    retrain: Annotated[str, typer.Option(help="ask (train a challenger when the policy says so) or never.")] = "ask",
    yes: Yes = False,
    json: Json = False,
) -> Reply:
    """Watch MODEL: from now on its predictions are logged and compared, window by window, with its training rows."""
    from millwright.cli import screens_drift
    from millwright.cli.asking import approved
    from tools.drift import MonitorInfo

    approved(f"Log the predictions of {model} and raise alerts about them?", yes)
    window = {"window_rows": rows, "window_hours": hours, "schedule": schedule, "retrain": retrain}
    with opened() as workshop:
        found = call(workshop, "create_monitor", MonitorInfo, model=model, name=name, **window)
    return Reply(found, lambda console: console.print(screens_drift.monitor(found)), json)


@app.command("status")
def status(
    monitor: Annotated[str | None, typer.Argument(metavar="[MONITOR]", help="All of them by default.")] = None,
    json: Json = False,
) -> Reply:
    """Say where monitors stand: levels, windows, alerts, retrainings."""
    from millwright.cli import screens_drift
    from tools.drift import MonitorStatus

    with opened() as workshop:
        found = call(workshop, "monitor_status", MonitorStatus, monitor=monitor)
    return Reply(found, lambda console: console.print(screens_drift.status(found)), json)


@app.command("check")
def check(monitor: Name, json: Json = False) -> Reply:
    """Check the complete windows now and raise the alerts that follow."""
    from millwright.cli import screens_drift
    from tools.drift import DriftCheck

    with opened() as workshop:
        found = call(workshop, "check_drift", DriftCheck, monitor=monitor)
    return Reply(found, lambda console: console.print(screens_drift.check(found)), json)


@app.command("actions")
def actions(monitor: Name, json: Json = False) -> Reply:
    """Say what the policy asks for, which features drifted since when, and where the model errs most."""
    from millwright.cli import screens_drift
    from tools.drift import ActionAdvice

    with opened() as workshop:
        found = call(workshop, "evaluate_actions", ActionAdvice, monitor=monitor)
    return Reply(found, lambda console: console.print(screens_drift.advice(found)), json)


@app.command("run")
def run(
    monitor: Name,
    budget: Budget = 60.0,
    force: Annotated[bool, typer.Option(help="Train a challenger whatever the policy says.")] = False,
    yes: Yes = False,
    json: Json = False,
) -> Reply:
    """Check, diagnose, decide, retrain, let the challenger compete, ask, promote or roll back, and tell.

    A loop that was cut off, or that waits for a yes, is gone on with.
    """
    from graphs.loop_types import LoopRequest
    from graphs.loops import run_loop
    from millwright.cli import screens_drift
    from millwright.cli.asking import ask, must_be_able_to_ask
    from millwright.cli.listening import Listener, listening

    def approve(proposal: "Proposal") -> bool:
        print(proposal.why, file=sys.stderr)
        must_be_able_to_ask(yes)
        return yes or ask(f"Make {proposal.model} the champion of {proposal.name}?")

    request = LoopRequest(monitor=monitor, budget_seconds=budget, force=force, approve_all=yes)
    with opened() as workshop, opened_mind(workshop) as (_, saver):
        listener = Listener(workshop, budget)
        with listening(listener):
            found = run_loop(workshop, saver, request, approve, listener)
    return Reply(found, lambda console: console.print(screens_drift.loop(found)), json)


@app.command("retrain")
def retrain(monitor: Name, budget: Budget = 60.0, json: Json = False) -> Reply:
    """Train a challenger on old and fresh rows and let it compete with the champion; nothing is promoted."""
    from millwright.cli import screens_drift
    from tools.drift import Retrained

    with opened() as workshop:
        found = call_job(workshop, "retrain_model", Retrained, budget, monitor=monitor, budget_seconds=budget)
    return Reply(found, lambda console: console.print(screens_drift.retrained(found)), json)


@app.command("label")
def label(
    monitor: Name,
    data: Annotated[str, typer.Option(metavar="SOURCE", help="A file or dataset with row ids and labels.")],
    id_column: Annotated[
        str | None, typer.Option(help="Column that holds the row ids; row_id or the training data's by default.")
    ] = None,
    label_column: Annotated[
        str | None, typer.Option(help="Column that holds the labels; the target by default.")
    ] = None,
    json: Json = False,
) -> Reply:
    """Join true values, which may come late and in any order, to the logged predictions."""
    from millwright.cli import screens_drift
    from tools.drift import LabelsLogged

    columns = {"id_column": id_column, "label_column": label_column}
    with opened() as workshop:
        found = call(workshop, "log_labels", LabelsLogged, monitor=monitor, data=data, **columns)
    return Reply(found, lambda console: console.print(screens_drift.labels(found)), json)


@app.command("report")
def report(
    monitor: Name,
    plot: Annotated[
        str | None, typer.Option(help="One SVG instead of the page: drift, performance, or a column's name.")
    ] = None,
    json: Json = False,
) -> Reply:
    """Write the monitor's page: overlays, drift and performance over time, what to do."""
    from tools.drift import DriftReportFile

    with opened() as workshop:
        found = call(workshop, "drift_report", DriftReportFile, monitor=monitor, plot=plot)
    return Reply(found, lambda console: console.print(found.path, soft_wrap=True), json)


@app.command("policy")
def policy(
    monitor: Name,
    file: Annotated[
        Path | None, typer.Option("--set", metavar="FILE.yaml", help="Use this policy from now on.")
    ] = None,
    json: Json = False,
) -> Reply:
    """Show the policy (thresholds, actions, routes of alerts), or set another."""
    from engine.drift.policy import Policy

    with opened() as workshop:
        path = workshop.monitoring.policy_file(monitor)
        if file is not None:
            Policy.load(file).save(path)
        found = Policy.load(path)
    text = path.read_text(encoding="utf-8")
    return Reply(found, lambda console: console.print(plain(f"# {path}\n{text}"), markup=False, highlight=False), json)


@app.command("alerts")
def alerts(
    monitor: Annotated[str | None, typer.Argument(metavar="[MONITOR]", help="All of them by default.")] = None,
    json: Json = False,
) -> Reply:
    """List alerts with what was delivered to whom."""
    from millwright.cli import screens_drift
    from tools.drift import AlertList

    with opened() as workshop:
        found = call(workshop, "list_alerts", AlertList, monitor=monitor)
    return Reply(found, lambda console: console.print(screens_drift.alerts(found)), json)


@app.command("ack")
def acknowledge(
    alert: Annotated[str, typer.Argument(metavar="ALERT", help="Alert id, or 'latest'.")],
    note: Annotated[str, typer.Option(help="What is being done about it.")] = "",
    silence: Annotated[
        float | None, typer.Option(metavar="HOURS", help="Also keep the monitor's alerts below RED quiet so long.")
    ] = None,
    json: Json = False,
) -> Reply:
    """Say that you look after an alert: it is not repeated at the same level."""
    from millwright.cli import screens_drift
    from tools.drift import Acknowledged

    with opened() as workshop:
        found = call(workshop, "acknowledge_alert", Acknowledged, alert=alert, note=note, silence_hours=silence)
    return Reply(found, lambda console: console.print(screens_drift.acknowledged(found)), json)


@app.command("pause")
def pause(monitor: Name, json: Json = False) -> Reply:
    """Stop checking and alerting; predictions are logged all the same."""
    return _set(monitor, True, json)


@app.command("resume")
def resume(monitor: Name, json: Json = False) -> Reply:
    """Go on checking."""
    return _set(monitor, False, json)


def _set(monitor: str, paused: Literal[True, False], json: bool) -> Reply:
    from millwright.cli import screens_drift
    from tools.drift import MonitorInfo

    with opened() as workshop:
        found = call(workshop, "pause_monitor", MonitorInfo, monitor=monitor, paused=paused)
    return Reply(found, lambda console: console.print(screens_drift.monitor(found)), json)
