"""Every request is counted, those of failed answers too, and an answer is bounded while it is still held back."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, HumanMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from agents.budget import SESSION, BudgetSpent, Limits, account
from agents.budget_purse import Purse, spending
from agents.budget_store import Meter
from agents.metered import metered
from agents.tokens import ESTIMATE, messages_tokens
from agents.underway import looking
from engine.errors import ProviderFailed
from tests.agents.raw_endpoint import Raw, Reply, chat, delta, either, flowing, raw, refusal, said, whole

ASKED = [HumanMessage("How many columns are there?")]
PROMPT = messages_tokens(ESTIMATE, ASKED)
NAME = "session:ses_1"


def purse_in(home: Path, **limits: float) -> Purse:
    return Purse(Meter(home), (account(SESSION, "ses_1", Limits.model_validate(limits)),))


def counted(server: Raw, purse: Purse, **changes: object) -> BaseChatModel:
    return metered(chat(server, **changes), purse=purse, cap="max_tokens")


def dripping_call(drip_s: float = 0.01) -> Reply:
    """A call of which pieces come for a long time."""
    head = {"index": 0, "id": "c1", "function": {"name": "add", "arguments": '{"a": "'}}
    pieces = [{"index": 0, "function": {"arguments": "x y "}}] * 2_000
    return flowing(*(delta(tool_calls=[piece]) for piece in [head, *pieces]), drip_s=drip_s)


@pytest.mark.parametrize("finish", [None, "length", "content_filter", "tool_calls"])
def test_an_answer_in_one_piece_that_is_not_used_costs_what_the_endpoint_tells(home: Path, finish: str | None) -> None:
    purse = purse_in(home, tokens=50_000)
    with raw(whole("one two", finish=finish)) as server:
        with pytest.raises(ProviderFailed):
            counted(server, purse).invoke(ASKED)
        requests = len(server.bodies)
    assert requests >= 1
    assert purse.meter.spent(NAME).tokens == requests * 7
    assert purse.meter.held(NAME).tokens == 0


@pytest.mark.parametrize("limits", [{}, {"tokens": 50_000}], ids=["no limit", "limit"])
def test_a_stream_that_broke_off_before_its_words_is_counted_each_time(home: Path, limits: dict[str, float]) -> None:
    piece = {"index": 0, "id": "c1", "function": {"name": "add", "arguments": '{"a": "one two three"}'}}
    purse = purse_in(home, **limits)
    with raw(flowing(delta(tool_calls=[piece]), finish=None)) as server:
        with pytest.raises(ProviderFailed, match="broke off"):
            list(counted(server, purse).stream(ASKED))
        assert len(server.bodies) == 3
    assert purse.spent.prompt == 3 * PROMPT
    assert purse.spent.completion >= 3 * 5


def test_what_failed_and_what_followed_are_both_counted(home: Path) -> None:
    purse = purse_in(home)
    with raw(whole("one two", finish=None), whole("fine")) as server:
        assert counted(server, purse).invoke(ASKED).text == "fine"
    assert (purse.spent.prompt, purse.spent.completion) == (10, 4)


def test_a_request_that_was_refused_costs_nothing_and_the_next_one_is_counted(home: Path) -> None:
    purse = purse_in(home, tokens=5_000)
    with raw(refusal(503), either) as server:
        assert counted(server, purse).invoke(ASKED).text == "fine"
    assert purse.meter.spent(NAME).tokens == 7


def test_the_next_request_is_told_of_the_room_that_is_left_and_is_not_made_without(home: Path) -> None:
    purse = purse_in(home, tokens=1_000)

    def broken(body: dict[str, Any]) -> Reply:
        answer, written = whole("word " * 300, finish=None).body, min(300, body["max_tokens"])
        assert isinstance(answer, dict)
        usage = {"prompt_tokens": PROMPT, "completion_tokens": written, "total_tokens": PROMPT + written}
        return Reply(body={**answer, "usage": usage})

    with raw(broken) as server:
        with pytest.raises(BudgetSpent):
            counted(server, purse, max_retries=9).invoke(ASKED)
        rooms = [body["max_tokens"] for body in server.bodies]
    assert rooms == [1_000 - (PROMPT + 300) * before - PROMPT for before in range(4)]
    assert purse.meter.spent(NAME).tokens == 1_000
    assert purse.meter.held(NAME).tokens == 0


def test_a_call_is_bounded_by_tokens_while_it_streams(home: Path) -> None:
    purse = purse_in(home, tokens=PROMPT + 60)
    began = time.monotonic()
    with raw(dripping_call()) as server, pytest.raises(BudgetSpent, match="tokens"):
        list(counted(server, purse).stream(ASKED))
    assert time.monotonic() - began < 8
    assert PROMPT < purse.meter.spent(NAME).tokens <= PROMPT + 60


def test_a_call_is_bounded_by_seconds_while_it_streams(home: Path) -> None:
    purse = purse_in(home, wall_seconds=0.5)
    began = time.monotonic()
    with raw(dripping_call()) as server, pytest.raises(BudgetSpent, match="seconds"), spending(purse, timed=True):
        list(counted(server, purse).stream(ASKED))
    assert time.monotonic() - began < 8
    # the piece at which the time was up had come, so it is counted
    assert purse.meter.spent(NAME).completion > 0


def test_a_call_is_broken_off_while_it_streams_when_nobody_wants_it(home: Path) -> None:
    looks: list[float] = []

    def look() -> None:
        looks.append(time.monotonic())
        if len(looks) == 20:
            raise KeyboardInterrupt

    with raw(dripping_call()) as server, looking(look), pytest.raises(KeyboardInterrupt):
        list(chat(server).stream(ASKED))


def test_a_good_answer_is_counted_once_over_http(home: Path) -> None:
    purse = purse_in(home, tokens=5_000)
    usage = {**delta(), "choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}}
    events = said("fi", "ne").events
    assert events is not None
    with raw(Reply(events=[*events[:-1], usage, events[-1]])) as server:
        list(counted(server, purse).stream(ASKED))
    assert purse.meter.spent(NAME).tokens == 7


Told = tuple[str, tuple[int, int] | None]


class Telling(BaseChatModel):
    """A stream of words, each with the usage that is told beside it: prompt and completion."""

    pieces: list[Any]

    @property
    def _llm_type(self) -> str:
        return "telling"

    def _generate(self, *_: Any, **__: Any) -> ChatResult:
        raise NotImplementedError

    def _stream(self, *_: Any, **__: Any) -> Iterator[ChatGenerationChunk]:
        for text, told in self.pieces:
            usage = told and UsageMetadata(input_tokens=told[0], output_tokens=told[1], total_tokens=sum(told))
            yield ChatGenerationChunk(message=AIMessageChunk(content=text, usage_metadata=usage))


@pytest.mark.parametrize(
    ("pieces", "prompt", "completion"),
    [
        ([("word ", (100, n + 1)) for n in range(200)], 100, 200),
        ([("", (100, 1)), *[("word ", None)] * 200, ("", (0, 199))], 100, 200),
        ([("word ", (100, 3)), ("word ", (0, 4)), ("word ", (0, 5))], 100, 12),
        ([("word ", (100, -50)), ("word ", (-7, -50)), ("", (100, 9))], 100, 9),
        ([("word ", None), ("word ", (0, 2))], PROMPT, 2),
    ],
    ids=["all so far", "first and last", "what came since", "negative", "no prompt"],
)
def test_usage_in_a_stream_is_read_as_it_is_meant(home: Path, pieces: list[Told], prompt: int, completion: int) -> None:
    purse = purse_in(home)
    list(metered(Telling(pieces=pieces), purse=purse).stream(ASKED))
    assert (purse.spent.prompt, purse.spent.completion) == (prompt, completion)


@pytest.mark.parametrize("pieces", [[("", (10, 1)), *[("word ", None)] * 2_000]], ids=["told at the beginning"])
@pytest.mark.parametrize("limit", [None, 1_500])
def test_usage_that_was_told_before_the_words_does_not_stand_for_them(
    home: Path, pieces: list[Told], limit: int | None
) -> None:
    purse = purse_in(home, **({} if limit is None else {"tokens": limit}))
    try:
        list(metered(Telling(pieces=pieces), purse=purse).stream(ASKED))
        assert limit is None
    except BudgetSpent:
        assert limit is not None
    assert purse.spent.prompt == 10
    assert purse.spent.completion > 1_200
    assert limit is None or purse.meter.spent(NAME).tokens <= limit
