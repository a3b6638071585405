"""The plan of a run: the steps that will be taken, with what they are expected to cost."""

from pydantic import BaseModel, ConfigDict

from agents.plan import Plan, Step, StepEstimate
from graphs.pace import Pace
from graphs.run_types import RunRequest
from tools.training import TrainingEstimate


class PlanDecision(BaseModel):
    """A person's answer to a plan; `hash` is that of the plan that was shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    approve: bool
    hash: str
    reason: str = ""


def plan_of(request: RunRequest, estimate: TrainingEstimate) -> Plan:
    """The steps after the analysis; candidates and numbers of variants are decided on the way, by measured scores."""
    pace = Pace(request.budget_seconds)
    first = min(estimate.seconds, pace.for_round(0.0) or estimate.seconds)
    memory = estimate.memory_mb
    named = {"dataset": estimate.dataset, "target": estimate.target, "metric": request.metric or estimate.metric}
    chosen = list(request.models or (row.model for row in estimate.candidates if row.model != "dummy"))
    steps = [
        Step(
            tool="train_model",
            arguments={**named, "models": chosen, "finish": False},
            why=f"Train the candidates and a dummy baseline, judged by {estimate.validation} on the training rows.",
            estimate=StepEstimate(seconds=first, memory_mb=memory),
        )
    ]
    if pace.budget is not None:
        tuning = max(0.0, pace.budget - pace.reserve - first)
        steps.append(
            Step(
                tool="train_model",
                arguments={**named, "trials": "as many as pay", "finish": False},
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
