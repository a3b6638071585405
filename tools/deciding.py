"""evaluate_actions: what the policy of a monitor asks for now, and what is wrong where."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.drift.levels import Level
from engine.errors import NotFound, PackageDamaged, SourceNotFound
from engine.monitoring.rules import action_of, should_retrain
from tools.drift import ActionAdvice, DriftedFeature, EvaluateActionsRequest, Slice
from tools.spec import ToolSpec, costs_nothing
from tools.standing import last_measured, level_now, of_present
from tools.watching import retraining_line

if TYPE_CHECKING:
    from datetime import datetime

    from engine.monitoring.records import Check, Monitor, Retraining
    from tools.workshop import Workshop

MOST_FEATURES = 20
MOST_LABELLED = 5_000
MOST_CHECKS = 200
IN_FLIGHT = frozenset({"running", "won"})
TRAINING_ACTIONS = frozenset({"prepare_retraining", "roll_back_and_retrain"})


def evaluate_actions(workshop: "Workshop", request: EvaluateActionsRequest) -> ActionAdvice:
    """Apply the policy to what was seen.

    Raises:
        NotFound: no such monitor.
        BadArguments: the policy file is no policy.
    """
    monitors = workshop.monitoring.monitors
    monitor = monitors.get(request.monitor)
    retrainings = monitors.retrainings.list(monitor.id)
    checks = of_present(monitors.history.history(monitor.id, MOST_CHECKS), retrainings)
    policy = workshop.monitoring.policy(monitor.id)
    level = level_now(checks)
    action, due = action_of(level, policy, _shown_at(checks, level) or workshop.now())
    advice = should_retrain(checks, policy)
    reasons = [*advice.reasons]
    if action.name in TRAINING_ACTIONS:
        reasons.insert(0, f"At {level} the policy says: {action.name.replace('_', ' ')}.")
    flying = _in_flight(retrainings)
    previous = workshop.registry.previous(monitor.model)
    answered = _answered(retrainings, checks)
    retrain = bool(reasons) and monitor.retrain != "never" and answered is None
    if reasons and answered is not None:
        reasons.append(f"Window {answered.window} was answered by a retraining already ({answered.state}).")
    return ActionAdvice(
        monitor=monitor.name,
        model=monitor.model,
        level=level,
        action=action.name,
        due=due.isoformat(timespec="minutes") if due else None,
        retrain=retrain,
        reasons=tuple(reasons),
        features=_features(workshop, monitor, checks),
        slices=worst_slices_of(workshop, monitor),
        retraining=retraining_line(flying) if flying else None,
        roll_back_to=previous.model_id if previous else None,
        next_steps=_next_steps(monitor, level, retrain, flying, can_go_back=previous is not None),
    )


def worst_slices_of(workshop: "Workshop", monitor: "Monitor") -> tuple[Slice, ...]:
    """Where the present model errs most among the newest labelled rows; empty without enough of them."""
    from engine.drift.checking import LEAST_LABELLED, errors_of
    from engine.drift.slices import worst_slices
    from tools.drift_rows import answered_by, from_log, watched

    rows = workshop.monitoring.monitors.windows.recent_labelled(monitor.id, MOST_LABELLED)
    if len(rows) < LEAST_LABELLED:
        return ()
    try:
        model = watched(workshop, rows.model_ids[-1])
        profile = model.profile
    except (NotFound, PackageDamaged, SourceNotFound):
        return ()
    answered = from_log(model, answered_by(rows, rows.model_ids[-1]))
    errors = errors_of(answered.truth, answered.prediction, model.info.task, model.info.threshold)
    known = errors == errors  # what is not known is NaN
    found = worst_slices(answered.frame[known].reset_index(drop=True), errors[known], profile)
    return tuple(
        Slice(
            rows_where=one.where, rows=one.rows, share=one.share, reference_share=one.reference_share, error=one.error,
            error_elsewhere=one.error_elsewhere,
        )
        for one in found
    )  # fmt: skip


def _features(workshop: "Workshop", monitor: "Monitor", checks: "Sequence[Check]") -> tuple[DriftedFeature, ...]:
    if not checks:
        return ()
    history, columns = workshop.monitoring.monitors.history, checks[-1].report.columns
    return tuple(
        DriftedFeature(
            column=name,
            level=columns[name].level,
            since=history.since_when(monitor.id, name) or checks[-1].window,
            effect=columns[name].effect,
        )
        for name in checks[-1].report.drifted[:MOST_FEATURES]
    )


def _shown_at(checks: "Sequence[Check]", level: Level) -> "datetime | None":
    """When the window was checked that gives the level; None before the first."""
    if not checks:
        return None
    measured = None if checks[-1].level == level else last_measured(checks)
    return checks[-1].at if measured is None else measured.revised or measured.at


def _in_flight(retrainings: "Sequence[Retraining]") -> "Retraining | None":
    return next((one for one in reversed(retrainings) if one.state in IN_FLIGHT), None)


def _answered(retrainings: "Sequence[Retraining]", checks: "Sequence[Check]") -> "Retraining | None":
    """A retraining that came to its end and had seen the newest window: the same rows would give the same answer."""
    newest = checks[-1].window if checks else 0
    over = [one for one in retrainings if one.state not in {"running", "failed"} and one.window >= newest]
    return over[-1] if over else None


def _next_steps(
    monitor: "Monitor", level: Level, retrain: bool, flying: "Retraining | None", *, can_go_back: bool
) -> tuple[str, ...]:
    if flying is not None and flying.state == "won":
        return (f"{flying.challenger} won and waits: promote_model makes it the champion.",)
    if flying is not None:
        return ("A retraining is under way: job_status says how far it is.",)
    if retrain:
        compete = f"retrain_model with monitor={monitor.name!r} trains a challenger that competes with the champion."
        back = "roll_back_model gives the name back to the champion before."
        return (compete, back) if can_go_back and level is Level.RED else (compete,)
    if level > Level.GREEN:
        return (f"drift_report with monitor={monitor.name!r} shows what changed.",)
    return ()


TOOLS = (
    ToolSpec(
        name="evaluate_actions",
        description="Say what the policy of a monitor asks for now and why: the action of its level with the date it "
        "is due, whether to retrain, which features drifted since which window, in which slices the model errs most, "
        "and what can be done next. Nothing is changed.",
        request=EvaluateActionsRequest,
        result=ActionAdvice,
        function=evaluate_actions,
        effect="read",
        estimate=costs_nothing,
    ),
)
