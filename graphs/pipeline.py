"""A pipeline: load -> preprocess -> train -> validate, again while validation fails and attempts remain -> finish.

Every node leaves a named checkpoint: load, preprocess-1, train-1, validate-1, preprocess-2 ... finish. State is JSON
and holds what must survive a restart. A node calls at most one tool that has an effect beyond the import of the data,
under a name made from run and attempt, so a replay finds the job instead of a second one. Routes look at the state
alone: a branch asks them again with a changed request.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from langchain_core.language_models import BaseChatModel
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from engine.errors import BadArguments
from engine.figures import figure
from graphs.assistant import as_it_is
from graphs.calls import use_tool
from graphs.clock import RunClock
from graphs.events import Artifact, Emit, Metric, TextDelta, unheard
from graphs.pace import LEAST_ROUND, Pace
from graphs.pipeline_checks import Measure, judged, measured_gain
from graphs.pipeline_columns import columns_of, in_words, kinds_in, kinds_of, leaks_of, left_out
from graphs.pipeline_end import summary_of
from graphs.pipeline_fits import count, find, folder_of, inputs, models_of, note, take_over
from graphs.pipeline_retry import RETRY, base_of, best_of, next_setup, retry_facts, trained_leaks
from graphs.pipeline_types import Attempt, PipelineRequest, Prepared, RetryProposal, Setup
from graphs.proposals import propose
from graphs.run_plan import kinds_among
from graphs.run_types import SummaryRow
from graphs.target import IMPORT_FIELDS, dataset_of
from graphs.wishes import with_choices
from tools.data import DatasetProfile, DatasetSummary
from tools.spec import ToolResult
from tools.training import TrainingResult
from tools.workshop import Workshop

SHARE = 0.6
"""Share of the time that is left which an attempt may use while others may follow."""

Json = dict[str, Any]


class PipelineState(TypedDict, total=False):
    """Each value is the JSON of the type named behind it."""

    run: str
    lineage: list[str]  # this run and those it branches from, the nearest first
    branch: Json | None  # Branch
    request: Json  # PipelineRequest
    changed: list[str]  # fields that the user changed at the branch; empty once an attempt was prepared with them
    dataset: str  # a dataset's id, as loaded
    target: str
    profile: Json  # DatasetProfile, as loaded
    kinds: Json  # kinds that the data was loaded with
    prepared: Json  # Prepared, of the current attempt
    stopped: str  # why no further attempt is made
    training: Json  # TrainingResult of the current attempt
    taken_over: int
    attempts: list[Json]  # Attempt, those that were validated
    trail: list[str]  # names of the checkpoints so far
    summary: Json  # PipelineSummary


@dataclass(frozen=True)
class PipelineContext:
    """What a pipeline works with in this process."""

    workshop: Workshop
    model: BaseChatModel
    clock: RunClock
    emit: Emit = unheard
    measure: Measure = measured_gain


Update = dict[str, object]
Work = Runtime[PipelineContext]

# nodes


def load(state: PipelineState, runtime: Work) -> Update:
    """Import the data, find the target, describe the training rows."""
    context, request = runtime.context, _request(state)
    dataset, target = dataset_of(context.workshop, context.model, request, state["run"], context.emit)
    profile = _profiled(state, runtime, dataset, target)
    others = [column for column in profile.columns if column.name != target]
    whole, words = with_choices(request, [column.name for column in others], profile.task, kinds_among(others))
    if words:
        context.emit(TextDelta(text=words))
    found = {"request": whole.model_dump(mode="json"), "profile": profile.model_dump(mode="json")}
    trail = {"trail": [*state.get("trail", []), "load"], "kinds": dict(request.kinds), "attempts": []}
    return {"dataset": dataset, "target": target, **found, **trail}


def preprocess(state: PipelineState, runtime: Work) -> Update:
    """Decide what this attempt trains on; after a failed one, what is changed and why."""
    attempts, emit = _attempts(state), runtime.context.emit
    name = {"trail": [*state["trail"], f"preprocess-{len(attempts) + 1}"], "changed": []}
    change = _change(state, runtime) if attempts else None
    if change is not None and change.action == "stop":
        return {**name, "stopped": change.why}
    before = base_of(attempts).prepared.setup if attempts else Setup()
    prepared = _prepared(state, runtime, next_setup(before, change), change)
    told = attempts[-1].prepared.decisions if attempts else ()
    title = f"Attempt {len(attempts) + 1}: {_in_words(change, state)}\n"
    emit(TextDelta(text=title + in_words(prepared.decisions, told)))
    return {**name, "prepared": prepared.model_dump(mode="json"), "training": {}}


def train(state: PipelineState, runtime: Work) -> Update:
    """Train the candidates as a durable job. Fits of the same inputs that are finished already are taken over."""
    context, request, prepared = runtime.context, _request(state), Prepared.model_validate(state["prepared"])
    number, setup = len(state["attempts"]) + 1, prepared.setup
    run, lineage, workshop = state["run"], state["lineage"], context.workshop
    whole = inputs(request, prepared, state["target"], setup.trials_before + setup.trials)
    exact = find(workshop, lineage, whole)
    source = exact or find(workshop, lineage, inputs(request, prepared, state["target"], setup.trials_before))
    folder = folder_of(workshop, run, number)
    if source is not None:
        take_over(source, folder)
    folder.mkdir(parents=True, exist_ok=True)
    taken_over = count(source) if source is not None else 0
    seconds = _seconds(request, context.clock, number, setup)
    trials = 0 if exact is not None else setup.trials
    arguments = {**_choices(state, folder.name), "finish": False, "trials": trials, "budget_seconds": seconds}
    result = _use(state, runtime, "train_model", arguments, f"train-{number}")
    assert isinstance(result, TrainingResult)
    note(workshop, run, whole, number)
    return {
        "training": result.model_dump(mode="json"),
        "taken_over": taken_over,
        "changed": [],
        "trail": [*state["trail"], f"train-{number}"],
    }


def validate(state: PipelineState, runtime: Work) -> Update:
    """Judge the attempt by what the request demands, on rows held out from its fits."""
    context, request = runtime.context, _request(state)
    result, prepared = TrainingResult.model_validate(state["training"]), Prepared.model_validate(state["prepared"])
    gain = None
    if request.checks.beats_baseline and result.validation is not None and result.baseline is not None:
        gain = context.measure(context.workshop, result, request.seed)
    number = len(state["attempts"]) + 1
    unjudged = Attempt(
        number=number, prepared=prepared, run=result.run, task=result.task, gain=gain, best=result.best,
        metric=result.validation.name if result.validation else None,
        score=result.validation.value if result.validation else None,
        baseline=result.baseline.value if result.baseline else None,
        leaderboard=tuple(SummaryRow(**row.model_dump(include=_ROW)) for row in result.leaderboard),
        taken_over=state["taken_over"], checks=(), cancelled=result.cancelled, seconds=result.seconds,
        cut=any(row.status in {"stopped", "skipped"} for row in result.leaderboard),
    )  # fmt: skip
    checks = judged(request.checks, result, gain, trained_leaks(unjudged), frozenset(request.keep))
    attempt = unjudged.model_copy(update={"checks": checks})
    _tell(attempt, context.emit)
    return {
        "attempts": [*state["attempts"], attempt.model_dump(mode="json")],
        "trail": [*state["trail"], f"validate-{number}"],
    }


def finish(state: PipelineState, runtime: Work) -> Update:
    """The end: one look at the sealed test rows, package, report, registration; none of it when no attempt passed."""
    context, request, attempts = runtime.context, _request(state), _attempts(state)
    last = attempts[-1]
    result = None
    if last.passed or request.keep_best:
        result = _packaged(state, runtime, last if last.passed else best_of(attempts))
    summary = summary_of(
        attempts, result, run=state["run"], branch=state["branch"], target=state["target"],
        trail=[*state["trail"], "finish"], stopped=state.get("stopped", ""), attempts_allowed=request.attempts,
        spent=context.clock.spent(),
    )  # fmt: skip
    if summary.metric is not None and summary.package is not None and summary.report is not None:
        metric = summary.metric
        context.emit(Metric(name=metric.name, value=metric.value, rows="test", ci=metric.ci))
        context.emit(Artifact(name="package", path=summary.package))
        context.emit(Artifact(name="report", path=summary.report))
    context.emit(TextDelta(text=f"{summary.why}\n"))
    return {"summary": summary.model_dump(mode="json"), "trail": [*state["trail"], "finish"]}


# routes


def after_preprocess(state: PipelineState) -> Literal["train", "finish"]:
    return "finish" if state.get("stopped") else "train"


def after_validate(state: PipelineState) -> Literal["preprocess", "finish"]:
    """Another attempt while validation fails and attempts remain. Who cancelled wants no further one."""
    last = _attempts(state)[-1]
    over = last.passed or last.cancelled or last.number >= _request(state).attempts
    return "finish" if over else "preprocess"


def build_pipeline(bind: Callable[[Any], Any] = as_it_is) -> StateGraph[PipelineState, PipelineContext]:
    """The graph, not compiled. `bind` wraps each node (the studio gives them their context that way)."""
    graph: StateGraph[PipelineState, PipelineContext] = StateGraph(PipelineState, context_schema=PipelineContext)
    for node in (load, preprocess, train, validate, finish):
        graph.add_node(node.__name__, bind(node))
    graph.add_edge(START, "load")
    graph.add_edge("load", "preprocess")
    graph.add_conditional_edges("preprocess", after_preprocess)
    graph.add_edge("train", "validate")
    graph.add_conditional_edges("validate", after_validate)
    graph.add_edge("finish", END)
    return graph


# what the nodes share

_ROW = {"model", "validation", "seconds"}


def _request(state: PipelineState) -> PipelineRequest:
    return PipelineRequest.model_validate(state["request"])


def _attempts(state: PipelineState) -> list[Attempt]:
    return [Attempt.model_validate(attempt) for attempt in state["attempts"]]


def _change(state: PipelineState, runtime: Work) -> RetryProposal | None:
    """What the model proposes to change; None where the user has changed something at a branch."""
    if state.get("changed"):
        return None
    context, request = runtime.context, _request(state)
    profile = DatasetProfile.model_validate(state["profile"])
    pace = Pace(request.budget_seconds)
    seconds = None if pace.budget is None else max(0.0, pace.budget - context.clock.spent() - pace.reserve)
    kinds = kinds_among([column for column in profile.columns if column.name != state["target"]])
    return propose(context.model, RETRY, retry_facts(request, _attempts(state), kinds, seconds), context.emit)


def _in_words(change: RetryProposal | None, state: PipelineState) -> str:
    if change is None:
        changed = ", ".join(state.get("changed") or ())
        return f"changed by you: {changed}." if changed and state["attempts"] else "what the training rows show."
    named = ", ".join((*change.columns, *change.models)) or (str(change.trials) if change.trials else "")
    return f"{change.action.replace('_', ' ')} {named}".strip() + f". {change.why}"


def _prepared(state: PipelineState, runtime: Work, setup: Setup, change: RetryProposal | None) -> Prepared:
    request = _request(state)
    loaded = DatasetProfile.model_validate(state["profile"])
    kinds = kinds_of(loaded, request)
    dataset, profile = state["dataset"], loaded
    if kinds_in(kinds) != state["kinds"]:
        dataset = _imported_again(state, runtime, kinds_in(kinds))
        profile = _profiled(state, runtime, dataset, state["target"])
    columns = columns_of(profile, request, setup)
    return Prepared(
        dataset=dataset, decisions=(*kinds, *columns), drop=left_out(columns), leaks=leaks_of(profile), setup=setup,
        change=change,
    )  # fmt: skip


def _imported_again(state: PipelineState, runtime: Work, kinds: Json) -> str:
    """The same data with other kinds. The same rows are sealed, as source, target, split and seed are the same.

    Raises:
        BadArguments: the source has changed since it was loaded.
    """
    request = _request(state)
    named = {"source": request.data, "target": state["target"], **request.model_dump(include=IMPORT_FIELDS)}
    again = _use(state, runtime, "import_dataset", {**named, "kinds": state["kinds"]}, "import-again")
    assert isinstance(again, DatasetSummary)
    if again.dataset != state["dataset"]:
        raise BadArguments(
            f"{request.data!r} is not what it was when it was loaded.", "Start a new pipeline on what it holds now."
        )
    found = _use(state, runtime, "import_dataset", {**named, "kinds": kinds}, "import-with-kinds")
    assert isinstance(found, DatasetSummary)
    return found.dataset


def _profiled(state: PipelineState, runtime: Work, dataset: str, target: str) -> DatasetProfile:
    profile = _use(state, runtime, "profile_dataset", {"dataset": dataset, "target": target}, "profile_dataset")
    assert isinstance(profile, DatasetProfile)
    return profile


def _seconds(request: PipelineRequest, clock: RunClock, number: int, setup: Setup) -> float | None:
    """What an attempt may take: all that is left for the last one, a share of it while others may follow."""
    left = Pace(request.budget_seconds).for_round(clock.spent())
    if left is None or number >= request.attempts or setup.longer:
        return left
    return max(LEAST_ROUND, SHARE * left)


def _choices(state: PipelineState, run: str) -> Json:
    """What all calls of train_model for one attempt share."""
    request, prepared = _request(state), Prepared.model_validate(state["prepared"])
    named = {"dataset": prepared.dataset, "target": state["target"], "drop": prepared.drop, "run": run}
    asked = request.model_dump(mode="json", include={"task", "metric", "max_models", "seed", "device", "processes"})
    return {**asked, **named, "models": models_of(request, prepared)}


def _packaged(state: PipelineState, runtime: Work, attempt: Attempt) -> TrainingResult:
    """The model of an attempt, in this run's own folder: a branch takes the fits over and leaves the other's alone."""
    context, request = runtime.context, _request(state)
    folder = folder_of(context.workshop, state["run"], attempt.number)
    take_over(context.workshop.runs / attempt.run, folder)
    of_attempt: PipelineState = {**state, "prepared": attempt.prepared.model_dump(mode="json")}
    seconds = Pace(request.budget_seconds).for_finish(context.clock.spent())
    arguments = {**_choices(of_attempt, folder.name), "finish": True, "name": request.name, "budget_seconds": seconds}
    if attempt.cancelled:
        # whoever cancelled wants the best so far: no time for anything that has not been fitted
        arguments |= {"budget_seconds": LEAST_ROUND, "max_models": None}
    result = _use(state, runtime, "train_model", arguments, "finish")
    assert isinstance(result, TrainingResult)
    return result


def _tell(attempt: Attempt, emit: Emit) -> None:
    for rows, value in (("baseline", attempt.baseline), ("validation", attempt.score)):
        if value is not None:
            emit(Metric.model_validate({"name": attempt.metric, "value": value, "rows": rows}))
    score = "no score" if attempt.score is None else f"{attempt.metric} {figure(attempt.score)}"
    lines = [f"  {'passed' if check.passed else 'FAILED'} {check.name}: {check.why}" for check in attempt.checks]
    emit(TextDelta(text="\n".join([f"Validation of attempt {attempt.number}: {attempt.best}, {score}.", *lines, ""])))


def _use(state: PipelineState, runtime: Work, tool: str, arguments: Json, call: str) -> ToolResult:
    context = runtime.context
    return use_tool(context.workshop, tool, arguments, call=f"{state['run']}/{call}", show=call, emit=context.emit)
