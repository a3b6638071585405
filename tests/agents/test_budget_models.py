"""A metered model asks for no more than there is room for, and counts what the endpoint says that it used."""

from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from agents.budget import BudgetSpent, Limits, Price, account
from agents.budget_purse import Purse
from agents.budget_store import Meter
from agents.loopback import Loopback, serve
from agents.metered import MeteredWhole, metered
from agents.offline import OfflinePlanner
from agents.provider import LlmSettings, chat_model
from agents.scripted import ScriptedModel, call, say
from agents.strict import AnswerCut
from agents.tokens import ESTIMATE, answer_tokens, definitions_tokens, messages_tokens
from engine.errors import ProviderFailed
from tests.agents.raw_endpoint import Reply, chat, raw, whole

ASKED = [HumanMessage("How many columns are there?")]
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "add", "description": "Add two numbers.", "parameters": {"type": "object", "properties": {}}},
}


def purse_in(home: Path, **limits: float) -> Purse:
    return Purse(Meter(home), (account("session", "ses_1", Limits.model_validate(limits)),))


def over_http(server: Loopback, purse: Purse, **options: Any) -> BaseChatModel:
    settings = LlmSettings(provider="openai", model="m", base_url=server.base_url, max_retries=0)
    return metered(chat_model(settings), purse=purse, cap="max_tokens", **options)


@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_what_the_endpoint_says_it_used_is_counted(home: Path, way: str) -> None:
    purse = purse_in(home)
    with serve([say("There are nine of them.")]) as server:
        model = over_http(server, purse, price=Price(prompt=1, completion=10))
        list(model.stream(ASKED)) if way == "stream" else model.invoke(ASKED)
        assert "max_tokens" not in server.requests[0]
    assert (purse.spent.prompt, purse.spent.completion) == (5, 5)
    assert purse.spent.money == pytest.approx((5 + 50) / 1e6)


def test_a_limited_answer_is_asked_for_with_the_room_that_there_is(home: Path) -> None:
    purse = purse_in(home, tokens=1_000)
    with serve([say("There are nine of them.")]) as server:
        over_http(server, purse).invoke(ASKED)
        assert server.requests[0]["max_tokens"] == 1_000 - messages_tokens(ESTIMATE, ASKED)
    assert purse.meter.spent("session:ses_1").tokens == 10
    assert purse.meter.held("session:ses_1").tokens == 0


def test_no_request_is_made_without_room(home: Path) -> None:
    with serve([say("Never.")]) as server:
        with pytest.raises(BudgetSpent):
            over_http(server, purse_in(home, tokens=20)).invoke(ASKED)
        assert not server.requests


def test_an_answer_that_the_endpoint_cut_at_the_room_there_was_says_whose_budget_it_was(home: Path) -> None:
    def full(body: dict[str, Any]) -> Reply:
        reply = whole("There are", finish="length")
        assert isinstance(reply.body, dict)
        room = body.get("max_tokens", 4_096)
        usage = {"prompt_tokens": 5, "completion_tokens": room, "total_tokens": 5 + room}
        return Reply(body={**reply.body, "usage": usage})

    with raw(full) as server:
        with pytest.raises(BudgetSpent, match="session ses_1"):
            metered(chat(server), purse=purse_in(home, tokens=1_000), cap="max_tokens").invoke(ASKED)
        with pytest.raises(AnswerCut):
            metered(chat(server), purse=purse_in(home / "other", tool_calls=9), cap="max_tokens").invoke(ASKED)


@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_an_answer_that_the_endpoint_cut_for_itself_costs_what_it_was_and_blames_no_budget(
    home: Path, way: str
) -> None:
    purse = purse_in(home, tokens=1_000)
    with serve([say("There are nine of them.")], mode="length") as server:
        model = over_http(server, purse)
        with pytest.raises(AnswerCut):
            list(model.stream(ASKED)) if way == "stream" else model.invoke(ASKED)
    assert 5 <= purse.meter.spent("session:ses_1").tokens < 40
    assert purse.meter.held("session:ses_1").tokens == 0


@pytest.mark.parametrize("mode", [500, "reset", "html"])
def test_a_request_that_fails_leaves_nothing_held(home: Path, mode: Any) -> None:
    purse = purse_in(home, tokens=5_000)
    with serve([say("Never.")], mode=mode) as server, pytest.raises(ProviderFailed):
        over_http(server, purse).invoke(ASKED)
    assert purse.meter.held("session:ses_1").tokens == 0
    assert purse.meter.spent("session:ses_1").tokens == 0


def test_a_stream_that_is_left_early_is_counted_as_far_as_it_came(home: Path) -> None:
    purse = purse_in(home, tokens=5_000)
    model = metered(ScriptedModel(script=[say("one two three four five six seven eight")]), purse=purse)
    stream = model.stream(ASKED)
    for _ in range(3):
        next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert purse.meter.held("session:ses_1").tokens == 0
    assert purse.spent.prompt == messages_tokens(ESTIMATE, ASKED)
    assert 0 < purse.spent.completion < answer_tokens(ESTIMATE, AIMessage("one two three four five six seven eight"))


def test_tool_definitions_and_calls_are_counted(home: Path) -> None:
    purse = purse_in(home)
    with ScriptedModel(script=[call("add", a=1, b=2)]) as scripted:
        answer = metered(scripted, purse=purse).bind_tools([TOOL]).invoke(ASKED)
    assert purse.spent.prompt == messages_tokens(ESTIMATE, ASKED) + definitions_tokens(ESTIMATE, [TOOL])
    assert purse.spent.completion == answer_tokens(ESTIMATE, answer)


def test_tools_are_bound_through_an_endpoints_model_too(home: Path) -> None:
    purse = purse_in(home, tokens=5_000)
    with serve([call("add", a=1, b=2)]) as server:
        answer = over_http(server, purse).bind_tools([TOOL]).invoke(ASKED)
        room = 4_096 if 5_000 - definitions_tokens(ESTIMATE, [TOOL]) > 4_200 else None
        assert server.requests[0]["max_tokens"] == room
        assert server.requests[0]["tools"][0]["function"]["name"] == "add"
    assert [each["args"] for each in answer.tool_calls] == [{"a": 1, "b": 2}]


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("text", ["word " * 5_000, "漢字🙂" * 2_000, "!?-/" * 4_000, "A1" * 4_000])
def test_an_endless_answer_of_any_kind_stays_within_the_limit(home: Path, text: str, streams: bool) -> None:
    purse = purse_in(home, tokens=1_500)
    model = metered(ScriptedModel(script=[say(text)]), purse=purse)
    with pytest.raises(BudgetSpent):
        list(model.stream(ASKED)) if streams else model.invoke(ASKED)
    assert 1_000 < purse.meter.spent("session:ses_1").tokens <= 1_500


class Whole(BaseChatModel):
    """A model that cannot stream."""

    @property
    def _llm_type(self) -> str:
        return "whole"

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage("Nine."))])


def test_a_model_that_cannot_stream_still_answers_in_one_piece(home: Path) -> None:
    purse = purse_in(home, tokens=5_000)
    [answer] = list(metered(Whole(), purse=purse).stream(ASKED))
    assert answer.text == "Nine."
    assert purse.spent.tokens


def test_the_offline_planner_and_a_metered_model_stay_as_they_are() -> None:
    planner, model = OfflinePlanner(), metered(Whole())
    assert metered(planner) is planner
    assert metered(model) is model
    assert isinstance(model, MeteredWhole)


def test_without_a_purse_nothing_is_metered() -> None:
    assert metered(Whole()).invoke(ASKED).text == "Nine."
