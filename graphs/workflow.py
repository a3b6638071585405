"""A run: analyse -> plan -> approve -> select -> train -> evaluate -> tune (and train again while it pays) -> report.

State is JSON and holds what must survive a restart; context is given anew each time. A node calls at most one tool
that has an effect, under a name made from the run and the round, so a replay finds the job instead of a second one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from langchain_core.language_models import BaseChatModel
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt

from agents.plan import Plan
from engine.errors import JobFailed
from engine.figures import figure
from graphs.assistant import as_it_is
from graphs.calls import use_tool
from graphs.clock import RunClock
from graphs.decisions import CHOOSE_MODELS, NEXT_ROUND, gains, last_fit_seconds, model_facts, round_facts
from graphs.events import Artifact, Emit, Metric, PlanProposed, TextDelta, unheard
from graphs.pace import LEAST_ROUND, Pace
from graphs.proposals import propose
from graphs.run_plan import Outlook, PlanDecision, kinds_among, measured, plan_of, unmeasured
from graphs.run_types import RunRequest, summary_of
from graphs.target import dataset_of
from graphs.wishes import with_choices
from tools.data import DatasetProfile
from tools.jobs import CANCELLED_CODE
from tools.spec import ToolResult
from tools.training import TrainingEstimate, TrainingResult, ValidationValue
from tools.workshop import Workshop

Json = dict[str, Any]


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
    next: Json  # those of the next round; empty when there is none
    rounds: list[Json]  # TrainingResult of each round
    summary: Json  # RunSummary


@dataclass(frozen=True)
class WorkflowContext:
    """What a run works with in this process."""

    workshop: Workshop
    model: BaseChatModel
    clock: RunClock
    emit: Emit = unheard


Update = dict[str, object]
Work = Runtime[WorkflowContext]

# nodes


def analyse(state: WorkflowState, runtime: Work) -> Update:
    """Import the data, find the target, describe the training rows."""
    context, request = runtime.context, _request(state)
    dataset, target = dataset_of(context.workshop, context.model, request, state["run"], context.emit)
    profile = _use(state, runtime, "profile_dataset", {"dataset": dataset, "target": target})
    assert isinstance(profile, DatasetProfile)
    others = [column for column in profile.columns if column.name != target]
    whole, words = with_choices(request, [column.name for column in others], profile.task, kinds_among(others))
    if words:
        context.emit(TextDelta(text=words))
    found = {"request": whole.model_dump(mode="json"), "profile": profile.model_dump(mode="json")}
    return {"dataset": dataset, "target": target, **found}


def plan(state: WorkflowState, runtime: Work) -> Update:
    """Say what will be done and what it is expected to cost: from a timed pilot, unless the budget is too short."""
    request = _request(state)
    if Pace(request.budget_seconds).pilot:
        limits = {"budget_seconds": request.budget_seconds, "max_models": request.max_models}
        arguments = {**_choices(state), **limits, "models": request.models, "metric": request.metric}
        estimate = _use(state, runtime, "estimate_training", arguments)
        assert isinstance(estimate, TrainingEstimate)
        outlook = measured(estimate)
    else:
        outlook = unmeasured(_profile(state), request, state["target"])
    proposed = plan_of(request, state["dataset"], outlook)
    runtime.context.emit(PlanProposed(run=state["run"], plan=proposed))
    return {"outlook": outlook.model_dump(mode="json"), "plan": proposed.model_dump(mode="json")}


def approve(state: WorkflowState, runtime: Work) -> Update:
    """Wait for a person unless the request says yes to all. Runs again from its top, so nothing precedes the wait."""
    proposed = Plan.model_validate(state["plan"])
    if not _request(state).approve_all:
        answer: Any = interrupt({"plan": state["plan"]})
        decision = PlanDecision.model_validate(answer)
        if not decision.approve:
            rejected = proposed.to_state("rejected", decision.hash)
            return {"plan": rejected.model_dump(mode="json")}
        proposed = proposed.to_state("approved", decision.hash)
    else:
        proposed = proposed.to_state("approved")
    return {"plan": proposed.to_state("running").model_dump(mode="json")}


def select(state: WorkflowState, runtime: Work) -> Update:
    """Let the model choose candidates and metric; fix what the first round is asked."""
    context, request = runtime.context, _request(state)
    seconds = Pace(request.budget_seconds).for_round(context.clock.spent())
    facts = model_facts(request, _profile(state), Outlook.model_validate(state["outlook"]), seconds)
    # approved is what the plan shows: the model may narrow the candidates, and no more
    choice = propose(context.model, CHOOSE_MODELS, facts, context.emit)
    context.emit(TextDelta(text=f"Candidates: {', '.join(choice.models)}. {choice.why}\n"))
    # the training keeps its work in the run's own folder, so that both have one name
    (context.workshop.runs / state["run"]).mkdir(parents=True, exist_ok=True)
    choices = {**_choices(state), "run": state["run"], "max_models": request.max_models, "finish": False}
    choices |= {"metric": facts["metric"], "models": request.models or choice.models}
    return {"choices": choices, "next": {**choices, "budget_seconds": seconds}, "rounds": []}


def train(state: WorkflowState, runtime: Work) -> Update:
    """One round, as a durable job named by run and round. One cancelled before it began leaves what there is."""
    rounds = state["rounds"]
    try:
        result = _use(state, runtime, "train_model", state["next"], call=f"round-{len(rounds) + 1}")
    except JobFailed as error:
        if error.code != CANCELLED_CODE or not rounds:
            raise
        return {"rounds": [*rounds[:-1], {**rounds[-1], "cancelled": True}], "next": {}}
    return {"rounds": [*rounds, result.model_dump(mode="json")], "next": {}}


def evaluate(state: WorkflowState, runtime: Work) -> Update:
    """Say how the best so far stands against the baseline, and what the round gained."""
    emit, rounds = runtime.context.emit, _rounds(state)
    last = rounds[-1]
    for rows, value in (("baseline", last.baseline), ("validation", last.validation)):
        if value is not None:
            emit(_metric(value, rows))
    if len(rounds) > 1 and last.validation is not None:
        emit(TextDelta(text=f"Round {len(rounds)} {_changed(last.validation.name, gains(rounds)[-1])}.\n"))
    return {}


def tune(state: WorkflowState, runtime: Work) -> Update:
    """Let the model decide whether another round pays; fix what it is asked."""
    context, request, rounds = runtime.context, _request(state), _rounds(state)
    pace = Pace(request.budget_seconds)
    # what the last fit on all rows will take is as good as spent
    spent = context.clock.spent() + last_fit_seconds(rounds[-1])
    if request.max_models is not None or not pace.another_round(len(rounds), spent):
        return {"next": {}}
    seconds = pace.for_round(spent)
    choice = propose(context.model, NEXT_ROUND, round_facts(rounds, seconds, request.goal), context.emit)
    context.emit(TextDelta(text=f"{choice.why}\n"))
    if choice.action == "stop":
        return {"next": {}}
    return {"next": {**state["choices"], "trials": choice.trials, "budget_seconds": seconds}}


def report(state: WorkflowState, runtime: Work) -> Update:
    """The end: one look at the sealed test rows, package, report, registration; then the summary."""
    context, request = runtime.context, _request(state)
    arguments = {**state["choices"], "finish": True, "name": request.name}
    if _rounds(state)[-1].cancelled:
        # whoever cancelled wants the best so far: no time for anything that has not been fitted
        arguments |= {"budget_seconds": LEAST_ROUND, "max_models": None}
    else:
        arguments["budget_seconds"] = Pace(request.budget_seconds).for_finish(context.clock.spent())
    result = _use(state, runtime, "train_model", arguments, call="report")
    assert isinstance(result, TrainingResult)
    summary = summary_of(result, state["run"], context.clock.spent())
    context.emit(Metric(name=summary.metric.name, value=summary.metric.value, rows="test", ci=summary.metric.ci))
    context.emit(Artifact(name="package", path=summary.package))
    context.emit(Artifact(name="report", path=summary.report))
    return {"summary": summary.model_dump(mode="json"), "plan": _done(state)}


# routes


def after_approve(state: WorkflowState, runtime: Work) -> Literal["select", "__end__"]:
    return "__end__" if state["plan"]["state"] == "rejected" else "select"


def after_evaluate(state: WorkflowState, runtime: Work) -> Literal["tune", "report"]:
    """A round that was cancelled, and a last one that gained nothing, are followed by the end."""
    rounds = _rounds(state)
    useless = len(rounds) > 1 and gains(rounds)[-1] <= 0
    return "report" if rounds[-1].cancelled or useless else "tune"


def after_tune(state: WorkflowState, runtime: Work) -> Literal["train", "report"]:
    return "train" if state["next"] else "report"


def build_workflow(bind: Callable[[Any], Any] = as_it_is) -> StateGraph[WorkflowState, WorkflowContext]:
    """The graph, not compiled. `bind` wraps each node and route (the studio gives them their context that way)."""
    graph: StateGraph[WorkflowState, WorkflowContext] = StateGraph(WorkflowState, context_schema=WorkflowContext)
    for node in (analyse, plan, approve, select, train, evaluate, tune, report):
        graph.add_node(node.__name__, bind(node))
    graph.add_edge(START, "analyse")
    graph.add_edge("analyse", "plan")
    graph.add_edge("plan", "approve")
    graph.add_conditional_edges("approve", bind(after_approve), ["select", END])
    graph.add_edge("select", "train")
    graph.add_edge("train", "evaluate")
    graph.add_conditional_edges("evaluate", bind(after_evaluate), ["tune", "report"])
    graph.add_conditional_edges("tune", bind(after_tune), ["train", "report"])
    graph.add_edge("report", END)
    return graph


# reading the state


def _request(state: WorkflowState) -> RunRequest:
    return RunRequest.model_validate(state["request"])


def _profile(state: WorkflowState) -> DatasetProfile:
    return DatasetProfile.model_validate(state["profile"])


def _rounds(state: WorkflowState) -> list[TrainingResult]:
    return [TrainingResult.model_validate(result) for result in state["rounds"]]


def _done(state: WorkflowState) -> Json:
    return Plan.model_validate(state["plan"]).to_state("done").model_dump(mode="json")


def _metric(value: ValidationValue, rows: str) -> Metric:
    return Metric.model_validate({"name": value.name, "value": value.value, "rows": rows})


def _changed(metric: str, gain: float) -> str:
    """'improved rmse by 1.2', whichever way the metric runs."""
    if gain == 0:
        return f"left {metric} as it was"
    return f"{'improved' if gain > 0 else 'worsened'} {metric} by {figure(abs(gain))}"


def _choices(state: WorkflowState) -> Json:
    request = _request(state)
    named = {"dataset": state["dataset"], "target": state["target"], "drop": request.drop, "seed": request.seed}
    return {**named, "device": request.device, "processes": request.processes}


def _use(state: WorkflowState, runtime: Work, tool: str, arguments: Json, call: str | None = None) -> ToolResult:
    context = runtime.context
    return use_tool(
        context.workshop, tool, arguments, call=f"{state['run']}/{call or tool}", show=call or tool, emit=context.emit
    )
