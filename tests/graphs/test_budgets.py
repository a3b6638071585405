"""Budgets and loop guards, from end to end: sessions whose model is scripted, with real tools and a real store."""

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from pydantic import Field

from agents.budget import OWNER, BudgetSpent, Limits, Price, account
from agents.budget_purse import Purse, current, spending
from agents.budget_store import Meter
from agents.metered import metered
from agents.scripted import ScriptedModel, call, say
from agents.tokens import ESTIMATE, answer_tokens, messages_tokens
from engine.errors import Fixable
from graphs.calls import use_tool
from graphs.checkpoints import open_saver
from graphs.events import Event, RunFailed, ToolFinished, ToolStarted, unheard
from graphs.sessions import Sessions
from tests.graphs.smallshop import TOOLS, effects, small_workshop
from tools.inline import InlineJobs
from tools.spec import Estimate, ToolRequest, ToolResult, ToolSpec
from tools.workshop import Workshop

Saver = BaseCheckpointSaver[Any]


def spent_of(sessions: Sessions, session: str) -> Any:
    return sessions.budget(session).spent


def test_a_turn_ends_before_the_call_that_would_pass_its_limit(
    workshop: Workshop, saver: Saver, heard: list[Event]
) -> None:
    script = [call("add", a=1, b=1), call("add", a=2, b=2), call("add", a=3, b=3), say("Done.")]
    sessions = Sessions(workshop, ScriptedModel(script=script), saver, limits=Limits(tool_calls=2))
    session = sessions.create().id
    turn = sessions.send(session, "Add.", heard.append)
    assert isinstance(turn.cause, BudgetSpent)
    assert turn.error is not None
    assert turn.error.code == "budget_spent"
    assert "2 of 2 calls are used" in turn.error.sentence
    assert turn.error.sentence.endswith("Done in this turn: add (2 times).")
    assert turn.error.hint == (f"Allow it more, then say it again: millwright sessions limit {session} --tool-calls 4")
    assert effects(workshop.home) == ["add 1 1", "add 2 2"]
    assert sum(isinstance(event, ToolStarted) for event in heard) == 2
    assert isinstance(heard[-1], RunFailed)
    assert sessions.get(session).state == "failed"
    assert spent_of(sessions, session).tool_calls == 2


def test_a_session_goes_on_when_it_is_allowed_more(workshop: Workshop, saver: Saver) -> None:
    with ScriptedModel(script=[call("add", a=1, b=1), call("add", a=1, b=1), say("It is 2.")]) as model:
        sessions = Sessions(workshop, model, saver)
        session = sessions.create(limits=Limits(tool_calls=0)).id
        assert sessions.send(session, "Add 1 and 1.").cause is not None
        sessions.set_limits(session, Limits(tool_calls=9))
        assert sessions.send(session, "Add 1 and 1.").cause is None
    assert effects(workshop.home) == ["add 1 1"]
    assert [turn.state for turn in sessions.turns(session)] == ["failed", "done"]


def test_an_answer_without_room_is_not_asked_for(workshop: Workshop, saver: Saver) -> None:
    model = ScriptedModel(script=[say("Never.")])
    sessions = Sessions(workshop, model, saver, limits=Limits(tokens=50))
    turn = sessions.send(sessions.create().id, "Hello.")
    assert isinstance(turn.cause, BudgetSpent)
    assert turn.cause.limit == "tokens"
    assert not model.seen


def test_no_number_of_turns_passes_a_limit_of_tokens_or_money(workshop: Workshop, saver: Saver) -> None:
    price = Price(prompt=3, completion=15)
    for limits in (Limits(tokens=30_000), Limits(money=0.15)):
        script = [say("word " * 300) for _ in range(40)]
        sessions = Sessions(workshop, ScriptedModel(script=script), saver, price=price, limits=limits)
        session = sessions.create().id
        turns = [sessions.send(session, f"Tell me more of {number}.") for number in range(40)]
        spent = spent_of(sessions, session)
        name, most = next(limits.given())
        assert 0.5 * most < getattr(spent, name) <= most
        assert [turn.cause is None for turn in turns] == sorted([turn.cause is None for turn in turns], reverse=True)
        records = sessions.turns(session)
        assert sum(turn.tokens.prompt + turn.tokens.completion for turn in records) == spent.tokens
        assert sum(turn.cost or 0 for turn in records) == pytest.approx(spent.money)


def test_an_answer_that_outgrows_what_is_left_is_cut_and_not_used(workshop: Workshop, saver: Saver) -> None:
    model = ScriptedModel(script=[say("endless " * 9_000)])
    sessions = Sessions(workshop, model, saver, limits=Limits(tokens=12_000))
    session = sessions.create().id
    turn = sessions.send(session, "Go on for ever.")
    assert isinstance(turn.cause, BudgetSpent)
    assert 6_000 < spent_of(sessions, session).tokens <= 12_000
    assert [said.role for said in sessions.history(session)] == ["user"]


def test_an_owner_is_charged_for_all_sessions_side_by_side(home: Path, saver: Saver) -> None:
    owner = account(OWNER, "", Limits(tool_calls=5))
    gate = threading.Barrier(8)

    def wait(*_: object) -> Any:
        gate.wait()
        return call("add", a=1, b=1)

    def talk(number: int) -> str | None:
        model = ScriptedModel(script=[wait, say("Done.")])
        sessions = Sessions(small_workshop(home), model, saver, owner=owner)
        turn = sessions.send(sessions.create().id, "Add.")
        return turn.error.code if turn.error else None

    with ThreadPoolExecutor(8) as pool:
        fared = list(pool.map(talk, range(8)))
    assert fared.count("budget_spent") == 3
    assert effects(home) == ["add 1 1"] * 5
    assert Meter(home).spent("owner:").tool_calls == 5


def test_a_call_that_is_killed_is_counted_once(home: Path) -> None:
    def killed() -> None:
        with open_saver(home) as saver:
            model = ScriptedModel(script=[call("add", a=1, b=2), say("3.")])
            sessions = Sessions(small_workshop(home), model, saver, new_id=lambda: "ses_1", limits=Limits(tool_calls=1))
            sessions.send(sessions.create().id, "Add.")

    (home / "kill").write_text("add")
    assert os.waitstatus_to_exitcode(os.waitpid(forked(killed), 0)[1]) == -signal.SIGKILL
    with open_saver(home) as saver:
        model = ScriptedModel(script=[say("Done.")])
        sessions = Sessions(small_workshop(home), model, saver, limits=Limits(tool_calls=1))
        turn = sessions.resume("ses_1")
        assert turn is not None
        assert turn.cause is None
        assert spent_of(sessions, "ses_1").tool_calls == 1
    assert effects(home) == ["add 1 2"]


def forked(work: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    return child


# seconds and bytes


class WorkRequest(ToolRequest):
    """Work for some seconds."""

    seconds: float = Field(description="Seconds.")
    budget_seconds: float | None = Field(None, description="Most seconds.")
    size: int = Field(0, description="Bytes to write.")


class Worked(ToolResult):
    units: int
    seconds: float
    cancelled: bool


def grind(workshop: Workshop, request: WorkRequest) -> Worked:
    """Units of 50 ms, as many as there is time for; the units that were done are kept."""
    job, began, units = workshop.job, time.monotonic(), 0
    assert job is not None
    while time.monotonic() - began < min(request.seconds, request.budget_seconds or 60) and not job.control.cancelled():
        time.sleep(0.05)
        units += 1
    (workshop.home / "runs").mkdir(exist_ok=True)
    (workshop.home / "runs" / f"{job.id}.bin").write_bytes(bytes(request.size))
    return Worked(units=units, seconds=time.monotonic() - began, cancelled=job.control.cancelled())


GRIND = ToolSpec(
    name="grind",
    description="Work.",
    request=WorkRequest,
    result=Worked,
    function=grind,
    effect="compute",
    estimate=lambda workshop, request: Estimate(seconds=0.5, memory_mb=1),
    job=True,
)


def mill(home: Path) -> Workshop:
    tools = {**TOOLS, "grind": GRIND}
    return replace(small_workshop(home), tools=tools, jobs=InlineJobs(home, lambda: mill(home)))


def results(events: Sequence[Event]) -> list[Mapping[str, object]]:
    return [event.result for event in events if isinstance(event, ToolFinished) and event.result is not None]


def test_a_job_whose_time_is_up_keeps_its_best_so_far_and_ends_the_turn(
    home: Path, saver: Saver, heard: list[Event]
) -> None:
    model = ScriptedModel(script=[call("grind", seconds=30), say("Done.")])
    sessions = Sessions(mill(home), model, saver, limits=Limits(wall_seconds=1.5))
    session = sessions.create().id
    began = time.monotonic()
    turn = sessions.send(session, "Work.", heard.append)
    assert isinstance(turn.cause, BudgetSpent)
    assert turn.cause.limit == "wall_seconds"
    assert time.monotonic() - began < 6
    [result] = results(heard)
    assert result["cancelled"]
    assert result["units"]
    assert spent_of(sessions, session).wall_seconds > 1.4
    assert sessions.send(session, "Again.").cause is not None
    assert not any(isinstance(event, ToolStarted) for event in list(sessions.events(session))[len(heard) :])


def test_a_training_is_begun_only_with_the_seconds_that_it_asks_for(home: Path, saver: Saver) -> None:
    script = [
        call("grind", seconds=9, budget_seconds=0.4), call("grind", seconds=9, budget_seconds=0.7), say("Done.")
    ]  # fmt: skip
    sessions = Sessions(mill(home), ScriptedModel(script=script), saver, limits=Limits(training_seconds=1.0))
    session = sessions.create().id
    turn = sessions.send(session, "Train twice.")
    assert isinstance(turn.cause, BudgetSpent)
    assert turn.cause.limit == "training_seconds"
    assert spent_of(sessions, session).training_seconds == pytest.approx(0.4, abs=0.2)
    assert spent_of(sessions, session).tool_calls == 1


def test_a_training_without_an_end_of_its_own_is_stopped_at_the_limit(
    home: Path, saver: Saver, heard: list[Event]
) -> None:
    model = ScriptedModel(script=[call("grind", seconds=30), say("Done.")])
    sessions = Sessions(mill(home), model, saver, limits=Limits(training_seconds=3))
    session = sessions.create().id
    sessions.send(session, "Train.", heard.append)
    [result] = results(heard)
    assert result["cancelled"]
    assert spent_of(sessions, session).training_seconds <= 3


def test_bytes_that_a_call_adds_to_the_home_are_counted(home: Path, saver: Saver) -> None:
    script = [
        call("grind", seconds=0, size=900_000), call("grind", seconds=0, size=900_001), say("Done.")
    ]  # fmt: skip
    sessions = Sessions(mill(home), ScriptedModel(script=script), saver, limits=Limits(disk_bytes=950_000))
    session = sessions.create().id
    turn = sessions.send(session, "Write.")
    assert isinstance(turn.cause, BudgetSpent)
    assert turn.cause.limit == "disk_bytes"
    assert 900_000 <= spent_of(sessions, session).disk_bytes < 950_000


# loops


def test_the_same_call_with_the_same_result_is_told_once_and_then_ends_the_turn(
    workshop: Workshop, saver: Saver
) -> None:
    model = ScriptedModel(script=[call("add", a=1, b=1)] * 9)
    sessions = Sessions(workshop, model, saver)
    session = sessions.create().id
    turn = sessions.send(session, "Add.")
    assert turn.cause is None
    assert turn.text == (
        "I stopped: add was called 4 times with the same arguments and gave the same each time. "
        "Done in this turn: add (4 times). Tell me how to go on."
    )
    assert len(model.seen) == 4
    assert "You have this already" in str(model.seen[3][-1].content)
    assert sum("You have this already" in str(message.content) for message in model.seen[3]) == 1


@pytest.mark.parametrize("length", [2, 3])
def test_loops_of_several_calls_end_too(workshop: Workshop, saver: Saver, length: int) -> None:
    model = ScriptedModel(script=[call("add", a=number % length, b=1) for number in range(20)])
    sessions = Sessions(workshop, model, saver)
    turn = sessions.send(sessions.create().id, "Add.")
    assert turn.text.startswith("I stopped: add was called 4 times")
    assert len(model.seen) == 3 * length + 1


def test_a_failing_call_that_is_repeated_ends_the_turn(workshop: Workshop, saver: Saver) -> None:
    model = ScriptedModel(script=[call("import_dataset", source=str(workshop.home / "b.csv"), target="z")] * 9)
    (workshop.home / "b.csv").write_text("a,b\n1,2\n")
    sessions = Sessions(workshop, model, saver)
    turn = sessions.send(sessions.create().id, "Import it.")
    assert turn.text.startswith("I stopped: import_dataset was called 4 times")
    assert turn.text.endswith("Nothing was done in this turn. Tell me how to go on.")


def test_looking_at_what_changes_is_no_loop(home: Path, saver: Saver) -> None:
    workshop = mill(home)
    counted: list[int] = []

    class Status(ToolResult):
        state: str
        done: int

    def look(workshop: Workshop, request: WorkRequest) -> Status:
        counted.append(1)
        return Status(state="running" if len(counted) < 12 else "done", done=len(counted))

    spec = replace(GRIND, name="look", function=look, result=Status, job=False, effect="read")
    workshop = replace(workshop, tools={**workshop.tools, "look": spec})
    with ScriptedModel(script=[*[call("look", seconds=0)] * 12, say("It is through.")]) as model:
        sessions = Sessions(workshop, model, saver)
        assert sessions.send(sessions.create().id, "Wait for it.").text == "It is through."


def test_trainings_that_differ_only_in_ids_and_seconds_are_the_same(home: Path, saver: Saver) -> None:
    class Trained(ToolResult):
        run: str
        score: float
        seconds: float

    def train(workshop: Workshop, request: WorkRequest) -> Trained:
        return Trained(run=f"run_{os.urandom(6).hex()}", score=0.5, seconds=time.monotonic())

    spec = replace(GRIND, name="train", function=train, result=Trained, job=False)
    workshop = replace(small_workshop(home), tools={"train": spec})
    sessions = Sessions(workshop, ScriptedModel(script=[call("train", seconds=1)] * 9), saver)
    assert sessions.send(sessions.create().id, "Train.").text.startswith("I stopped: train was called 4 times")


def test_calls_that_are_none_are_bounded_in_a_row(workshop: Workshop, saver: Saver) -> None:
    model = ScriptedModel(script=[call("add", a=f"number {number}", b=1) for number in range(9)])
    sessions = Sessions(workshop, model, saver)
    turn = sessions.send(sessions.create().id, "Add.")
    assert turn.text.startswith("I stopped: 4 answers of the language model in a row held nothing but calls")
    assert len(model.seen) == 4
    assert effects(workshop.home) == []


def test_calls_that_are_none_do_not_add_up_across_good_ones(workshop: Workshop, saver: Saver) -> None:
    bad = [call("add", a=f"number {number}", b=1) for number in range(6)]
    good = [call("add", a=number, b=1) for number in range(2)]
    with ScriptedModel(script=[*bad[:3], good[0], *bad[3:], good[1], say("Done.")]) as model:
        sessions = Sessions(workshop, model, saver)
        assert sessions.send(sessions.create().id, "Add.").text == "Done."


# the purse and the model


def test_a_tool_deep_in_a_graph_is_charged_to_who_asked(workshop: Workshop) -> None:
    purse = Purse(Meter(workshop.home), (account("session", "ses_1", Limits(tool_calls=1)),))
    with spending(purse):
        use_tool(workshop, "add", {"a": 1, "b": 1}, call="1", emit=unheard)
        with pytest.raises(BudgetSpent):
            use_tool(workshop, "add", {"a": 1, "b": 1}, call="2", emit=unheard)
    assert current() is None
    use_tool(workshop, "add", {"a": 1, "b": 1}, call="3", emit=unheard)


def test_a_call_that_does_not_fit_is_not_counted(workshop: Workshop) -> None:
    purse = Purse(Meter(workshop.home), (account("session", "ses_1", Limits(tool_calls=1)),))
    with spending(purse):
        for tool, arguments in (("add", {"a": "x"}), ("nothing", {})):
            with pytest.raises(Fixable):
                use_tool(workshop, tool, arguments, call="1", emit=unheard)
        use_tool(workshop, "add", {"a": 1, "b": 1}, call="2", emit=unheard)


def test_what_is_counted_is_what_was_sent_and_answered(home: Path) -> None:
    asked, answer = [HumanMessage("How many?")], AIMessage("Seven of them.")
    for way in ("invoke", "stream"):
        purse = Purse(Meter(home), (account("run", way),))
        model = metered(ScriptedModel(script=[say("Seven of them.")]), purse=purse)
        list(model.stream(asked)) if way == "stream" else model.invoke(asked)
        assert purse.spent.prompt == messages_tokens(ESTIMATE, asked)
        assert purse.spent.completion == answer_tokens(ESTIMATE, answer)
