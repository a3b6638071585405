"""The scripted model is strict: too short, not used up and unknown tools are errors."""

import asyncio

import pytest
from langchain_core.messages import AIMessageChunk, HumanMessage
from langchain_core.tools import tool

from agents.scripted import ScriptedModel, call, say
from engine.errors import ProviderFailed, ScriptError


@tool
def add(a: int, b: int) -> int:
    """Add."""
    return a + b


def bound(model: ScriptedModel) -> ScriptedModel:
    return model.bind_tools([add])


def test_it_gives_the_turns_in_order_and_records_what_it_was_shown() -> None:
    with ScriptedModel(script=[call("add", a=1, b=2), say("three")]) as model:
        first = bound(model).invoke("sum?")
        assert first.tool_calls[0]["args"] == {"a": 1, "b": 2}
        assert bound(model).invoke([HumanMessage("sum?"), HumanMessage("well?")]).content == "three"
    assert [len(shown) for shown in model.seen] == [1, 2]
    assert model.seen[1][-1].content == "well?"


def test_a_script_that_is_too_short_fails_and_quotes_the_last_message() -> None:
    model = ScriptedModel(script=[say("one")])
    model.invoke("a")
    with pytest.raises(ScriptError, match=r"has 1 turn\(s\), but turn 2 was asked for.*'still there\?'"):
        model.invoke("still there?")


def test_a_script_that_is_not_used_up_fails_on_check_and_on_leaving_the_block() -> None:
    model = ScriptedModel(script=[say("one"), say("two")])
    model.invoke("a")
    assert not model.used_up
    with pytest.raises(ScriptError, match=r"1 of 2 script turn\(s\) were not used.*two"):
        model.check()
    with pytest.raises(ScriptError, match="not used"), model:
        pass


def test_an_error_in_the_block_is_not_hidden_by_the_unused_script() -> None:
    with pytest.raises(KeyError), ScriptedModel(script=[say("one")]):
        raise KeyError("first")


def test_a_call_of_a_tool_that_is_not_bound_is_refused() -> None:
    model = ScriptedModel(script=[call("subtract", a=1)])
    with pytest.raises(ScriptError, match=r"Turn 1 calls 'subtract'. The tools offered are: add."):
        bound(model).invoke("x")


def test_without_bound_tools_any_call_may_be_made() -> None:
    assert ScriptedModel(script=[call("anything", a=1)]).invoke("x").tool_calls[0]["name"] == "anything"


def test_with_no_tool_bound_no_call_may_be_made() -> None:
    with pytest.raises(ScriptError, match="offered are: none"):
        ScriptedModel(script=[call("anything")]).bind_tools([]).invoke("x")


@pytest.mark.parametrize("script", [["hello"], [say("a"), 3], [["hello"]], [None]])
def test_what_is_no_turn_is_refused_at_once(script: object) -> None:
    with pytest.raises(ScriptError, match="is no turn of a script"):
        ScriptedModel(script=script)


def test_several_calls_in_one_turn_have_ids_of_their_own() -> None:
    message = bound(ScriptedModel(script=[[say("both"), call("add", a=1, b=2), call("add", a=3, b=4)]])).invoke("x")
    assert message.content == "both"
    assert [item["args"]["a"] for item in message.tool_calls] == [1, 3]
    assert len({item["id"] for item in message.tool_calls}) == 2


def test_a_turn_may_be_a_function_of_the_messages_or_an_error() -> None:
    model = ScriptedModel(script=[lambda messages: say(f"{len(messages)} shown"), ProviderFailed("down")])
    assert model.invoke("x").content == "1 shown"
    with pytest.raises(ProviderFailed, match="down"):
        model.invoke("x")


def test_it_streams_text_word_by_word_and_calls_in_pieces() -> None:
    model = bound(ScriptedModel(script=[[say("let me add these"), call("add", a=1234567, b=7654321)]]))
    chunks = list(model.stream("x"))
    assert [str(chunk.content) for chunk in chunks[:4]] == ["let ", "me ", "add ", "these"]
    whole = chunks[0]
    for chunk in chunks[1:]:
        assert isinstance(chunk, AIMessageChunk)
        whole = whole + chunk
    assert whole.tool_calls[0]["args"] == {"a": 1234567, "b": 7654321}
    assert len(chunks) > 6


def test_async_calls_and_streams_follow_the_same_script() -> None:
    model = bound(ScriptedModel(script=[call("add", a=1, b=2), say("all done now")]))

    async def talk() -> list[str]:
        first = await model.ainvoke("x")
        assert first.tool_calls
        return [str(chunk.content) async for chunk in model.astream("y") if chunk.content]

    assert asyncio.run(talk()) == ["all ", "done ", "now"]
    model.check()
