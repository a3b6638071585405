"""What the words leave out is dropped and never predicted; what a plan left out is had by the words that it tells."""

import json
from pathlib import Path
from typing import Any

import pytest

from agents.offline.conversation import Done, Known
from agents.offline.reading import read_slots
from agents.offline.standing import left_out
from agents.offline.understanding import understand
from agents.plan_left_out import to_say
from agents.plan_words import DEPLOYMENT, EXPLAIN, EXPORT, MONITOR, OPTIMISE, PROMOTE, TEST, wishes_of
from graphs.target import named_column
from tests.agents.conftest import TELCO, at

COLUMNS = tuple(pair.split(":")[0] for pair in TELCO.split())
LOWER = frozenset(name.lower() for name in COLUMNS)
ROWS: list[dict[str, Any]] = [
    json.loads(line)
    for line in (Path(__file__).parent / "utterances" / "left_out.jsonl").read_text(encoding="utf-8").splitlines()
]
NAMED = [row for row in ROWS if row["target"]]
SAYINGS: list[tuple[str, dict[str, object]]] = [
    (EXPLAIN, {}),
    (OPTIMISE, {}),
    (OPTIMISE, {"prefer": "size"}),
    (OPTIMISE, {"max_latency_ms": 5.0, "max_size_mb": 2.5, "max_drop": 0.01}),
    (OPTIMISE, {"max_drop": 0.005}),
    (TEST, {}),
    (DEPLOYMENT, {}),
    (PROMOTE, {"alias": "champion"}),
    (PROMOTE, {"alias": "challenger"}),
    (MONITOR, {}),
    (MONITOR, {"schedule": "0 6 * * 1"}),
    (EXPORT, {}),
]

INTENTS = {EXPLAIN: "explain", OPTIMISE: "optimise", TEST: "test_model", DEPLOYMENT: "deployment_plan"}
INTENTS |= {PROMOTE: "promote", MONITOR: "watch", EXPORT: "export"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["text"])
def test_a_column_that_is_left_out_is_never_the_target(row: dict[str, Any]) -> None:
    assert named_column(row["text"], COLUMNS) == row["target"]
    assert list(read_slots(row["text"], LOWER, goal=True).drop) == row["drop"]


@pytest.mark.parametrize("row", NAMED, ids=lambda row: row["text"])
def test_in_a_conversation_the_training_has_that_target_and_drops_those_columns(row: dict[str, Any]) -> None:
    desk = at("loaded")
    desk.say(row["text"])
    assert desk.last is not None
    assert (desk.last[0], desk.last[1]["target"], desk.last[1]["drop"]) == ("train_model", row["target"], row["drop"])


def test_where_no_target_is_named_the_one_that_is_asked_about_is_none_of_those() -> None:
    desk = at("loaded")
    assert "Which of the 12 columns should I predict?" in desk.say("leave the column Churn out and train a model")
    desk.say("Contract")
    assert desk.last is not None
    assert desk.last[1]["drop"] == ["Churn"]


@pytest.mark.parametrize(
    ("goal", "columns", "target"),
    [
        ("predict which customers skip their payment", ("payment", "age"), "payment"),
        ("predict which users ignore emails", ("emails", "age"), "emails"),
        ("predict sex, ignore age", ("sex", "age"), "sex"),
    ],
)
def test_what_somebody_does_leaves_nothing_out(goal: str, columns: tuple[str, ...], target: str) -> None:
    assert named_column(goal, columns) == target


@pytest.mark.parametrize(("tool", "arguments"), SAYINGS)
def test_what_is_to_be_said_asks_for_that_step_with_those_arguments(tool: str, arguments: dict[str, object]) -> None:
    assert wishes_of(to_say(tool, arguments)).wanted == {tool: arguments}


@pytest.mark.parametrize(("tool", "arguments"), SAYINGS)
def test_the_planner_takes_what_is_to_be_said_for_that_request(tool: str, arguments: dict[str, object]) -> None:
    (request,) = understand(to_say(tool, arguments), Known(), None)
    assert request.intent == INTENTS[tool]


@pytest.mark.parametrize(
    ("tool", "result", "model"),
    [
        ("run_plan", {"plan": "plan_1", "model": "mdl_2", "steps": []}, "mdl_2"),
        (
            "approve_step",
            {"plan": "plan_1", "model": "mdl_2", "steps": [{"tool": OPTIMISE, "result": {"model": "mdl_3"}}]},
            "mdl_3",
        ),
        ("run_plan", {"plan": "plan_1", "model": None, "steps": [{"tool": OPTIMISE, "result": None}]}, "mdl_1"),
        ("run_crew", {"model_id": "mdl_2"}, "mdl_2"),
    ],
)
def test_after_a_plan_or_a_crew_it_is_their_model(tool: str, result: dict[str, Any], model: str) -> None:
    known = Known()
    known.learn(Done("train_model", {}, {"dataset": "ds_1", "target": "y", "model": "mdl_1"}))
    known.learn(Done(tool, {}, result))
    assert known.model == model


STANDING = (
    *("For everything we do, leave the column gender out of the training.", "From now on, ignore gender"),
    *(
        "always leave gender out, please",
        "leave the column gender out from now on",
        "in all trainings don't use gender",
    ),
)


@pytest.mark.parametrize("words", STANDING)
def test_what_is_left_out_of_everything_is_noted_and_left_out_of_later_trainings(words: str) -> None:
    desk = at("loaded")
    assert "gender is left out of what I train here from now on" in desk.say(words)
    assert desk.calls == []
    desk.say("which models are there?")
    assert "As you asked, gender is left out." in desk.say("predict churn without tenure")
    assert desk.last is not None
    assert (desk.last[1]["target"], desk.last[1]["drop"]) == ("Churn", ["gender", "tenure"])
    desk.say("predict MonthlyCharges")
    assert desk.last[1]["drop"] == ["gender"]


def test_it_is_left_out_until_it_is_asked_for_again_and_in_the_same_message() -> None:
    desk = at("loaded")
    desk.say("From now on, ignore gender. Predict churn")
    assert desk.last is not None
    assert desk.last[1]["drop"] == ["gender"]
    desk.say("use gender again")
    desk.say("predict MonthlyCharges")
    assert "drop" not in desk.last[1]


@pytest.mark.parametrize(
    "words", ["never drop gender", "should we always ignore gender?", "predict churn without gender"]
)
def test_what_is_said_of_one_training_or_the_other_way_holds_for_no_later_one(words: str) -> None:
    assert left_out([words], COLUMNS) == []


def test_an_answer_with_the_target_may_leave_a_column_out() -> None:
    desk = at("loaded")
    desk.say("train a model")
    desk.say("Contract, and leave gender out")
    assert desk.last is not None
    assert (desk.last[1]["target"], desk.last[1]["drop"]) == ("Contract", ["gender"])
