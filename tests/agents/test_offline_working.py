"""Plans, research, notes and tests of a model, asked for in words; every call is one that its tool takes."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from agents.offline import OfflinePlanner
from agents.offline.reading import read_slots
from crews.brief import CrewRequest
from graphs.plan_types import ApproveStepRequest, EditPlanRequest, MakePlanRequest, RunPlanRequest, ShowPlanRequest
from graphs.research_tool import WriteCodeRequest
from graphs.research_types import ResearchRequest
from tests.agents.working import HASH, PLAN, TOKEN, WorkingDesk
from tools.deploying import DeploymentPlanRequest
from tools.remembering import ForgetRequest, ListMemoriesRequest, RememberRequest
from tools.spec import ToolRequest
from tools.testing import ModelTestRequest

REQUESTS: Mapping[str, type[ToolRequest]] = {
    "make_plan": MakePlanRequest,
    "edit_plan": EditPlanRequest,
    "show_plan": ShowPlanRequest,
    "run_plan": RunPlanRequest,
    "approve_step": ApproveStepRequest,
    "run_crew": CrewRequest,
    "research": ResearchRequest,
    "write_code": WriteCodeRequest,
    "remember": RememberRequest,
    "list_memories": ListMemoriesRequest,
    "forget": ForgetRequest,
    "test_model": ModelTestRequest,
    "plan_deployment": DeploymentPlanRequest,
}


def asked(planner: OfflinePlanner, *messages: Any) -> tuple[str, dict[str, Any]]:
    call = planner.invoke(list(messages)).tool_calls[0]
    REQUESTS[call["name"]].model_validate_json(json.dumps(call["args"]))
    return call["name"], call["args"]


def desk_with(*said: str) -> WorkingDesk:
    desk = WorkingDesk()
    for words in said:
        desk.say(words)
    return desk


def last(desk: WorkingDesk) -> tuple[str, dict[str, Any]]:
    assert desk.last is not None
    name, arguments = desk.last
    REQUESTS[name].model_validate_json(json.dumps(arguments))
    return name, arguments


def test_a_plan_is_made_changed_in_words_run_by_its_hash_and_a_waiting_step_approved() -> None:
    desk = desk_with("load telco.csv")
    reply = desk.say("make a plan to predict churn within 2 minutes, judge by f1")
    name, arguments = last(desk)
    assert name == "make_plan"
    assert arguments["data"] == "ds_telco"
    assert (arguments["target"], arguments["budget_seconds"], arguments["metric"]) == ("Churn", 120.0, "f1")
    assert "2. promote_model, 12.5 s, waits for your yes" in reply
    desk.say("drop step 2")
    assert last(desk) == ("edit_plan", {"plan": PLAN, "words": "drop step 2"})
    desk.say("show the plan")
    assert last(desk) == ("show_plan", {"plan": PLAN})
    reply = desk.say("run the plan")
    assert last(desk) == ("run_plan", {"plan": PLAN, "hash": HASH})
    assert "s2 (promote_model) waits: It changes the champion." in reply
    desk.say("approve step 2")
    assert last(desk)[1] == {"plan": PLAN, "step": "s2", "hash": HASH, "token": TOKEN, "approve": True}
    desk.say("do not approve the step")
    assert last(desk)[1]["approve"] is False


def test_go_ahead_after_a_plan_runs_it() -> None:
    desk = desk_with("load telco.csv", "make a plan to predict churn", "go ahead")
    assert last(desk)[0] == "run_plan"


def test_another_step_than_the_one_that_waits_is_not_approved() -> None:
    desk = desk_with("load telco.csv", "make a plan to predict churn", "run the plan")
    assert "Step 1 does not wait" in desk.say("approve step 1")
    assert desk.last is None


@pytest.mark.parametrize("words", ["show the plan", "run the plan", "approve the step of the plan"])
def test_without_a_plan_it_is_said_how_to_get_one(words: str) -> None:
    desk = desk_with("load telco.csv")
    assert "There is no plan yet" in desk.say(words)
    assert desk.calls == []


def test_a_goal_about_plans_is_a_training() -> None:
    desk = desk_with("load telco.csv")
    desk.say("predict which contract plan they choose, target Contract")
    assert desk.last is not None
    assert desk.last[0] == "train_model"


def test_where_plans_are_not_offered_the_training_is_estimated(desk: Any) -> None:
    desk.say("load telco.csv")
    reply = desk.say("make a plan to predict churn")
    assert desk.last[0] == "estimate_training"
    assert "I cannot keep a plan here" in reply


def test_notes_are_taken_word_for_word_listed_and_forgotten_by_their_words() -> None:
    desk = desk_with("remember that I prefer recall")
    assert last(desk) == ("remember", {"text": "I prefer recall", "kind": "preference"})
    assert "mem_2: tenure is in months" in desk.say("what do you remember?")
    desk.say("forget the note about recall")
    assert last(desk) == ("forget", {"id": "mem_1"})
    desk.say("forget mem_2")
    assert last(desk) == ("forget", {"id": "mem_2"})
    assert "No note is like that" in desk.say("forget that my dog is called Rex")
    assert desk.last == ("list_memories", {})


def test_a_question_goes_to_research_as_it_was_said() -> None:
    desk = desk_with("load telco.csv")
    reply = desk.say("research how to handle imbalanced classes")
    assert last(desk) == ("research", {"question": "research how to handle imbalanced classes", "data": "ds_telco"})
    assert "3 figures were checked against the results, 1 struck out." in reply
    assert "No documents are indexed here" in reply


def test_a_test_of_the_model_takes_the_requirements_and_tells_only_what_failed() -> None:
    desk = desk_with("load telco.csv", "predict churn")
    reply = desk.say("test the model for edge cases, it has to answer in 5 ms")
    assert last(desk) == ("test_model", {"model": "mdl_1", "max_latency_ms": 5.0})
    assert "Failed: Unknown category: 4 of 12 rows are refused." in reply
    assert "Missing values" not in reply


@pytest.mark.parametrize(
    ("tool", "words", "expected"),
    [
        ("write_code", "write a python script that plots tenure", {"task": "write a python script that plots tenure"}),
        ("plan_deployment", "plan the deployment of mdl_1 for 20k rows a day", {"model": "mdl_1", "rows_per_day": 2e4}),
    ],
)
def test_a_tool_that_is_offered_is_called(tool: str, words: str, expected: dict[str, Any]) -> None:
    definition = {"type": "function", "function": {"name": tool, "description": tool, "parameters": {}}}
    planner = OfflinePlanner(by_meaning=False).bind_tools([definition])
    assert asked(planner, HumanMessage(words)) == (tool, expected)


@pytest.mark.parametrize(
    "words", ["write the code for it", "remember that I like recall", "let the crew predict churn in telco.csv"]
)
def test_what_is_not_offered_is_not_called_and_that_is_said(desk: Any, words: str) -> None:
    assert "not offered" in desk.say(words)
    assert {name for name, _ in desk.calls} <= {"import_dataset"}


def test_the_crew_gets_dataset_target_settings_and_process() -> None:
    desk = WorkingDesk()
    desk.planner = desk.planner.model_copy(update={"offered": desk.planner.offered | {"run_crew"}})
    desk.say("load telco.csv")
    name, arguments = asked(
        desk.planner, *desk.messages, HumanMessage("let the crew with a manager predict churn within 2 minutes")
    )
    assert name == "run_crew"
    assert arguments == {"data": "ds_telco", "target": "Churn", "process": "hierarchical", "budget_seconds": 120.0}


def test_a_question_that_no_rule_is_known_for_gets_no_proposal() -> None:
    definition = {"type": "function", "function": {"name": "propose_review", "description": "x", "parameters": {}}}
    reply = OfflinePlanner().bind_tools([definition]).invoke([HumanMessage("<facts>{}</facts>")])
    assert (reply.tool_calls, reply.content) == ([], "no proposal")


@pytest.mark.parametrize(
    "text",
    [
        "make a plan to predict Churn in telco.csv and promote it",
        "make a plan to predict Churn in telco.csv, then explain it, make it answer in 5 ms and watch it",
    ],
)
def test_what_is_said_after_a_plan_is_a_step_of_it_and_touches_no_model_that_is_there(text: str) -> None:
    tool, arguments = last(desk_with("train on telco.csv to predict Churn", text))
    assert tool == "make_plan"
    assert text.endswith(arguments["goal"].rpartition(" ")[2])
    assert ("promote it" in arguments["goal"]) == ("promote it" in text)
    assert ("watch it" in arguments["goal"]) == ("watch it" in text)


@pytest.mark.parametrize(
    "text",
    [
        "what would you do with telco.csv to predict Churn in 5 seconds? dont run anything yet, make a plan",
        "train on telco.csv to predict Churn. don't run anything yet",
        "predict Churn in telco.csv, but make a plan first",
        "what would you do with telco.csv to predict Churn?",
    ],
)
def test_who_wants_nothing_run_yet_gets_a_plan_and_no_training(text: str) -> None:
    tool, _ = last(desk_with(text))
    assert tool == "make_plan"


def test_a_column_named_alone_after_loading_is_the_target() -> None:
    desk = desk_with("load telco.csv", "Churn")
    assert desk.last is not None
    assert desk.last[0] == "train_model"
    assert desk.last[1]["target"] == "Churn"


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("predict months=3, plan=A, note=2", {"months": 3, "plan": "A", "note": 2}),
        ("predict first=1, only=x", {"first": 1, "only": "x"}),
    ],
)
def test_columns_named_like_words_of_the_planner_are_columns_of_a_row(text: str, row: dict[str, object]) -> None:
    assert read_slots(text).rows == (row,)


def test_a_relative_path_with_a_blank_in_it_is_read_whole() -> None:
    assert read_slots("ok try data/wine list.csv").source == "data/wine list.csv"
    assert read_slots("train on a/b.csv then show me c.csv").source == "a/b.csv"
