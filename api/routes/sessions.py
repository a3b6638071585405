"""Sessions: conversations whose answers come as server-sent events."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt
from sse_starlette import EventSourceResponse

from agents.budget import Budget, Limits
from agents.memory import MemorySettings
from api.dependencies import SessionsDep
from api.stream import recorded_stream, turn_stream
from engine.errors import ApprovalNeeded, NotFound
from graphs.assistant_types import Decision
from graphs.events import ApprovalWanted
from graphs.sessions import Said, SessionExport, SessionInfo, TurnRecord, Undo

router = APIRouter(prefix="/v1/sessions", tags=["sessions"])

MOST_NUMBER = 10**12
MOST_REASON = 2_000
CANCEL_PATIENCE_S = 2.0
EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"description": "Server-sent events, each with its number as the id.", "content": {"text/event-stream": {}}}
}
Session = Annotated[str, Path(description="Id of a session, e.g. 'ses_1b2d4e3f9a0c'.")]
Number = Annotated[int, Query(ge=0, le=MOST_NUMBER)]


class _In(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SessionIn(_In):
    """A new conversation."""

    title: str = Field("", max_length=200, description="What the user says first becomes the title when left out.")
    memory: MemorySettings | None = Field(None, description="What the model is shown of a long conversation.")
    limits: Limits | None = Field(None, description="Most that it may use in all; those of the server by default.")


class SessionChange(_In):
    """What is to be different; what is left out stays."""

    title: str | None = Field(None, max_length=200, description="'' makes what the user said first the title.")
    memory: MemorySettings | None = Field(None, description="Counts from the next turn on.")
    limits: Limits | None = Field(None, description="All its limits anew; counts from the next turn on.")


class MessageIn(_In):
    """What the user says."""

    text: str = Field(min_length=1, max_length=50_000)


class DecisionIn(_In):
    """What a person says to a call that waits."""

    approve: StrictBool
    reason: str = Field("", max_length=MOST_REASON)


class UndoIn(_In):
    """How far to go back."""

    turn: StrictInt | None = Field(None, description="The first turn that is taken back; the last one by default.")


class BranchIn(_In):
    """Where another conversation begins."""

    turn: StrictInt | None = Field(None, description="It begins after this turn; the last one by default.")
    title: str = Field("", max_length=200)


@router.get("")
def list_sessions(sessions: SessionsDep) -> Sequence[SessionInfo]:
    """All conversations, the one used last first."""
    return sessions.list()


@router.post("", status_code=201)
def create_session(body: SessionIn, sessions: SessionsDep) -> SessionInfo:
    """Open a conversation."""
    return sessions.create(body.title, body.memory, body.limits)


@router.get("/{session}")
def show_session(session: Session, sessions: SessionsDep) -> SessionInfo:
    """One conversation; `state` says how its last turn ended."""
    return sessions.get(session)


@router.patch("/{session}")
def change_session(session: Session, body: SessionChange, sessions: SessionsDep) -> SessionInfo:
    """Rename a conversation, or let it remember in another way or use another amount."""
    if body.title is not None:
        sessions.rename(session, body.title)
    if body.memory is not None:
        sessions.set_memory(session, body.memory)
    if body.limits is not None:
        sessions.set_limits(session, body.limits)
    return sessions.get(session)


@router.delete("/{session}", status_code=204)
def delete_session(
    session: Session,
    sessions: SessionsDep,
    confirm: Annotated[bool, Query(description="Must be true: this cannot be undone.")] = False,
) -> None:
    """Forget a conversation for good; datasets and models that it made stay."""
    sessions.get(session)
    if not confirm:
        raise ApprovalNeeded("A conversation that is deleted is gone.", "Add ?confirm=true to delete it.")
    sessions.delete(session)


@router.get("/{session}/messages")
def history(session: Session, sessions: SessionsDep) -> Sequence[Said]:
    """What was said, oldest first."""
    return sessions.history(session)


@router.get("/{session}/turns")
def turns(session: Session, sessions: SessionsDep) -> Sequence[TurnRecord]:
    """The turns with their states, tokens and the numbers of their events; those that were undone among them."""
    return sessions.turns(session)


@router.get("/{session}/budget")
def budget(session: Session, sessions: SessionsDep) -> Budget:
    """What a conversation has used so far, and the most that it may use in all."""
    return sessions.budget(session)


@router.get("/{session}/approval")
def pending(session: Session, sessions: SessionsDep) -> ApprovalWanted:
    """The call that waits for approval."""
    found = sessions.pending(session)
    if found is None:
        raise NotFound("approval", "pending", hint="Nothing waits in this session.")
    return found


@router.get("/{session}/export", response_model=SessionExport)
def export(
    session: Session,
    sessions: SessionsDep,
    format_: Annotated[Literal["json", "ipynb"], Query(alias="format")] = "json",
) -> object:
    """Everything about a conversation, or (`format=ipynb`) a notebook that does its work again; without secrets."""
    if format_ == "json":
        return sessions.export(session)
    name = f'attachment; filename="{sessions.get(session).id}.ipynb"'
    media = "application/x-ipynb+json"
    return JSONResponse(sessions.notebook(session), headers={"Content-Disposition": name}, media_type=media)


@router.post("/{session}/messages", response_class=EventSourceResponse, responses=EVENTS)
async def send_message(session: Session, body: MessageIn, sessions: SessionsDep) -> EventSourceResponse:
    """Say something; the answer streams as events until the turn is through."""
    return await turn_stream(lambda emit: sessions.send(session, body.text, emit))


@router.post("/{session}/approvals/{approval}", response_class=EventSourceResponse, responses=EVENTS)
async def answer_approval(
    session: Session, approval: str, body: DecisionIn, sessions: SessionsDep
) -> EventSourceResponse:
    """Say yes or no to a call that waits; what follows streams as events. An approval is good for one answer."""
    decision = Decision(approve=body.approve, reason=body.reason)
    return await turn_stream(lambda emit: sessions.approve(session, approval, decision, emit))


@router.post("/{session}/resume", response_class=EventSourceResponse, responses=EVENTS)
async def resume(session: Session, sessions: SessionsDep) -> EventSourceResponse:
    """Go on with a turn that the end of the server broke off; no events when there is none."""
    return await turn_stream(lambda emit: sessions.resume(session, emit))


@router.post("/{session}/cancel", status_code=202)
def cancel(session: Session, sessions: SessionsDep) -> SessionInfo:
    """Give up the turn that is under way, broken off or waiting; `state` is working until it has ended."""
    return sessions.cancel(session, CANCEL_PATIENCE_S)


@router.post("/{session}/undo")
def undo(session: Session, body: UndoIn, sessions: SessionsDep) -> Undo:
    """Take back a turn and all after it; `lasting` lists what they did that stays done."""
    return sessions.undo(session, body.turn)


@router.post("/{session}/branch", status_code=201)
def branch(session: Session, body: BranchIn, sessions: SessionsDep) -> SessionInfo:
    """Open another conversation that begins as this one stood after a turn."""
    return sessions.branch(session, body.turn, body.title)


@router.get("/{session}/events", response_class=EventSourceResponse, responses=EVENTS)
async def missed_events(
    session: Session,
    sessions: SessionsDep,
    after: Number = 0,
    last_event_id: Annotated[int, Header(ge=0, le=MOST_NUMBER)] = 0,
) -> EventSourceResponse:
    """The events after number `after`, or after the Last-Event-ID that a browser sends, to the end of the turn."""
    return await recorded_stream(sessions, session, max(after, last_event_id))
