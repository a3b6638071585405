"""What a run keeps between its nodes, and what its nodes work with."""

from dataclasses import dataclass
from typing import Any, TypedDict

from langchain_core.language_models import BaseChatModel
from langgraph.runtime import Runtime

from agents.plan import Plan
from graphs.calls import use_tool
from graphs.clock import RunClock
from graphs.events import Emit, unheard
from graphs.run_plan import Outlook
from graphs.run_types import RunRequest
from tools.data import DatasetProfile
from tools.spec import ToolResult
from tools.workshop import Workshop

Json = dict[str, Any]
Update = dict[str, object]


class WorkflowState(TypedDict, total=False):
    """Each value is the JSON of the type named behind it."""

    run: str
    request: Json  # RunRequest
    dataset: str  # a dataset's id
    target: str
    profile: Json  # DatasetProfile
    outlook: Json  # Outlook
    plan: Json  # Plan
    choices: Json  # the arguments that all calls of train_model share
    edition: int  # how often the plan was mended after the training had refused it; jobs that failed keep their names
    next: Json  # those of the next round; empty when there is none
    rounds: list[Json]  # TrainingResult of each round
    results: Json  # by the id of a step that is done: its result
    granted: str  # the token of the approval that the next step has
    outcomes: list[Json]  # StepOutcome of each step after the training, in order
    summary: Json  # RunSummary


@dataclass(frozen=True)
class WorkflowContext:
    """What a run works with in this process."""

    workshop: Workshop
    model: BaseChatModel
    clock: RunClock
    emit: Emit = unheard


Work = Runtime[WorkflowContext]


def request_in(state: WorkflowState) -> RunRequest:
    return RunRequest.model_validate(state["request"])


def profile_in(state: WorkflowState) -> DatasetProfile:
    return DatasetProfile.model_validate(state["profile"])


def outlook_in(state: WorkflowState) -> Outlook:
    return Outlook.model_validate(state["outlook"])


def plan_in(state: WorkflowState) -> Plan:
    return Plan.model_validate(state["plan"])


def use(state: WorkflowState, runtime: Work, tool: str, arguments: Json, call: str | None = None) -> ToolResult:
    """Call a tool under a name made from the run and `call`, so that a replay finds its job."""
    context = runtime.context
    return use_tool(
        context.workshop, tool, arguments, call=f"{state['run']}/{call or tool}", show=call or tool, emit=context.emit
    )
