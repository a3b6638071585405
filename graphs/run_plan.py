"""The plan of a run: the steps that will be taken, with what they are expected to cost."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from agents.plan import Plan, Step, StepEstimate
from engine.families import usual_families
from engine.pixels import kinds_with_pixels
from graphs.pace import Pace
from graphs.run_types import RunRequest
from tools.data import ColumnProfile, DatasetProfile
from tools.training import Task, TrainingEstimate, family_of

USUAL_METRIC = "usual for the task"
"""Stands in a plan where the engine will choose by task and balance of the classes."""


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


def plan_of(request: RunRequest, dataset: str, outlook: Outlook) -> Plan:
    """The steps after the analysis, with all that was chosen: the hash covers it, so an approval does too.

    On the way only the candidates may become fewer; numbers of variants are decided by measured scores.
    """
    pace = Pace(request.budget_seconds)
    first, memory = _shorter(outlook.seconds, pace.for_round(0.0)), outlook.memory_mb
    named: dict[str, object] = {"dataset": dataset, "target": outlook.target}
    named |= {"metric": request.metric or outlook.metric or USUAL_METRIC, "drop": list(request.drop)}
    named |= {"budget_seconds": request.budget_seconds, "max_models": request.max_models, "seed": request.seed}
    models = {"models": list(request.models or outlook.candidates)}
    steps = [
        Step(
            tool="train_model",
            arguments={**named, **models, "finish": False},
            why="Train the candidates and a dummy baseline, judged on training rows held out from each fit.",
            estimate=StepEstimate(seconds=first, memory_mb=memory),
        )
    ]
    if pace.budget is not None and request.max_models is None and pace.another_round(1, first or 0.0):
        tuning = max(0.0, pace.budget - pace.reserve - (first or 0.0))
        steps.append(
            Step(
                tool="train_model",
                arguments={**named, **models, "trials": "as many as pay", "finish": False},
                why="Tune the best family and train again while the validation score gains and time is left.",
                estimate=StepEstimate(seconds=tuning, memory_mb=memory),
            )
        )
    end = Step(
        tool="train_model",
        arguments={**named, "finish": True},
        why="Look at the sealed test rows once, explain, write package and report, register the model.",
        estimate=StepEstimate(seconds=pace.reserve, memory_mb=memory),
    )
    return Plan(goal=request.goal, steps=(*steps, end))


def _shorter(*seconds: float | None) -> float | None:
    return min((known for known in seconds if known is not None), default=None)
