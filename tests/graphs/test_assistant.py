"""The conversation graph, through sessions: tools, approval, errors and bounds."""

from collections.abc import Sequence
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolCall, ToolMessage
from langchain_core.messages.tool import invalid_tool_call
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.checkpoint.base import BaseCheckpointSaver

from agents.scripted import ScriptedModel, call, say
from engine.errors import NotFound, ProviderFailed
from graphs.assistant_calls import approval_mark
from graphs.assistant_types import Decision
from graphs.events import (
    ApprovalWanted,
    ClaimsChecked,
    Event,
    RunFailed,
    RunFinished,
    TextDelta,
    ToolFinished,
    ToolStarted,
)
from graphs.sessions import Sessions
from tests.graphs.smallshop import effects, text_of
from tools.workshop import Workshop

Saver = BaseCheckpointSaver[Any]
YES, NO = Decision(approve=True), Decision(approve=False, reason="Not on a Friday.")


class Broken(BaseChatModel):
    """A model whose calls never are valid JSON, or that says nothing at all; `left` answers, then words."""

    left: int
    empty: bool = False
    asked: list[Sequence[BaseMessage]] = []  # noqa: RUF012  pydantic copies it for each instance

    @property
    def _llm_type(self) -> str:
        return "broken"

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> "Broken":
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        self.asked.append(messages)
        if len(self.asked) > self.left:
            message = AIMessage("At last.")
        elif self.empty:
            message = AIMessage("")
        else:
            broken = invalid_tool_call(name="add", args='{"a": 1, "b', id=f"c{len(self.asked)}", error=None)
            message = AIMessage("", invalid_tool_calls=[broken])
        return ChatResult(generations=[ChatGeneration(message=message)])


def test_a_tools_answer_reaches_the_model_and_its_words_the_user(
    workshop: Workshop, saver: Saver, heard: list[Event]
) -> None:
    with ScriptedModel(script=[call("add", a=1, b=2), say("It is 3.")]) as model:
        sessions = Sessions(workshop, model, saver)
        turn = sessions.send(sessions.create().id, "1 + 2?", heard.append)
    assert turn.text == text_of(heard) == "It is 3."
    assert model.seen[1][-1].content == '<data>{"value":3.0}</data>'
    assert [type(event) for event in heard if not isinstance(event, TextDelta)] == [
        ToolStarted,
        ToolFinished,
        ClaimsChecked,
        RunFinished,
    ]


def test_several_calls_in_one_answer_are_answered_in_order(workshop: Workshop, saver: Saver) -> None:
    with ScriptedModel(script=[[call("add", a=1, b=2), call("add", a=3, b=4)], say("3 and 7.")]) as model:
        sessions = Sessions(workshop, model, saver)
        sessions.send(sessions.create().id, "1 + 2, 3 + 4?")
    shown = [message.content for message in model.seen[1][-2:]]
    assert shown == ['<data>{"value":3.0}</data>', '<data>{"value":7.0}</data>']


def test_a_wrong_argument_is_told_to_the_model_and_the_turn_goes_on(workshop: Workshop, saver: Saver) -> None:
    with ScriptedModel(script=[call("add", a=1, c=2), call("add", a=1, b=2), say("3.")]) as model:
        sessions = Sessions(workshop, model, saver)
        assert sessions.send(sessions.create().id, "1 + 2?").text == "3."
    told = model.seen[1][-1]
    assert isinstance(told, ToolMessage)
    assert told.status == "error"
    assert "'c'" in str(told.content) or "c" in str(told.content)


def test_another_error_stops_the_turn_and_the_session_stays_usable(
    workshop: Workshop, saver: Saver, heard: list[Event]
) -> None:
    with ScriptedModel(script=[call("add", a=1e9, b=2), say("Yes?")]) as model:
        sessions = Sessions(workshop, model, saver)
        session = sessions.create().id
        turn = sessions.send(session, "Big ones.", heard.append)
        assert isinstance(turn.error, RunFailed)
        assert turn.error.sentence == "The adder broke."
        assert sessions.send(session, "Hello?").text == "Yes?"
    shapes = [message.type for message in model.seen[1]]
    assert shapes == ["system", "human", "ai", "tool", "human"]


def test_a_call_that_writes_waits_for_a_yes(workshop: Workshop, saver: Saver, heard: list[Event]) -> None:
    with ScriptedModel(script=[call("publish", model="mdl_1"), say("Published.")]) as model:
        sessions = Sessions(workshop, model, saver)
        session = sessions.create().id
        waiting = sessions.send(session, "Publish it.", heard.append).approval
        assert waiting is not None
        assert (waiting.tool, waiting.arguments) == ("publish", {"model": "mdl_1"})
        assert isinstance(heard[-1], ApprovalWanted)
        assert effects(workshop.home) == []
        assert sessions.pending(session) == waiting.model_copy(update={"sequence": 0})
        assert sessions.approve(session, waiting.approval, YES).text == "Published."
    assert effects(workshop.home) == ["publish mdl_1"]


def test_a_no_is_told_to_the_model_with_its_reason(workshop: Workshop, saver: Saver) -> None:
    with ScriptedModel(script=[call("publish", model="mdl_1"), say("I left it.")]) as model:
        sessions = Sessions(workshop, model, saver)
        session = sessions.create().id
        waiting = sessions.send(session, "Publish it.").approval
        assert waiting is not None
        assert sessions.approve(session, waiting.approval, NO).text == "I left it."
    assert model.seen[1][-1].content == "The user declined this call. Not on a Friday."
    assert effects(workshop.home) == []


def test_two_risky_calls_are_asked_one_by_one(workshop: Workshop, saver: Saver) -> None:
    script = [[call("publish", model="mdl_1"), call("notify", model="mdl_1")], say("Done.")]
    with ScriptedModel(script=script) as model:
        sessions = Sessions(workshop, model, saver)
        session = sessions.create().id
        first = sessions.send(session, "Go.").approval
        assert first is not None
        second = sessions.approve(session, first.approval, YES).approval
        assert second is not None
        assert (second.tool, second.approval != first.approval) == ("notify", True)
        assert sessions.approve(session, second.approval, NO).text == "Done."
    assert effects(workshop.home) == ["publish mdl_1"]


def test_an_approval_is_good_for_one_answer(workshop: Workshop, saver: Saver) -> None:
    with ScriptedModel(script=[call("publish", model="mdl_1"), say("Published.")]) as model:
        sessions = Sessions(workshop, model, saver)
        session = sessions.create().id
        waiting = sessions.send(session, "Publish it.").approval
        assert waiting is not None
        sessions.approve(session, waiting.approval, YES)
        with pytest.raises(NotFound, match="answered already") as caught:
            sessions.approve(session, waiting.approval, YES)
    assert caught.value.code == "approval_not_found"
    assert effects(workshop.home) == ["publish mdl_1"]


def test_another_message_cancels_what_waits(workshop: Workshop, saver: Saver) -> None:
    with ScriptedModel(script=[call("publish", model="mdl_1"), say("Left as it was.")]) as model:
        sessions = Sessions(workshop, model, saver)
        session = sessions.create().id
        waiting = sessions.send(session, "Publish it.").approval
        assert waiting is not None
        assert sessions.send(session, "No, wait.").text == "Left as it was."
        assert sessions.pending(session) is None
        with pytest.raises(NotFound, match="nothing was run"):
            sessions.approve(session, waiting.approval, YES)
    assert [message.type for message in model.seen[1]] == ["system", "human", "ai", "tool", "human"]
    assert effects(workshop.home) == []


def test_a_policy_may_say_yes_to_all(workshop: Workshop, saver: Saver) -> None:
    with ScriptedModel(script=[call("publish", model="mdl_1"), say("Published.")]) as model:
        sessions = Sessions(workshop, model, saver, ask=frozenset())
        assert sessions.send(sessions.create().id, "Publish it.").approval is None
    assert effects(workshop.home) == ["publish mdl_1"]


def test_a_turn_ends_after_its_bound_of_steps(workshop: Workshop, saver: Saver) -> None:
    with ScriptedModel(script=[call("add", a=1, b=1)] * 3) as model:
        sessions = Sessions(workshop, model, saver, max_steps=3)
        turn = sessions.send(sessions.create().id, "Count for ever.")
    assert turn.text.startswith("I stopped after 3 steps")
    assert turn.error is None


def test_a_call_that_cannot_be_read_is_answered_and_never_run(workshop: Workshop, saver: Saver) -> None:
    model = Broken(left=2)
    sessions = Sessions(workshop, model, saver)
    assert sessions.send(sessions.create().id, "1 + 2?").text == "At last."
    told = model.asked[1][-1]
    assert isinstance(told, ToolMessage)
    assert "not valid JSON" in str(told.content)
    assert effects(workshop.home) == []


@pytest.mark.parametrize("empty", [False, True], ids=["unreadable calls", "empty answers"])
def test_answers_that_cannot_be_used_are_bounded(workshop: Workshop, saver: Saver, empty: bool) -> None:
    model = Broken(left=99, empty=empty)
    sessions = Sessions(workshop, model, saver)
    turn = sessions.send(sessions.create().id, "1 + 2?")
    assert turn.error is not None
    assert turn.error.code == "provider_failed"
    assert len(model.asked) == 3


def test_a_provider_that_fails_ends_the_turn_with_its_words(workshop: Workshop, saver: Saver) -> None:
    with ScriptedModel(script=[ProviderFailed("The endpoint is away.", "Try later."), say("Here again.")]) as model:
        sessions = Sessions(workshop, model, saver)
        session = sessions.create().id
        failed = sessions.send(session, "Hello?").error
        assert failed is not None
        assert failed.sentence == "The endpoint is away."
        assert sessions.get(session).state == "failed"
        assert sessions.send(session, "Hello?").text == "Here again."


class SameId(BaseChatModel):
    """A model whose server gives every call the id call_0; its answers are lists of calls, then words."""

    answers: list[list[tuple[str, dict[str, Any]]]]
    asked: list[Sequence[BaseMessage]] = []  # noqa: RUF012  pydantic copies it for each instance

    @property
    def _llm_type(self) -> str:
        return "same-id"

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> "SameId":
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        self.asked.append(messages)
        wanted = self.answers[len(self.asked) - 1] if len(self.asked) <= len(self.answers) else []
        calls = [ToolCall(name=name, args=arguments, id="call_0") for name, arguments in wanted]
        message = AIMessage("" if calls else "Done.", tool_calls=calls)
        return ChatResult(generations=[ChatGeneration(message=message)])


def ids_of(messages: Sequence[BaseMessage]) -> tuple[list[str | None], list[str]]:
    """The ids of the calls of a conversation, and of their answers."""
    calls = [call["id"] for message in messages if isinstance(message, AIMessage) for call in message.tool_calls]
    return calls, [message.tool_call_id for message in messages if isinstance(message, ToolMessage)]


def test_a_yes_is_no_yes_to_a_later_call_with_the_same_id(workshop: Workshop, saver: Saver) -> None:
    model = SameId(answers=[[("publish", {"model": "mdl_1"})], [("publish", {"model": "mdl_2"})]])
    sessions = Sessions(workshop, model, saver)
    session = sessions.create().id
    first = sessions.send(session, "Publish mdl_1.").approval
    assert first is not None
    second = sessions.approve(session, first.approval, YES).approval
    assert effects(workshop.home) == ["publish mdl_1"]
    assert second is not None
    assert second.arguments == {"model": "mdl_2"}
    sessions.approve(session, second.approval, NO)
    assert effects(workshop.home) == ["publish mdl_1"]


def test_a_yes_to_one_of_two_calls_with_one_id_is_no_yes_to_the_other(workshop: Workshop, saver: Saver) -> None:
    model = SameId(answers=[[("publish", {"model": "mdl_1"}), ("publish", {"model": "mdl_2"})]])
    sessions = Sessions(workshop, model, saver)
    session = sessions.create().id
    first = sessions.send(session, "Publish both.").approval
    assert first is not None
    second = sessions.approve(session, first.approval, YES).approval
    assert second is not None
    sessions.approve(session, second.approval, YES)
    assert effects(workshop.home) == ["publish mdl_1", "publish mdl_2"]


def test_calls_with_one_id_are_all_run_and_each_is_answered(workshop: Workshop, saver: Saver) -> None:
    one, two, three = (("add", {"a": number, "b": 1}) for number in (1, 2, 3))
    model = SameId(answers=[[one, two], [three]])
    sessions = Sessions(workshop, model, saver)
    sessions.send(sessions.create().id, "Add.")
    assert effects(workshop.home) == ["add 1 1", "add 2 1", "add 3 1"]
    calls, answers = ids_of(model.asked[-1])
    assert len(set(calls)) == 3
    assert answers == calls


@pytest.mark.parametrize("change", [{"args": {"model": "mdl_2"}}, {"name": "notify"}, {"id": "call_9"}])
def test_a_yes_is_bound_to_the_call_its_arguments_and_its_place(change: dict[str, Any]) -> None:
    call_: dict[str, Any] = {"name": "publish", "args": {"model": "mdl_1"}, "id": "call_0"}
    messages = [AIMessage("")]
    mark = approval_mark("ses_1", messages, ToolCall(**call_))
    assert mark == approval_mark("ses_1", messages, ToolCall(**call_))
    assert mark != approval_mark("ses_1", messages, ToolCall(**{**call_, **change}))
    assert mark != approval_mark("ses_1", [*messages, AIMessage("")], ToolCall(**call_))
