"""Running the loop of a monitor, and going on with one that a restart or a question cut off. One at a time each."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, StateSnapshot

from engine.errors import ApprovalNeeded, MillwrightError
from engine.files import write_json
from engine.redaction import scrub
from graphs.assistant_types import Decision
from graphs.calls import use_tool
from graphs.events import Emit, RunFailed, RunFinished, unheard
from graphs.lease import lease
from graphs.loop_types import LoopRequest, LoopSummary, Proposal
from graphs.monitoring import LoopContext, LoopState, build_loop, decided_elsewhere
from tools import tracing_names as names
from tools.audit import BY_REQUEST, approved, resting_on
from tools.home import read_json_if_there
from tools.tracing import span
from tools.workshop import Workshop

MOST_STEPS = 40
Approve = Callable[[Proposal], bool]
"""Asked for a yes or no to what the loop proposes."""
Graph = CompiledStateGraph[LoopState, LoopContext, LoopState, LoopState]


def run_loop(
    workshop: Workshop,
    saver: BaseCheckpointSaver[Any],
    request: LoopRequest,
    approve: Approve | None = None,
    emit: Emit = unheard,
) -> LoopSummary:
    """Look after a monitor, from its newest windows to an answer. A loop that waits or was cut off is gone on with.

    One whose proposal was decided elsewhere meanwhile is ended (with a `RunFinished` of its own), and a new one begins.

    Args:
        request: `monitor` is an id or a name; the other choices hold for a new loop, `approve_all` also for one that
            waits.
        approve: without it a proposal is left waiting, for the next call; the windows are checked all the same.

    Raises:
        NotFound: no such monitor.
        Busy: `monitor_busy`, another process is at it.
        ApprovalNeeded: a proposal waits, and nobody is here to answer it.
        MillwrightError: whatever stopped the loop; the same call goes on from there.
    """
    monitor = workshop.monitoring.monitors.get(request.monitor).id
    request = request.model_copy(update={"monitor": monitor})
    approve = _yes if request.approve_all else approve
    folder = workshop.home / "monitors" / monitor
    with lease(folder, "monitor", monitor):
        graph: Graph = build_loop().compile(checkpointer=saver)
        context = LoopContext(resting_on(workshop, BY_REQUEST) if request.approve_all else workshop, emit)
        loop, asked = _current(folder, graph, request)
        if _is_settled(graph.get_state(_thread(loop)), workshop):
            _gone_on(graph, context, loop, asked, approve)
            loop, asked = _current(folder, graph, request)
        return _gone_on(graph, context, loop, asked, approve)


def waiting(workshop: Workshop, saver: BaseCheckpointSaver[Any], monitor: str) -> Proposal | None:
    """The proposal of a monitor's loop that waits for a yes or no, if one does and nobody has decided elsewhere.

    Raises:
        NotFound: no such monitor.
    """
    found = read_json_if_there(_record(workshop.home / "monitors" / workshop.monitoring.monitors.get(monitor).id))
    if found is None:
        return None
    graph: Graph = build_loop().compile(checkpointer=saver)
    return _waits(graph, workshop, str(found["loop"]))


def _current(folder: Path, graph: Graph, request: LoopRequest) -> tuple[str, LoopRequest]:
    """The loop that is not through yet, or a new one, and what it was asked."""
    found = read_json_if_there(_record(folder))
    if found is not None:
        state = graph.get_state(_thread(str(found["loop"])))
        if state.next or not state.values:
            return str(found["loop"]), LoopRequest.model_validate(found["request"])
    loop = f"loop_{secrets.token_hex(6)}"
    write_json(_record(folder), {"loop": loop, "request": request.model_dump(mode="json")})
    return loop, request


def _waits(graph: Graph, workshop: Workshop, loop: str) -> Proposal | None:
    """What a loop has put before somebody, if that is still open."""
    state = graph.get_state(_thread(loop))
    if not state.interrupts or _is_settled(state, workshop):
        return None
    return Proposal.model_validate(state.interrupts[0].value["proposal"])


def _is_settled(state: StateSnapshot, workshop: Workshop) -> bool:
    """Whether what a loop waits for was decided elsewhere."""
    return bool(state.interrupts) and decided_elsewhere(cast(LoopState, state.values), workshop)


def _gone_on(
    graph: Graph, context: LoopContext, loop: str, request: LoopRequest, approve: Approve | None
) -> LoopSummary:
    """A loop brought to its end, which is told; or whatever stopped it is."""
    try:
        if approve is None and _waits(graph, context.workshop, loop):
            # a decision may wait for days; the watching goes on meanwhile
            use_tool(
                context.workshop, "check_drift", {"monitor": request.monitor}, call=f"{loop}/check_drift",
                emit=context.emit,
            )  # fmt: skip
        with span("loop", {names.RUN: loop}):
            summary = _to_the_end(graph, context, loop, request, approve)
    except MillwrightError as error:
        scrub(error)
        context.emit(RunFailed(run=loop, code=error.code, sentence=error.sentence, hint=error.hint))
        raise
    context.emit(RunFinished(run=loop, summary=summary.model_dump(mode="json")))
    return summary


def _to_the_end(
    graph: Graph, context: LoopContext, loop: str, request: LoopRequest, approve: Approve | None
) -> LoopSummary:
    config = _thread(loop)
    state = graph.get_state(config)
    todo: Any = None if state.values else {"loop": loop, "request": request.model_dump(mode="json")}
    while state.next or not state.values:
        # what was decided elsewhere is asked of nobody: the node that waits sees it for itself
        if state.interrupts and not _is_settled(state, context.workshop):
            proposal, asked = Proposal.model_validate(state.interrupts[0].value["proposal"]), state.interrupts[0].id
            answer = _answer(proposal, approve)
            about = {"loop": loop, "monitor": request.monitor, "model": proposal.model}
            approved(context.workshop, asked, answer.approve, about, reason=answer.reason)
            context = replace(context, workshop=resting_on(context.workshop, asked))
            todo = Command(resume={state.interrupts[0].id: answer.model_dump()})
        # every step is on disk before the next begins
        graph.invoke(todo, config, context=context, durability="sync")
        state, todo = graph.get_state(config), None
    return LoopSummary.model_validate(state.values["summary"])


def _answer(proposal: Proposal, approve: Approve | None) -> Decision:
    if approve is None:
        raise ApprovalNeeded(
            f"{proposal.why} Making {proposal.model} the champion waits for approval.",
            "Answer it: millwright monitor run NAME, or with --yes.",
        )
    return Decision(approve=approve(proposal))


def _yes(_: Proposal) -> bool:
    return True


def _record(folder: Path) -> Path:
    return folder / "loop.json"


def _thread(loop: str) -> RunnableConfig:
    return {"configurable": {"thread_id": loop}, "recursion_limit": MOST_STEPS}
