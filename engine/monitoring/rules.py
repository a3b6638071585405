"""When the findings of checks ask for a retraining, and what is to be done at a level."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean

from engine.drift.levels import Level
from engine.drift.policy import Action, Policy, RetrainRule
from engine.figures import figure
from engine.monitoring.records import Check, PerformanceSummary
from engine.naming import shortened

_ROUNDING = 1e-9
"""A drop of exactly what the policy names is not more than that, whatever the last bit of the division says."""


@dataclass(frozen=True)
class RetrainAdvice:
    """Whether to retrain, and why, in sentences.

    `features` are those at YELLOW or higher in the newest check, the most serious first. `metric` is the mean over the
    last `windows` windows that have one; None where these are fewer than the policy asks for.
    """

    retrain: bool
    reasons: tuple[str, ...]
    features: tuple[str, ...]
    metric: float | None
    baseline: float | None
    windows: int


def should_retrain(checks: Sequence[Check], policy: Policy) -> RetrainAdvice:
    """Judge the checks of a monitor, the newest at the end, by the policy's rule.

    Of the metric only those windows count that the model of the newest check answered: what a model did that was
    replaced since says nothing of the one in its place. Windows whose labels have not come yet are passed over.
    """
    features = checks[-1].report.drifted if checks else ()
    measured = _measured(checks)[-policy.retrain.windows :]
    values = [one.value for one in measured if one.value is not None]
    metric = fmean(values) if len(values) == policy.retrain.windows else None
    reasons = [*_by_features(features, policy.retrain)]
    if metric is not None:
        reasons += _by_metric(metric, measured[-1], policy.retrain)
    baseline = measured[-1].baseline if measured else None
    return RetrainAdvice(bool(reasons), tuple(reasons), features, metric, baseline, len(measured))


def action_of(level: Level, policy: Policy, now: datetime) -> tuple[Action, datetime | None]:
    """What is to be done at a level, and until when; None where the policy sets no date."""
    action = policy.actions.of(level)
    due = None if action.due_hours is None else now + timedelta(hours=action.due_hours)
    return action, due


def _measured(checks: Sequence[Check]) -> list[PerformanceSummary]:
    """What was measured of the model that answers now, by the metric that is measured now."""
    found = [
        check.performance
        for check in checks
        if check.model_id == checks[-1].model_id and check.performance and check.performance.value is not None
    ]
    return [one for one in found if one.metric == found[-1].metric]


def _by_features(features: Sequence[str], rule: RetrainRule) -> list[str]:
    if len(features) < rule.features:
        return []
    return [f"{len(features)} feature(s) drifted: {shortened(features)}; the policy asks for {rule.features}."]


def _by_metric(metric: float, newest: PerformanceSummary, rule: RetrainRule) -> list[str]:
    if newest.baseline is None:
        return []
    worse = newest.baseline - metric if newest.greater_is_better else metric - newest.baseline
    if worse <= rule.drop * abs(newest.baseline) + _ROUNDING:
        return []
    return [
        f"{newest.metric} was {figure(metric)} on average over the last {rule.windows} windows with labels, more than "
        f"{rule.drop:.0%} worse than its baseline of {figure(newest.baseline)}."
    ]
