"""Calling a tool from a graph: the same call that everyone makes, with its course told as events."""

import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from itertools import count

from agents.budget_calls import charged
from agents.budget_purse import current
from engine.errors import MillwrightError, NotFound
from engine.progress import Progress
from graphs.events import Emit, ToolFinished, ToolProgress, ToolStarted, unheard
from tools.catalogue import invoke
from tools.jobs import ENDED, job_id
from tools.spec import ToolResult
from tools.workshop import Workshop


def use_tool(
    workshop: Workshop, tool: str, arguments: Mapping[str, object], *, call: str, show: str | None = None, emit: Emit
) -> ToolResult:
    """Call `tool` and tell its start, progress and end.

    `call` names this one call for good: a node replayed after a crash gives the same one and finds its job. Only a
    job that was cancelled before it had anything is begun anew, under a name that follows from `call`.
    `show` is the name in the events, when it is not `call`. The call is charged to the purse in force.

    Raises:
        BudgetSpent: there is not enough left for the call; it was not begun, and nothing is told of it.
        MillwrightError: whatever the tool raises, after it has been told.
    """
    shown, name = show or call, _attempt(workshop, tool, call)
    job = job_id(name) if _is_job(workshop, tool) else None
    with charged(current(), workshop, tool, arguments, job) as charge:
        emit(ToolStarted(call=shown, tool=tool, arguments=dict(arguments), job=job))
        start = time.monotonic()

        def watch(progress: Progress) -> None:
            emit(ToolProgress(call=shown, tool=tool, progress=progress))
            charge.look()

        try:
            result = charge.result = invoke(workshop, tool, arguments, call_id=name, watch=watch)
        except MillwrightError as error:
            emit(ToolFinished(call=shown, tool=tool, seconds=time.monotonic() - start, error=str(error)))
            raise
        seconds = time.monotonic() - start
        emit(ToolFinished(call=shown, tool=tool, seconds=seconds, result=result.model_dump(mode="json")))
        return result


def use_once(workshop: Workshop, tool: str, arguments: Mapping[str, object], emit: Emit = unheard) -> ToolResult:
    """The same for a call that is never made again after a crash, and so needs no name for good."""
    return use_tool(workshop, tool, arguments, call=f"once-{uuid.uuid4().hex}", emit=emit)


def cancel_call(workshop: Workshop, tool: str, call: str) -> None:
    """Stop the job of a call whose result nobody waits for any more; nothing happens where it has none."""
    if not _is_job(workshop, tool):
        return
    job = job_id(_attempt(workshop, tool, call))
    with suppress(NotFound):
        if workshop.jobs.status(job).state not in ENDED:
            workshop.jobs.cancel(job)


def _is_job(workshop: Workshop, tool: str) -> bool:
    return tool in workshop.tools and workshop.tools[tool].job


def _attempt(workshop: Workshop, tool: str, call: str) -> str:
    """`call`, or its next attempt: whoever resumes what was stopped too early for any model wants it done after all.

    Jobs that failed are run again under their own name by the jobs themselves.
    """
    if not _is_job(workshop, tool):
        return call
    for attempt in count(1):
        name = call if attempt == 1 else f"{call}~{attempt}"
        try:
            status = workshop.jobs.status(job_id(name))
        except NotFound:
            return name
        if status.state != "cancelled" or status.result is not None:
            return name
    raise AssertionError("count() has no end")
