"""Starting a research, and going on with one that a crash or a kill cut off."""

import json
import secrets
import shutil
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph.state import CompiledStateGraph

from agents.budget import RUN, account
from agents.budget_work import paid_by
from engine.errors import BadArguments, Busy, Fixable, MillwrightError, NotFound
from engine.files import write_json
from engine.redaction import scrub
from graphs.clock import RunClock
from graphs.documents import Search
from graphs.events import Emit, RunFailed, RunFinished, unheard
from graphs.lease import lease
from graphs.research import ResearchContext, ResearchState, build_research
from graphs.research_types import MOST_ROUTES, ResearchRequest, ResearchSummary
from tools import tracing_names as names
from tools.finding import without_secrets
from tools.tracing import span
from tools.workshop import Workshop

RESEARCH = "research"
RECORD = f"{RESEARCH}/request.json"
MOST_STEPS = 150
Graph = CompiledStateGraph[ResearchState, ResearchContext, ResearchState, ResearchState]


def new_research_id() -> str:
    """A fresh id, e.g. 'run_1b2d4e3f9a0c'."""
    return f"run_{secrets.token_hex(6)}"


def start_research(
    workshop: Workshop,
    model: BaseChatModel,
    saver: BaseCheckpointSaver[Any],
    request: ResearchRequest,
    *,
    search: Search | None = None,
    run_id: str | None = None,
    most_routes: int = MOST_ROUTES,
    emit: Emit = unheard,
) -> ResearchSummary:
    """Find out what answers a question: a reviewed report, a program and a notebook in home/research/<run>.

    Args:
        search: passages of documents for a question (`graphs.documents.search_of`); None where nothing is indexed.
        run_id: name it in advance, to be able to resume it whatever happens.
        most_routes: decisions of the supervisor, after which it ends by itself.

    Raises:
        BadArguments, BadBudget: there is no question, no data it could be about, or no time.
        Fixable: the data cannot be read, or has no such column. Nothing stays of such a research.
        Busy: `run_busy`.
        MillwrightError: anything else that stopped it; what was found out is kept for `resume_research`.
    """
    request.check()
    if request.data is not None and without_secrets(request.data) != request.data:
        raise BadArguments(
            "A research keeps its request on disk, and its data was given with a password or parameters.",
            "Import it first, which keeps neither; then give the dataset's id as `data`.",
        )
    run = run_id or new_research_id()
    with lease(_folder(workshop, run), "run", run):
        write_json(_record(workshop, run), request.model_dump(mode="json"))
        context = {"search": search, "emit": emit, "most_routes": most_routes}
        return _work(workshop, model, saver, run, context)


def resume_research(
    workshop: Workshop,
    model: BaseChatModel,
    saver: BaseCheckpointSaver[Any],
    run_id: str,
    *,
    search: Search | None = None,
    most_routes: int = MOST_ROUTES,
    emit: Emit = unheard,
) -> ResearchSummary:
    """Go on with a research where it stopped; one that is through gives its summary again.

    Raises:
        NotFound: `run_not_found`.
        MillwrightError: as `start_research`.
    """
    if not _record(workshop, run_id).exists():
        raise NotFound("run", run_id, sorted(path.parent.parent.name for path in workshop.runs.glob(f"*/{RECORD}")))
    with lease(_folder(workshop, run_id), "run", run_id):
        return _work(workshop, model, saver, run_id, {"search": search, "emit": emit, "most_routes": most_routes})


def unfinished(workshop: Workshop, saver: BaseCheckpointSaver[Any], request: ResearchRequest) -> str | None:
    """A research of this very request that was cut off and that nobody works on, if there is one."""
    graph: Graph = build_research().compile(checkpointer=saver)
    for record in sorted(workshop.runs.glob(f"*/{RECORD}")):
        run = record.parent.parent.name
        if ResearchRequest.model_validate_json(record.read_text()) != request:
            continue
        if "summary" not in graph.get_state(_thread(run)).values and _is_free(workshop, run):
            return run
    return None


def _is_free(workshop: Workshop, run: str) -> bool:
    try:
        with lease(_folder(workshop, run), "run", run):
            return True
    except Busy:
        return False


def _work(
    workshop: Workshop, model: BaseChatModel, saver: BaseCheckpointSaver[Any], run: str, given: dict[str, Any]
) -> ResearchSummary:
    graph: Graph = build_research().compile(checkpointer=saver)
    emit: Emit = given["emit"]
    try:
        with (
            RunClock(_folder(workshop, run) / "clock.json") as clock,
            span("research", {names.RUN: run}),
            paid_by(workshop.home, account(RUN, run), model) as paid,
        ):
            found = _to_the_end(graph, ResearchContext(workshop, paid.model, clock, **given), run)
            summary = found.model_copy(update=paid.bill())
    except MillwrightError as error:
        scrub(error)
        if isinstance(error, Fixable) and not graph.get_state(_thread(run)).values.get("receipts"):
            saver.delete_thread(run)
            shutil.rmtree(_folder(workshop, run).parent)
        emit(RunFailed(run=run, code=error.code, sentence=error.sentence, hint=error.hint))
        raise
    emit(RunFinished(run=run, summary=summary.model_dump(mode="json")))
    return summary


def _to_the_end(graph: Graph, context: ResearchContext, run: str) -> ResearchSummary:
    config = _thread(run)
    state = graph.get_state(config)
    todo: Any = None if state.values else _begin(context.workshop, run)
    if state.next or not state.values:
        # every step is on disk before the next begins
        graph.invoke(todo, config, context=context, durability="sync")
        state = graph.get_state(config)
    return ResearchSummary.model_validate(state.values["summary"])


def _begin(workshop: Workshop, run: str) -> ResearchState:
    return {"run": run, "request": json.loads(_record(workshop, run).read_text())}


def _thread(run: str) -> RunnableConfig:
    return {"configurable": {"thread_id": run}, "recursion_limit": MOST_STEPS}


def _folder(workshop: Workshop, run: str) -> Path:
    # an id is a name, never a path
    return workshop.runs / Path(run).name / RESEARCH


def _record(workshop: Workshop, run: str) -> Path:
    return _folder(workshop, run).parent / RECORD
