"""A run: analyse -> plan -> approve -> select -> train -> evaluate -> tune (and train again while it pays) -> report,
then the other steps of the plan one by one: gate (a yes, where the step asks for one) -> act.

State is JSON and holds what must survive a restart; context is given anew each time. A node calls at most one tool
that has an effect, under a name made from the run and the round or step, so a replay finds the job instead of a second.
"""

from collections.abc import Callable
from typing import Any, Literal

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt

from engine.errors import JobFailed
from engine.figures import figure
from graphs.assistant import as_it_is
from graphs.decisions import CHOOSE_MODELS, NEXT_ROUND, gains, last_fit_seconds, model_facts, round_facts
from graphs.events import Artifact, Metric, PlanProposed, TextDelta
from graphs.pace import LEAST_ROUND, Pace
from graphs.planning import Planning, leaks_to_drop
from graphs.proposals import propose
from graphs.run_plan import FINISH, TUNE, PlanDecision, kinds_among, measured, unmeasured
from graphs.run_types import RunRequest, summary_of
from graphs.target import dataset_of
from graphs.wishes import with_choices
from graphs.workflow_state import Json, Update, Work, WorkflowState, outlook_in, plan_in, profile_in, request_in, use
from graphs.workflow_state import WorkflowContext as WorkflowContext
from graphs.workflow_steps import act, gate, next_node, next_step
from tools.data import DatasetProfile
from tools.jobs import CANCELLED_CODE
from tools.training import TrainingEstimate, TrainingResult, ValidationValue

# nodes


def analyse(state: WorkflowState, runtime: Work) -> Update:
    """Import the data, find the target, describe the training rows."""
    context, request = runtime.context, request_in(state)
    dataset, target = dataset_of(context.workshop, context.model, request, state["run"], context.emit)
    profile = use(state, runtime, "profile_dataset", {"dataset": dataset, "target": target})
    assert isinstance(profile, DatasetProfile)
    # a plan that was made before says it all
    whole = request if request.plan is not None else _as_asked(request, profile, runtime)
    found = {"request": whole.model_dump(mode="json"), "profile": profile.model_dump(mode="json")}
    return {"dataset": dataset, "target": target, **found}


def _as_asked(request: RunRequest, profile: DatasetProfile, runtime: Work) -> RunRequest:
    """The request with what only the goal's words say, and without what gives the target away."""
    others = [column for column in profile.columns if column.name != profile.target]
    names = [column.name for column in others]
    whole, words = with_choices(request, names, profile.task, kinds_among(others))
    if words:
        runtime.context.emit(TextDelta(text=words))
    return _without_leaks(whole, profile, runtime)


def _without_leaks(request: RunRequest, profile: DatasetProfile, runtime: Work) -> RunRequest:
    """The request that leaves out what gives the target away, unless the user keeps it; said aloud either way."""
    dropped = leaks_to_drop(profile, request)
    for leak in profile.leaks:
        if leak.column not in request.drop:
            proposed = f"It is left out of the plan; say 'keep {leak.column}' to use it."
            runtime.context.emit(
                TextDelta(text=f"{leak.sentence} {proposed if leak.column in dropped else 'It is used.'}\n")
            )
    return request.model_copy(update={"drop": (*request.drop, *dropped)})


def plan(state: WorkflowState, runtime: Work) -> Update:
    """Say what will be done and what it is expected to cost: from a timed pilot, unless the budget is too short.

    A plan that cannot run is shown to nobody.
    """
    context, request = runtime.context, request_in(state)
    if request.plan is None and Pace(request.budget_seconds).pilot:
        limits = {"budget_seconds": request.budget_seconds, "max_models": request.max_models}
        arguments = {**_choices(state), **limits, "models": request.models, "metric": request.metric}
        estimate = use(state, runtime, "estimate_training", arguments)
        assert isinstance(estimate, TrainingEstimate)
        outlook = measured(estimate)
    else:
        outlook = unmeasured(profile_in(state), request, state["target"])
    found: WorkflowState = {**state, "outlook": outlook.model_dump(mode="json")}
    planning = planning_in(found, context)
    drafted = planning.proposed(request) if request.plan is None else planning.given(request.plan, request)
    context.emit(PlanProposed(run=state["run"], plan=drafted.plan))
    asked = drafted.request.model_dump(mode="json")
    return {"outlook": found["outlook"], "plan": drafted.plan.model_dump(mode="json"), "request": asked}


def planning_in(state: WorkflowState, context: WorkflowContext) -> Planning:
    """All that a plan of this run is made of."""
    return Planning(
        workshop=context.workshop,
        model=context.model,
        dataset=state["dataset"],
        target=state["target"],
        profile=profile_in(state),
        outlook=outlook_in(state),
        emit=context.emit,
    )


def approve(state: WorkflowState, runtime: Work) -> Update:
    """Wait for a person unless the request says yes to all. Runs again from its top, so nothing precedes the wait."""
    proposed = plan_in(state)
    if not request_in(state).approve_all:
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
    context, request = runtime.context, request_in(state)
    seconds = Pace(request.budget_seconds).for_round(context.clock.spent())
    facts = model_facts(request, profile_in(state), outlook_in(state), seconds)
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
    edition = f".{state['edition']}" if state.get("edition") else ""
    try:
        result = use(state, runtime, "train_model", state["next"], call=f"round-{len(rounds) + 1}{edition}")
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
    context, request, rounds = runtime.context, request_in(state), _rounds(state)
    pace = Pace(request.budget_seconds)
    # what the last fit on all rows will take is as good as spent
    spent = context.clock.spent() + last_fit_seconds(rounds[-1])
    # approved is what the plan shows: without the step there are no further rounds
    if not plan_in(state).has(TUNE) or not pace.another_round(len(rounds), spent):
        return {"next": {}}
    seconds = pace.for_round(spent)
    choice = propose(context.model, NEXT_ROUND, round_facts(rounds, seconds, request.goal), context.emit)
    context.emit(TextDelta(text=f"{choice.why}\n"))
    if choice.action == "stop":
        return {"next": {}}
    return {"next": {**state["choices"], "trials": choice.trials, "budget_seconds": seconds}}


def report(state: WorkflowState, runtime: Work) -> Update:
    """The end: one look at the sealed test rows, package, report, registration; then the summary."""
    context, request = runtime.context, request_in(state)
    arguments = {**state["choices"], "finish": True, "name": request.name}
    if _rounds(state)[-1].cancelled:
        # whoever cancelled wants the best so far: no time for anything that has not been fitted
        arguments |= {"budget_seconds": LEAST_ROUND, "max_models": None}
    else:
        arguments["budget_seconds"] = Pace(request.budget_seconds).for_finish(context.clock.spent())
    result = use(state, runtime, "train_model", arguments, call="report")
    assert isinstance(result, TrainingResult)
    summary = summary_of(result, state["run"], context.clock.spent())
    context.emit(Metric(name=summary.metric.name, value=summary.metric.value, rows="test", ci=summary.metric.ci))
    context.emit(Artifact(name="package", path=summary.package))
    context.emit(Artifact(name="report", path=summary.report))
    last = next_step(state) is None
    return {
        "summary": summary.model_dump(mode="json"),
        "results": {FINISH: result.model_dump(mode="json")},
        "outcomes": [],
        "plan": _done(state) if last else state["plan"],
    }


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
    for node in (analyse, plan, approve, select, train, evaluate, tune, report, gate, act):
        graph.add_node(node.__name__, bind(node))
    graph.add_edge(START, "analyse")
    graph.add_edge("analyse", "plan")
    graph.add_edge("plan", "approve")
    graph.add_conditional_edges("approve", bind(after_approve), ["select", END])
    graph.add_edge("select", "train")
    graph.add_edge("train", "evaluate")
    graph.add_conditional_edges("evaluate", bind(after_evaluate), ["tune", "report"])
    graph.add_conditional_edges("tune", bind(after_tune), ["train", "report"])
    for name in ("report", "gate", "act"):
        graph.add_conditional_edges(name, bind(next_node), ["gate", "act", END])
    return graph


# reading the state


def _rounds(state: WorkflowState) -> list[TrainingResult]:
    return [TrainingResult.model_validate(result) for result in state["rounds"]]


def _done(state: WorkflowState) -> Json:
    return plan_in(state).to_state("done").model_dump(mode="json")


def _metric(value: ValidationValue, rows: str) -> Metric:
    return Metric.model_validate({"name": value.name, "value": value.value, "rows": rows})


def _changed(metric: str, gain: float) -> str:
    """'improved rmse by 1.2', whichever way the metric runs."""
    if gain == 0:
        return f"left {metric} as it was"
    return f"{'improved' if gain > 0 else 'worsened'} {metric} by {figure(abs(gain))}"


def _choices(state: WorkflowState) -> Json:
    request = request_in(state)
    named = {"dataset": state["dataset"], "target": state["target"], "drop": request.drop, "seed": request.seed}
    return {**named, "device": request.device, "processes": request.processes}
