"""The pages and plots of drift reports, from what a monitor has seen."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from engine.drift.found import DriftReport
from engine.drift.policy import Policy
from engine.errors import BadChoice
from engine.files import write_atomic
from engine.monitoring.rules import action_of, should_retrain
from tools.drift import Slice
from tools.monitoring import PAGE as PAGE

if TYPE_CHECKING:
    from engine.monitoring.records import Check, Monitor, Retraining
    from engine.registry import ModelRecord
    from engine.report.drift_subject import CheckPoint, DriftSubject
    from tools.workshop import Workshop

MOST_CHECKS = 200
MOST_PAST = 50


def write_page(path: Path, subject: "DriftSubject", checks: Sequence["CheckPoint"] = ()) -> Path:
    """Write a report's page; returns the path."""
    from engine.report.drift import render_drift_report

    write_atomic(path, render_drift_report(subject, checks))
    return path


def once(report: DriftReport, policy: Policy, at: datetime, model: "ModelRecord | None") -> "DriftSubject":
    """The subject of a comparison that no monitor stands behind."""
    from engine.report.drift_subject import DriftSubject

    return DriftSubject(
        at=at,
        report=report,
        policy=policy,
        model_id=model.model_id if model else None,
        model_name=model.name if model else None,
    )


def monitored(
    workshop: "Workshop", monitor: "Monitor", checks: Sequence["Check"], slices: Sequence[Slice] = ()
) -> "DriftSubject":
    """The subject of a monitor at its newest check."""
    from engine.report.drift_subject import Advice, DriftSubject, NextAction, PastAlert, PastRetraining, WorstSlice

    newest, policy = checks[-1], workshop.monitoring.policy(monitor.id)
    action, due = action_of(newest.level, policy, newest.at)
    advice = should_retrain(checks, policy)
    alerts = workshop.monitoring.alerts.list(monitor.id, limit=MOST_PAST)
    return DriftSubject(
        at=newest.revised or newest.at,
        report=newest.report,
        monitor=monitor.name,
        model_id=newest.model_id,
        model_name=monitor.model,
        policy=policy,
        action=NextAction(name=action.name, due=due),
        advice=Advice(retrain=advice.retrain, reasons=advice.reasons),
        slices=tuple(
            WorstSlice(
                where=one.rows_where, rows=one.rows, share=one.share, error=one.error,
                error_elsewhere=one.error_elsewhere,
            )
            for one in slices
        ),
        retrainings=tuple(
            PastRetraining(at=past.begun, state=past.state, sentence=sentence_of(past))
            for past in workshop.monitoring.monitors.retrainings.list(monitor.id)[-MOST_PAST:]
        ),
        alerts=tuple(
            PastAlert(
                at=one.alert.created, level=one.alert.level, sentence=one.alert.title,
                acknowledged_by=one.acknowledgement.who if one.acknowledgement else None,
            )
            for one in alerts
        ),
    )  # fmt: skip


def points(checks: Sequence["Check"]) -> "tuple[CheckPoint, ...]":
    """The windows of a monitor as points in time."""
    from engine.report.drift_subject import CheckPoint

    found = []
    for check in checks:
        report = check.report
        measured = next((one for one in report.performance if one.source == "labels"), None)
        estimated = next((one for one in report.performance if one.source == "estimated"), None)
        either = measured or estimated
        features = [column for column in report.columns.values() if column.role == "feature"]
        found.append(
            CheckPoint(
                number=check.window,
                at=check.at,
                level=check.level,
                metric=either.metric if either else None,
                value=measured.value if measured else None,
                interval=measured.interval if measured else None,
                estimated=estimated.value
                if estimated and (not measured or measured.metric == estimated.metric)
                else None,
                baseline=either.baseline if either else None,
                levels={column.name: column.level for column in features},
                effects={column.name: column.effect for column in features},
                alarms=tuple(alarm.detector for alarm in report.streams if alarm.first is not None),
            )
        )
    return tuple(found)


def plot(folder: Path, checks: Sequence["Check"], what: str) -> tuple[Path, str]:
    """Write one SVG: 'drift' or 'performance' over time, or a column then and now; returns it and what it shows.

    Raises:
        BadChoice: neither of these.
    """
    from engine.report.drift_plots import plot_drift_over_time, plot_overlay, plot_performance_over_time

    columns, name = checks[-1].report.columns, what
    if what == "drift":
        svg, shows = plot_drift_over_time(points(checks)), "levels of the features over the windows"
    elif what == "performance":
        svg, shows = plot_performance_over_time(points(checks)), "the metric over the windows"
    elif what in columns:
        svg, shows = plot_overlay(columns[what]), f"column {what!r} in the reference and in the newest window"
        name = f"column-{list(columns).index(what)}"  # a column's own name may be none for a file
    else:
        raise BadChoice("plot", what, ["drift", "performance", *columns])
    path = folder / "plots" / f"{name}.svg"
    write_atomic(path, svg)
    return path, shows


def sentence_of(past: "Retraining") -> str:
    """How a retraining came out, as its verdict says."""
    verdict = past.verdict or {}
    return str(verdict.get("sentence", ""))
