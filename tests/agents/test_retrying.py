"""An endpoint is asked again where that may help, exactly as often as is allowed, and never behind somebody's back."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel

from agents.budget import SESSION, BudgetSpent, Limits, account
from agents.budget_purse import Purse, spending
from agents.budget_store import Meter
from agents.retrying import Attempts, Patience
from agents.strict_dialect import Dialect
from agents.strict_errors import EndpointFailed, asked_wait
from agents.underway import looking
from engine.errors import ProviderFailed
from tests.agents.raw_endpoint import Reply, chat, delta, either, flowing, raw, refusal, said, whole

FAILING = {
    "429": refusal(429),
    "500": refusal(500),
    "503": refusal(503),
    "408": refusal(408),
    "reset": Reply(drop=True),
    "stall": Reply(stall_s=30, body={}),
    "cut": said("", finish=None),
    "error event": Reply(events=[{"error": {"message": "overloaded"}}]),
}
WAYS = [(kind, flows) for kind in FAILING for flows in (True, False) if flows or kind not in ("cut", "error event")]
"""Each failure of an answer that streams (True) and of one that does not; two are possible in a stream only."""
FINAL = {
    "400": refusal(400),
    "401": refusal(401),
    "403": refusal(403),
    "404": refusal(404),
    "422": refusal(422),
    "501": refusal(501),
    "spent": refusal(429, code="insufficient_quota"),
}


def ask(model: BaseChatModel, flows: bool) -> str:
    return "".join(str(chunk.content) for chunk in model.stream("x")) if flows else str(model.invoke("x").content)


@pytest.mark.parametrize("retries", [0, 2])
@pytest.mark.parametrize(("kind", "flows"), WAYS)
def test_a_failure_that_may_pass_is_repeated_exactly_as_often_as_is_allowed(
    kind: str, retries: int, flows: bool
) -> None:
    with raw(FAILING[kind]) as server:
        with pytest.raises(ProviderFailed):
            ask(chat(server, max_retries=retries, timeout_s=0.2), flows)
        assert len(server.bodies) == 1 + retries


@pytest.mark.parametrize(("kind", "flows"), WAYS)
def test_the_answer_after_a_failure_is_whole(kind: str, flows: bool) -> None:
    with raw(FAILING[kind], either) as server:
        assert ask(chat(server, timeout_s=0.2), flows) == "fine"


@pytest.mark.parametrize("kind", FINAL)
def test_a_failure_that_stays_is_not_repeated(kind: str) -> None:
    with raw(FINAL[kind]) as server:
        with pytest.raises(ProviderFailed) as caught:
            ask(chat(server), True)
        assert len(server.bodies) == 1
    assert caught.value.hint


@pytest.mark.parametrize("flows", [False, True])
def test_a_page_instead_of_an_answer_is_asked_for_once_more_only(flows: bool) -> None:
    with raw(Reply(body="<html>hello</html>", headers={"Content-Type": "text/html"})) as server:
        with pytest.raises(ProviderFailed, match="not a chat answer"):
            ask(chat(server, max_retries=5), flows)
        assert len(server.bodies) == 2


@pytest.mark.parametrize(
    "broken",
    [
        said("one ", "two", finish=None),
        Reply(events=[delta(content="one "), {"error": {"message": "overloaded"}}]),
        said("one ", "two ", stall_s=30, stall_at=1),
    ],
    ids=["cut", "error event", "stall"],
)
def test_nothing_is_asked_again_once_words_were_passed_on(broken: Reply) -> None:
    heard: list[str] = []
    with raw(broken, either) as server:
        with pytest.raises(ProviderFailed):
            heard.extend(str(chunk.content) for chunk in chat(server, timeout_s=0.3).stream("x"))
        assert len(server.bodies) == 1
    assert "".join(heard).startswith("one")


def test_pieces_without_words_of_a_failed_request_are_never_passed_on() -> None:
    broken = flowing(delta(role="assistant", content=""), finish=None)
    with raw(broken, said("fine")) as server:
        chunks = list(chat(server).stream("x"))
    assert sum(bool(chunk.response_metadata.get("finish_reason")) for chunk in chunks) == 1
    assert "".join(str(chunk.content) for chunk in chunks) == "fine"


@pytest.mark.parametrize("exact", [False, True], ids=["seconds", "date"])
def test_the_wait_that_an_endpoint_asks_for_is_kept(exact: bool) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    with raw(refusal(429, headers={"Retry-After": date if exact else "1"}), either) as server:
        assert ask(chat(server), False) == "fine"
        # a date has no fractions of a second
        assert 0.9 <= server.times[1] - server.times[0] < 4


def test_a_wait_that_is_too_long_is_told_at_once() -> None:
    began = time.monotonic()
    with raw(refusal(429, headers={"Retry-After": "120"})) as server:
        with pytest.raises(ProviderFailed, match=r"asks to wait 120 s.*RETRY_AFTER_S"):
            ask(chat(server), False)
        assert len(server.bodies) == 1
    assert time.monotonic() - began < 2


def test_a_wait_beyond_the_deadline_is_told_at_once() -> None:
    with raw(refusal(503, headers={"Retry-After": "20"})) as server:
        with pytest.raises(ProviderFailed, match="asks to wait 20 s"):
            ask(chat(server, deadline_s=3), False)
        assert len(server.bodies) == 1


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:09 GMT"}, 9.0),
        ({"retry-after": "99999999999999999999", "retry-after-ms": "250"}, 0.25),
    ],
)
def test_the_wait_is_read_in_every_form(headers: dict[str, str], wait: float | None) -> None:
    assert asked_wait(headers, now=0.0) == wait


@pytest.mark.parametrize("flows", [False, True])
def test_drops_for_ever_end_at_the_deadline(flows: bool) -> None:
    words = said(*["x "] * 200, drip_s=0.1) if flows else Reply(events=["not yet"] * 200, drip_s=0.1)
    began = time.monotonic()
    with raw(words) as server, pytest.raises(ProviderFailed, match="in time"):
        ask(chat(server, deadline_s=0.6, timeout_s=5), flows)
    assert time.monotonic() - began < 3


def test_all_repeats_together_keep_to_the_deadline() -> None:
    began = time.monotonic()
    with raw(Reply(stall_s=30, body={})) as server:
        with pytest.raises(ProviderFailed, match="in time"):
            ask(chat(server, deadline_s=1, timeout_s=0.4, max_retries=10), True)
        assert 2 <= len(server.bodies) <= 4
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("flows", [False, True])
def test_a_wait_ends_when_somebody_wants_the_answer_no_more(flows: bool) -> None:
    class NoMore(BaseException):
        """As the end of a turn that was cancelled."""

    began = time.monotonic()

    def look() -> None:
        if time.monotonic() - began > 0.3:
            raise NoMore

    with raw(refusal(429, headers={"Retry-After": "15"}), either) as server:
        with looking(look), pytest.raises(NoMore):
            ask(chat(server), flows)
        assert len(server.bodies) == 1
    assert time.monotonic() - began < 5


def test_a_wait_ends_when_the_seconds_of_work_are_through(home: Path) -> None:
    purse = Purse(Meter(home), (account(SESSION, "ses_1", Limits(wall_seconds=0.4)),))
    began = time.monotonic()
    with raw(refusal(429, headers={"Retry-After": "15"}), either) as server:
        with pytest.raises(BudgetSpent, match="seconds of work"), spending(purse, timed=True):
            ask(chat(server), True)
        assert len(server.bodies) == 1
    assert time.monotonic() - began < 5


def test_waits_are_chance_in_a_room_that_doubles() -> None:
    patience = Patience(retries=8, backoff_s=0.5)
    for failed, most in ((1, 0.5), (2, 1.0), (4, 4.0), (7, 8.0)):
        waits = [Attempts(patience, Dialect(), failed=failed)._wait(EndpointFailed("x", "")) for _ in range(300)]
        assert 0 <= min(waits) < most * 0.1
        assert most * 0.9 < max(waits) <= most


REFUSED = {
    "param": refusal(400, "Unsupported value", param="temperature"),
    "words": refusal(400, "Unrecognized request argument supplied: temperature"),
    "validation": Reply(422, {"detail": [{"type": "extra_forbidden", "loc": ["body", "temperature"], "msg": "no"}]}),
}


@pytest.mark.parametrize("form", REFUSED)
def test_a_parameter_that_is_refused_is_left_out_and_that_is_remembered(form: str) -> None:
    def answer(body: dict[str, Any]) -> Reply:
        return REFUSED[form] if "temperature" in body else either(body)

    with raw(answer) as server:
        model = chat(server, max_retries=0)
        assert [ask(model, flows) for flows in (True, False)] == ["fine", "fine"]
    assert ["temperature" in body for body in server.bodies] == [True, False, False]


def test_every_parameter_that_may_be_refused_can_be_left_out() -> None:
    names = ("stream_options", "strict", "parallel_tool_calls", "temperature", "tool_choice", "stream")

    def answer(body: dict[str, Any]) -> Reply:
        sent = {name for name, value in {**body, **body["tools"][0]["function"]}.items() if value is not False}
        bad = next((name for name in names if name in sent), None)
        return refusal(400, f"'{bad}' is not supported") if bad else either(body)

    function = {"name": "add", "parameters": {"type": "object"}, "strict": True}
    with raw(answer) as server:
        model = chat(server, max_retries=0).bind_tools(
            [{"type": "function", "function": function}], parallel_tool_calls=True, tool_choice="required"
        )
        for _ in range(2):
            assert "".join(str(chunk.content) for chunk in model.stream("x")) == "fine"
    assert len(server.bodies) == len(names) + 2


def test_a_refusal_for_another_reason_changes_nothing_for_good() -> None:
    with raw(refusal(400, "I dislike this, temperature or not."), refusal(400, "Still."), either) as server:
        model = chat(server, max_retries=0)
        with pytest.raises(ProviderFailed, match="Still"):
            ask(model, False)
        assert ask(model, False) == "fine"
    assert ["temperature" in body for body in server.bodies] == [True, False, True]


def test_the_limit_of_an_answer_goes_by_the_name_that_the_endpoint_knows() -> None:
    def answer(body: dict[str, Any]) -> Reply:
        return refusal(400, "no", param="max_tokens") if "max_tokens" in body else either(body)

    with raw(answer) as server:
        assert chat(server).bind(max_tokens=9).invoke("x").content == "fine"
    assert [(body.get("max_tokens"), body.get("max_completion_tokens")) for body in server.bodies] == [
        (9, None),
        (None, 9),
    ]


def test_the_endpoints_own_words_are_told_in_one_short_line() -> None:
    with raw(refusal(400, "The template\nfails. " * 50)) as server, pytest.raises(ProviderFailed) as caught:
        ask(chat(server), False)
    assert "It says: 'The template fails." in caught.value.hint
    assert len(str(caught.value)) < 500


def test_a_good_answer_takes_one_request() -> None:
    with raw(whole("fine")) as server:
        assert ask(chat(server), False) == "fine"
        assert len(server.bodies) == 1
