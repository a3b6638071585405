"""Where nobody is there to be asked: a script, a run with a yes to all, and lines from a pipe."""

from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver

from agents.scripted import ScriptedModel, call, say
from graphs.run_types import RunRequest, StepWaiting
from graphs.runs import start_run
from graphs.sessions import Sessions
from millwright.cli.conversation import Conversation
from millwright.orchestrate import Office
from millwright.script_types import Script, ScriptSummary
from millwright.scripts import start_script
from millwright.settings import Settings
from tests.graphs.planshop import plan_workshop
from tests.graphs.smallshop import effects
from tools.workshop import Workshop

Saver = BaseCheckpointSaver[Any]
PUBLISH = call("publish", model="mdl_1")


def unattended(workshop: Workshop, saver: Saver, rows: Path, approve: list[Any]) -> ScriptSummary:
    """A script that trusts everything and has a table read before the model wants to publish."""
    read = call("import_dataset", source=str(rows), target="y")
    step = {"say": "Look at the table.", "approve": approve}
    script = Script.model_validate({"steps": [step], "policy": "all"})
    with ScriptedModel(script=[read, PUBLISH, say("That was it.")]) as model:
        return start_script(Office(workshop, model, saver, Settings(home=workshop.home)), script, "f", name="scr_1")


@pytest.mark.parametrize(
    ("approve", "state"),
    [
        ([], "declined"),
        (["publish"], "declined"),
        ([{"tool": "publish", "arguments": {"model": "mdl_2"}}], "declined"),
        ([{"tool": "notify", "arguments": {"model": "mdl_1"}}], "declined"),
        ([{"tool": "publish", "arguments": {"model": "mdl_1"}}], "done"),
    ],
)
def test_a_script_covers_what_it_names_with_its_arguments(
    workshop: Workshop, saver: Saver, rows: Path, approve: list[Any], state: str
) -> None:
    summary = unattended(workshop, saver, rows, approve)
    assert summary.steps[0].state == state
    published = [effect for effect in effects(workshop.home) if effect.startswith("publish")]
    assert published == (["publish mdl_1"] if state == "done" else [])
    assert state == "done" or "name it with its arguments" in summary.steps[0].unmet[0]


def test_a_script_that_names_no_arguments_says_so() -> None:
    with pytest.raises(ValueError, match="arguments"):
        Script.model_validate({"steps": [{"say": "x", "approve": [{"tool": "publish"}]}]})


# a run with a yes to all


def started(home: Path, saver: Saver, rows: Path, goal: str, *proposals: dict[str, Any]) -> tuple[list[Any], str]:
    """What was asked in a run whose steps a model proposes, and what became of the promotion."""
    asked: list[StepWaiting] = []

    def decline(step: StepWaiting) -> bool:
        asked.append(step)
        return False

    workshop = plan_workshop(home)
    request = RunRequest.of(goal=goal, data=str(rows), target="y", max_models=1, approve_all=True)
    script = [call("propose_steps", steps=[step]) for step in proposals]
    model = ScriptedModel(script=[*script, *[say("no proposal")] * 20])
    summary = start_run(workshop, model, saver, request, approve_step=decline)
    found = [step.state for step in summary.steps if step.tool == "promote_model"]
    return asked, found[0] if found else "never planned"


def promotion(**arguments: Any) -> dict[str, Any]:
    return {"tool": "promote_model", "arguments": {"model": "$finish.model", **arguments}, "why": "Because."}


def test_a_yes_to_all_covers_what_the_goal_asks_for(home: Path, saver: Saver, rows: Path) -> None:
    asked, state = started(home, saver, rows, "predict y, then promote it", promotion(alias="champion"))
    assert (asked, state) == ([], "done")


def test_a_yes_to_all_does_not_cover_arguments_that_the_goal_does_not_name(
    home: Path, saver: Saver, rows: Path
) -> None:
    asked, state = started(home, saver, rows, "predict y, then promote it", promotion(alias="challenger"))
    assert [step.unasked for step in asked] == [("The user's own words do not say the alias of promote_model.",)]
    assert state == "declined"


def test_a_yes_to_all_does_not_cover_a_step_that_nobody_asked_for(home: Path, saver: Saver, rows: Path) -> None:
    asked, state = started(home, saver, rows, "predict y for production", *[promotion()] * 3)
    assert (asked, state) == ([], "never planned")


# lines from a pipe


def piped(workshop: Workshop, saver: Saver, rows: Path, interactive: bool) -> list[str]:
    """A table is read, the model wants to publish, and the next line is a yes that was written in advance."""
    read = call("import_dataset", source=str(rows), target="y")
    with ScriptedModel(script=[read, PUBLISH, say("That was it.")]) as model:
        sessions = Sessions(workshop, model, saver)
        session = sessions.create().id
        talk = Conversation(workshop, sessions, session, lambda text: None, interactive=interactive)
        talk._take("Look at the table.")
        talk._take("y")
    return [effect for effect in effects(workshop.home) if effect.startswith("publish")]


@pytest.mark.parametrize("interactive", [True, False])
def test_a_yes_that_was_written_in_advance_covers_nothing_that_data_may_have_asked_for(
    workshop: Workshop, saver: Saver, rows: Path, interactive: bool
) -> None:
    assert piped(workshop, saver, rows, interactive) == (["publish mdl_1"] if interactive else [])
