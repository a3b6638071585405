"""Starting a run, and going on with one that a crash, a kill or a question cut off."""

import json
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command

from agents.plan import Plan
from engine.errors import ApprovalNeeded, BadArguments, Fixable, MillwrightError, NotFound
from engine.files import write_json
from graphs.clock import RunClock
from graphs.events import Emit, RunFailed, RunFinished, TextDelta, unheard
from graphs.lease import lease
from graphs.run_plan import PlanDecision
from graphs.run_types import RunRequest, RunSummary
from graphs.wishes import with_limits
from graphs.workflow import WorkflowContext, WorkflowState, build_workflow
from tools.finding import without_secrets
from tools.sources import known_dataset
from tools.workshop import Workshop

__all__ = ["Approve", "RunRequest", "RunSummary", "new_run_id", "resume_run", "start_run"]

WORKFLOW = "workflow"
RECORD = f"{WORKFLOW}/request.json"
"""Beside what the training keeps in the folder of the run."""
MOST_STEPS = 100
Approve = Callable[[Plan], bool]
"""Asked for a yes or no to the plan."""
Graph = CompiledStateGraph[WorkflowState, WorkflowContext, WorkflowState, WorkflowState]


def new_run_id() -> str:
    """A fresh id, e.g. 'run_1b2d4e3f9a0c'."""
    return f"run_{secrets.token_hex(6)}"


def start_run(
    workshop: Workshop,
    model: BaseChatModel,
    saver: BaseCheckpointSaver[Any],
    request: RunRequest,
    run_id: str | None = None,
    approve: Approve | None = None,
    emit: Emit = unheard,
) -> RunSummary:
    """Do the whole job: from a goal and data to a registered model.

    Args:
        run_id: name it in advance, to be able to resume it whatever happens; `new_run_id()` by default.
        approve: asked when the request does not say yes to all; without it such a run waits, to be resumed.

    Raises:
        Fixable: the request cannot be carried out as it is, e.g. TargetNeeded, ColumnNotFound, BadBudget.
        ApprovalNeeded: the plan was declined, or nobody was there to say yes.
        Busy: `run_busy`.
        MillwrightError: anything else that stopped the run; what was finished is kept for `resume_run`.

    Nothing stays of a run that a Fixable ended before its first training, but for one that waits for a yes.
    """
    request, words = with_limits(request)
    request.check()
    if words:
        emit(TextDelta(text=words))
    _check_kept(request.data)
    known = known_dataset(workshop, request.data)
    # the worker boots while the data is read
    workshop.jobs.warm()
    request = request.model_copy(update={"data": known or request.data})
    run = run_id or new_run_id()
    with lease(_folder(workshop, run) / WORKFLOW, "run", run):
        write_json(_folder(workshop, run) / RECORD, request.model_dump(mode="json"))
        return _work(workshop, model, saver, run, approve, emit)


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


def resume_run(
    workshop: Workshop,
    model: BaseChatModel,
    saver: BaseCheckpointSaver[Any],
    run_id: str,
    approve: Approve | None = None,
    emit: Emit = unheard,
) -> RunSummary:
    """Go on with a run where it stopped; finished steps are not repeated. A finished run gives its summary again.

    Raises:
        NotFound: `run_not_found`.
        MillwrightError: as `start_run`.
    """
    if not (_folder(workshop, run_id) / RECORD).exists():
        raise NotFound("run", run_id, sorted(path.parent.parent.name for path in workshop.runs.glob(f"*/{RECORD}")))
    with lease(_folder(workshop, run_id) / WORKFLOW, "run", run_id):
        return _work(workshop, model, saver, run_id, approve, emit)


def _work(
    workshop: Workshop,
    model: BaseChatModel,
    saver: BaseCheckpointSaver[Any],
    run: str,
    approve: Approve | None,
    emit: Emit,
) -> RunSummary:
    graph: Graph = build_workflow().compile(checkpointer=saver)
    try:
        with RunClock(_folder(workshop, run) / WORKFLOW / "clock.json") as clock:
            context = WorkflowContext(workshop=workshop, model=model, clock=clock, emit=emit)
            summary = _to_the_end(graph, context, run, approve)
    except MillwrightError as error:
        if isinstance(error, Fixable) and not graph.get_state(_thread(run)).interrupts:
            _forget_untrained(workshop, saver, run)
        emit(RunFailed(run=run, code=error.code, sentence=error.sentence, hint=error.hint))
        raise
    emit(RunFinished(run=run, summary=summary.model_dump(mode="json")))
    return summary


def _to_the_end(graph: Graph, context: WorkflowContext, run: str, approve: Approve | None) -> RunSummary:
    """Run the graph from where it stands, asking whenever it waits."""
    config = _thread(run)
    state = graph.get_state(config)
    todo: Any = None if state.values else _begin(context.workshop, run)
    while state.next or not state.values:
        if state.interrupts:
            todo = Command(resume={state.interrupts[0].id: _asked(state.interrupts[0].value, approve)})
        # every step is on disk before the next begins
        graph.invoke(todo, config, context=context, durability="sync")
        state, todo = graph.get_state(config), None
    if "summary" not in state.values:
        raise ApprovalNeeded(f"The plan of run {run!r} was declined.", "Start a new run with other choices.")
    return RunSummary.model_validate(state.values["summary"])


def _thread(run: str) -> RunnableConfig:
    return {"configurable": {"thread_id": run}, "recursion_limit": MOST_STEPS}


def _forget_untrained(workshop: Workshop, saver: BaseCheckpointSaver[Any], run: str) -> None:
    """Leave nothing of a run that has no training to go on with: a wrong word is mended in a new one."""
    folder = _folder(workshop, run)
    if {path.name for path in folder.iterdir()} == {WORKFLOW}:
        saver.delete_thread(run)
        shutil.rmtree(folder)


def _begin(workshop: Workshop, run: str) -> WorkflowState:
    return {"run": run, "request": json.loads((_folder(workshop, run) / RECORD).read_text())}


def _asked(question: dict[str, object], approve: Approve | None) -> dict[str, object]:
    plan = Plan.model_validate(question["plan"])
    if approve is None:
        raise ApprovalNeeded(
            "The plan waits for approval, and nobody is here to give it.", "Look at it, then resume the run with a yes."
        )
    return PlanDecision(approve=approve(plan), hash=plan.hash).model_dump()


def _folder(workshop: Workshop, run: str) -> Path:
    # an id is a name, never a path
    return workshop.runs / Path(run).name
