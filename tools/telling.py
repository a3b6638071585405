"""From what a window shows to an alert: who hears of it, and what is told."""

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING

from engine.alerts.message import Alert
from engine.drift.levels import Level
from tools.standing import last_measured, level_now

if TYPE_CHECKING:
    from engine.alerts.records import AlertRecord, Outcome
    from engine.drift.policy import Policy
    from engine.monitoring.records import Check, Monitor
    from tools.workshop import Workshop

MOST_SENTENCES = 5
MOST_CHECKS = 30
"""Newest windows in which labels are looked for that showed what is not over yet."""


def tell_of(
    workshop: "Workshop", monitor: "Monitor", policy: "Policy", check: "Check", due: datetime | None
) -> tuple[str, ...]:
    """Raise the alert of a check, or end the one that is open; what was told to whom, in sentences."""
    if check.level == Level.GREEN:
        if going_on := _not_over(workshop, check):
            return (going_on,)
        return _end(workshop, monitor, f"{monitor.model} is GREEN again in window {check.window}.")
    alert_id = _alert_id(check)
    findings = [finding for finding in check.report.findings if finding.level > Level.GREEN]
    alert = Alert(
        id=alert_id,
        monitor=monitor.id,
        model=monitor.model,
        key=f"drift:{monitor.id}",
        level=check.level,
        title=f"{monitor.model} is {check.level} in window {check.window}",
        sentences=tuple(finding.sentence for finding in findings[:MOST_SENTENCES]),
        action=check.action,
        due=due,
        created=workshop.now(),
        links=workshop.monitoring.links(alert_id),
        figures={"rows": float(check.report.rows), "findings": float(check.findings)},
    )
    return _sentences(workshop.monitoring.alerts.raise_alert(alert, policy.alerts), str(check.level))


def tell_outcome_of(
    workshop: "Workshop", monitor: "Monitor", policy: "Policy", sentence: str, *, resolved: bool, about: str
) -> tuple[str, ...]:
    """Tell how a trouble ended, or that somebody has to decide; what was told to whom, in sentences.

    Trouble that is over is told as such to all who heard of it. Otherwise those hear who hear of its level; a pager,
    which rang for the trouble itself, is left alone.
    """
    if resolved:
        workshop.monitoring.alerts.resolve(f"decision:{monitor.id}", tell=False)
        return _end(workshop, monitor, sentence)
    checks = workshop.monitoring.monitors.history.history(monitor.id, 1)
    level = min(max(checks[-1].level if checks else Level.YELLOW, Level.YELLOW), Level.ORANGE)
    alert = Alert(
        monitor=monitor.id,
        model=monitor.model,
        key=f"{about}:{monitor.id}",
        level=level,
        title=f"{monitor.model}: look at it",
        sentences=(sentence,),
        created=workshop.now(),
    )
    return _sentences(workshop.monitoring.alerts.raise_alert(alert, policy.alerts), "the outcome")


def _not_over(workshop: "Workshop", check: "Check") -> str:
    """Why a GREEN window ends nothing: what labels showed before, or a newer window, in a sentence; '' where it
    does."""
    history = workshop.monitoring.monitors.history.history(check.monitor, MOST_CHECKS)
    others = [one for one in history if one.window != check.window]
    checks = sorted([*others, check], key=lambda one: one.window)
    newest, measured = checks[-1], last_measured(checks)
    if newest.level > Level.GREEN:
        return f"Window {check.window} is GREEN, and window {newest.window} is {newest.level}."
    if measured is None or level_now(checks) == Level.GREEN:
        return ""
    return (
        f"What labels showed in window {measured.window} is not over: window {newest.window} has too few of them yet."
    )


def _end(workshop: "Workshop", monitor: "Monitor", sentence: str) -> tuple[str, ...]:
    """The trouble is over, and so is what was told of it meanwhile. A decision that waits goes on waiting."""
    desk = workshop.monitoring.alerts
    desk.resolve(f"outcome:{monitor.id}", tell=False)
    return _sentences(desk.resolve(f"drift:{monitor.id}", sentence), "the end of the trouble")


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _alert_id(check: "Check") -> str:
    """The same for the same check: one that is cut off and repeated raises its alert once."""
    return "alr_" + _short(f"{check.monitor}/{check.window}/{check.labelled}/{check.level}")


def state_of(record: "AlertRecord") -> str:
    """open, acknowledged or resolved."""
    if record.resolved is not None:
        return "resolved"
    return "open" if record.acknowledgement is None else "acknowledged"


def _sentences(outcome: "Outcome", what: str) -> tuple[str, ...]:
    told = [f"Told {', '.join(outcome.delivered)}: {what}."] if outcome.delivered else []
    quiet = [f"Nobody was told of {what}: {outcome.suppressed.replace('_', ' ')}."] if outcome.suppressed else []
    return (*told, *quiet, *outcome.notes)
