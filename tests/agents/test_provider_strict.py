"""No half call and no half answer: what endpoints really send wrongly, through the real client."""

import json
from dataclasses import replace
from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk
from langchain_core.tools import tool

from agents.strict import AnswerCut, AnswerWithheld, EndpointFailed
from agents.strict_calls import strict_object
from agents.strict_wire import wire_client
from engine.errors import ProviderFailed
from tests.agents.raw_endpoint import Raw, a_call, chat, delta, flowing, raw, said, whole


@tool
def add(a: int, b: int) -> int:
    """Add."""
    return a + b


def stream(server: Raw, **changes: object) -> AIMessageChunk:
    chunks = list(chat(server, max_retries=0, **changes).bind_tools([add]).stream("x"))
    merged = chunks[0]
    for chunk in chunks[1:]:
        merged = merged + chunk
    assert isinstance(merged, AIMessageChunk)
    return merged


def piece(arguments: str | None, **fields: Any) -> dict[str, Any]:
    """An event with one piece of a call; `index` is 0 unless it is given as None."""
    function = {name: fields.pop(name) for name in ("name",) if name in fields}
    place = fields.pop("index", 0)
    where = {} if place is None else {"index": place}
    return delta(tool_calls=[{**where, **fields, "function": {**function, "arguments": arguments}}])


BAD_ARGUMENTS = [
    '{"a": 1, "b',
    '{"a": 1, "b": 2} and more',
    '{"a": 1, "a": 2, "b": 3}',
    '{"a": NaN, "b": 2}',
    '{"a": 1e999, "b": 2}',
    "[1, 2]",
    "null",
    '"a"',
    '{"a": "\\ud800", "b": 2}',
    '{"a": 1,\n"b": "\x01"}',
    "[" * 100_000,
    '{"a": ' + "9" * 5000 + "}",
]


@pytest.mark.parametrize("arguments", BAD_ARGUMENTS, ids=range(len(BAD_ARGUMENTS)))
def test_arguments_that_are_no_strict_object_are_an_invalid_call_streamed_and_not(arguments: str) -> None:
    streamed = flowing(piece("", id="c1", name="add"), piece(arguments), finish="tool_calls")
    with raw(streamed) as server:
        flow = stream(server)
    with raw(whole(calls=[a_call(arguments)], finish="tool_calls")) as server:
        plain = chat(server, max_retries=0).bind_tools([add]).invoke("x")
    for message in (flow, plain):
        assert message.tool_calls == []
        assert [call["name"] for call in message.invalid_tool_calls] == ["add"]
        assert len(str(message.invalid_tool_calls[0]["args"])) < 1000


@pytest.mark.parametrize("name", ["", None, "ad\x00d"])
def test_a_call_without_a_proper_name_is_invalid(name: str | None) -> None:
    with raw(flowing(piece('{"a": 1, "b": 2}', id="c", name=name), finish="tool_calls")) as server:
        assert stream(server).tool_calls == []
    with raw(whole(calls=[a_call('{"a": 1, "b": 2}', name=name)], finish="tool_calls")) as server:
        assert chat(server, max_retries=0).bind_tools([add]).invoke("x").tool_calls == []


def test_two_calls_at_one_index_with_ids_of_their_own_are_two_calls() -> None:
    events = [piece('{"a": 1, "b": 2}', id="c1", name="add"), piece('{"a": 3, "b": 4}', id="c2", name="add")]
    with raw(flowing(*events, finish="tool_calls")) as server:
        calls = stream(server).tool_calls
    assert [(call["id"], call["args"]) for call in calls] == [("c1", {"a": 1, "b": 2}), ("c2", {"a": 3, "b": 4})]


@pytest.mark.parametrize(
    "events",
    [
        [piece('{"a": 1, ', id="c1", name="add"), piece('"b": 2}', id="c2")],
        [piece('{"a": 1, ', id="c1", name="add"), piece('"b": 2}', name="multiply")],
        [piece('{"a": 1, "b": 2}', name="add"), piece('{"a": 3, "b": 4}', name="add")],
    ],
    ids=["another id", "another name", "two calls without ids"],
)
def test_pieces_that_contradict_each_other_make_no_call(events: list[dict[str, Any]]) -> None:
    with raw(flowing(*events, finish="tool_calls")) as server:
        message = stream(server)
    assert message.tool_calls == []
    assert len(message.invalid_tool_calls) == 1


def test_a_name_and_an_id_that_come_with_every_piece_are_one_call() -> None:
    events = [piece(part, id="c1", name="add") for part in ("", '{"a": 1, ', '"b": 2}')]
    with raw(flowing(*events, finish="tool_calls")) as server:
        assert [call["args"] for call in stream(server).tool_calls] == [{"a": 1, "b": 2}]


@pytest.mark.parametrize("ids", [True, False])
def test_pieces_without_an_index_are_put_together(ids: bool) -> None:
    named = {"id": "c1"} if ids else {}
    events = [piece("", index=None, name="add", **named), piece('{"a": 1, ', index=None), piece('"b": 2}', index=None)]
    with raw(flowing(*events, finish="tool_calls")) as server:
        assert [call["args"] for call in stream(server).tool_calls] == [{"a": 1, "b": 2}]


def test_a_stream_that_loses_its_calls_is_asked_again_in_one_piece_and_that_is_remembered() -> None:
    def answer(body: dict[str, Any]) -> Any:
        call = a_call('{"a": 1, "b": 2}')
        return flowing(delta(content=""), finish="tool_calls") if body.get("stream") else whole(calls=[call])

    with raw(answer) as server:
        model = chat(server, max_retries=1)
        for _ in range(2):
            merged = list(model.bind_tools([add]).stream("x"))
            assert [call["args"] for chunk in merged for call in chunk.tool_calls] == [{"a": 1, "b": 2}]
    assert [bool(body.get("stream")) for body in server.bodies] == [True, False, False]


@pytest.mark.parametrize("flows", [True, False])
@pytest.mark.parametrize(
    ("reason", "error", "message"),
    [
        ("length", AnswerCut, "was cut at the most tokens"),
        ("max_tokens", AnswerCut, "was cut at the most tokens"),
        ("content_filter", AnswerWithheld, "withheld the answer"),
        ("banana", EndpointFailed, "'banana'"),
        ("error", EndpointFailed, "broke off"),
    ],
)
def test_an_answer_that_did_not_come_to_its_end_is_an_error(
    reason: str, error: type[ProviderFailed], message: str, flows: bool
) -> None:
    call = '{"a": 1, "b": 2}'
    streamed = flowing(delta(content="half"), piece(call, id="c1", name="add"), finish=reason)
    with raw(streamed if flows else whole("half", calls=[a_call(call)], finish=reason)) as server:
        model = chat(server, max_retries=2).bind_tools([add])
        with pytest.raises(error, match=message):
            list(model.stream("x")) if flows else model.invoke("x")
    if error is not EndpointFailed:
        assert len(server.bodies) == 1


@pytest.mark.parametrize("reason", ["stop", "STOP", "tool_calls", "eos"])
def test_calls_are_taken_whatever_good_reason_ends_the_answer(reason: str) -> None:
    with raw(flowing(piece('{"a": 1, "b": 2}', id="c1", name="add"), finish=reason)) as server:
        assert len(stream(server).tool_calls) == 1


@pytest.mark.parametrize(
    "body",
    ["<html>busy</html>", {"choices": []}, {"choices": None}, {"error": "x"}, [], {"choices": [{"message": None}]}],
    ids=str,
)
def test_what_is_no_chat_answer_is_a_typed_error(body: object) -> None:
    reply = whole()
    with raw(type(reply)(body=body)) as server, pytest.raises(ProviderFailed, match="not a chat answer"):
        chat(server, max_retries=0).invoke("x")


@pytest.mark.parametrize(
    "events",
    [["<html>busy</html>"], ["data: {oops"], ["data: 3"], [{"choices": [{"index": 0}]}], []],
    ids=str,
)
def test_a_stream_of_something_else_is_a_typed_error(events: list[object]) -> None:
    with raw(flowing(finish=None)) as server:
        server.answer = lambda _: type(whole())(events=events)
        with pytest.raises(ProviderFailed):
            stream(server)


def test_halves_of_a_character_are_put_together_and_a_lonely_half_is_marked() -> None:
    def words(*pieces: str) -> list[object]:
        # as JSON escapes: the server cannot send half a character otherwise
        return ["data: " + json.dumps(delta(content=piece), ensure_ascii=True) for piece in pieces]

    reply = said("x")
    with raw(type(reply)(events=[*words("a\ud83d", "\ude00b", "\ud83d"), delta("stop"), "data: [DONE]"])) as server:
        text = str(stream(server).content)
    assert text == "a\U0001f600b\ufffd"
    text.encode()


def test_an_answer_without_end_is_given_up() -> None:
    endless = said(*("word " * 200 for _ in range(100)))
    with (
        raw(endless) as server,
        wire_client(2, None, most_bytes=20_000) as client,
        pytest.raises(ProviderFailed, match="more than 20,000 bytes"),
    ):
        client.post(f"{server.base_url}/chat/completions", json={})


def test_a_strict_object_is_read_and_nothing_else_is() -> None:
    assert strict_object('{"a": {"b": [1, 2.5, "x", null, true]}}') == {"a": {"b": [1, 2.5, "x", None, True]}}
    with pytest.raises(ValueError, match="twice"):
        strict_object('{"a": {"b": 1, "b": 2}}')


@pytest.mark.parametrize("packed", ["gzip", "deflate, gzip", "br"])
def test_nothing_packed_is_asked_for_or_taken_so_the_bound_is_one_of_what_is_read(packed: str) -> None:
    with raw(replace(whole("fine"), headers={"Content-Encoding": packed}), whole("fine")) as server:
        with pytest.raises(EndpointFailed, match="packed as"):
            chat(server, max_retries=0).invoke("x")
        assert chat(server, max_retries=0).invoke("x").content == "fine"
    assert {headers["accept-encoding"] for headers in server.headers} == {"identity"}
