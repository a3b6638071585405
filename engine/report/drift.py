"""The drift report as one HTML page: how bad it is, what to do, and what changed. What comes from data is escaped."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from engine.drift.found import ColumnDrift, DriftReport, ImportanceDrift, Overlay
from engine.drift.levels import Level
from engine.drift.policy import Policy
from engine.report import drift_plots, drift_time_plots, plots
from engine.report import drift_words as said
from engine.report.drawing import short
from engine.report.drift_steps import steps
from engine.report.drift_subject import (
    Advice,
    CheckPoint,
    DriftSubject,
    NextAction,
    PastAlert,
    PastRetraining,
    WorstSlice,
)
from engine.report.render import Drawing
from engine.report.words import count, metric_label, number

__all__ = [
    "Advice",
    "CheckPoint",
    "DriftSubject",
    "NextAction",
    "PastAlert",
    "PastRetraining",
    "WorstSlice",
    "render_drift_report",
]

Past = TypeVar("Past", PastAlert, PastRetraining)
_MOST_OPEN = 12
_MOST_FOLDED = 24
_OPEN_WHEN_ALL_IS_WELL = 4
_MOST_BARS = 15
_MOST_LINES = 40
_MOST_PAST = 60
_LONGEST_NAME = 60
_LONGEST_SENTENCE = 300


def render_drift_report(subject: DriftSubject, checks: Sequence[CheckPoint] = ()) -> str:
    """A page that stands alone: style and plots inside, no script, nothing loaded from elsewhere.

    Args:
        subject: the comparison, and what the monitor around it knows.
        checks: the monitor's windows, the oldest first; empty for two tables compared once.
    """
    report = subject.report
    columns = sorted(report.columns.values(), key=_seriousness)
    drawn = [(column, column.overlay) for column in columns if column.overlay is not None and column.overlay.labels]
    most = _opened(drawn)
    overlays = [_overlay(index, *drawn[index]) for index in range(min(len(drawn), most + _MOST_FOLDED))]
    return (
        _environment()
        .get_template("drift.html.jinja")
        .render(
            subject=subject,
            report=report,
            checks=checks,
            said=said,
            style=Markup("\n".join(drift_plots.style_sheets())),
            cards=_cards(subject),
            steps=steps(subject),
            findings=sorted(report.findings, key=lambda finding: -finding.level.rank),
            columns=columns,
            most_lines=_MOST_LINES,
            opened=overlays[:most],
            folded=overlays[most:],
            not_drawn=len(drawn) - len(overlays),
            over_time=_over_time(checks),
            past=list(reversed(checks))[:_MOST_PAST] if len(checks) > 1 else [],
            performance=_performance(checks),
            importance=_importance(report.importance),
            gauge=_gauge(report, subject.policy),
            leaning=_leaning(report),
            alerts=_newest_first(subject.alerts),
            retrainings=_newest_first(subject.retrainings),
            alphas=_by_level(subject.policy.alpha.model_dump()),
            thresholds=_thresholds(subject.policy),
            actions=_actions(subject.policy),
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
    )
    environment.filters |= {
        "number": number,
        "count": count,
        "metric": metric_label,
        "share": said.share,
        "p": said.p_value,
        "moment": said.moment,
        "name": lambda text: short(text, _LONGEST_NAME),
        "sentence": lambda text: short(text, _LONGEST_SENTENCE),
    }
    return environment


def _seriousness(column: ColumnDrift) -> tuple[int, float, str]:
    return -column.level.rank, -(column.effect or 0.0), column.name


def _opened(drawn: Sequence[tuple[ColumnDrift, Overlay]]) -> int:
    """How many of the plots, the most serious first, lie open."""
    drifted = sum(column.level > Level.GREEN for column, _ in drawn)
    return min(drifted, _MOST_OPEN) or _OPEN_WHEN_ALL_IS_WELL


def _overlay(index: int, column: ColumnDrift, found: Overlay) -> Drawing:
    worst = max(column.findings, key=lambda finding: finding.level.rank, default=None)
    caption = worst.sentence if worst else f"Effect {number(column.effect)}, PSI {number(column.psi)}."
    return Drawing(drift_plots.overlay(f"column-{index}", column, found), caption, small=True)


def _cards(subject: DriftSubject) -> list[tuple[str, str]]:
    """(value, label) of each figure under the headline; first what to do, where that was decided."""
    report = subject.report
    features = sum(column.role == "feature" for column in report.columns.values())
    cards = [
        (f"{len(report.drifted)} of {count(features)}", "features changed"),
        (count(report.rows), f"new rows, against {count(report.reference_rows)} of the reference"),
    ]
    if subject.action:
        cards.insert(0, (said.ACTIONS[subject.action.name], said.due(subject) or "what to do"))
    found = said.best_known(report.performance)
    if found:
        expected = f"; {number(found.baseline)} expected" if found.baseline is not None else ""
        cards.append((number(found.value), f"{metric_label(found.metric)}, {said.source(found)}{expected}"))
    return cards


def _over_time(checks: Sequence[CheckPoint]) -> Drawing | None:
    if len(checks) < 2:
        return None
    shown = checks[-drift_time_plots.MOST_WINDOWS :]
    features = {name for check in shown for name in check.levels}
    left_out = len(features) - drift_time_plots.MOST_FEATURES
    caption = (
        f"Windows {shown[0].number} to {shown[-1].number}, {said.moment(shown[0].at)} to {said.moment(shown[-1].at)}. "
        "Y is YELLOW, O is ORANGE, R is RED, no letter is GREEN; a dash is a feature that was not compared."
        + (f" The {left_out} least changed features are not shown." if left_out > 0 else "")
    )
    return Drawing(drift_time_plots.drift_over_time("drift", checks), caption)


def _performance(checks: Sequence[CheckPoint]) -> Drawing | None:
    if len(checks) < 2 or not drift_time_plots.has_performance(checks):
        return None
    caption = (
        "Dotted is what was expected; thin upright lines are 95 % intervals. Marks at the top are windows in which a "
        "detector on the stream of errors rang."
    )
    return Drawing(drift_time_plots.performance_over_time("performance", checks), caption)


def _importance(found: ImportanceDrift | None) -> Drawing | None:
    if found is None:
        return None
    then, now = found.reference, found.current
    names = sorted({**then, **now}, key=lambda name: (-max(then.get(name, 0.0), now.get(name, 0.0)), name))[:_MOST_BARS]
    if not names:
        return None
    shares = [[side.get(name, 0.0) for name in names] for side in (then, now)]
    return Drawing(drift_plots.paired_shares("importance", names, *shares), "Shares of all importance, then and now.")


def _gauge(report: DriftReport, policy: Policy) -> Drawing | None:
    found = report.multivariate
    if found is None or found.auc is None:
        return None
    drawn = drift_plots.gauge("gauge", found.auc, found.interval, policy.thresholds.domain_auc)
    return Drawing(
        drawn, "The dot is the ROC AUC, the line its 95 % interval, the colours are the levels of the policy."
    )


def _leaning(report: DriftReport) -> Drawing | None:
    columns = report.multivariate.columns[:_MOST_BARS] if report.multivariate else ()
    if not columns:
        return None
    names, shares = zip(*columns, strict=True)
    drawn = plots.bars("leaning", names, shares, label="share", first=False)
    return Drawing(drawn, "The columns by which new rows can be told from reference rows.")


def _newest_first(past: Sequence[Past]) -> list[Past]:
    return sorted(past, key=lambda event: event.at, reverse=True)[:_MOST_PAST]


def _by_level(values: dict[str, float]) -> list[str]:
    return [number(values[level.lower()]) for level in Level if level > Level.GREEN]


def _thresholds(policy: Policy) -> list[tuple[str, list[str]]]:
    return [(said.THRESHOLDS[name], _by_level(values)) for name, values in policy.thresholds.model_dump().items()]


def _actions(policy: Policy) -> list[tuple[Level, str, str, str]]:
    """(level, action, how soon, who is told) of each level."""
    return [
        (
            level,
            said.ACTIONS[policy.actions.of(level).name],
            said.within(policy.actions.of(level).due_hours),
            ", ".join(policy.alerts.channels(level)),
        )
        for level in Level
    ]
