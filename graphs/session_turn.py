"""A turn under way: its events are recorded and told, it hears that it should stop, and no effect of it is doubled."""

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage, ToolCall, ToolMessage
from pydantic import ValidationError

from engine.errors import Fixable, MillwrightError, NotFound
from graphs.events import (
    ApprovalWanted,
    Emit,
    Event,
    RunFinished,
    TextDelta,
    ToolFinished,
    ToolProgress,
    ToolStarted,
    with_sequence,
)
from graphs.journal import as_recorded
from graphs.session_store import SessionFolder
from graphs.session_types import SessionEvent
from tools.spec import ToolResult, ToolSpec
from tools.workshop import Jobs, Workshop

log = logging.getLogger("millwright.sessions")
LOOK_EVERY_S = 0.2
"""Seconds between two looks at whether the turn should stop; words come more often than that. Calls always look."""
UNKNOWN_END = "This call was begun before the process was ended, and whether it took effect is not known."
UNKNOWN_HINT = "Look before it is called again."


class TurnCancelled(BaseException):
    """Somebody wants the turn to stop. Not an Exception: no tool and no graph may take it for a failure of its own."""


class Hearing:
    """Records each event of a turn, tells it, and stops the turn when that is wanted.

    A turn stops at a word or before a call, never within one: a job is told to stop and keeps its best so far, and
    what has been done is recorded. Only a tool that works without a job is left in the middle, as with Ctrl-C.
    """

    def __init__(self, folder: SessionFolder, jobs: Jobs, emit: Emit) -> None:
        self._folder, self._jobs, self._emit = folder, jobs, emit
        self._job: str | None = None
        self._look_again = 0.0
        self._complained = False

    def __call__(self, event: Event) -> None:
        if isinstance(event, TextDelta | ToolStarted | ToolProgress) and self._should_stop(event):
            self._stop(event)
        if isinstance(event, TextDelta) and not event.text:
            return  # words are held until they are proved: this was a look at whether to stop
        if isinstance(event, ToolStarted):
            self._job = event.job
        if isinstance(event, ToolFinished):
            self._look_again = 0.0
        self._tell(self._folder.journal.append(event))

    def tell_once(self, event: ApprovalWanted | RunFinished, first: int) -> None:
        """Tell how a turn ended whose first event is `first`; a crash may have come between this and what followed."""
        last = next(self._folder.journal.read(max(first, self._folder.journal.last) - 1), None)
        if last is not None and last.model_copy(update={"sequence": 0}) == as_recorded(event):
            self._tell(with_sequence(event, last.sequence))
        else:
            self(event)

    def _tell(self, event: Event) -> None:
        """Tell the listener. Its failure is none of the turn, which goes on and is recorded."""
        try:
            self._emit(event)
        except Exception:  # the border to whoever listens
            if not self._complained:
                log.exception("a listener failed; the turn goes on and is recorded")
            self._complained = True

    def _should_stop(self, event: Event) -> bool:
        now = time.monotonic()
        if now < self._look_again and not isinstance(event, ToolStarted):
            return False
        self._look_again = now + LOOK_EVERY_S
        return self._folder.cancel_wanted

    def _stop(self, event: Event) -> None:
        if not isinstance(event, ToolProgress) or self._job is None:
            raise TurnCancelled
        job, self._job = self._job, None
        try:
            self._jobs.cancel(job)
        except NotFound:
            raise TurnCancelled from None


def settled(
    workshop: Workshop, messages: Sequence[BaseMessage], calls: Sequence[ToolCall], events: Iterable[SessionEvent]
) -> Workshop:
    """The workshop for a turn that goes on after a crash: it does not do again what the journal says was done.

    A job finds itself by its name. Another tool answers with the result that was told before the crash. With no
    result told, it may or may not have taken effect: one that acts on others is not called again, and the model is
    told so. One that reports progress (`watched`) keeps a run of its own, and goes on with that.
    """
    if not calls:
        return workshop
    call, spec = calls[0], workshop.tools.get(calls[0]["name"])
    if spec is None or spec.job:
        return workshop
    begun, result = _told(call, messages, events)
    if result is not None:
        known = _as_told(spec, result)
        if known is None and spec.effect == "read":
            return workshop
    elif begun and spec.effect in {"write", "external"} and not spec.watched:
        known = None
    else:
        return workshop
    return replace(workshop, tools={**workshop.tools, spec.name: _once(spec, known)})


def _as_told(spec: ToolSpec, result: dict[str, object]) -> ToolResult | None:
    """The result that was recorded; None where what was blotted out in it makes it none."""
    try:
        return spec.result.model_validate(result)
    except ValidationError:
        return None


def _told(
    call: ToolCall, messages: Sequence[BaseMessage], events: Iterable[SessionEvent]
) -> tuple[bool, dict[str, object] | None]:
    """Whether the call was begun, and its result if that was told; a model may have used the id before in this turn."""
    said = max((place for place, message in enumerate(messages) if isinstance(message, HumanMessage)), default=0)
    earlier = sum(
        isinstance(message, ToolMessage) and message.tool_call_id == call["id"] for message in messages[said:]
    )
    begun, result = 0, None
    for event in events:
        if isinstance(event, ToolStarted) and event.call == call["id"]:
            begun += 1
        elif isinstance(event, ToolFinished) and event.call == call["id"] and begun > earlier:
            result = result or event.result
    return begun > earlier, result


def _once(spec: ToolSpec, known: ToolResult | None) -> ToolSpec:
    """The tool, whose first call is answered with what is known of it."""
    pending = True

    def function(workshop: Workshop, request: Any, *more: Any) -> ToolResult:  # noqa: ANN401  as the tool's own
        nonlocal pending
        if not pending:
            return spec.function(workshop, request, *more)
        pending = False
        if known is None:
            raise _unknown()
        return known

    return replace(spec, function=function)


def _unknown() -> MillwrightError:
    return Fixable(UNKNOWN_END, UNKNOWN_HINT)
