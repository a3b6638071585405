"""The words that sessions are told in: what a session is, what a turn was, what undoing it left in place."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from agents.budget import Limits, Price, Tokens
from agents.memory import MemorySettings
from engine.errors import MillwrightError
from graphs.events import ApprovalWanted, Event, RunFailed
from tools.spec import Effect

__all__ = ["Price", "Tokens"]

TURN_CANCELLED = "turn_cancelled"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Parent(_Part):
    """Where a branch began: at the end of `turn` of another session; turn 0 is its beginning."""

    session: str
    turn: int


class SessionInfo(_Part):
    """A conversation, e.g. id='ses_1b2d4e3f9a0c'; the title is what the user said first, unless one was given.

    `state` says how the last turn ended: idle (answered, cancelled or undone), waiting (for approval), failed, or
    working, which with no process at work means that the turn was broken off and can be resumed.
    `limits` are the most that it may use in all; None are those of the settings.
    """

    id: str
    title: str
    created: datetime
    updated: datetime
    state: Literal["idle", "working", "waiting", "failed"] = "idle"
    memory: MemorySettings = MemorySettings()
    limits: Limits | None = None
    parent: Parent | None = None


class Said(_Part):
    """One message of the history, as a person reads it."""

    role: Literal["user", "assistant", "tool"]
    text: str
    tool: str | None = None


class Answered(_Part):
    """What a person said to a call that waited."""

    approval: str
    approve: bool
    reason: str = ""
    at: datetime


TurnState = Literal["working", "waiting", "done", "failed", "cancelled", "undoing", "undone"]


class TurnRecord(_Part):
    """One turn: what was said, how it ended, and between which events and states of the thread it lies.

    Attributes:
        number: from 1 on, never given twice; a turn that was undone keeps its own.
        before: the checkpoint that the thread stood at, None at the very beginning; `after` likewise.
        first: the number of its first event; `last` that of its last one so far.
        tokens: those of the answers and of what the tools asked a model, over all that the turn took.
        cost: None where nobody has said what a token costs.
        error: the code of what it failed with.
    """

    number: int
    said: str
    state: TurnState
    began: datetime
    ended: datetime | None = None
    before: str | None = None
    after: str | None = None
    first: int
    last: int = 0
    answers: tuple[Answered, ...] = ()
    tokens: Tokens = Tokens()
    cost: float | None = None
    error: str | None = None

    @property
    def live(self) -> bool:
        """Whether the thread still holds it."""
        return self.state not in {"undoing", "undone"}


@dataclass(frozen=True)
class Turn:
    """How a turn ended: with words, with a question for approval, or with an error that was told.

    `error` is the error as it was told, `cause` the same as an exception for who wants to raise it. A turn that was
    cancelled has an error with the code `turn_cancelled`.
    """

    text: str
    approval: ApprovalWanted | None = None
    error: RunFailed | None = None
    cause: MillwrightError | None = None
    number: int = 0


class Lasting(_Part):
    """Something that a turn did and that stays done when the turn is undone.

    `made` names what came of it; `certain` is False for a call whose end a crash kept from being recorded.
    """

    turn: int
    tool: str
    effect: Effect
    arguments: dict[str, object]
    made: dict[str, str]
    certain: bool = True


class Undone(_Part):
    """A mark in the journal: the turns from `turn` on are not in the conversation any more."""

    kind: Literal["undone"] = "undone"
    sequence: int = 0
    turn: int
    turns: int


class Undo(_Part):
    """What an undo took back, and what it could not."""

    turns: tuple[TurnRecord, ...]
    lasting: tuple[Lasting, ...]


SessionEvent = Annotated[Event | Undone, Field(discriminator="kind")]
"""What a journal holds: what was told, and the marks of what was undone."""
SESSION_EVENT: TypeAdapter[SessionEvent] = TypeAdapter(SessionEvent)
AnySessionEvent = TypeVar("AnySessionEvent", bound=SessionEvent)
