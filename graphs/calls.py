"""Calling a tool from a graph: the same call that everyone makes, with its course told as events."""

import time
from collections.abc import Mapping

from tools.catalogue import invoke

from engine.errors import MillwrightError
from engine.progress import Progress
from graphs.events import Emit, ToolFinished, ToolProgress, ToolStarted
from tools.spec import ToolResult
from tools.workshop import Workshop


def use_tool(
    workshop: Workshop, tool: str, arguments: Mapping[str, object], *, call: str, show: str | None = None, emit: Emit
) -> ToolResult:
    """Call `tool` and tell its start, progress and end.

    `call` names this one call for good: a node replayed after a crash gives the same one and finds its job.
    `show` is the name in the events, when it is not `call`.

    Raises:
        MillwrightError: whatever the tool raises, after it has been told.
    """
    shown = show or call
    emit(ToolStarted(call=shown, tool=tool, arguments=dict(arguments)))
    start = time.monotonic()

    def watch(progress: Progress) -> None:
        emit(ToolProgress(call=shown, tool=tool, progress=progress))

    try:
        result = invoke(workshop, tool, arguments, call_id=call, watch=watch)
    except MillwrightError as error:
        emit(ToolFinished(call=shown, tool=tool, seconds=time.monotonic() - start, error=str(error)))
        raise
    seconds = time.monotonic() - start
    emit(ToolFinished(call=shown, tool=tool, seconds=seconds, result=result.model_dump(mode="json")))
    return result
