"""The probe says what an endpoint can do, and what Millwright does where it cannot; in bounded time."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from agents.probe import Capabilities, probe
from agents.provider import LlmSettings
from engine.errors import BadSettings
from tests.agents.raw_endpoint import Raw, Reply, a_call, delta, flowing, raw, refusal, said, whole

SUM, OTHER = '{"a": 2, "b": 3}', '{"a": 4, "b": 5}'
MODELS = {"data": [{"id": "m", "max_model_len": 8192}, {"id": "other"}]}
NAMES = (
    *("models", "context window", "plain chat", "finish reason", "streaming", "usage in streams", "tool calls"),
    *("parallel tool calls", "streamed tool calls", "json_schema", "parameters"),
)
Answer = Callable[[dict[str, Any]], Reply]


def able(body: dict[str, Any]) -> Reply:
    """An endpoint that can do everything."""
    asked = body["messages"][0]["content"]
    if "tools" in body:
        calls = [a_call(SUM), a_call(OTHER, id="c2")] if "twice" in asked else [a_call(SUM)]
        if body.get("stream"):
            pieces = [{**call, "index": place} for place, call in enumerate(calls)]
            return flowing(delta(tool_calls=pieces), finish="tool_calls")
        return whole(calls=calls, finish="tool_calls")
    if body.get("stream"):
        usage = {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 1}}
        return flowing(delta(content="ready"), *([usage] if "stream_options" in body else []))
    return whole('{"total": 5}' if "response_format" in body else "ready")


def looked(answer: Reply | Answer, models: object = MODELS, total_s: float = 60, **changes: object) -> Capabilities:
    with raw(answer, models=models) as server:
        return probe(settings(server, **changes), total_s)


def settings(server: Raw, **changes: object) -> LlmSettings:
    values = {"provider": "openai", "model": "m", "base_url": server.base_url, "timeout_s": 2, **changes}
    return LlmSettings.model_validate(values)


def states(found: Capabilities) -> dict[str, str]:
    return {finding.name: finding.state for finding in found.findings}


def test_an_endpoint_that_can_do_everything_is_ok_throughout() -> None:
    found = looked(able, prompt_price=1.0, completion_price=2.0)
    assert states(found) == dict.fromkeys(NAMES, "ok")
    assert found.usable
    assert all(finding.without == "" for finding in found.findings)
    details = {finding.name: finding.detail for finding in found.findings}
    assert details["context window"] == "8192 tokens"
    assert details["streaming"].startswith("first words after 0.")
    assert details["tool calls"] == 'add({"a": 2, "b": 3})'


def test_what_it_took_is_told() -> None:
    found = looked(able, prompt_price=1.0, completion_price=2.0)
    assert found.requests == 8
    # four answers in one piece of 5 + 2 tokens, and the stream that told 5 + 1
    assert (found.prompt_tokens, found.completion_tokens) == (25, 9)
    assert found.cost == pytest.approx((25 * 1.0 + 9 * 2.0) / 1e6)
    assert looked(able).cost is None


def without(*words: str) -> Answer:
    """An endpoint that refuses requests with these parameters."""

    def answer(body: dict[str, Any]) -> Reply:
        named = next((word for word in words if body.get(word) not in (None, [])), None)
        return refusal(400, f"{named} is not supported", param=named) if named else able(body)

    return answer


def instead(test: Callable[[dict[str, Any]], object], reply: Reply) -> Answer:
    return lambda body: reply if test(body) else able(body)


def calls(body: dict[str, Any]) -> bool:
    return "tools" in body and not body.get("stream")


def streamed_calls(body: dict[str, Any]) -> bool:
    return "tools" in body and bool(body.get("stream"))


def flows(body: dict[str, Any]) -> bool:
    return bool(body.get("stream"))


HALF = flowing(delta(tool_calls=[{**a_call('{"a": 2'), "index": 0}]), finish="tool_calls")
BARE = flowing(delta(tool_calls=[a_call(SUM)]), finish="tool_calls")
WORDS, NO_END = whole("2 + 3 = 5"), whole("x", finish=None)


@pytest.mark.parametrize(
    ("answer", "name", "state", "detail"),
    [
        (without("tools"), "tool calls", "missing", "tools is not supported"),
        (without("response_format"), "json_schema", "missing", "not supported"),
        (without("stream"), "streaming", "missing", "refuses to stream"),
        (without("stream_options"), "usage in streams", "missing", "not told"),
        (without("temperature"), "parameters", "missing", "refuses temperature"),
        (instead(calls, WORDS), "tool calls", "missing", "answered in words"),
        (instead(calls, whole(calls=[a_call('{"a": 2')])), "tool calls", "broken", "no strict JSON"),
        (instead(calls, whole(calls=[a_call(SUM)])), "parallel tool calls", "missing", "one call at a time"),
        (instead(streamed_calls, HALF), "streamed tool calls", "broken", "JSON"),
        (instead(streamed_calls, BARE), "streamed tool calls", "ok", "no index"),
        (instead(streamed_calls, flowing(finish="tool_calls")), "streamed tool calls", "broken", "none comes"),
        (instead(lambda body: "response_format" in body, WORDS), "json_schema", "missing", "does not keep"),
        (instead(lambda body: not flows(body), NO_END), "finish reason", "broken", "broke off"),
        (instead(flows, said("x", finish=None)), "streaming", "broken", "does not say why"),
        (instead(flows, Reply(events=["<html>"])), "streaming", "broken", "no words"),
    ],
)
def test_what_is_missing_or_broken_is_found_and_what_follows_is_said(
    answer: Answer, name: str, state: str, detail: str
) -> None:
    finding = next(one for one in looked(answer).findings if one.name == name)
    assert (finding.name, finding.state) == (name, state)
    assert detail in finding.detail
    assert bool(finding.without) == (state != "ok")


def test_a_model_that_is_not_listed_is_named_beside_those_that_are() -> None:
    found = looked(able, models={"data": [{"id": "llama"}]})
    assert states(found)["models"] == "missing"
    assert "llama" in found.findings[0].detail
    assert states(looked(able, models=None))["models"] == "missing"
    assert states(looked(able, models=["no list"]))["models"] == "missing"


def test_without_a_plain_answer_nothing_else_is_asked() -> None:
    with raw(refusal(401), models=MODELS) as server:
        found = probe(settings(server))
        assert len(server.bodies) == 1
    assert not found.usable
    assert states(found)["plain chat"] == "broken"
    assert "API_KEY" in next(one.detail for one in found.findings if one.name == "plain chat")
    assert set(states(found).values()) <= {"ok", "broken", "not asked"}


def test_no_server_at_all_is_a_finding() -> None:
    given = LlmSettings(provider="openai", model="m", base_url="http://127.0.0.1:9/v1")
    found = probe(given)
    assert states(found)["plain chat"] == "broken"
    assert "could not be reached" in str(found.findings)


def test_the_time_is_bounded() -> None:
    def slow(body: dict[str, Any]) -> Reply:
        return Reply(stall_s=30, body={}) if body.get("stream") or "tools" in body else able(body)

    began = time.monotonic()
    found = looked(slow, total_s=1.0)
    assert time.monotonic() - began < 4
    assert states(found)["plain chat"] == "ok"
    assert states(found)["json_schema"] == "not asked"


@pytest.mark.parametrize("provider", ["offline", "init"])
def test_only_the_openai_dialect_is_probed(provider: str) -> None:
    with pytest.raises(BadSettings, match="OpenAI dialect"):
        probe(LlmSettings.model_validate({"provider": provider, "model": None if provider == "offline" else "a:b"}))


def test_an_answer_without_a_message_is_broken_and_no_crash() -> None:
    def answer(body: dict[str, Any]) -> Reply:
        if body.get("stream"):
            return able(body)
        return Reply(body={"choices": [{"index": 0, "message": None, "finish_reason": "stop"}]})

    found = states(looked(answer))
    assert found["plain chat"] == "broken"


@pytest.mark.parametrize("message", [None, "ready", [1]])
def test_a_call_and_a_format_answered_with_no_message_are_broken(message: object) -> None:
    def answer(body: dict[str, Any]) -> Reply:
        if body.get("stream") or not ("tools" in body or "response_format" in body):
            return able(body)
        return Reply(body={"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})

    found = states(looked(answer))
    assert {found[name] for name in ("tool calls", "parallel tool calls", "json_schema")} == {"broken"}


@pytest.mark.parametrize("function", ["add", 5, ["add"]])
def test_a_call_whose_function_is_no_object_is_broken(function: object) -> None:
    def answer(body: dict[str, Any]) -> Reply:
        calls: list[Any] = [{"id": "c1", "index": 0, "type": "function", "function": function}]
        if "tools" not in body:
            return able(body)
        flows = body.get("stream")
        return flowing(delta(tool_calls=calls), finish="tool_calls") if flows else whole(calls=calls)

    found = states(looked(answer))
    assert {found[name] for name in ("tool calls", "parallel tool calls", "streamed tool calls")} == {"broken"}
