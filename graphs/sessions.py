"""Conversations that last: one graph thread, one journal of events and one worker at a time each."""

import json
import logging
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall, ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.types import Command, StateSnapshot
from pydantic import BaseModel, ConfigDict

from engine.errors import JobFailed, MillwrightError, NotFound
from engine.files import write_json
from graphs.assistant import (
    APPROVAL_EFFECTS,
    MAX_STEPS,
    AssistantContext,
    AssistantState,
    Decision,
    build_assistant,
    call_name,
    open_calls,
    tool_definitions,
)
from graphs.calls import cancel_call
from graphs.events import ApprovalWanted, Emit, Event, RunFailed, RunFinished, unheard
from graphs.journal import Journal
from graphs.lease import lease
from graphs.proposals import prompt
from tools.jobs import INTERNAL_CODE
from tools.workshop import Workshop

log = logging.getLogger("millwright.sessions")
UNDER_WAY = "under-way"
"""A file beside session.json while a turn runs; left behind by a process that was killed in one."""
CANCELLED = "No result: the user went on with another message before this call was through."


class SessionInfo(BaseModel):
    """A conversation, e.g. id='ses_1b2d4e3f9a0c'; the title is what the user said first.

    `state` says how the last turn ended: idle (answered), waiting (for approval), failed, or working, which with no
    process at work means that the turn was broken off and can be resumed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    title: str
    created: datetime
    updated: datetime
    state: Literal["idle", "working", "waiting", "failed"] = "idle"


class Said(BaseModel):
    """One message of the history, as a person reads it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Literal["user", "assistant", "tool"]
    text: str
    tool: str | None = None


@dataclass(frozen=True)
class Turn:
    """How a turn ended: with words, with a question for approval, or with an error that was told.

    `error` is the error as it was told, `cause` the same as an exception for who wants to raise it.
    """

    text: str
    approval: ApprovalWanted | None = None
    error: RunFailed | None = None
    cause: MillwrightError | None = None


class Sessions:
    """The conversations of one home.

    Args:
        model: any chat model; the tools of the workshop are bound to it here, once.
        ask: effects that need a person's approval; an empty set is the policy "yes to all".
    """

    def __init__(
        self,
        workshop: Workshop,
        model: BaseChatModel,
        saver: BaseCheckpointSaver[Any],
        *,
        ask: frozenset[str] = APPROVAL_EFFECTS,
        max_steps: int = MAX_STEPS,
        new_id: Callable[[], str] = lambda: f"ses_{secrets.token_hex(6)}",
    ) -> None:
        self._workshop, self._saver, self._new_id = workshop, saver, new_id
        self._ask, self._max_steps = ask, max_steps
        self._model = model.bind_tools(tool_definitions(list(workshop.tools.values())))
        self._system = prompt("assistant")
        self._graph = build_assistant().compile(checkpointer=saver)
        self._root = workshop.home / "sessions"

    def create(self, title: str = "") -> SessionInfo:
        """A new conversation, with nothing said yet."""
        now = self._workshop.now()
        info = SessionInfo(id=self._new_id(), title=title, created=now, updated=now)
        self._save(info)
        return info

    def list(self) -> list[SessionInfo]:
        """All conversations, the one used last first."""
        found = [_read(file) for file in self._root.glob("*/session.json")]
        return sorted(found, key=lambda info: info.updated, reverse=True)

    def get(self, session: str) -> SessionInfo:
        """One conversation.

        Raises:
            NotFound: `session_not_found`.
        """
        file = self._folder(session) / "session.json"
        if not file.exists():
            raise NotFound("session", session, [info.id for info in self.list()])
        return _read(file)

    def history(self, session: str) -> Sequence[Said]:
        """What was said, oldest first; answers of tools as the text that the model saw."""
        self.get(session)
        return [_said(message) for message in self._messages(session) if message.text or message.type == "tool"]

    def events(self, session: str, after: int = 0) -> Iterator[Event]:
        """The recorded events from number `after` + 1 on."""
        self.get(session)
        return Journal(self._folder(session) / "events.jsonl").read(after)

    def pending(self, session: str) -> ApprovalWanted | None:
        """The call that waits for approval, if one does."""
        self.get(session)
        return self._waiting(session)

    def send(self, session: str, text: str, emit: Emit = unheard) -> Turn:
        """Say `text` and let the assistant work until it answers, asks for approval or fails.

        Calls that still waited (for approval, or because a turn broke off) are cancelled first, in the same step,
        and with them the jobs that they had begun.

        Raises:
            NotFound: `session_not_found`.
            Busy: `session_busy`, a turn is under way.
        """
        self.get(session)
        with self._working(session, emit) as heard:
            info = self.get(session)
            waiting = self._cancel_jobs(session)
            said: AssistantState = {
                "messages": [*(_cancelled(call) for call in waiting), HumanMessage(text)],
                "steps": 0,
                "wasted": 0,
                "approved": [],
            }
            return self._turn(info.model_copy(update={"title": info.title or text[:80]}), said, heard)

    def approve(self, session: str, approval: str, decision: Decision, emit: Emit = unheard) -> Turn:
        """Answer the question `approval` and let the assistant go on.

        Raises:
            NotFound: `approval_not_found`: answered already, or overtaken by another message.
            Busy: `session_busy`; two answers at once cannot both run the call.
        """
        self.get(session)
        with self._working(session, emit) as heard:
            waiting = self._waiting(session)
            if waiting is None or waiting.approval != approval:
                hint = "It was answered already or the conversation went on; nothing was run."
                raise NotFound("approval", approval, hint=hint)
            return self._turn(self.get(session), Command(resume={approval: decision.model_dump()}), heard)

    def resume(self, session: str, emit: Emit = unheard) -> Turn | None:
        """Go on with a turn that the end of the process broke off; None when there is none.

        Raises:
            NotFound: `session_not_found`.
            Busy: `session_busy`.
        """
        self.get(session)
        with self._working(session, emit) as heard:
            info = self.get(session)
            broken_off = info.state == "working" and self._graph.get_state(_thread(session)).next
            if broken_off:
                return self._turn(info, None, heard)
            (self._folder(session) / UNDER_WAY).unlink(missing_ok=True)
            return None

    def cancel(self, session: str) -> None:
        """Give up a turn that was broken off: its job is cancelled, and there is nothing left to resume.

        Raises:
            NotFound: `session_not_found`.
            Busy: `session_busy`, the turn is under way elsewhere.
        """
        self.get(session)
        with self._working(session, unheard):
            info = self.get(session)
            if info.state == "working":
                self._cancel_jobs(session)
                self._save(info.model_copy(update={"state": "idle", "updated": self._workshop.now()}))
                (self._folder(session) / UNDER_WAY).unlink(missing_ok=True)

    def _cancel_jobs(self, session: str) -> Sequence[ToolCall]:
        """The calls that nothing has answered, after the jobs that they had begun have been told to stop."""
        messages = self._messages(session)
        waiting = open_calls(messages)
        for call in waiting:
            cancel_call(self._workshop, call["name"], call_name(session, messages, call))
        return waiting

    def _turn(self, info: SessionInfo, state: AssistantState | Command[Any] | None, emit: Emit) -> Turn:
        """Run the graph from `state` to where it stops; whatever happens is told and recorded."""
        under_way = self._folder(info.id) / UNDER_WAY
        # enough against a kill, and without the wait for the disk that every turn would pay for
        under_way.touch()
        turn = self._invoke(info.id, state, emit)
        ended = "failed" if turn.error else "waiting" if turn.approval else "idle"
        self._save(info.model_copy(update={"state": ended, "updated": self._workshop.now()}))
        under_way.unlink(missing_ok=True)
        return turn

    def _invoke(self, session: str, state: AssistantState | Command[Any] | None, emit: Emit) -> Turn:
        context = AssistantContext(
            workshop=self._workshop,
            model=self._model,
            system=self._system,
            thread=session,
            emit=emit,
            ask=self._ask,
            max_steps=self._max_steps,
        )
        try:
            # every step is on disk before the next begins: a crash never repeats a finished call
            self._graph.invoke(state, _limits(session, self._max_steps), context=context, durability="sync")
        except MillwrightError as error:
            return _failed(session, error, emit)
        except Exception as error:  # the border of a turn: the conversation stays usable
            log.exception("a turn of %s failed unexpectedly", session)
            sentence = f"The turn failed unexpectedly: {type(error).__name__}: {error}."
            return _failed(session, JobFailed(sentence, code=INTERNAL_CODE), emit)
        after = self._graph.get_state(_thread(session))
        waiting = _question(after)
        emit(waiting or RunFinished(run=session))
        return Turn(text=_last_words(after.values["messages"]), approval=waiting)

    def _messages(self, session: str) -> Sequence[BaseMessage]:
        return list(self._graph.get_state(_thread(session)).values.get("messages", []))

    def _waiting(self, session: str) -> ApprovalWanted | None:
        return _question(self._graph.get_state(_thread(session)))

    @contextmanager
    def _working(self, session: str, emit: Emit) -> Iterator[Emit]:
        with lease(self._folder(session), "session", session):
            journal = Journal(self._folder(session) / "events.jsonl")
            yield lambda event: emit(journal.append(event))

    def _folder(self, session: str) -> Path:
        # an id is a name, never a path
        return self._root / Path(session).name

    def _save(self, info: SessionInfo) -> None:
        write_json(self._folder(info.id) / "session.json", info.model_dump(mode="json"))


def _read(file: Path) -> SessionInfo:
    info = SessionInfo.model_validate(json.loads(file.read_text()))
    return info.model_copy(update={"state": "working"}) if (file.parent / UNDER_WAY).exists() else info


def _thread(session: str) -> RunnableConfig:
    return {"configurable": {"thread_id": session}}


def _limits(session: str, steps: int) -> RunnableConfig:
    # an answer of the model may hold several calls, each a step; the graph counts its own bound in answers
    return {**_thread(session), "recursion_limit": steps * 50}


def _cancelled(call: ToolCall) -> ToolMessage:
    return ToolMessage(CANCELLED, tool_call_id=call["id"], status="error")


def _question(state: StateSnapshot) -> ApprovalWanted | None:
    if not state.interrupts:
        return None
    return ApprovalWanted(approval=state.interrupts[0].id, **state.interrupts[0].value)


def _failed(session: str, error: MillwrightError, emit: Emit) -> Turn:
    event = RunFailed(run=session, code=error.code, sentence=error.sentence, hint=error.hint)
    emit(event)
    return Turn(text="", error=event, cause=error)


def _last_words(messages: Sequence[BaseMessage]) -> str:
    return next((message.text for message in reversed(messages) if isinstance(message, AIMessage)), "")


def _said(message: BaseMessage) -> Said:
    roles: Mapping[str, Literal["user", "assistant", "tool"]] = {"human": "user", "ai": "assistant"}
    return Said(role=roles.get(message.type, "tool"), text=message.text, tool=message.name)
