"""Sessions: conversations whose answers come as server-sent events."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Header, Query
from pydantic import BaseModel, ConfigDict, Field
from sse_starlette import EventSourceResponse

from api.dependencies import SessionsDep
from api.stream import recorded_stream, turn_stream
from graphs.assistant import Decision
from graphs.sessions import Said, SessionInfo

router = APIRouter(prefix="/v1/sessions", tags=["sessions"])


class SessionIn(BaseModel):
    """A new conversation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field("", max_length=200, description="What the user says first becomes the title when left out.")


class MessageIn(BaseModel):
    """What the user says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = Field(min_length=1, max_length=50_000)


@router.get("")
def list_sessions(sessions: SessionsDep) -> Sequence[SessionInfo]:
    """All conversations, the one used last first."""
    return sessions.list()


@router.post("", status_code=201)
def create_session(body: SessionIn, sessions: SessionsDep) -> SessionInfo:
    """Open a conversation."""
    return sessions.create(body.title)


@router.get("/{session}")
def show_session(session: str, sessions: SessionsDep) -> SessionInfo:
    """One conversation; `state` says how its last turn ended."""
    return sessions.get(session)


@router.get("/{session}/messages")
def history(session: str, sessions: SessionsDep) -> Sequence[Said]:
    """What was said, oldest first."""
    return sessions.history(session)


@router.post("/{session}/messages")
async def send_message(session: str, body: MessageIn, sessions: SessionsDep) -> EventSourceResponse:
    """Say something; the answer streams as events until the turn is through."""
    return await turn_stream(lambda emit: sessions.send(session, body.text, emit))


@router.post("/{session}/approvals/{approval}")
async def answer_approval(session: str, approval: str, body: Decision, sessions: SessionsDep) -> EventSourceResponse:
    """Say yes or no to a call that waits; what follows streams as events."""
    return await turn_stream(lambda emit: sessions.approve(session, approval, body, emit))


@router.post("/{session}/resume")
async def resume(session: str, sessions: SessionsDep) -> EventSourceResponse:
    """Go on with a turn that the end of the server broke off; no events when there is none."""
    return await turn_stream(lambda emit: sessions.resume(session, emit))


@router.get("/{session}/events")
async def missed_events(
    session: str,
    sessions: SessionsDep,
    after: Annotated[int, Query(ge=0)] = 0,
    last_event_id: Annotated[int, Header(ge=0)] = 0,
) -> EventSourceResponse:
    """The events after number `after`, or after the Last-Event-ID that a browser sends, to the end of the turn."""
    return await recorded_stream(sessions, session, max(after, last_event_id))
