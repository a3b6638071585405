"""What was once misunderstood: words of a goal taken as settings, amounts, follow-ups that began anew."""

from collections.abc import Callable
from typing import Any

import pytest

from agents.offline.reading import read_slots
from agents.offline.wording import explained, predicted, trained

TRAIN = "train_model"


@pytest.mark.parametrize(
    "goal",
    [
        *("predict forest cover type", "forecast rf power", "predict boosted sales", "predict who will drop school"),
        *("predict the accuracy of the sensor", "predict linear speed", "which customers skip their payment"),
    ],
)
def test_words_of_a_goal_are_no_settings(goal: str) -> None:
    slots = read_slots(goal)
    assert (slots.metric, slots.families, slots.without, slots.drop) == (None, (), (), ())


@pytest.mark.parametrize(
    ("goal", "metric", "families"),
    [
        ("predict churn using f1 and lightgbm", "f1", {"lightgbm"}),
        ("predict churn with lightgbm and f1", "f1", {"lightgbm"}),
        ("Predict churn. Metric: recall. Models: linear and forest.", "recall", {"linear", "forest"}),
        ("predict churn with linear and lightgbm only", None, {"linear", "lightgbm"}),
        (
            "predict churn with a linear model, a forest or boosting, by recall",
            "recall",
            {"linear", "forest", "lightgbm"},
        ),
        ("use linear and angular speed to predict torque", None, set()),
    ],
)
def test_lists_of_settings_are_read_whole(goal: str, metric: str | None, families: set[str]) -> None:
    slots = read_slots(goal)
    assert (slots.metric, set(slots.families)) == (metric, families)


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        *(("predict churn within 1,000 seconds", 1000), ("predict churn in 10,000 s", 10_000)),
        *(("predict churn in -5 seconds", -5), ("predict churn in 0 seconds", 0), ("predict churn for 90", 90)),
        *(("predict churn with a budget of 1,200", 1200), ("predict churn within 1,5 minutes", 90)),
        *(("predict churn for 90 customers", None), ("predict churn in 3-5 minutes", 300)),
    ],
)
def test_amounts_are_read_as_they_are_written(words: str, seconds: float | None) -> None:
    assert read_slots(words).budget == seconds


def test_a_budget_that_cannot_be_goes_to_the_tool_which_refuses_it(desk_at: Callable[[str], Any]) -> None:
    desk = desk_at("loaded")
    desk.say("predict churn in 0 seconds")
    assert desk.last[1]["budget_seconds"] == 0.0


@pytest.mark.parametrize(
    "words",
    ["train on sample:churn to predict satisfaction", "predict satisfaction with sample:churn, best F1"],
)
def test_a_target_that_is_not_there_is_asked_about_and_never_replaced(desk: Any, words: str) -> None:
    reply = desk.say(words)
    assert desk.last[0] == "import_dataset"
    assert "satisfaction" in reply
    assert "Which of the 13 columns should I predict?" in reply


def test_after_a_training_too(desk_at: Callable[[str], Any]) -> None:
    desk = desk_at("trained")
    assert "Which of the 13 columns" in desk.say("predict satisfaction instead")
    assert desk.calls == []


@pytest.mark.parametrize("words", ["train on sample:churn", "train the best model on sample:churn"])
def test_the_targets_of_a_sample_is_taken_when_nothing_is_said(desk: Any, words: str) -> None:
    desk.say(words)
    assert desk.last[1]["target"] == "Churn"


@pytest.mark.parametrize(
    "words",
    ["predict which customers will cancel in telco.csv", "I have telco.csv. Who is going to cancel?"],
)
def test_to_cancel_may_be_a_goal(desk: Any, words: str) -> None:
    desk.say(words)
    assert desk.calls[0][0] == "import_dataset"
    assert "cancel_job" not in [name for name, _ in desk.calls]


@pytest.mark.parametrize(
    "words", ["cancel", "cancel the training", "please cancel the running job", "cancel the training of churn"]
)
def test_to_cancel_is_a_request_all_the_same(desk_at: Callable[[str], Any], words: str) -> None:
    desk = desk_at("jobs")
    desk.say(words)
    assert desk.last == ("cancel_job", {"job": "job_aa11"})


def test_a_follow_up_changes_what_it_names_and_keeps_the_rest(desk_at: Callable[[str], Any]) -> None:
    desk = desk_at("trained")
    desk.say("only lightgbm with recall, drop gender")
    desk.say("use 3 models")
    kept = {"models": ["lightgbm"], "metric": "recall", "drop": ["gender"], "target": "Churn", "max_models": 3}
    assert kept.items() <= desk.last[1].items()
    desk.say("use gender again")
    assert desk.last[1]["drop"] == []
    assert desk.last[1]["metric"] == "recall"


@pytest.mark.parametrize("words", ["put tenure back", "bring back tenure", "use tenure again", "include tenure again"])
def test_a_column_that_was_dropped_is_used_again(desk_at: Callable[[str], Any], words: str) -> None:
    desk = desk_at("trained")
    desk.say("drop tenure and gender")
    desk.say(words)
    assert desk.last[0] == TRAIN
    assert desk.last[1]["drop"] == ["gender"]


@pytest.mark.parametrize("words", ["don't train a forest", "don’t use a forest", "do not try random forest"])
def test_a_family_that_is_refused_is_not_trained(desk_at: Callable[[str], Any], words: str) -> None:
    desk = desk_at("trained")
    desk.say("now with recall")
    desk.say(words)
    assert desk.last[1]["models"] == ["linear", "lightgbm"]
    assert desk.last[1]["metric"] == "recall"


def test_what_names_no_column_leaves_none_out_and_is_said(desk_at: Callable[[str], Any]) -> None:
    desk = desk_at("loaded")
    reply = desk.say("predict churn, ignore the postal code")
    assert "drop" not in desk.last[1]
    assert "No column is called the postal code" in reply or "No column is called postal code" in reply


def test_a_target_that_is_certain_is_named_at_the_import(desk: Any) -> None:
    desk.say("train on telco.csv, target column Churn")
    assert desk.calls[0] == ("import_dataset", {"source": "telco.csv", "target": "Churn"})


def test_a_target_that_is_only_likely_is_not(desk: Any) -> None:
    desk.say("predict which customers churn in telco.csv")
    assert desk.calls[0] == ("import_dataset", {"source": "telco.csv"})


def test_a_class_is_shown_as_it_is_written() -> None:
    row = {"prediction": 2021, "probability_2021": 0.99996}
    assert "2021 (probability 0.99996)" in predicted({"predictions": [row], "rows": 1, "model": "mdl_1"})


def test_what_costs_no_more_than_its_spread_is_not_called_important() -> None:
    rows = [{"column": "temp", "importance": 0.0, "deviation": 0.0}, {"column": "b", "importance": 1, "deviation": 2}]
    told = explained({"importance": rows, "model": "mdl_1", "target": "y", "metric": "rmse", "report": "r"})
    assert told.startswith("No column matters measurably to mdl_1.")
    assert "No column matters measurably." in trained({"model": "mdl_1", "importance": rows, "seconds": 1.0})
