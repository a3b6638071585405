"""Typed answers by whichever way an endpoint has, remembered, with a bounded number of tries."""

import json
import time
from typing import Any, Literal

import pytest
from langchain_core.messages import HumanMessage
from pydantic import BaseModel, ConfigDict

from agents.scripted import ScriptedModel, call, say
from agents.structured import Form, NotStructured, json_in, structured
from engine.errors import ProviderFailed
from tests.agents.raw_endpoint import Raw, Reply, a_call, chat, raw, refusal, whole

ASKED = [HumanMessage("Which?")]


class Choice(BaseModel):
    """The choice that is made."""

    model_config = ConfigDict(extra="forbid")

    name: Literal["a", "b"]
    count: int = 1


FORM = Form("choose", Choice)
GOOD = '{"name": "b", "count": 2}'
CHOSEN = Choice(name="b", count=2)


def way_of(body: dict[str, Any]) -> str:
    return "tool" if "tools" in body else "json_schema" if "response_format" in body else "text"


def only(way: str, answer: str = GOOD, refused: Reply | None = None) -> Any:
    """An endpoint that gives structured answers in one way; what it does with the others is `refused`."""

    def reply(body: dict[str, Any]) -> Reply:
        if way_of(body) != way:
            return refused or whole("I would say b.")
        return whole(calls=[a_call(answer, name="choose")]) if way == "tool" else whole(answer)

    return reply


def ways(server: Raw) -> list[str]:
    return [way_of(body) for body in server.bodies]


ORDER = ("tool", "json_schema", "text")


# an endpoint that ignores a format reads the words beside it, so it answers before plain text is tried
@pytest.mark.parametrize(
    ("way", "status"),
    [(way, status) for way in ORDER for status in (400, 404, 422, 500, None) if (way, status) != ("text", None)],
)
def test_the_way_that_an_endpoint_has_is_found_and_remembered(way: str, status: int | None) -> None:
    refused = None if status is None else refusal(status, "tools are not supported")
    with raw(only(way, refused=refused)) as server:
        model = chat(server, max_retries=0)
        assert structured(model, FORM, ASKED) == CHOSEN
        tried = ways(server)
        assert structured(model, FORM, ASKED) == CHOSEN
    assert tried == list(ORDER[: ORDER.index(way) + 1])
    assert ways(server) == [*tried, way]


def test_json_schema_sends_the_schema_and_no_strictness() -> None:
    with raw(only("json_schema", refused=refusal(400))) as server:
        structured(chat(server), FORM, ASKED)
    sent = server.bodies[-1]["response_format"]
    assert sent["type"] == "json_schema"
    assert sent["json_schema"]["schema"]["properties"]["name"]["enum"] == ["a", "b"]
    assert "strict" not in sent["json_schema"]


def test_what_no_way_can_do_is_told_with_the_first_reason() -> None:
    with raw(refusal(400, "no tools"), refusal(400, "no format"), refusal(400, "no")) as server:
        with pytest.raises(ProviderFailed, match="no tools"):
            structured(chat(server), FORM, ASKED)
        assert ways(server) == list(ORDER)


@pytest.mark.parametrize(("retries", "requests"), [(0, 3), (2, 3), (4, 5)])
def test_the_ways_share_one_bound_of_requests_where_an_endpoint_fails_in_all(retries: int, requests: int) -> None:
    with raw(refusal(500)) as server:
        with pytest.raises(ProviderFailed, match="server error"):
            structured(chat(server, max_retries=retries), FORM, ASKED)
        assert ways(server) == [*ORDER, *["text"] * (requests - 3)]


def test_a_second_model_is_asked_when_the_first_has_failed_in_every_way() -> None:
    def reply(body: dict[str, Any]) -> Reply:
        return refusal(500) if body["model"] == "m" else whole(GOOD)

    with raw(reply) as server:
        assert structured(chat(server, fallback_model="n"), FORM, ASKED) == CHOSEN
    assert [body["model"] for body in server.bodies] == ["m", "m", "m", "n"]


def test_the_ways_share_one_deadline() -> None:
    began = time.monotonic()
    with raw(Reply(500, {"error": {"message": "no"}}, stall_s=0.5)) as server:
        with pytest.raises(ProviderFailed, match="in time"):
            structured(chat(server, deadline_s=0.8, max_retries=0), FORM, ASKED)
        assert len(server.bodies) == 2
    assert time.monotonic() - began < 3


def test_an_endpoint_that_is_away_is_no_reason_to_try_other_ways() -> None:
    with raw(refusal(401)) as server:
        with pytest.raises(ProviderFailed, match="refused the key"):
            structured(chat(server), FORM, ASKED)
        assert len(server.bodies) == 1


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ('{"name": "c"}', "name: Input should be 'a' or 'b'"),
        ('{"name": "a", "extra": 1}', "extra: Extra inputs are not permitted"),
        ('{"name": "a"', "not valid JSON"),
    ],
)
def test_what_is_wrong_is_told_and_the_next_answer_is_taken(wrong: str, told: str) -> None:
    def reply(body: dict[str, Any]) -> Reply:
        first = len(body["messages"]) == 1
        return whole(calls=[a_call(wrong if first else GOOD, name="choose")])

    with raw(reply) as server:
        assert structured(chat(server), FORM, ASKED) == CHOSEN
    assert told in json.dumps(server.bodies[1]["messages"])
    assert '{"name": "a"' not in json.dumps(server.bodies[1]["messages"]) or wrong.endswith("}")


def test_the_tries_are_bounded() -> None:
    with raw(whole(calls=[a_call('{"name": "c"}', name="choose")])) as server:
        with pytest.raises(NotStructured, match="name: Input should be"):
            structured(chat(server), FORM, ASKED, tries=4)
        assert len(server.bodies) == 4


def test_a_check_of_the_callers_own_is_told_too() -> None:
    form = Form("choose", Choice, lambda choice: "b is taken." if choice.name == "b" else None)
    with ScriptedModel(script=[call("choose", name="b"), call("choose", name="a")]) as model:
        assert structured(model, form, ASKED) == Choice(name="a")
    assert model.seen[1][-1].content == "b is taken."


@pytest.mark.parametrize(
    "calls",
    [[a_call(GOOD, name="choose"), a_call(GOOD, name="choose", id="c2")], [a_call(GOOD, name="other")]],
    ids=["two", "another"],
)
def test_only_one_call_of_the_right_name_is_an_answer(calls: list[object]) -> None:
    with raw(whole(calls=calls)) as server, pytest.raises(NotStructured, match="exactly one call of choose"):
        structured(chat(server), FORM, ASKED)


def test_a_model_without_an_opinion_is_asked_once() -> None:
    form = Form("choose", Choice, declines=lambda answer: answer.text == "none")
    with ScriptedModel(script=[say("none")]) as model:
        assert structured(model, form, ASKED) is None


def test_json_in_words_is_an_answer_of_a_model_that_calls_nothing() -> None:
    with ScriptedModel(script=[say(f"Sure:\n```json\n{GOOD}\n```")]) as model:
        assert structured(model, FORM, ASKED) == CHOSEN


@pytest.mark.parametrize("text", ["", "no", '{"a": 1', '{"a": 1} or {"a": 2}', "}{", '{"a": NaN}', '{"a": 1, "a": 2}'])
def test_half_an_object_or_two_are_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        json_in(text)


def test_the_way_is_remembered_behind_other_models_too() -> None:
    class Around(ScriptedModel):
        """A model around a model, as the one that counts tokens is."""

        inner: Any = None

        def bind(self, **kwargs: Any) -> Any:
            return self.inner.bind(**kwargs)

        def bind_tools(self, *tools: Any, **kwargs: Any) -> Any:
            return self.inner.bind_tools(*tools, **kwargs)

    with raw(only("json_schema", refused=refusal(400))) as server:
        model = Around(script=[], inner=chat(server))
        assert [structured(model, FORM, ASKED), structured(model, FORM, ASKED)] == [CHOSEN, CHOSEN]
    assert ways(server) == ["tool", "json_schema", "json_schema"]
