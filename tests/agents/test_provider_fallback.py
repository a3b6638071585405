"""The second model answers where the first has failed for good, and says so once."""

import logging

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk

from agents.fallback import FallbackChat, notice_of
from agents.provider import LlmSettings, chat_model
from engine.errors import BadSettings, ProviderFailed
from tests.agents.raw_endpoint import Raw, Reply, chat, either, raw, refusal, said, whole

NOTICE = "m at 127.0.0.1 did not answer; n at 127.0.0.1 answers."
TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}


def both(first: Raw, second: Raw, **changes: object) -> BaseChatModel:
    return chat(first, fallback_model="n", fallback_base_url=second.base_url, max_retries=1, **changes)


def flow(model: BaseChatModel) -> tuple[str, str]:
    """The text, and the notice of a streamed answer."""
    chunks = list(model.bind_tools([TOOL]).stream("x"))
    merged = chunks[0]
    for chunk in chunks[1:]:
        merged = merged + chunk
    assert isinstance(merged, AIMessageChunk)
    return str(merged.content), notice_of(merged)


@pytest.mark.parametrize("flows", [True, False])
@pytest.mark.parametrize(
    "failing",
    [refusal(500), refusal(429), refusal(401), refusal(404), Reply(drop=True), said("", finish=None)],
    ids=["500", "429", "401", "404", "reset", "cut"],
)
def test_the_second_answers_and_that_is_said_once(
    failing: Reply, flows: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with raw(failing) as first, raw(lambda body: either(body, "hello")) as second:
        model = both(first, second)
        told = []
        for _ in range(2):
            if flows:
                told.append(flow(model))
            else:
                answer = model.invoke("x")
                told.append((str(answer.content), notice_of(answer)))
    assert told == [("hello", NOTICE), ("hello", "")]
    assert len(first.bodies) <= 2, "a model that has failed for good rests for a while"
    assert {body["model"] for body in second.bodies} == {"n"}
    assert [record.levelno for record in caplog.records if NOTICE in record.getMessage()] == [logging.WARNING]


def test_after_a_rest_the_first_is_tried_again() -> None:
    with raw(refusal(500), refusal(500), lambda body: either(body, "back")) as first, raw(either) as second:
        model = both(first, second)
        assert isinstance(model, FallbackChat)
        tired = model.model_copy(update={"rest_s": 0.0})
        assert [flow(tired), flow(tired)] == [("fine", NOTICE), ("back", "")]


def test_nobody_steps_in_once_words_of_the_first_were_passed_on() -> None:
    with raw(said("one ", "two", finish=None)) as first, raw(either) as second:
        with pytest.raises(ProviderFailed, match="broke off"):
            flow(both(first, second))
        assert second.bodies == []


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (refusal(400, "bad shape"), "bad shape"),
        (refusal(400, "long", code="context_length_exceeded"), "longer than"),
        (whole("half", finish="length"), "was cut"),
        (whole("no", finish="content_filter"), "withheld"),
    ],
)
def test_what_is_wrong_with_the_request_or_the_answer_is_told_and_asked_of_nobody_else(
    reply: Reply, message: str
) -> None:
    with raw(reply) as first, raw(either) as second:
        with pytest.raises(ProviderFailed, match=message):
            both(first, second).invoke("x")
        assert second.bodies == []


def test_where_both_fail_both_are_told() -> None:
    with (
        raw(refusal(500)) as first,
        raw(refusal(401)) as second,
        pytest.raises(ProviderFailed, match=r"server error.*fall-back model failed too.*refused the key.*API_KEY"),
    ):
        both(first, second).invoke("x")


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        ({"api_key": "one"}, ("Bearer one", None)),
        ({"api_key": "one", "fallback_api_key": "two"}, ("Bearer one", "Bearer two")),
        ({"fallback_api_key": "two"}, (None, "Bearer two")),
    ],
)
def test_a_key_goes_to_its_own_endpoint_alone(changes: dict[str, str], keys: tuple[str | None, ...]) -> None:
    with raw(refusal(404)) as first, raw(either) as second:
        both(first, second, **changes).invoke("x")
        assert tuple(server.headers[0].get("authorization") for server in (first, second)) == keys


def test_a_second_model_at_the_same_endpoint_has_the_same_key() -> None:
    with raw(refusal(404), either) as server:
        assert chat(server, api_key="one", fallback_model="n").invoke("x").content == "fine"
    assert [headers["authorization"] for headers in server.headers] == ["Bearer one", "Bearer one"]
    assert [body["model"] for body in server.bodies] == ["m", "n"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"provider": "offline", "fallback_model": "n"}, "'offline'.*ignored"),
        (
            {"provider": "openai", "model": "m", "api_key": "k", "fallback_base_url": "http://h/v1"},
            "fallback_model is not",
        ),
        (
            {"provider": "openai", "model": "m", "api_key": "k", "fallback_model": "n", "fallback_base_url": "h"},
            "FALLBACK_BASE_URL",
        ),
    ],
)
def test_settings_of_the_second_model_that_do_not_fit_are_named(values: dict[str, str], message: str) -> None:
    with pytest.raises(BadSettings, match=message):
        chat_model(LlmSettings.model_validate(values))


def test_what_is_bound_reaches_both_each_in_its_own_words() -> None:
    with raw(refusal(404)) as first, raw(either) as second:
        bound = both(first, second).bind_tools([TOOL], tool_choice="add")
        assert bound.bind(max_tokens=7, fallback_options={"tools": []}).invoke("x").content == "fine"
    assert [body["max_tokens"] for body in (first.bodies[0], second.bodies[0])] == [7, 7]
    assert first.bodies[0]["tools"][0]["function"]["name"] == "add"
    assert second.bodies[0]["tools"] == []
    assert "fallback_options" not in str(first.bodies + second.bodies)
