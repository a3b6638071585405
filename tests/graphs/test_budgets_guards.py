"""What could slip past the guards: many calls in one answer, other threads, folders that vanish, kills, chains."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver

from agents.budget import OWNER, RUN, SESSION, BudgetSpent, Limits, account
from agents.budget_calls import charged
from agents.budget_purse import Purse, current, spending
from agents.budget_store import Meter
from agents.budget_work import paid_by
from agents.metered import metered
from agents.offline import OfflinePlanner
from agents.scripted import ScriptedModel, call, say
from engine.errors import JobFailed
from graphs.assistant import MOST_CALLS
from graphs.assistant_types import Decision
from graphs.calls import use_tool
from graphs.chain_types import PipelineAsk
from graphs.chains import MOST_CALLS as MOST_LOOKED_UP
from graphs.chains import answer_chain, code_chain
from graphs.events import Event, ToolFinished, unheard
from graphs.pipeline_chain import pipeline_chain
from graphs.sessions import Sessions
from graphs.studio import studio_workshop
from tests.graphs.smallshop import effects, write_rows
from tools.catalogue import invoke
from tools.workshop import Workshop

Saver = BaseCheckpointSaver[Any]

# many calls in one answer


def test_equal_calls_in_one_answer_end_the_turn_as_those_of_several_do(workshop: Workshop, saver: Saver) -> None:
    model = ScriptedModel(script=[[call("add", a=1, b=1) for _ in range(12)], say("Fine.")])
    sessions = Sessions(workshop, model, saver)
    session = sessions.create().id
    turn = sessions.send(session, "Add.")
    assert effects(workshop.home) == ["add 1 1"] * 4
    assert turn.text == (
        "I stopped: add was called 4 times with the same arguments and gave the same each time. "
        "Done in this turn: add (4 times). Tell me how to go on."
    )
    assert sessions.send(session, "Go on.").text == "Fine."
    answers = [str(message.content) for message in model.seen[-1] if message.type == "tool"]
    assert sum("Not run: the turn was ended" in answer for answer in answers) == 8


def test_a_repeated_call_that_needs_a_yes_is_not_asked_for_again(workshop: Workshop, saver: Saver) -> None:
    model = ScriptedModel(script=[[call("notify", model="mdl_1") for _ in range(9)], say("Done.")])
    sessions = Sessions(workshop, model, saver)
    session = sessions.create().id
    turn, asked = sessions.send(session, "Notify all of mdl_1."), 0
    while turn.approval is not None:
        asked += 1
        turn = sessions.approve(session, turn.approval.approval, Decision(approve=True))
    assert asked <= 4
    assert turn.text.startswith("I stopped: notify was called 4 times")
    assert effects(workshop.home) == ["notify mdl_1"] * 4


def test_training_in_one_answer_over_and_over_makes_no_dozen_models(workshop: Workshop, saver: Saver) -> None:
    workshop.call("import_dataset", source=str(write_rows(workshop.home / "rows.csv")))
    again = [call("train_model", dataset="ds_small", target="y") for _ in range(12)]
    sessions = Sessions(workshop, ScriptedModel(script=[again, say("Done.")]), saver)
    sessions.send(sessions.create().id, "Train on ds_small to predict y.")
    assert sum(effect.startswith("register") for effect in effects(workshop.home)) == 4


def test_of_one_answer_so_many_calls_are_run_and_the_model_is_told_of_the_others(
    workshop: Workshop, saver: Saver
) -> None:
    many = [call("add", a=number, b=1) for number in range(130)]
    with ScriptedModel(script=[many, say("Done.")]) as model:
        sessions = Sessions(workshop, model, saver, max_steps=2)
        turn = sessions.send(sessions.create().id, "Add.")
    assert (turn.text, turn.error) == ("Done.", None)
    assert effects(workshop.home) == [f"add {number} 1" for number in range(MOST_CALLS)]


def test_answers_full_of_calls_that_are_none_end_the_turn_too(workshop: Workshop, saver: Saver) -> None:
    script = [[call("add", a=f"{answer} {number}", b=1) for number in range(MOST_CALLS + 4)] for answer in range(9)]
    model = ScriptedModel(script=script)
    sessions = Sessions(workshop, model, saver)
    turn = sessions.send(sessions.create().id, "Add.")
    assert turn.text.startswith("I stopped: 4 answers of the language model in a row held nothing but calls")
    assert len(model.seen) == 4


# a limit on disk


@contextmanager
def vanishing(folder: Path) -> Iterator[None]:
    """Folders that come and go the whole time."""
    over = threading.Event()

    def work() -> None:
        number = 0
        while not over.is_set():
            deep = folder / f"t{number % 50}" / "a" / "b"
            deep.mkdir(parents=True, exist_ok=True)
            (deep / "f").write_text("x")
            shutil.rmtree(folder / f"t{number % 50}")
            number += 1

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_folders_that_vanish_meanwhile_fail_no_call(workshop: Workshop) -> None:
    purse = Purse(Meter(workshop.home), (account(SESSION, "ses_1", Limits(disk_bytes=10**12)),))
    with vanishing(workshop.home / "models"), spending(purse):
        for number in range(150):
            with charged(purse, workshop, "publish", {"model": f"mdl_{number}"}, None):
                pass
    assert purse.meter.spent("session:ses_1").tool_calls == 150
    assert purse.meter.held("session:ses_1").tool_calls == 0


# seconds of training


def test_a_training_whose_caller_was_killed_is_charged_once_when_it_is_asked_for_again(workshop: Workshop) -> None:
    workshop.call("import_dataset", source=str(write_rows(workshop.home / "rows.csv")))
    asked = {"dataset": "ds_small", "target": "y", "budget_seconds": 2}
    # the worker finishes what a caller that is gone had begun
    took = invoke(workshop, "train_model", asked, call_id="c1").model_dump()["seconds"]
    purse = Purse(Meter(workshop.home), (account(SESSION, "ses_1", Limits(training_seconds=3)),))
    with spending(purse):
        for _ in range(3):
            use_tool(workshop, "train_model", asked, call="c1", emit=unheard)
            assert purse.meter.spent("session:ses_1").training_seconds == pytest.approx(took)
        use_tool(workshop, "train_model", asked, call="c2", emit=unheard)
    assert purse.meter.spent("session:ses_1").training_seconds == pytest.approx(2 * took)


def test_a_training_that_fails_and_is_run_again_is_held_with_its_seconds(workshop: Workshop) -> None:
    workshop.call("import_dataset", source=str(write_rows(workshop.home / "rows.csv")))
    asked = {"dataset": "ds_small", "target": "y", "budget_seconds": 2}
    meter = Meter(workshop.home)
    (workshop.home / "full").touch()
    with pytest.raises(JobFailed):
        invoke(workshop, "train_model", asked, call_id="c1")
    with spending(Purse(meter, (account(SESSION, "ses_1", Limits(training_seconds=1)),))), pytest.raises(BudgetSpent):
        use_tool(workshop, "train_model", asked, call="c1", emit=unheard)


# another thread


def test_the_owners_limits_hold_in_a_thread_that_only_has_the_model(workshop: Workshop) -> None:
    owner = Purse(Meter(workshop.home), (account(OWNER, "", Limits(tool_calls=0)),))
    model, caught = metered(ScriptedModel(script=[]), purse=owner), []

    def work() -> None:
        assert current() is None
        with paid_by(workshop.home, account(RUN, "run_1"), model):
            try:
                use_tool(workshop, "add", {"a": 1, "b": 1}, call="1", emit=unheard)
            except BudgetSpent as error:
                caught.append(error.limit)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert caught == ["tool_calls"]
    assert effects(workshop.home) == []


# chains


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """The real tools over a home with one small dataset."""
    folder = tmp_path_factory.mktemp("guards")
    (folder / "shop.csv").write_text("age,left\n" + "\n".join(f"{age},{'yn'[age % 3 > 0]}" for age in range(20, 80)))
    workshop = studio_workshop(folder / "home")
    workshop.call("import_dataset", source=str(folder / "shop.csv"), target="left")
    return workshop


def test_an_answer_calls_no_more_tools_than_its_bound(real: Workshop, heard: list[Event]) -> None:
    many = [call("list_datasets") for _ in range(40)]
    with ScriptedModel(script=[many, say("There are no others.")]) as model:
        found = answer_chain(real, model, emit=heard.append).invoke("which datasets are there?")
    assert len(found.tools) == MOST_LOOKED_UP
    assert sum(isinstance(event, ToolFinished) for event in heard) == MOST_LOOKED_UP
    told = [str(message.content) for message in model.seen[-1] if message.type == "tool"]
    assert sum("Not called" in text for text in told) == 40 - MOST_LOOKED_UP


@pytest.mark.parametrize("limits", [Limits(tool_calls=0), Limits(wall_seconds=0)])
def test_every_chain_is_charged_to_who_asked(real: Workshop, limits: Limits) -> None:
    purse = Purse(Meter(real.home), (account(OWNER, "", limits),))
    with spending(purse):
        for work in (
            lambda: answer_chain(real, OfflinePlanner()).invoke("which datasets are there?"),
            lambda: code_chain(real, OfflinePlanner()).invoke({"task": "profile the data", "data": "shop"}),
            lambda: pipeline_chain(real, OfflinePlanner()).invoke(PipelineAsk(data="shop")),
        ):
            with pytest.raises(BudgetSpent):
                work()


def test_the_seconds_of_a_chain_are_counted(real: Workshop) -> None:
    purse = Purse(Meter(real.home), (account(OWNER, "counted"),))
    with spending(purse):
        answer_chain(real, OfflinePlanner()).invoke("which datasets are there?")
    spent = purse.meter.spent("owner:counted")
    assert spent.tool_calls == 1
    assert spent.wall_seconds > 0


def test_the_data_that_a_crew_reads_are_charged_too(real: Workshop, tmp_path: Path) -> None:
    from crews.brief import CrewRequest
    from millwright.crewing import _brief

    request = CrewRequest.of(data=str(write_rows(tmp_path / "new.csv")), target="y")
    purse = Purse(Meter(real.home), (account(OWNER, "crew", Limits(tool_calls=0)),))
    with spending(purse), pytest.raises(BudgetSpent):
        _brief(real, request, "crew_1", lambda _: None)
    assert [dataset.name for dataset in real.datasets.list()] == ["shop"]
