"""The requests about drift and monitors that were asked for, and words that only look like them."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.agents.saying import (
    ACK,
    ADVISE,
    BACK,
    CHECK,
    LABELS,
    PROMOTE,
    REPORT,
    RETRAIN,
    STATUS,
    TRAIN,
    WATCH,
    Row,
    problem,
)
from tests.agents.watching import ALERT, MONITOR

OURS: dict[str, Any] = {"monitor": MONITOR}
ROWS: list[Row] = [
    ("monitored", "has the data drifted?", CHECK, {**OURS, "data": None}),
    ("watched", "has the data drifted?", CHECK, OURS),
    ("trained", "check new.csv for drift", CHECK, {"model": "mdl_1", "data": "new.csv", "monitor": None}),
    ("monitored", "check new.csv for drift", CHECK, {"model": "mdl_1", "data": "new.csv", "monitor": None}),
    ("trained", "compare january.csv with the training data", CHECK, {"model": "mdl_1", "data": "january.csv"}),
    ("trained", "is june.csv different from what the model was trained on", CHECK, {"data": "june.csv"}),
    ("fresh", "compare june.csv with may.csv", CHECK, {"data": "june.csv", "reference": "may.csv", "model": None}),
    ("fresh", "compare june.csv to may.csv", CHECK, {"data": "june.csv", "reference": "may.csv"}),
    ("fresh", "is there drift from may.csv to june.csv?", CHECK, {"data": "june.csv", "reference": "may.csv"}),
    ("fresh", "what changed between may.csv and june.csv?", CHECK, {"data": "june.csv", "reference": "may.csv"}),
    ("trained", "check ds_sample for drift", CHECK, {"data": "ds_sample", "model": "mdl_1"}),
    ("trained", "tell me if june.csv has drifted", CHECK, {"data": "june.csv"}),
    ("trained", "monitor new.csv", CHECK, {"data": "new.csv"}),
    ("monitored", "check the monitor", CHECK, OURS),
    ("watched", "check the monitor", CHECK, OURS),
    ("two watched", "check mon_00000000beef", CHECK, {"monitor": "mon_00000000beef"}),
    ("trained", "watch it", WATCH, {"model": "mdl_1", "schedule": None, "window_rows": None}),
    ("trained", "monitor the model", WATCH, {"model": "mdl_1"}),
    ("registered", "watch the champion", WATCH, {"model": "mdl_1"}),
    ("trained", "tell me if the data drifts", WATCH, {"model": "mdl_1"}),
    (
        "fresh",
        "monitor churn-Churn every hour with windows of 200 rows",
        WATCH,
        {"model": "churn-Churn", "schedule": "0 * * * *", "window_rows": 200},
    ),
    (
        "trained",
        "monitor it every day at 6:30pm with 6-hour windows and never retrain",
        WATCH,
        {"model": "mdl_1", "schedule": "30 18 * * *", "window_hours": 6.0, "retrain": "never"},
    ),
    ("watched", "how is the model doing in production", STATUS, {"monitor": None}),
    ("watched", "is everything all right", STATUS, {"monitor": None}),
    ("two watched", "what is the status of the monitors", STATUS, {"monitor": None}),
    ("two watched", "how is telco-Churn doing?", STATUS, {"monitor": "telco-Churn"}),
    ("watched", "any alerts?", STATUS, {"monitor": None}),
    ("monitored", "how is it doing?", STATUS, {}),
    ("monitored", "status", STATUS, {}),
    ("red", "show me the drift report", REPORT, {**OURS, "plot": None}),
    ("red", "show me the report", REPORT, {**OURS, "plot": None}),
    ("red", "plot drift over time", REPORT, {**OURS, "plot": "drift"}),
    ("red", "plot the performance", REPORT, {**OURS, "plot": "performance"}),
    ("red", "plot tenure then and now", REPORT, {**OURS, "plot": "tenure"}),
    ("watched", "plot tenure then and now", REPORT, {**OURS, "plot": "tenure"}),
    ("red", "what should I do?", ADVISE, OURS),
    ("watched", "what should I do?", ADVISE, OURS),
    ("red", "why is it red", ADVISE, OURS),
    ("red", "why?", ADVISE, OURS),
    ("red", "since when", ADVISE, OURS),
    ("red", "should we retrain?", ADVISE, OURS),
    ("red", "should we roll back?", ADVISE, OURS),
    ("red", "retrain it", RETRAIN, {**OURS, "budget_seconds": None}),
    ("watched", "retrain the model", RETRAIN, OURS),
    ("red", "retrain within 30 seconds", RETRAIN, {**OURS, "budget_seconds": 30.0}),
    ("two watched", "retrain telco-Churn", RETRAIN, {"monitor": "telco-Churn"}),
    ("red", "acknowledge the alert", ACK, {"alert": "latest", "silence_hours": None}),
    ("red", f"I am looking after {ALERT}, silence it for 4 hours", ACK, {"alert": ALERT, "silence_hours": 4.0}),
    ("red", "here are the labels: labels.csv", LABELS, {**OURS, "data": "labels.csv", "id_column": None}),
    ("red", "load labels.csv", LABELS, {"data": "labels.csv"}),
    (
        "red",
        "the labels are in truth.csv, ids in customerID, column Churn",
        LABELS,
        {"data": "truth.csv", "id_column": "customerID", "label_column": "Churn"},
    ),
    ("red", "roll back", BACK, {"name": "telco-Churn", "alias": None}),
    ("registered", "roll back", BACK, {"name": "telco-Churn"}),
    ("fresh", "roll back telco-Churn", BACK, {"name": "telco-Churn"}),
    ("fresh", "roll back telco-Churn@champion", BACK, {"name": "telco-Churn"}),
    ("red", "roll back the challenger", BACK, {"name": "telco-Churn", "alias": "challenger"}),
    ("red", "go back to the model before", BACK, {"name": "telco-Churn"}),
    ("red", "roll back to mdl_0", PROMOTE, {"model": "mdl_0", "alias": "champion"}),
    ("retrained", "promote the challenger", PROMOTE, {"model": "mdl_9", "alias": "champion"}),
    ("retrained", "promote it", PROMOTE, {"model": "mdl_9", "alias": "champion"}),
    ("retrained", "yes", PROMOTE, {"model": "mdl_9", "alias": "champion"}),
    ("retrained", "promote it to challenger", PROMOTE, {"model": "mdl_9", "alias": "challenger"}),
]
NOT_OURS: list[Row] = [
    ("trained", "check the data", "profile_dataset", {}),
    ("monitored", "check the data", "profile_dataset", {}),
    ("loaded", "forecast the drift of tenure", TRAIN, {"target": "tenure"}),
    ("fresh", "train on telco.csv to monitor churn", TRAIN, {"target": "Churn"}),
    ("fresh", "build a model that monitors churn from telco.csv", TRAIN, {"target": "Churn"}),
    ("fresh", "train on spam.csv, the labels are in column label", TRAIN, {"target": "label"}),
    ("loaded", "the label is Churn", TRAIN, {"target": "Churn"}),
    ("trained", "drop column alert", TRAIN, {"drop": ["alert"]}),
    ("trained", "retrain it", TRAIN, {"target": "Churn", "budget_seconds": 30.0}),
    ("monitored", "retrain it with lightgbm", TRAIN, {"models": ["lightgbm"]}),
    ("retrained", "now with recall", TRAIN, {"metric": "recall"}),
    ("trained", "why did the accuracy drop?", "explain_model", {}),
    ("trained", "check the accuracy on march.csv", "evaluate_model", {"data": "march.csv"}),
    ("monitored", "evaluate it on new.csv", "evaluate_model", {"data": "new.csv"}),
    ("monitored", "compare the models", "compare_models", {}),
    ("monitored", "load telco.csv", "import_dataset", {}),
    ("monitored", "how good is it?", "show_model", {"model": "mdl_1"}),
    ("retrained", "how good is it?", "show_model", {"model": "mdl_9"}),
    ("loaded", "what is the distribution of tenure", "profile_dataset", {}),
    ("monitored", "how is it going?", "list_jobs", {}),
    ("loaded", "check each column for missing values", "profile_dataset", {}),
    ("loaded", "take Churn as the target, not the alert", "train_model", {"target": "Churn"}),
    ("fresh", "load spam.csv, read the labels from column label", "import_dataset", {"source": "spam.csv"}),
    ("trained", "how does it work?", "explain_model", {}),
    ("trained", "what affects the health status of the patients?", "explain_model", {}),
    ("trained", "which policy features matter most?", "explain_model", {}),
    ("twice", "compare the models trained on telco.csv and houses.csv", "compare_models", {}),
    ("loaded", "which customers will renew that contract? predict Churn", TRAIN, {"target": "Churn"}),
    ("loaded", "find out who will buy a plot of land", None, {}),
    ("loaded", "which houses have alarms?", None, {}),
    ("loaded", "predict who will drift away", None, {}),
    ("loaded", "predict watch sales", None, {}),
    ("loaded", "how many labels are there?", None, {}),
    ("trained", "undo", None, {}),
    ("trained", "use it", None, {}),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1])
def test_what_was_asked_for_comes_to_its_tool(desk_at: Callable[[str], Any], row: Row) -> None:
    assert problem(desk_at, row) is None


@pytest.mark.parametrize("row", NOT_OURS, ids=lambda row: row[1])
def test_what_is_about_something_else_stays_there(desk_at: Callable[[str], Any], row: Row) -> None:
    assert problem(desk_at, row) is None


def test_a_column_called_monitor_is_the_answer_to_which_column(desk: Any) -> None:
    desk.say("load screens.csv")
    assert "Which of the 2 columns" in desk.say("train a model")
    desk.say("monitor")
    assert desk.last == (TRAIN, {"dataset": "ds_screens", "target": "monitor"})
