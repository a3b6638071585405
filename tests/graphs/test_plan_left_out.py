"""What a goal asks for and no step of its plan does is told by the plan, before and after it runs, with what to say."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.offline import OfflinePlanner
from agents.offline.working_wording import plan_run as told_of_run
from agents.offline.working_wording import planned as told_of_plan
from agents.plan import Plan
from agents.scripted import ScriptedModel, call
from engine.errors import BadArguments
from graphs.events import Event
from graphs.plan_tools import plan_tools
from graphs.plan_types import PlanRun, PlanShown
from graphs.run_types import RunRequest
from graphs.runs import plan_run, start_run
from tests.graphs.planshop import plan_workshop
from tests.graphs.smallshop import text_of
from tools.workshop import Workshop

PLANNER = OfflinePlanner()
Saver = Any


@pytest.fixture
def workshop(home: Path) -> Workshop:
    return plan_workshop(home)


@pytest.fixture
def asked(rows: Path) -> RunRequest:
    return RunRequest(goal="predict y", data=str(rows), target="y", max_models=1, models=("linear",))


def left(plan: Plan | PlanShown | PlanRun) -> dict[str, str]:
    return {one.tool: one.say for one in plan.left_out}


def for_goal(asked: RunRequest, goal: str, **change: object) -> RunRequest:
    return asked.model_copy(update={"goal": goal, **change})


@pytest.mark.parametrize(
    ("goal", "steps", "say"),
    [
        ("predict y and promote it if it is good", [], {"promote_model": "promote it"}),
        (
            "predict y; if it is better, promote it as challenger and watch it daily",
            [],
            {"promote_model": "promote it as challenger", "create_monitor": "monitor it daily"},
        ),
        ("predict y, optimise it for 5 ms unless it is slow", [], {"optimise_model": "optimise it for 5 ms"}),
        ("predict y, test it and if it passes promote it", ["test"], {"promote_model": "promote it"}),
        ("predict y, explain it only if it works", [], {"explain_model": "explain it"}),
        ("predict y, promote it", ["promote"], {}),
        ("predict y, promote it. No, do not promote it", [], {}),
    ],
)
def test_a_step_under_a_condition_is_told_with_what_to_say(
    workshop: Workshop, saver: Saver, asked: RunRequest, goal: str, steps: list[str], say: dict[str, str]
) -> None:
    heard: list[Event] = []
    plan = plan_run(workshop, PLANNER, saver, for_goal(asked, goal), emit=heard.append)
    assert [step.id for step in plan.steps if step.tool != "train_model"] == steps
    assert left(plan) == say
    assert all(one.sentence in text_of(heard) and f"say '{one.say}'" in one.sentence for one in plan.left_out)


def test_what_no_tool_here_does_is_told(workshop: Workshop, saver: Saver, asked: RunRequest) -> None:
    heard: list[Event] = []
    goal = "predict y, plan the deployment if it is good, export it"
    plan = plan_run(workshop, PLANNER, saver, for_goal(asked, goal), emit=heard.append)
    assert left(plan) == {"plan_deployment": "", "export_model": ""}
    assert "The goal asks for plan_deployment, which is not among the tools here" in text_of(heard)


def test_what_no_step_of_a_plan_does_is_told_where_a_tool_does_it(home: Path, saver: Saver, asked: RunRequest) -> None:
    from tools.catalogue import CATALOGUE

    workshop = plan_workshop(home)
    workshop = replace(workshop, tools={**workshop.tools, "export_model": CATALOGUE["export_model"]})
    plan = plan_run(workshop, PLANNER, saver, for_goal(asked, "predict y and export it to y.onnx"))
    assert left(plan) == {"export_model": "export it"}


def test_it_is_told_again_when_the_run_is_over_and_changes_no_hash(
    workshop: Workshop, saver: Saver, asked: RunRequest
) -> None:
    request = for_goal(asked, "predict y and promote it if it is good", approve_all=True)
    plan = plan_run(workshop, PLANNER, saver, request)
    summary = start_run(workshop, PLANNER, saver, request)
    assert summary.plan is not None
    assert (summary.plan.hash, summary.plan.left_out) == (plan.hash, plan.left_out)
    bare = plan.model_dump(mode="json", exclude={"left_out"})
    assert Plan.model_validate(bare).hash == plan.hash


def test_a_plan_from_a_file_says_of_it_what_its_goal_does(workshop: Workshop, saver: Saver, asked: RunRequest) -> None:
    goal = "predict y, watch it and promote it if it is good"
    plan = plan_run(workshop, PLANNER, saver, for_goal(asked, goal))
    given = asked.model_copy(update={"plan": plan.edited(left_out=()), "goal": goal})
    assert left(plan_run(workshop, PLANNER, saver, given)) == left(plan)


def test_an_edit_that_asks_for_it_takes_it_off_the_list(workshop: Workshop, saver: Saver, asked: RunRequest) -> None:
    goal = "predict y and promote it if it is good"
    plan = plan_run(workshop, PLANNER, saver, for_goal(asked, goal, edits=("promote it",)))
    assert (plan.has("promote"), left(plan)) == (True, {})


def test_an_edit_under_a_condition_is_told_beside_what_it_changes(
    workshop: Workshop, saver: Saver, asked: RunRequest
) -> None:
    edits = ("use mae, and watch it if it is good", "seed 7")
    plan = plan_run(workshop, PLANNER, saver, asked.model_copy(update={"edits": edits}))
    assert left(plan) == {"create_monitor": "monitor it"}
    with pytest.raises(BadArguments, match=r"changes nothing.*create_monitor under a condition.*say 'monitor it'"):
        plan_run(workshop, PLANNER, saver, asked.model_copy(update={"edits": ("watch it if it is good",)}))


def test_a_refusal_unless_takes_the_step_out_and_says_how_to_have_it(
    workshop: Workshop, saver: Saver, asked: RunRequest
) -> None:
    request = for_goal(asked, "predict y, promote it", edits=("don't promote it unless it is good",))
    plan = plan_run(workshop, PLANNER, saver, request)
    assert (plan.has("promote"), left(plan)) == (False, {"promote_model": "promote it"})
    plain = plan_run(workshop, PLANNER, saver, for_goal(asked, "predict y, promote it", edits=("don't promote it",)))
    assert (plain.has("promote"), left(plain)) == (False, {})


def test_a_step_that_a_language_model_leaves_out_is_told_and_one_that_it_adds_is_not(
    workshop: Workshop, saver: Saver, asked: RunRequest
) -> None:
    proposed = {"tool": "promote_model", "arguments": {"model": "$finish.model"}, "why": "."}
    goal = "predict y, explain it, then promote it if it is good"
    with ScriptedModel(script=[call("propose_steps", steps=[proposed])]) as model:
        plan = plan_run(workshop, model, saver, for_goal(asked, goal))
    assert (plan.has("promote"), left(plan)) == (True, {"explain_model": "explain it"})


def test_the_tools_of_plans_and_the_words_of_a_conversation_tell_it(home: Path, saver: Saver, rows: Path) -> None:
    workshop = plan_workshop(home)
    workshop = replace(workshop, tools={**workshop.tools, **plan_tools(PLANNER, saver)})
    goal = "predict y and promote it if it is good"
    shown = workshop.call("make_plan", goal=goal, data=str(rows), target="y", max_models=1, models=["linear"])
    assert isinstance(shown, PlanShown)
    ran = workshop.call("run_plan", plan=shown.plan, hash=shown.hash)
    assert isinstance(ran, PlanRun)
    assert ran.left_out == shown.left_out
    assert workshop.call("show_plan", plan=shown.plan).left_out == shown.left_out  # type: ignore[attr-defined]
    for words in (told_of_plan(shown.model_dump(mode="json")), told_of_run(ran.model_dump(mode="json"))):
        assert f"Left out: {shown.left_out[0].sentence}" in words
        assert "say 'promote it'" in words
