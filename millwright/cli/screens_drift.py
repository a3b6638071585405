"""Drift and monitors as tables and sentences for people."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType

from engine.figures import figure
from millwright.cli.screens import notes, sentences, table

if TYPE_CHECKING:
    from graphs.loop_types import LoopSummary
    from tools.drift import (
        Acknowledged,
        ActionAdvice,
        AlertLine,
        AlertList,
        DriftCheck,
        DriftFound,
        LabelsLogged,
        MonitorInfo,
        MonitorState,
        MonitorStatus,
        ReferenceProfile,
        Retrained,
    )


def reference(found: "ReferenceProfile") -> RenderableType:
    kinds = ", ".join(f"{count} {kind}" for kind, count in found.kinds.items())
    return sentences(f"{found.path}: {found.rows:,} rows, {found.columns} columns ({kinds}), {found.size_mb:.2f} MB")


def check(found: "DriftCheck") -> RenderableType:
    if found.found is None:
        return Group(sentences(f"{found.monitor}: {found.level}. No window was complete."), notes(found.notes))
    parts: list[RenderableType] = [
        sentences(
            f"Window {window.window} ({window.begins} to {window.ends}): {window.level}, {window.rows} rows, "
            f"{window.labelled} labelled; {window.action.replace('_', ' ')}"
            + (f", due {window.due}" if window.due else ""),
            *window.alerts,
        )
        for window in found.windows
    ]
    return Group(*parts, comparison(found.found), notes(found.notes))


def comparison(found: "DriftFound") -> RenderableType:
    head = f"{found.level}: {found.rows:,} rows against {found.reference_rows:,} of the reference"
    rows = ((c.column, c.level, c.test, c.effect, c.psi, _p(c.p)) for c in found.columns)
    drifted = table(("column", "level", "test", ">effect", ">PSI", ">p"), rows) if found.columns else sentences()
    measured = (
        f"{f.metric} {_figure(f.value)} ({f.source}), baseline {_figure(f.baseline)}: {f.level}"
        for f in found.performance
    )
    return Group(sentences(head), drifted, sentences(*measured, *found.findings, "", f"Report: {found.report}"))


def monitor(found: "MonitorInfo") -> RenderableType:
    schedule = f"schedule {found.schedule}, next {found.next_check}" if found.schedule else "no schedule"
    return sentences(
        f"{found.monitor}  {found.name}{' (paused)' if found.paused else ''}",
        f"Watches {found.model}; reference {found.reference}; windows of {found.window}; {schedule}; "
        f"retrain: {found.retrain}",
        f"Policy: {found.policy}",
    )


def status(found: "MonitorStatus") -> RenderableType:
    if not found.monitors:
        return sentences("No monitor yet. Watch a model: millwright monitor create MODEL")
    return Group(*(part for state in found.monitors for part in _state(state)))


def _state(state: "MonitorState") -> Iterable[RenderableType]:
    yield monitor(state)
    yield sentences(
        f"{state.level}; {state.logged:,} predictions logged, {state.labelled:,} labelled, "
        f"{state.waiting_rows:,} not checked yet"
    )
    if state.checks:
        yield table(
            (">window", "at", "level", ">rows", ">labelled", "metric", ">value", ">baseline", "drifted"),
            (
                (c.window, c.at, c.level, c.rows, c.labelled, c.metric, c.value, c.baseline, ", ".join(c.drifted[:5]))
                for c in state.checks
            ),
        )
    if state.alerts:
        yield _alerts(state.alerts)
    if state.retrainings:
        yield table(
            ("retraining", "state", "begun", "challenger", ""),
            ((r.retraining, r.state, r.begun, r.challenger, r.sentence) for r in state.retrainings),
        )
    yield sentences("")


def advice(found: "ActionAdvice") -> RenderableType:
    due = f", due {found.due}" if found.due else ""
    features = table(
        ("feature", "level", ">since window", ">effect"),
        ((f.column, f.level, f.since, f.effect) for f in found.features),
    )
    slices = table(
        ("rows where", ">rows", ">share", ">share before", ">error", ">elsewhere"),
        ((s.rows_where, s.rows, s.share, s.reference_share, s.error, s.error_elsewhere) for s in found.slices),
    )
    head = f"{found.model} is {found.level}: {found.action.replace('_', ' ')}{due}"
    retrain = "Retraining is called for." if found.retrain else "No retraining is called for."
    return Group(
        sentences(head, f"{retrain} {' '.join(found.reasons)}".strip()),
        *([features] if found.features else []),
        *([slices] if found.slices else []),
        sentences("", *found.next_steps),
    )


def retrained(found: "Retrained") -> RenderableType:
    rows = (
        ("champion", found.champion, found.champion_value),
        ("challenger", found.challenger, found.challenger_value),
    )
    return Group(
        table(("", "model", f">{found.metric}"), rows),
        sentences("", found.verdict, f"Trained on {found.trained_on}; judged on {found.gate_rows} rows."),
        notes(found.notes),
    )


def loop(found: "LoopSummary") -> RenderableType:
    lines = sentences(f"{found.level}: {found.outcome.replace('_', ' ')}", found.sentence)
    return lines if found.retrained is None else Group(lines, sentences(""), retrained(found.retrained))


def labels(found: "LabelsLogged") -> RenderableType:
    waiting = f", {found.waiting} wait for their row" if found.waiting else ""
    changed = f" ({found.changed} replaced an earlier one)" if found.changed else ""
    return Group(sentences(f"{found.joined} labels joined{changed}{waiting}."), notes(found.notes))


def alerts(found: "AlertList") -> RenderableType:
    return _alerts(found.alerts) if found.alerts else sentences("No alert.")


def acknowledged(found: "Acknowledged") -> RenderableType:
    silenced = f" Silenced until {found.silenced_until}." if found.silenced_until else ""
    return sentences(f"{found.alert.alert} is {found.alert.state}.{silenced}")


def _alerts(lines: "Iterable[AlertLine]") -> RenderableType:
    return table(
        ("alert", "level", "state", "created", "title", "deliveries"),
        ((a.alert, a.level, a.state, a.created, a.title, "; ".join(a.deliveries)) for a in lines),
    )


def _figure(value: float | None) -> str:
    return "-" if value is None else figure(value)


def _p(value: float | None) -> str:
    return "-" if value is None else f"{value:.2g}"
