"""Starting a pipeline, going on with one that was cut off, and beginning a new one at a checkpoint of another."""

import json
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph.state import CompiledStateGraph

from engine.errors import BadArguments, Fixable, MillwrightError, NotFound
from engine.files import write_json
from engine.redaction import scrub
from graphs.clock import RunClock
from graphs.events import CheckpointSaved, Emit, RunFailed, RunFinished, TextDelta, unheard
from graphs.lease import lease
from graphs.pipeline import PipelineContext, PipelineState, build_pipeline
from graphs.pipeline_branch import begun, holds, latest_fit, next_node, node_of
from graphs.pipeline_checks import Measure, measured_gain
from graphs.pipeline_fits import record_folder
from graphs.pipeline_types import Branch, Checkpoint, CheckpointList, PipelineRequest, PipelineSummary
from graphs.run_types import RunRequest
from graphs.wishes import with_limits
from tools import tracing_names as names
from tools.finding import without_secrets
from tools.home import read_json_if_there
from tools.sources import known_dataset
from tools.tracing import span
from tools.workshop import Workshop

__all__ = [
    *("PipelineRequest", "PipelineSummary"),
    *("branch", "checkpoints", "resume_pipeline", "start_pipeline"),
]

REQUEST, BEGIN = "request.json", "begin.json"
MOST_STEPS = 100
Graph = CompiledStateGraph[PipelineState, PipelineContext, PipelineState, PipelineState]


@dataclass(frozen=True)
class Mind:
    """What pipelines are run with: everything that is given anew in each process."""

    workshop: Workshop
    model: BaseChatModel
    saver: BaseCheckpointSaver[Any]
    emit: Emit = unheard
    measure: Measure = measured_gain


@dataclass(frozen=True)
class Place:
    """A checkpoint with the state that it keeps."""

    checkpoint: Checkpoint
    values: PipelineState


def new_pipeline_id() -> str:
    """A fresh id, e.g. 'run_1b2d4e3f9a0c'."""
    return f"run_{secrets.token_hex(6)}"


def start_pipeline(mind: Mind, request: PipelineRequest, run_id: str | None = None) -> PipelineSummary:
    """Load, preprocess, train and validate until validation passes or the attempts are used up; then the end.

    Args:
        run_id: name it in advance, to be able to resume it whatever happens.

    Raises:
        Fixable: the request cannot be carried out as it is; nothing stays of it, unless something was trained.
        Busy: `run_busy`.
        MillwrightError: anything else that stopped it; what was finished is kept for `resume_pipeline`.
    """
    request, words = _with_limits(request)
    request.check()
    if words:
        mind.emit(TextDelta(text=words))
    _check_kept(request.data)
    known = known_dataset(mind.workshop, request.data)
    mind.workshop.jobs.warm()  # the worker boots while the data is read
    request = request.model_copy(update={"data": known or request.data})
    request.check()
    run = run_id or new_pipeline_id()
    with lease(record_folder(mind.workshop, run), "run", run):
        write_json(record_folder(mind.workshop, run) / REQUEST, request.model_dump(mode="json"))
        return _work(mind, run)


def resume_pipeline(mind: Mind, run: str) -> PipelineSummary:
    """Go on with a pipeline where it stopped; finished steps are not repeated. A finished one gives its summary again.

    Raises:
        NotFound: `pipeline_not_found`.
        MillwrightError: as `start_pipeline`.
    """
    _check_known(mind.workshop, run)
    with lease(record_folder(mind.workshop, run), "run", run):
        return _work(mind, run)


def checkpoints(workshop: Workshop, saver: BaseCheckpointSaver[Any], run: str) -> CheckpointList:
    """The named checkpoints of a pipeline, oldest first. Those before a branch are the other run's.

    Raises:
        NotFound: `pipeline_not_found`.
    """
    _check_known(workshop, run)
    places = _places(build_pipeline().compile(checkpointer=saver), run)
    found = places[-1].values.get("branch") if places else None
    return CheckpointList(
        run=run,
        branch=None if found is None else Branch.model_validate(found),
        checkpoints=tuple(place.checkpoint for place in places),
    )


def branch(
    mind: Mind, run: str, checkpoint: str | None, changes: Mapping[str, object], run_id: str | None = None
) -> PipelineSummary:
    """A new pipeline that begins at a checkpoint of another, with `changes` to its request. The other is not changed.

    Finished fits of the same inputs are taken over. Budget and clock begin anew.

    Args:
        checkpoint: its name; the latest at which the changes can be made when None.
        changes: fields of a PipelineRequest; single checks may be given by their own names.

    Raises:
        NotFound: `pipeline_not_found`, `checkpoint_not_found`.
        BadArguments: a change comes too late at this checkpoint (says at which one it does not), or does not fit.
        MillwrightError: as `start_pipeline`.
    """
    _check_known(mind.workshop, run)
    graph: Graph = build_pipeline().compile(checkpointer=mind.saver)
    places = _places(graph, run)
    place = _named(places, run, checkpoint, changes)
    new = run_id or new_pipeline_id()
    state = begun(place, places, new, changes)
    folder = record_folder(mind.workshop, new)
    mind.workshop.jobs.warm()
    with lease(folder, "run", new):
        # the branch stands as soon as its request does; where it begins is on record before
        write_json(folder / BEGIN, {"node": node_of(place.checkpoint.name), "state": state})
        write_json(folder / REQUEST, state["request"])
        return _work(mind, new)


def _named(places: Sequence[Place], run: str, checkpoint: str | None, changes: Mapping[str, object]) -> Place:
    if checkpoint is None:
        fitting = latest_fit(places, changes)
        if fitting is None:
            raise BadArguments(f"No checkpoint of {run} allows these changes.", "Start a new pipeline for them.")
        return cast(Place, fitting)
    for place in places:
        if place.checkpoint.name == checkpoint:
            return place
    raise NotFound("checkpoint", checkpoint, [place.checkpoint.name for place in places])


def _work(mind: Mind, run: str) -> PipelineSummary:
    graph: Graph = build_pipeline().compile(checkpointer=mind.saver)
    try:
        with RunClock(record_folder(mind.workshop, run) / "clock.json") as clock:
            context = PipelineContext(mind.workshop, mind.model, clock, mind.emit, mind.measure)
            with span("pipeline", {names.RUN: run}):
                summary = _to_the_end(graph, context, run)
    except MillwrightError as error:
        scrub(error)
        if isinstance(error, Fixable):
            _forget_untrained(mind, run)
        mind.emit(RunFailed(run=run, code=error.code, sentence=error.sentence, hint=error.hint))
        raise
    mind.emit(RunFinished(run=run, summary=summary.model_dump(mode="json")))
    return summary


def _to_the_end(graph: Graph, context: PipelineContext, run: str) -> PipelineSummary:
    config = _thread(run)
    state = graph.get_state(config)
    todo: PipelineState | None = None
    if not state.values:
        todo = _begin(graph, context.workshop, run)
        state = graph.get_state(config)
    if todo is not None or state.next:
        told = state.values.get("trail")
        # every step is on disk before the next begins, and before its checkpoint is told of
        for values in graph.stream(todo, config, context=context, durability="sync", stream_mode="values"):
            trail = values.get("trail")
            if trail and trail != told:
                context.emit(CheckpointSaved(run=run, name=trail[-1]))
                told = trail
        state = graph.get_state(config)
    return PipelineSummary.model_validate(state.values["summary"])


def _begin(graph: Graph, workshop: Workshop, run: str) -> PipelineState | None:
    """The input of a new pipeline; None for a branch, whose first state is put in place here."""
    folder = record_folder(workshop, run)
    found = read_json_if_there(folder / BEGIN)
    if found is not None:
        graph.update_state(_thread(run), found["state"], as_node=found["node"])
        return None
    request = json.loads((folder / REQUEST).read_text(encoding="utf-8"))
    return {"run": run, "lineage": [run], "branch": None, "request": request, "trail": []}


def _places(graph: Graph, run: str) -> list[Place]:
    """The checkpoints that nodes have left, oldest first; from one that was left twice, the later."""
    found: dict[str, Place] = {}
    for snapshot in graph.get_state_history(_thread(run)):
        values = cast(PipelineState, snapshot.values)
        name = values["trail"][-1] if values.get("trail") else None
        if name is None or name in found:
            continue
        checkpoint = Checkpoint(
            run=run,
            name=name,
            when=snapshot.created_at or "",
            holds=holds(values, name),
            next=next_node(values, node_of(name)),
            checkpoint_id=str(snapshot.config["configurable"]["checkpoint_id"]),
        )
        found[name] = Place(checkpoint, values)
    return list(reversed(found.values()))


def _thread(run: str) -> RunnableConfig:
    return {"configurable": {"thread_id": run}, "recursion_limit": MOST_STEPS}


def _check_known(workshop: Workshop, run: str) -> None:
    if not (record_folder(workshop, run) / REQUEST).exists():
        known = sorted(path.parent.parent.name for path in workshop.runs.glob(f"*/pipeline/{REQUEST}"))
        raise NotFound("pipeline", run, known)


def _forget_untrained(mind: Mind, run: str) -> None:
    """Leave nothing of a pipeline that has no training to go on with: a wrong word is mended in a new one."""
    folder = record_folder(mind.workshop, run).parent
    if not any(mind.workshop.runs.glob(f"{folder.name}-*")):
        mind.saver.delete_thread(run)
        shutil.rmtree(folder)


def _check_kept(data: str) -> None:
    shown = without_secrets(data)
    if shown != data:
        raise BadArguments(
            f"A pipeline keeps its request on disk, and {shown!r} was given with a password or parameters.",
            "Import it first: millwright data import URL --query SQL --target COLUMN; then give the dataset's id.",
        )


def _with_limits(request: PipelineRequest) -> tuple[PipelineRequest, str]:
    """The request with the limits that only its goal names, and the words for them."""
    shared = request.model_dump(include=set(RunRequest.model_fields), exclude_unset=True)
    found, words = with_limits(RunRequest.model_validate({"goal": request.goal, **shared}))
    if not words:
        return request, ""
    return PipelineRequest.of(**{**request.model_dump(), **found.model_dump(exclude={"goal"})}), words
