"""Stopping a turn: one that is under way here or elsewhere, one that waits, and one that was broken off."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langgraph.checkpoint.base import BaseCheckpointSaver

from agents.scripted import ScriptedModel, call, say
from engine.errors import NotFound
from graphs.assistant_types import Decision
from graphs.events import Event, RunFailed
from graphs.sessions import Sessions, Turn
from tests.graphs.smallshop import effects
from tools.workshop import Workshop

Saver = BaseCheckpointSaver[Any]


class Talker(BaseChatModel):
    """Talks until nobody wants to hear more: a word each millisecond, a minute long."""

    pause: float = 0.001

    @property
    def _llm_type(self) -> str:
        return "talker"

    def bind_tools(self, tools: Any, **_: Any) -> "Talker":
        return self

    def _generate(self, *_: Any, **__: Any) -> ChatResult:
        raise NotImplementedError

    def _stream(self, messages: list[BaseMessage], *_: Any, **__: Any) -> Iterator[ChatGenerationChunk]:
        for _ in range(60_000):
            threading.Event().wait(self.pause)
            yield ChatGenerationChunk(message=AIMessageChunk(content="word "))


def under_way(work: Callable[[Callable[[Event], None]], Turn]) -> tuple[threading.Thread, list[Turn]]:
    """A turn on a thread of its own that has told its first event."""
    begun, ended = threading.Event(), []
    thread = threading.Thread(target=lambda: ended.append(work(lambda event: begun.set())))
    thread.start()
    assert begun.wait(20)
    return thread, ended


def test_a_turn_under_way_ends_as_cancelled(workshop: Workshop, saver: Saver) -> None:
    sessions = Sessions(workshop, Talker(), saver)
    session = sessions.create().id
    thread, ended = under_way(lambda emit: sessions.send(session, "Talk.", emit))
    # another object over the same home stands for another process: nothing but the disk is shared
    info = Sessions(workshop, Talker(), saver).cancel(session, patience=20)
    thread.join(20)
    error = ended[0].error
    assert error is not None
    assert (info.state, error.code) == ("idle", "turn_cancelled")
    assert isinstance(list(sessions.events(session))[-1], RunFailed)
    assert [turn.state for turn in sessions.turns(session)] == ["cancelled"]
    assert sessions.resume(session) is None


def test_the_job_of_a_cancelled_turn_is_stopped(workshop: Workshop, saver: Saver, rows: Path) -> None:
    imported = call("import_dataset", source=str(rows), target="y")
    training = call("train_model", dataset="ds_small", target="y", models=["linear"])
    model = ScriptedModel(script=[imported, training, say("never heard")])
    sessions = Sessions(workshop, model, saver)
    session = sessions.create().id

    def listen(event: Event) -> None:
        if event.kind == "tool_progress":
            sessions.cancel(session, patience=0)

    turn = sessions.send(session, "Train.", listen)
    assert turn.error is not None
    assert turn.error.code == "turn_cancelled"
    assert [job.state for job in workshop.jobs.list()] == ["cancelled"]
    assert sessions.history(session)[-1].tool == "train_model"  # the best so far was recorded


def test_a_call_that_had_not_begun_is_not_begun(workshop: Workshop, saver: Saver) -> None:
    model = ScriptedModel(script=[[call("add", a=1, b=2), call("add", a=3, b=4)], say("Other.")])
    sessions = Sessions(workshop, model, saver)
    session = sessions.create().id

    def listen(event: Event) -> None:
        if event.kind == "tool_finished":
            sessions.cancel(session, patience=0)

    sessions.send(session, "Add.", listen)
    assert effects(workshop.home) == ["add 1 2"]
    sessions.send(session, "Something else.")
    assert [message.type for message in model.seen[-1]] == ["system", "human", "ai", "tool", "tool", "human"]


def test_a_call_that_waits_can_be_cancelled(workshop: Workshop, saver: Saver) -> None:
    sessions = Sessions(workshop, ScriptedModel(script=[call("publish", model="mdl_1")]), saver)
    session = sessions.create().id
    waiting = sessions.send(session, "Publish.").approval
    assert waiting is not None
    assert sessions.cancel(session).state == "idle"
    with pytest.raises(NotFound):
        sessions.approve(session, waiting.approval, Decision(approve=True))
    assert effects(workshop.home) == []


def test_cancelling_what_has_ended_changes_nothing(workshop: Workshop, saver: Saver) -> None:
    sessions = Sessions(workshop, ScriptedModel(script=[say("One."), say("Two.")]), saver)
    session = sessions.create().id
    sessions.send(session, "1")
    before = list(sessions.events(session))
    assert sessions.cancel(session).state == "idle"
    assert list(sessions.events(session)) == before
    assert sessions.send(session, "2").text == "Two."


def test_a_turn_whose_job_is_stopped_before_it_began_ends_as_cancelled(
    workshop: Workshop, saver: Saver, rows: Path
) -> None:
    imported = call("import_dataset", source=str(rows), target="y")
    training = call("train_model", dataset="ds_small", target="y", models=["linear"])
    sessions = Sessions(workshop, ScriptedModel(script=[imported, training]), saver)
    session = sessions.create().id

    def listen(event: Event) -> None:
        if event.kind == "tool_started" and event.tool == "train_model":
            (workshop.home / "stopped").touch()
            sessions.cancel(session, patience=0)

    turn = sessions.send(session, "Train.", listen)
    assert turn.error is not None
    assert turn.error.code == "turn_cancelled"
    assert sessions.get(session).state == "idle"
    assert [one.state for one in sessions.turns(session)] == ["cancelled"]
