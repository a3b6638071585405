"""The training in the plan of a run: its rounds and its end, with what they are expected to cost."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from agents.plan import Finding, Plan, Step, StepEstimate
from agents.plan_check import PlanProblem
from engine.families import usual_families
from engine.pixels import kinds_with_pixels
from graphs.pace import LEAST_RESERVE, Pace
from graphs.run_types import RunRequest
from tools.data import ColumnProfile, DatasetProfile
from tools.training import Task, TrainingEstimate, family_of

MOST_TRIALS = 20
"""Variants of one round at most."""
TRAIN, TUNE, FINISH = "train", "tune", "finish"
"""The ids of the steps of the training: the first round, the rounds of variants, the end that gives the model."""
SHARED = ("metric", "drop", "budget_seconds", "max_models", "seed", "device", "processes", "name")
"""What all calls of the training share and a plan may change, as the request of the run calls it."""
TOOL = "train_model"


class PlanDecision(BaseModel):
    """A person's answer to a plan; `hash` is that of the plan that was shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    approve: bool
    hash: str
    reason: str = ""


class Outlook(BaseModel):
    """What is expected of a training before it runs; None where it was not measured.

    `candidates` are families with the seconds that all their settings take together.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    target: str
    task: Task | None
    metric: str | None
    rows: int
    features: int
    candidates: dict[str, float | None]
    seconds: float | None = None
    memory_mb: float | None = None


def measured(estimate: TrainingEstimate) -> Outlook:
    """From a timed pilot."""
    families: dict[str, float | None] = {}
    for row in estimate.candidates:
        family = family_of(row.model)
        so_far = families.get(family, 0.0)
        families[family] = None if row.seconds is None or so_far is None else round(so_far + row.seconds, 2)
    families.pop("dummy", None)
    return Outlook(
        **estimate.model_dump(include={"target", "task", "metric", "rows", "features", "seconds", "memory_mb"}),
        candidates=families,
    )


def unmeasured(profile: DatasetProfile, request: RunRequest, target: str) -> Outlook:
    """From the profile alone: where a budget is short, the seconds of a pilot are better spent on training."""
    left_out = {target, *request.drop}
    used = [column for column in profile.columns if column.kind != "identifier" and column.name not in left_out]
    return Outlook(
        target=target,
        task=profile.task,
        metric=request.metric,
        rows=profile.rows,
        features=len(used),
        candidates=dict.fromkeys(request.models or usual_families(kinds_among(used), request.budget_seconds)),
    )


def kinds_among(columns: Sequence[ColumnProfile]) -> set[str]:
    """The kinds of these columns, as `usual_families` takes them."""
    return kinds_with_pixels({column.name: column.kind for column in columns})


def training_steps(
    request: RunRequest, dataset: str, outlook: Outlook, findings: Sequence[Finding] = ()
) -> tuple[Step, ...]:
    """The steps of the training, with all that was chosen: the hash covers it, so an approval does too.

    On the way only the candidates may become fewer; numbers of variants are decided by measured scores.
    """
    pace = Pace(request.budget_seconds)
    models = list(request.models or outlook.candidates)
    first, memory = _shorter(_first_round(outlook, models), pace.for_round(0.0)), outlook.memory_mb
    named = _named(request, dataset, outlook)
    steps = [
        Step(
            id=TRAIN,
            tool=TOOL,
            arguments={**named, "models": models, "finish": False},
            why=f"Train the candidates and a dummy baseline, judged on training rows held out from each fit."
            f"{_left_out(request, findings)}",
            estimate=StepEstimate(seconds=first, memory_mb=memory),
        )
    ]
    counted = request.max_models is not None
    if request.tuning and pace.budget is not None and not counted and pace.another_round(1, 0.0):
        tuning = max(0.0, pace.budget - pace.reserve - (first or 0.0))
        steps.append(
            Step(
                id=TUNE,
                tool=TOOL,
                arguments={**named, "models": models, "trials": MOST_TRIALS, "finish": False},
                why=f"Tune the best family, at most {MOST_TRIALS} variants a round, and train again while the "
                "validation score gains and time is left.",
                estimate=StepEstimate(seconds=tuning, memory_mb=memory),
            )
        )
    end = Step(
        id=FINISH,
        tool=TOOL,
        arguments={**named, "finish": True},
        why="Look at the sealed test rows once, explain, write package and report, register the model.",
        estimate=StepEstimate(seconds=_end(pace, outlook, models), memory_mb=memory),
    )
    return (*steps, end)


def _end(pace: Pace, outlook: Outlook, models: Sequence[str]) -> float | None:
    """Seconds of the end: what is kept for it; without a clock the least that it needs and, since the best is fitted
    once more on all rows, what the slowest candidate took in the pilot. Unknown where that is.
    """
    if pace.budget is not None:
        return pace.reserve
    known = [outlook.candidates.get(name) for name in models]
    if not known or None in known:
        return None
    return round(LEAST_RESERVE + max(seconds for seconds in known if seconds is not None), 2)


def _named(request: RunRequest, dataset: str, outlook: Outlook) -> dict[str, object]:
    named: dict[str, object] = {"dataset": dataset, "target": outlook.target}
    named |= {"metric": request.metric or outlook.metric, "drop": list(request.drop)}
    named |= {"budget_seconds": request.budget_seconds, "max_models": request.max_models, "seed": request.seed}
    usual = RunRequest.model_fields
    chosen = {"device": request.device, "processes": request.processes, "name": request.name}
    return named | {name: value for name, value in chosen.items() if value != usual[name].default}


def _first_round(outlook: Outlook, models: Sequence[str]) -> float | None:
    """Seconds of the first round; of fewer candidates than the pilot timed, what those take."""
    known = [outlook.candidates.get(name) for name in models]
    if set(models) == set(outlook.candidates) or None in known:
        return outlook.seconds
    return round(sum(seconds for seconds in known if seconds is not None), 2)


def _left_out(request: RunRequest, findings: Sequence[Finding]) -> str:
    """Why columns that give the target away are not trained on."""
    leaks = dict.fromkeys(finding.column for finding in findings if finding.column in request.drop)
    names = ", ".join(repr(column[:60]) for column in leaks)
    return f" Left out, since it gives the target away: {names}." if names else ""


def request_of(plan: Plan, before: Plan | None, request: RunRequest) -> RunRequest:
    """The request as `plan` has it: what it says otherwise than `before` (the plan that was made from the request).

    Without `before`, all that the plan says counts.

    Raises:
        BadArguments, BadBudget, BadChoice: a choice that cannot be.
    """
    new, old = _of_training(plan), _of_training(before) if before is not None else {}
    changed = {name: new.get(name) for name in (*SHARED, "models") if before is None or new.get(name) != old.get(name)}
    defaults = {name: RunRequest.model_fields[name].default for name in changed if changed[name] is None}
    if "budget_seconds" in defaults:
        defaults["budget_seconds"] = None
    tuned = request.tuning if before is not None and plan.has(TUNE) == before.has(TUNE) else plan.has(TUNE)
    return RunRequest.of(**{**request.model_dump(), **changed, **defaults, "tuning": tuned})


def _of_training(plan: Plan) -> Mapping[str, object]:
    return next((step.arguments for step in plan.steps if step.tool == TOOL), {})


def shape_problems(plan: Plan, dataset: str, target: str) -> tuple[PlanProblem, ...]:
    """What keeps the steps of a plan from being those of a run: one training of this dataset, and then the rest."""
    places = {step.id: place for place, step in enumerate(plan.steps)}
    problems = [_problem("steps", f"A run needs the step {name!r}, which calls {TOOL}.") for name in _missing(plan)]
    if problems:
        return tuple(problems)
    order = [places[name] for name in (TRAIN, TUNE, FINISH) if name in places]
    if order != list(range(len(order))):
        told = f"The training comes first: {TRAIN}, then {TUNE} where there is one, then {FINISH}."
        problems.append(_problem("steps", told))
    problems += [
        _problem(f"steps[{place}]", "A run trains once; remove this step.")
        for place, step in enumerate(plan.steps)
        if step.tool == TOOL and step.id not in (TRAIN, TUNE, FINISH)
    ]
    first = plan.step(TRAIN).arguments
    for name, wanted in (("dataset", dataset), ("target", target)):
        if first.get(name) != wanted:
            told = f"This run is about {name} {wanted!r}. Make a new plan for another {name}."
            problems.append(_problem(f"steps[{places[TRAIN]}].arguments.{name}", told))
    return (*problems, *_unlike(plan, places))


def _missing(plan: Plan) -> list[str]:
    return [name for name in (TRAIN, FINISH) if not any(s.id == name and s.tool == TOOL for s in plan.steps)]


def _unlike(plan: Plan, places: Mapping[str, int]) -> list[PlanProblem]:
    """Choices in which the calls of the training differ, though they are one training."""
    first = plan.step(TRAIN).arguments
    problems = []
    for name in (TUNE, FINISH):
        step = next((step for step in plan.steps if step.id == name), None)
        for argument in ("dataset", "target", *SHARED) if step is not None else ():
            if step is not None and step.arguments.get(argument) != first.get(argument):
                told = f"It differs from that of the step {TRAIN!r}; all calls of the training share it."
                problems.append(_problem(f"steps[{places[name]}].arguments.{argument}", told))
        wanted = name == FINISH
        if step is not None and step.arguments.get("finish") is not wanted:
            problems.append(_problem(f"steps[{places[name]}].arguments.finish", f"It is {str(wanted).lower()} here."))
    return problems


def _problem(field: str, sentence: str) -> PlanProblem:
    return PlanProblem(field=field, sentence=sentence)


def _shorter(*seconds: float | None) -> float | None:
    return min((known for known in seconds if known is not None), default=None)
