"""Limits and what was spent, as they are reached by settings, the command, HTTP, and runs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from langgraph.checkpoint.base import BaseCheckpointSaver

from agents.budget import OWNER, BudgetSpent, Limits, Price, Spent, account
from agents.budget_purse import Purse, spending
from agents.budget_store import Meter
from agents.metered import metered
from agents.scripted import ScriptedModel, call, say
from api.main import create_app
from engine.errors import BadArguments, BadSettings
from graphs.checkpoints import open_saver
from graphs.events import Event, RunFinished
from graphs.run_types import RunRequest
from graphs.runs import resume_run, start_run
from graphs.sessions import Sessions
from millwright.budgets import metered_mind, owners_purse, price_of
from millwright.orchestrate import open_office
from millwright.settings import Settings
from tests.cli.inside import command_in
from tests.cli.running import Millwright
from tests.graphs.smallshop import effects
from tools.workshop import Workshop

Saver = BaseCheckpointSaver[Any]


# settings


def test_limits_are_set_by_variables(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLWRIGHT_LIMITS__SESSION__TOKENS", "20000")
    monkeypatch.setenv("MILLWRIGHT_LIMITS__OWNER__MONEY", "2.5")
    settings = Settings(home=home)
    assert settings.limits.session == Limits(tokens=20_000)
    assert owners_purse(settings, home).accounts == (account(OWNER, "", Limits(money=2.5)),)


def test_a_limit_of_money_needs_a_price(home: Path) -> None:
    llm = {"provider": "openai", "model": "m", "base_url": "http://127.0.0.1:9/v1"}
    settings = Settings(home=home, llm=llm, limits={"owner": {"money": 1}})
    with pytest.raises(BadSettings, match="PROMPT_PRICE"), metered_mind(settings, owners_purse(settings, home)):
        pass


@pytest.mark.parametrize(
    ("prices", "told"),
    [
        ({"prompt_price": 1.0}, "Set both"),
        ({"completion_price": 1.0}, "Set both"),
        ({"prompt_price": 1.0, "completion_price": 2.0, "fallback_model": "n"}, "fall-back model has no price"),
    ],
)
def test_half_a_price_and_that_of_one_model_of_two_limit_no_money(
    home: Path, prices: dict[str, object], told: str
) -> None:
    llm = {"provider": "openai", "model": "m", "base_url": "http://127.0.0.1:9/v1", **prices}
    settings = Settings(home=home, llm=llm, limits={"owner": {"money": 1}})
    with pytest.raises(BadSettings, match=told), metered_mind(settings, owners_purse(settings, home)):
        pass
    assert price_of(settings) is None


def test_a_session_cannot_limit_money_without_a_price(workshop: Workshop, saver: Saver) -> None:
    sessions = Sessions(workshop, ScriptedModel(script=[]), saver)
    with pytest.raises(BadArguments, match="what a token costs"):
        sessions.create(limits=Limits(money=1))


def test_a_branch_keeps_the_limits(workshop: Workshop, saver: Saver) -> None:
    sessions = Sessions(workshop, ScriptedModel(script=[]), saver)
    first = sessions.create(limits=Limits(tool_calls=3))
    assert sessions.branch(first.id).limits == Limits(tool_calls=3)


# the command


@pytest.fixture
def millwright(home: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[Millwright]:
    with command_in(home, tmp_path, capfd) as run:
        yield run


def test_the_command_limits_a_conversation_and_shows_what_it_used(home: Path, millwright: Millwright) -> None:
    with open_office(Settings(home=home)) as office:
        session = office.sessions().create("Sums").id
    done = millwright("sessions", "limit", session, "--tokens", "20000", "--tool-calls", "1", "--json")
    assert done.document["account"]["limits"]["tokens"] == 20_000
    done = millwright("sessions", "limit", session, "--tool-calls", "0", "--json")
    limits = Limits.model_validate(done.document["account"]["limits"])
    assert limits == Limits(tokens=20_000, tool_calls=0)
    with open_office(Settings(home=home)) as office:
        turn = office.sessions().send(session, "list my datasets")
    assert isinstance(turn.cause, BudgetSpent)
    shown = millwright("sessions", "show", session, "--json").document
    assert shown["budget"]["spent"]["tool_calls"] == 0
    assert shown["turns"][0]["error"] == "budget_spent"
    words = millwright("sessions", "show", session).out
    assert "calls of tools" in words
    assert "20,000" in words
    assert millwright("sessions", "limit", session).code == 2
    done = millwright("sessions", "limit", session, "--none", "--json")
    assert not Limits.model_validate(done.document["account"]["limits"]).any


def test_the_command_shows_what_the_home_used_and_counts_from_nothing_again(home: Path, millwright: Millwright) -> None:
    with open_office(Settings(home=home)) as office:
        sessions = office.sessions()
        sessions.send(sessions.create().id, "list my datasets")
    assert millwright("sessions", "spent", "--json").document["spent"]["tool_calls"] == 1
    assert millwright("sessions", "spent", "--reset", "--yes", "--json").document["spent"]["tool_calls"] == 0
    assert millwright("sessions", "spent", "--json").document["spent"]["wall_seconds"] == 0


# HTTP


def test_limits_over_http(workshop: Workshop, home: Path) -> None:
    with open_saver(home) as saver, ScriptedModel(script=[call("add", a=1, b=1), say("It is 2.")]) as model:
        app = create_app(workshop, Sessions(workshop, model, saver))
        client = TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False)
        session = client.post("/v1/sessions", json={"limits": {"tool_calls": 0}}).json()["id"]
        at = f"/v1/sessions/{session}"
        assert client.patch(at, json={"limits": {"tool_calls": -1}}).status_code == 422
        client.patch(at, json={"limits": {"tool_calls": 5, "tokens": 100_000}})
        client.post(f"{at}/messages", json={"text": "1 + 1?"})
        found = client.get(f"{at}/budget").json()
    assert found["account"]["limits"]["tool_calls"] == 5
    assert found["spent"]["tool_calls"] == 1
    assert found["spent"]["prompt"] > 0


# runs

ALL = call("propose_models", models=["linear", "forest", "lightgbm"], why="All.")
STOP = call("propose_round", action="stop", trials=0, why="Good.")


def request(rows: Path) -> RunRequest:
    return RunRequest(goal="predict y", data=str(rows), target="y", budget_seconds=6, approve_all=True)


def test_a_run_says_what_it_took(workshop: Workshop, saver: Saver, rows: Path, heard: list[Event]) -> None:
    model = metered(ScriptedModel(script=[ALL, STOP]), price=Price(prompt=1, completion=2))
    summary = start_run(workshop, model, saver, request(rows), "run_1", emit=heard.append)
    assert summary.tokens is not None
    assert summary.cost == pytest.approx(Price(prompt=1, completion=2).of(summary.tokens))
    told = next(event for event in heard if isinstance(event, RunFinished)).summary
    assert told is not None
    assert told["tokens"] == summary.tokens.model_dump()
    assert Meter(workshop.home).spent("owner:").tokens == Meter(workshop.home).spent("run:run_1").tokens > 0
    again = resume_run(workshop, metered(ScriptedModel(script=[])), saver, "run_1")
    assert again.tokens == summary.tokens


def test_a_run_without_a_language_model_says_nothing_of_tokens(workshop: Workshop, saver: Saver, rows: Path) -> None:
    from agents.offline import OfflinePlanner

    summary = start_run(workshop, OfflinePlanner(), saver, request(rows))
    assert not {"tokens", "cost"} & set(json.loads(summary.model_dump_json()))


def test_a_run_stops_at_its_owners_limit_and_goes_on_with_more(workshop: Workshop, saver: Saver, rows: Path) -> None:
    meter, model = Meter(workshop.home), ScriptedModel(script=[ALL, STOP])
    with spending(Purse(meter, (account(OWNER, "", Limits(tool_calls=3)),))), pytest.raises(BudgetSpent):
        start_run(workshop, model, saver, request(rows), "run_1")
    assert meter.spent("owner:").tool_calls == 3
    before = effects(workshop.home)
    with spending(Purse(meter, (account(OWNER, "", Limits(tool_calls=99)),))):
        summary = resume_run(workshop, model, saver, "run_1")
    assert summary.model_id.startswith("mdl_")
    after = effects(workshop.home)
    assert after[: len(before)] == before
    assert len([effect for effect in after if effect.startswith("register")]) == 1


# many


def trial(workshop: Workshop, saver: Saver, seed: int) -> tuple[Limits, Spent]:
    """A session with limits and a model drawn by `seed`; what it may use and what it used."""
    import random

    draw = random.Random(seed)
    price = Price(prompt=draw.uniform(0.1, 5), completion=draw.uniform(0.1, 20))
    limits = Limits(
        tokens=draw.choice([None, draw.randrange(200, 8_000)]),
        money=draw.choice([None, draw.uniform(0.0005, 0.03)]),
        tool_calls=draw.choice([None, draw.randrange(0, 7)]),
    )

    def turn(_: object) -> Any:
        words = say(f"{draw.choice(['word ', '漢', 'A-b, '])}" * draw.randrange(1, 200))
        adds = [call("add", a=draw.randrange(99), b=1) for _ in range(draw.randrange(0, 4))]
        return [words, *adds] if adds and draw.random() < 0.7 else words

    sessions = Sessions(workshop, ScriptedModel(script=[turn] * 400), saver, price=price, limits=limits)
    session = sessions.create().id
    for number in range(4):
        found = sessions.send(session, f"Go on, {number}.")
        assert found.cause is None or isinstance(found.cause, BudgetSpent)
    return limits, sessions.budget(session).spent


def assert_none_over(workshop: Workshop, saver: Saver, seeds: range) -> None:
    stopped = 0
    for seed in seeds:
        limits, spent = trial(workshop, saver, seed)
        for name, most in limits.given():
            assert getattr(spent, name) <= most * (1 + 1e-9), (seed, name)
            stopped += getattr(spent, name) > 0.5 * most
    assert stopped  # limits that nobody comes near show nothing


def test_no_session_is_over_its_budget(workshop: Workshop, saver: Saver) -> None:
    assert_none_over(workshop, saver, range(6))


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_of_three_hundred_sessions_none_is_over_its_budget(workshop: Workshop, saver: Saver) -> None:
    assert_none_over(workshop, saver, range(1_000, 1_300))
