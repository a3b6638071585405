"""A turn of a conversation as server-sent events.

The turn runs on a thread of its own and is recorded as it goes: a client that hangs up does not stop it, and one
that comes back with the number of the last event it saw gets the rest.
"""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from api.problems import status_of
from engine.errors import MillwrightError
from graphs.events import Emit, Event
from graphs.session_types import SessionEvent
from graphs.sessions import Sessions

Item = Event | BaseException | None
"""What comes out of a turn: events, at most one error, and None at its end."""

PING_S = 15
LOOK_EVERY_S = 0.2
QUIET_S = 60.0


async def turn_stream(turn: Callable[[Emit], object]) -> EventSourceResponse:
    """Start `turn` and stream what it emits.

    The response begins with the first event: an error before it (an unknown session, a turn under way)
    is raised here and becomes an ordinary problem document.
    """
    queue: asyncio.Queue[Item] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def tell(item: Item) -> None:
        # the server may be gone before the turn is; the turn goes on
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(queue.put_nowait, item)

    def work() -> None:
        try:
            turn(tell)
        except BaseException as error:  # the border between the thread and the request
            tell(error)
        tell(None)

    threading.Thread(target=work, name="turn", daemon=True).start()
    first = await queue.get()
    if isinstance(first, BaseException):
        raise first
    return EventSourceResponse(_events(first, queue), ping=PING_S)


async def _events(first: Item, queue: "asyncio.Queue[Item]") -> AsyncIterator[ServerSentEvent]:
    item = first
    while item is not None:
        yield _failure(item) if isinstance(item, BaseException) else as_sse(item)
        item = await queue.get()


async def recorded_stream(sessions: Sessions, session: str, after: int) -> EventSourceResponse:
    """Stream the recorded events after number `after`, and those that a turn under way adds.

    Raises:
        NotFound: `session_not_found`.
    """
    await run_in_threadpool(sessions.get, session)
    return EventSourceResponse(_recorded(sessions, session, after), ping=PING_S)


async def _recorded(sessions: Sessions, session: str, after: int) -> AsyncIterator[ServerSentEvent]:
    quiet = 0.0
    # a turn that a crash broke off stays 'working' until it is resumed: the silence ends the stream, not the state
    while quiet < QUIET_S:
        state = (await run_in_threadpool(sessions.get, session)).state
        for event in await run_in_threadpool(_events_after, sessions, session, after):
            yield as_sse(event)
            after, quiet = event.sequence, 0.0
        if state != "working":
            return
        await asyncio.sleep(LOOK_EVERY_S)
        quiet += LOOK_EVERY_S


def _events_after(sessions: Sessions, session: str, after: int) -> list[SessionEvent]:
    return list(sessions.events(session, after))


def as_sse(event: SessionEvent) -> ServerSentEvent:
    """One event: its kind as the name, its number as the id, itself as JSON."""
    return ServerSentEvent(event.model_dump_json(), event=event.kind, id=str(event.sequence))


def _failure(error: BaseException) -> ServerSentEvent:
    """An error after the first event; the status line has gone out already."""
    if isinstance(error, MillwrightError):
        data = {"code": error.code, "status": status_of(error), "detail": error.sentence, "hint": error.hint}
    else:
        data = {"code": "internal_error", "status": 500, "detail": "The turn failed unexpectedly.", "hint": ""}
    return ServerSentEvent(json.dumps(data), event="error")
