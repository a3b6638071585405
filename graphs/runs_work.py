"""The work on a run from where its graph stands, and its folder: what `graphs.runs` is made of."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, StateSnapshot

from agents.plan import Plan
from engine.errors import ApprovalNeeded, BadArguments, Fixable, MillwrightError, NotFound
from engine.redaction import scrub
from graphs.clock import RunClock
from graphs.events import ApprovalWanted, Emit, RunFailed, RunFinished, TextDelta
from graphs.plan_store import PlanStore
from graphs.run_types import RunRequest, RunSummary, StepOutcome, Waiting
from graphs.wishes import with_limits
from graphs.workflow import WorkflowContext, build_workflow
from graphs.workflow_state import WorkflowState
from tools import tracing_names as names
from tools.audit import approved
from tools.finding import without_secrets
from tools.sources import known_dataset
from tools.tracing import span
from tools.workshop import Workshop

WORKFLOW = "workflow"
RECORD = f"{WORKFLOW}/request.json"
"""Beside what the training keeps in the folder of the run."""
MOST_STEPS = 200
Graph = CompiledStateGraph[WorkflowState, WorkflowContext, WorkflowState, WorkflowState]
Saver = BaseCheckpointSaver[Any]
Asker = Callable[[Waiting], dict[str, object] | None]
"""Answers what a run waits for; None where nobody is there."""


def work(
    workshop: Workshop, model: BaseChatModel, saver: Saver, run: str, ask: Asker, emit: Emit
) -> RunSummary | Waiting:
    graph = graph_of(saver)
    try:
        with RunClock(folder_of(workshop, run) / WORKFLOW / "clock.json") as clock:
            context = WorkflowContext(workshop=workshop, model=model, clock=clock, emit=emit)
            with span("run", {names.RUN: run}):
                found = _to_the_end(graph, context, run, ask)
    except MillwrightError as error:
        scrub(error)
        if isinstance(error, Fixable) and not graph.get_state(thread_of(run)).interrupts:
            _forget_untrained(workshop, saver, run)
        emit(RunFailed(run=run, code=error.code, sentence=error.sentence, hint=error.hint))
        raise
    if isinstance(found, RunSummary):
        emit(RunFinished(run=run, summary=found.model_dump(mode="json")))
    elif found.step is not None:
        step = found.step
        emit(ApprovalWanted(approval=step.token, tool=step.tool, arguments=step.arguments, why=step.why))
    return found


def _to_the_end(graph: Graph, context: WorkflowContext, run: str, ask: Asker) -> RunSummary | Waiting:
    """Run the graph from where it stands, asking whenever it waits."""
    config = thread_of(run)
    state = graph.get_state(config)
    todo: Any = None if state.values else _begin(context.workshop, run)
    while state.next or not state.values:
        wanted = what_waits(run, state) if state.interrupts else None
        if wanted is not None:
            answer = ask(wanted)
            if answer is None:
                return wanted
            _note(context.workshop, wanted, answer)
            todo = Command(resume={state.interrupts[0].id: answer})
        # every step is on disk before the next begins
        graph.invoke(todo, config, context=context, durability="sync")
        state, todo = graph.get_state(config), None
    if "summary" not in state.values:
        raise ApprovalNeeded(f"The plan of run {run!r} was declined.", "Start a new run with other choices.")
    return summary_in(state)


def _note(workshop: Workshop, wanted: Waiting, answer: dict[str, object]) -> None:
    """Write down that somebody said yes or no to the plan or to a step, before anything follows from it."""
    step, about, decision = wanted.step, {"run": wanted.run, "plan": wanted.plan.hash}, bool(answer["approve"])
    reason = str(answer.get("reason", ""))
    if step is None:
        approved(workshop, wanted.plan.hash, decision, about, reason=reason)
    else:
        approved(workshop, step.token, decision, {**about, "step": step.step}, (step.tool, step.arguments), reason)


def summary_in(state: StateSnapshot) -> RunSummary:
    """The summary of a run that has one, with its plan and what became of its later steps."""
    outcomes = [StepOutcome.model_validate(outcome) for outcome in state.values.get("outcomes", [])]
    kept = {**state.values["summary"], "plan": state.values["plan"], "steps": outcomes}
    return RunSummary.model_validate(kept)


def planned(workshop: Workshop, model: BaseChatModel, saver: Saver, run: str, emit: Emit) -> Plan:
    """Run the graph up to the question whether the plan is right."""
    graph = graph_of(saver)
    try:
        with RunClock(folder_of(workshop, run) / WORKFLOW / "clock.json") as clock:
            context = WorkflowContext(workshop=workshop, model=model, clock=clock, emit=emit)
            state = graph.get_state(thread_of(run))
            todo: Any = None if state.values else _begin(workshop, run)
            if "approve" not in state.next:
                graph.invoke(todo, thread_of(run), context=context, durability="sync", interrupt_before=["approve"])
    except MillwrightError as error:
        if isinstance(error, Fixable):
            _forget_untrained(workshop, saver, run)
        raise
    return Plan.model_validate(graph.get_state(thread_of(run)).values["plan"])


def what_waits(run: str, state: StateSnapshot) -> Waiting | None:
    """What the state of a run asks of a person. A plan that was made to be looked at has not been asked about yet."""
    plan = state.values.get("plan")
    if plan is None or not state.next:
        return None
    if state.next == ("approve",):
        return Waiting(run=run, plan=plan)
    if state.interrupts and state.next == ("gate",):
        return Waiting(run=run, plan=plan, step=state.interrupts[0].value, steps=state.values.get("outcomes", ()))
    return None


def graph_of(saver: Saver) -> Graph:
    return build_workflow().compile(checkpointer=saver)


def thread_of(run: str) -> RunnableConfig:
    return {"configurable": {"thread_id": run}, "recursion_limit": MOST_STEPS}


def _begin(workshop: Workshop, run: str) -> WorkflowState:
    return {"run": run, "request": json.loads((folder_of(workshop, run) / RECORD).read_text())}


# requests and folders


def ready(workshop: Workshop, request: RunRequest, emit: Emit) -> RunRequest:
    """The request as it is kept: with the limits of its goal, and a dataset that is known by its id."""
    request, words = with_limits(request)
    request.check()
    if words:
        emit(TextDelta(text=words))
    _check_kept(request.data)
    known = known_dataset(workshop, request.data)
    # the worker boots while the data is read
    workshop.jobs.warm()
    return request.model_copy(update={"data": known or request.data})


def _check_kept(data: str) -> None:
    """A run keeps its request on disk to go on after a crash, so nothing secret may stand in it.

    Raises:
        BadArguments: `data` is a database URL with a password or parameters.
    """
    shown = without_secrets(data)
    if shown != data:
        raise BadArguments(
            f"A run keeps its request on disk, and {shown!r} was given with a password or parameters.",
            "Import it first, which keeps neither: millwright data import URL --query SQL --target COLUMN; "
            "then run with the dataset's id as --data.",
        )


def must_exist(workshop: Workshop, run: str) -> None:
    if not (folder_of(workshop, run) / RECORD).exists():
        raise NotFound("run", run, sorted(path.parent.parent.name for path in workshop.runs.glob(f"*/{RECORD}")))


def _forget_untrained(workshop: Workshop, saver: Saver, run: str) -> None:
    """Leave nothing of a run that has no training to go on with: a wrong word is mended in a new one.

    One that carries out a plan of a conversation stays, since the plan is mended there.
    """
    if is_untrained(workshop, run) and not PlanStore(workshop.home).has_run(run):
        forget(workshop, saver, run)


def is_untrained(workshop: Workshop, run: str) -> bool:
    """Whether no training has left anything in the folder of the run."""
    return {path.name for path in folder_of(workshop, run).iterdir()} == {WORKFLOW}


def forget(workshop: Workshop, saver: Saver, run: str) -> None:
    saver.delete_thread(run)
    shutil.rmtree(folder_of(workshop, run))


def folder_of(workshop: Workshop, run: str) -> Path:
    # an id is a name, never a path
    return workshop.runs / Path(run).name
