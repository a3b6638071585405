"""The A/B test of a deployment plan."""

import math
import shlex
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import BadArguments
from engine.figures import figure
from engine.qa.trial import Arms, Looks, looks_of, rows_for_means, rows_for_shares
from tools.deploying import DeploymentPlanRequest, TrialPlan

if TYPE_CHECKING:
    from engine.package_info import PackageInfo
    from engine.qa.subject import Unseen
    from engine.registry import ModelRecord

TWO_POINTS = 0.02
TENTH = 0.1
DAYS_OF_A_WEEK = 7


def trial_of(
    request: DeploymentPlanRequest, record: "ModelRecord", info: "PackageInfo", unseen: "Unseen | None"
) -> TrialPlan | None:
    """The A/B test of a model against the one in use; None where it is not known how well the model does.

    Raises:
        BadArguments: a difference that two shares cannot have.
    """
    made = _trial(request, info, unseen)
    return None if made is None else made.model_copy(update={"commands": _commands(record)})


def _trial(request: DeploymentPlanRequest, info: "PackageInfo", unseen: "Unseen | None") -> TrialPlan | None:
    looks = looks_of(request.looks, power=request.power, alpha=request.alpha)
    if info.task == "regression":
        return _of_errors(request, info, unseen, looks)
    return _of_shares(request, info, unseen, looks)


def _of_shares(
    request: DeploymentPlanRequest, info: "PackageInfo", unseen: "Unseen | None", looks: Looks
) -> TrialPlan | None:
    expected = right_share(info, unseen)
    if expected is None:
        return None
    detect = request.detect or TWO_POINTS
    others = [other for other in (expected - detect, expected + detect) if 0 <= other <= 1]
    if not others:
        raise BadArguments(
            f"The share of right answers is {figure(round(expected, 4))}: it cannot differ by {figure(detect)}.",
            "Give `detect` as a share, e.g. 0.02 for two points.",
        )
    arms = max(
        (
            rows_for_shares(expected, other, share=request.share, power=request.power, alpha=request.alpha)
            for other in others
        ),
        key=lambda one: one.a,
    )
    return _plan(request, info, looks, arms, expected=expected, deviation=None, detect=detect)


def _of_errors(
    request: DeploymentPlanRequest, info: "PackageInfo", unseen: "Unseen | None", looks: Looks
) -> TrialPlan | None:
    if unseen is None:
        return None
    errors = np.abs(unseen.answers - unseen.y)
    expected, deviation = float(errors.mean()), float(errors.std(ddof=1)) if len(errors) > 1 else 0.0
    detect = request.detect or TENTH * expected
    if not (detect > 0 and deviation > 0 and math.isfinite(deviation)):
        return None
    arms = rows_for_means(detect, deviation, share=request.share, power=request.power, alpha=request.alpha)
    return _plan(request, info, looks, arms, expected=expected, deviation=deviation, detect=detect)


def right_share(info: "PackageInfo", unseen: "Unseen | None") -> float | None:
    """The share of right answers on unseen rows, else as recorded of the sealed test rows."""
    from engine.metrics import METRICS, score

    if unseen is not None:
        return score(METRICS["accuracy"], unseen.y, unseen.answers, info.threshold)
    return info.metric.value if info.metric.name == "accuracy" else info.metric.others.get("accuracy")


def _plan(
    request: DeploymentPlanRequest,
    info: "PackageInfo",
    looks: Looks,
    arms: Arms,
    *,
    expected: float,
    deviation: float | None,
    detect: float,
) -> TrialPlan:
    shares = info.task != "regression"
    rows_a, rows_b = (math.ceil(rows * looks.factor - 1e-9) for rows in (arms.a, arms.b))
    days = (rows_a + rows_b) / request.rows_per_day
    return TrialPlan(
        measure="share of right answers" if shares else "mean absolute error",
        expected=expected,
        deviation=deviation,
        detect=detect,
        share=request.share,
        rows_a=rows_a,
        rows_b=rows_b,
        days=round(days, 3),
        bounds=tuple(round(bound, 4) for bound in looks.bounds),
        method=_method(request, shares),
        stop_rules=_stop_rules(request, looks, rows_a, rows_b),
        commands=(),
        note=_note(info, days),
    )


def _commands(record: "ModelRecord") -> tuple[str, ...]:
    new, used = (shlex.quote(f"{record.name}@{alias}") for alias in ("challenger", "champion"))
    return (
        f"millwright models promote {shlex.quote(record.model_id)} --alias challenger",
        f"millwright predict --model {used} --data rows_a.csv --out answers_a.csv",
        f"millwright predict --model {new} --data rows_b.csv --out answers_b.csv",
    )


def _method(request: DeploymentPlanRequest, shares: bool) -> str:
    test = "z-test of two shares" if shares else "t-test of two means of absolute errors"
    head = f"two-sided {test}, alpha {request.alpha:g}, power {request.power:g}"
    if request.looks == 1:
        return f"{head}; one look, at the end"
    return f"{head}; {request.looks} looks at equal distances with O'Brien-Fleming bounds"


def _stop_rules(request: DeploymentPlanRequest, looks: Looks, rows_a: int, rows_b: int) -> tuple[str, ...]:
    whole = f"{rows_a:,} rows of the model in use and {rows_b:,} of the new one"
    if request.looks == 1:
        rules = (
            f"Look once, when {whole} have their true values: |z| of {looks.bounds[0]:.3f} or more is a difference.",
            "Do not stop earlier because a difference shows: looking again and again finds one by chance.",
        )
    else:
        at = ", ".join(
            f"{look / request.looks:.0%} of the rows: |z| of {bound:.3f}"
            for look, bound in enumerate(looks.bounds, start=1)
        )
        rules = (f"All in all {whole}. Stop at {at} or more.", "Between these looks, do not look.")
    return (
        *rules,
        "Stop at once on errors or answers that are not numbers, whatever the figures say, and roll back.",
        "Who calls divides the rows: each user or subject stays with one model, drawn at random before its first "
        "answer; Millwright does not divide traffic by itself.",
    )


def _note(info: "PackageInfo", days: float) -> str:
    name = info.metric.name
    said = [
        f"Rows count when their true value is known; at this traffic that is {figure(round(days, 2))} days of rows."
    ]
    if days < DAYS_OF_A_WEEK:
        said.append("Let it run for a whole week all the same: weekdays and weekends differ.")
    if name not in {"accuracy", "mae"}:
        stand_in = "the mean absolute error" if info.task == "regression" else "the share of right answers"
        said.append(f"{name} is one figure of many rows, which two groups of rows cannot be tested by: {stand_in} is.")
    return " ".join(said)
