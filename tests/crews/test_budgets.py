"""A crew spends from the purse of who asked for it, and an agent that goes round in circles is stopped."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agents.budget import Limits, account
from agents.budget_purse import Purse, spending
from agents.budget_store import Meter
from crews.bench import Bench, Post
from crews.events import Json, Tell
from crews.ledger import Ledger
from crews.process import run_in_crew_process
from engine.errors import JobFailed, MillwrightError
from tests.crews.crewshop import crew_shop
from tests.graphs.smallshop import effects

ENGINEER = Post(agent="ML Engineer", task="implement")


def purse_in(home: Path, limits: Limits) -> Purse:
    return Purse(Meter(home), (account("session", "ses_1", limits),))


def bench_in(home: Path, limits: Limits, told: list[object] | None = None) -> Bench:
    tell = unheard if told is None else told.append
    return Bench(crew_shop(home), Ledger(), "crew_1", tell=tell, purse=purse_in(home, limits))


def unheard(_: object) -> None:
    """Nobody listens."""


def test_a_call_beyond_the_limit_is_not_begun_and_ends_the_crew(home: Path) -> None:
    told: list[object] = []
    bench = bench_in(home, Limits(tool_calls=1), told)
    bench.use(ENGINEER, "add", {"a": 1, "b": 1})
    heard = len(told)
    with pytest.raises(MillwrightError) as caught:
        bench.use(ENGINEER, "add", {"a": 2, "b": 2})
    assert caught.value.code == "budget_spent"
    assert bench.ledger.fatal is caught.value
    assert len(told) == heard
    assert effects(home) == ["add 1 1"]


def test_of_eight_calls_at_once_five_run_on_a_budget_for_five(home: Path) -> None:
    bench, gate = bench_in(home, Limits(tool_calls=5)), threading.Barrier(8)

    def call(number: int) -> str:
        gate.wait()
        try:
            bench.use(ENGINEER, "add", {"a": number, "b": 1})
        except MillwrightError as error:
            return error.code
        return "ran"

    with ThreadPoolExecutor(8) as pool:
        fared = list(pool.map(call, range(8)))
    assert (fared.count("ran"), fared.count("budget_spent")) == (5, 3)
    assert len(effects(home)) == 5


def test_a_bench_spends_from_the_purse_in_force(home: Path) -> None:
    with spending(purse_in(home, Limits(tool_calls=9))) as purse:
        Bench(crew_shop(home), Ledger(), "crew_1").use(ENGINEER, "add", {"a": 1, "b": 1})
    assert purse.spent.tool_calls == 1
    assert Meter(home).spent("session:ses_1").tool_calls == 1


def test_the_same_call_again_and_again_is_told_once_and_then_ends_the_crew(home: Path) -> None:
    bench = bench_in(home, Limits())
    first, second, third = (bench.use(ENGINEER, "add", {"a": 1, "b": 1}) for _ in range(3))
    assert first == second == '{"value": 2.0}'
    assert "You have this already" in third
    with pytest.raises(JobFailed) as caught:
        bench.use(ENGINEER, "add", {"a": 1, "b": 1})
    assert caught.value.code == "crew_stuck"


def test_a_recorded_training_asked_for_again_and_again_ends_the_crew_too(home: Path) -> None:
    bench, arguments = bench_in(home, Limits()), {"dataset": "ds_small", "target": "y", "max_models": 1}
    for _ in range(3):
        bench.use(ENGINEER, "train_model", arguments)
    with pytest.raises(JobFailed, match="4 times"):
        bench.use(ENGINEER, "train_model", arguments)


def test_another_agent_may_look_at_the_same(home: Path) -> None:
    bench = bench_in(home, Limits())
    for agent in ("ML Engineer", "QA Engineer"):
        for _ in range(2):
            assert "already" not in bench.use(Post(agent=agent, task=agent), "add", {"a": 1, "b": 1})


def test_calls_that_do_not_fit_are_bounded_in_a_row(home: Path) -> None:
    bench = bench_in(home, Limits())
    for number in range(3):
        assert bench.use(ENGINEER, "add", {"a": f"n{number}", "b": 1}).startswith("Error: ")
    bench.use(ENGINEER, "add", {"a": 1, "b": 1})
    for number in range(3):
        bench.use(ENGINEER, "add", {"a": f"m{number}", "b": 1})
    with pytest.raises(JobFailed, match="4 calls in a row"):
        bench.use(ENGINEER, "add", {"a": "x", "b": 1})


def spends(arguments: Json, tell: Tell) -> Json:
    """In a crew's process: the crew by its rules, or led by a model that would talk for ever."""
    from agents.metered import metered
    from agents.scripted import ScriptedModel, say
    from crews.development.run import develop
    from tests.crews.crewshop import brief

    home = Path(str(arguments["home"]))
    purse = purse_in(home, Limits.model_validate(arguments["limits"]))
    chat = metered(ScriptedModel(script=[say("Let me think. " * 40)] * 99)) if arguments["talks"] else None
    with spending(purse):
        return develop(crew_shop(home), chat, brief(), home / "crews" / "crew_1", tell).model_dump(mode="json")


@pytest.mark.slow
def test_a_crew_in_its_process_is_stopped_by_calls_and_by_tokens_and_goes_on_with_more(
    home: Path, environment: dict[str, str]
) -> None:
    def run(talks: bool, **limits: int) -> Json:
        given: Json = {"home": str(home), "talks": talks, "limits": limits}
        return run_in_crew_process("test_budgets:spends", given, home=home, environment=environment)

    for talks, limits in ((False, {"tool_calls": 2}), (True, {"tokens": 4_000})):
        with pytest.raises(JobFailed) as caught:
            run(talks, **limits)
        assert caught.value.code == "budget_spent"
        assert "session ses_1" in caught.value.sentence
    spent = Meter(home).spent("session:ses_1")
    assert spent.tool_calls == 2
    assert 0 < spent.tokens <= 4_000
    assert run(False, tool_calls=99)["model_id"]
