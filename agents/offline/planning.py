"""Plans: made, shown, changed in words, run, and a waiting step answered for."""

import re
from collections.abc import Mapping
from typing import Any

from agents.offline import skills, working_wording
from agents.offline.conversation import Json
from agents.offline.finding import dataset_for, given, target_for
from agents.offline.playing import Play, Request, Told

NO_PLAN = "There is no plan yet. Say for example 'make a plan to predict churn'."
_TAKEN = ("metric", "models", "budget_seconds", "max_models", "drop", "seed")
"""Settings of a training that a plan takes."""
_STEP = re.compile(r"\bstep (?:number )?(\d+)\b", re.IGNORECASE)
_REFUSES = re.compile(r"\b(?:not|don['’]?t|never|decline|reject|refuse|deny|skip|disapprove)\b", re.IGNORECASE)


def make_plan(play: Play, request: Request) -> str:
    """A plan for a goal; where plans are not offered, what the training would take."""
    if "make_plan" not in play.offered and "estimate_training" in play.offered:
        play.remarks.append("I cannot keep a plan here; this is what the training would take.")
        return skills.estimate(play, request)
    dataset, target, chosen = goal_of(play, request)
    arguments = given(goal=request.words, data=dataset, target=target, **chosen)
    return working_wording.planned(play.use_mended("make_plan", **arguments))


def goal_of(play: Play, request: Request) -> tuple[str, str, Json]:
    """Dataset, target and settings that a request for a plan or a crew names."""
    dataset = dataset_for(play, request)
    last = play.known.training or {}
    before = str(last["target"]) if last.get("target") and last.get("dataset") == dataset else None
    target = target_for(play, request, dataset, before)
    chosen = skills.changes(play, request.slots, dataset, {})
    return dataset, target, {name: value for name, value in chosen.items() if name in _TAKEN}


def edit_plan(play: Play, request: Request) -> str:
    """The words go to the plan as they were said: it says itself what it made of them."""
    return working_wording.planned(play.use("edit_plan", plan=_plan(play)["plan"], words=request.words))


def show_plan(play: Play, request: Request) -> str:
    return working_wording.planned(play.use("show_plan", plan=_plan(play)["plan"]))


def run_plan(play: Play, request: Request) -> str:
    """The plan that was shown last, and no later one: its hash says which."""
    plan = _plan(play)
    return working_wording.plan_run(play.use("run_plan", plan=plan["plan"], hash=plan.get("hash")))


def approve_step(play: Play, request: Request) -> str:
    """Yes or no to the step that waits; another one cannot be approved in advance."""
    plan = _plan(play)
    waiting = plan.get("waits_for")
    if not isinstance(waiting, Mapping):
        raise Told("No step of the plan waits for a yes. 'run the plan' begins it; it stops where one is needed.")
    _check_step(request, plan, waiting)
    result = play.use(
        "approve_step",
        plan=plan["plan"],
        step=waiting.get("step"),
        hash=waiting.get("hash"),
        token=waiting.get("token"),
        approve=_REFUSES.search(request.words) is None,
    )
    return working_wording.plan_run(result)


def _check_step(request: Request, plan: Mapping[str, Any], waiting: Mapping[str, Any]) -> None:
    """Refuse a yes to a step that is not the one that waits."""
    named = _STEP.search(request.words)
    numbers = {str(row.get("number")): row.get("id") for row in plan.get("rows") or [] if isinstance(row, dict)}
    if named is None or named.group(1) not in numbers or numbers[named.group(1)] == waiting.get("step"):
        return
    raise Told(f"Step {named.group(1)} does not wait; {waiting.get('step')} ({waiting.get('tool')}) does.")


def _plan(play: Play) -> Mapping[str, Any]:
    if play.known.worked.plan is None:
        raise Told(NO_PLAN)
    return play.known.worked.plan
