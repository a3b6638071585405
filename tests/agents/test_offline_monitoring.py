"""Watching a model in conversation: what is remembered, what is asked, and what follows from what."""

from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from agents.offline import OfflinePlanner
from engine.drift.levels import Level
from tests.agents.watching import ALERT, MONITOR, WAITING

At = Callable[[str], Any]


def names(desk: Any) -> list[str]:
    return [name for name, _ in desk.calls]


def test_the_whole_life_of_a_model_in_one_conversation(desk: Any) -> None:
    desk.say("predict which customers churn in telco.csv")
    desk.say("make it the champion and watch it every hour")
    assert names(desk) == ["promote_model", "create_monitor"]
    assert desk.last[1] == {"model": "mdl_1", "schedule": "0 * * * *"}
    desk.level = Level.RED
    assert "is RED" in desk.say("has the data drifted?")
    desk.say("why?")
    assert desk.last == ("evaluate_actions", {"monitor": MONITOR})
    assert desk.say("then retrain it within 20 seconds").endswith("Promote it?")
    desk.say("yes")
    assert desk.last == ("promote_model", {"model": "mdl_9", "alias": "champion"})
    desk.say("how good is it?")
    assert desk.last == ("show_model", {"model": "mdl_9"})
    desk.say("roll back")
    assert desk.last == ("roll_back_model", {"name": "telco-Churn"})


def test_with_one_monitor_no_name_is_needed(desk_at: At) -> None:
    desk = desk_at("watched")
    desk.say("check the monitor")
    assert desk.calls == [("monitor_status", {}), ("check_drift", {"monitor": MONITOR})]
    desk.say("what should I do?")
    assert desk.calls == [("evaluate_actions", {"monitor": MONITOR})]


@pytest.mark.parametrize("answer", ["telco-Churn", "telco", MONITOR, "the first one"])
def test_among_several_monitors_the_one_is_asked_for(desk_at: At, answer: str) -> None:
    desk = desk_at("two watched")
    assert desk.say("retrain it within 20 s").startswith("Which monitor do you mean? telco-Churn (mon_")
    desk.say(answer)
    assert desk.last == ("retrain_model", {"monitor": MONITOR, "budget_seconds": 20.0})


@pytest.mark.parametrize("words", ["has the data drifted?", "any alerts?", "retrain the model", "plot drift"])
def test_without_a_monitor_the_way_to_one_is_said(desk: Any, words: str) -> None:
    assert desk.say(words).startswith("No model is watched yet. Say 'watch it'")
    assert names(desk) == ["monitor_status"]


def test_what_should_i_do_is_help_where_nothing_is_watched(desk: Any) -> None:
    assert "I can:" in desk.say("what should I do?")


def test_a_file_without_anything_to_compare_it_with_is_told_so(desk: Any) -> None:
    assert "compare new.csv with old.csv" in desk.say("check new.csv for drift")
    assert names(desk) == ["list_models"]


def test_a_table_that_was_just_loaded_is_the_one_that_is_compared(desk_at: At) -> None:
    desk = desk_at("trained")
    desk.say("load sales.xlsx")
    desk.say("has the data drifted?")
    assert desk.last == ("check_drift", {"model": "mdl_1", "data": "ds_sales"})


def test_what_a_comparison_found_is_told_again_without_another_call(desk_at: At) -> None:
    desk = desk_at("monitored")
    desk.say("check new.csv for drift")
    assert "Contract (ORANGE, chi2 effect 0.1712)" in desk.say("what has drifted?")
    assert "drift/file.html" in desk.say("show me the report")
    assert desk.calls == []
    desk.say("how is the model doing?")
    desk.say("why is it red?")
    assert desk.last == ("evaluate_actions", {"monitor": MONITOR})


def test_a_misspelt_file_is_offered_by_its_near_name(desk_at: At) -> None:
    desk = desk_at("trained")
    assert "I could not check for drift." in desk.say("check nwe.csv for drift")
    desk.say("yes")
    assert desk.last == ("check_drift", {"model": "mdl_1", "data": "new.csv"})


def test_a_misspelt_monitor_is_offered_by_its_near_name(desk_at: At) -> None:
    desk = desk_at("watched")
    desk.say("check the monitor telco-Chrun")
    desk.say("yes")
    assert desk.last == ("check_drift", {"monitor": "telco-Churn"})


def test_what_was_not_approved_is_left(desk_at: At) -> None:
    desk = desk_at("trained")
    desk.refusals["create_monitor"] = "The user declined this call."
    assert desk.say("watch it") == "You did not approve it, so nothing was changed."


@pytest.mark.parametrize("words", ["every day instead", "with windows of 200 rows"])
def test_a_monitor_is_not_made_twice_by_a_change_of_mind(desk_at: At, words: str) -> None:
    desk = desk_at("monitored")
    assert desk.say(words).startswith("I cannot change a monitor from here")
    assert desk.calls == []


def test_settings_in_the_next_sentence_belong_to_the_same_monitor(desk_at: At) -> None:
    desk = desk_at("trained")
    desk.say("Watch it. Every hour. Windows of 200 rows.")
    assert desk.calls == [("create_monitor", {"model": "mdl_1", "window_rows": 200, "schedule": "0 * * * *"})]


def test_a_rhythm_that_cannot_be_is_refused_in_words(desk_at: At) -> None:
    desk = desk_at("trained")
    assert "'every 15 minutes'" in desk.say("watch it every 7 minutes")
    assert desk.calls == []


# after a retraining


def test_a_no_leaves_the_champion(desk_at: At) -> None:
    desk = desk_at("retrained")
    assert desk.say("no") == "All right, I leave it."
    assert desk.calls == []


def test_a_challenger_that_lost_is_promoted_by_its_name_only(desk_at: At) -> None:
    desk = desk_at("red")
    desk.wins = False
    assert "The champion stays." in desk.say("retrain it")
    assert "mdl_9 did not win: The challenger is not better for sure." in desk.say("promote it")
    assert desk.calls == []
    desk.say("promote mdl_9")
    assert desk.last == ("promote_model", {"model": "mdl_9", "alias": "champion"})


@pytest.mark.parametrize(
    ("words", "seconds"), [("again, with twice the time", 120.0), ("try again with 5 minutes", 300)]
)
def test_a_retraining_is_gone_on_from(desk_at: At, words: str, seconds: float) -> None:
    desk = desk_at("retrained")
    desk.say(words)
    assert desk.last == ("retrain_model", {"monitor": MONITOR, "budget_seconds": seconds})


def test_retraining_and_promoting_may_stand_in_one_sentence(desk_at: At) -> None:
    desk = desk_at("red")
    reply = desk.say("retrain it, then promote it")
    assert names(desk) == ["retrain_model", "promote_model"]
    assert desk.last[1]["model"] == "mdl_9"
    assert "Promote it?" not in reply


def test_go_ahead_after_advice_retrains(desk_at: At) -> None:
    desk = desk_at("red")
    desk.say("what should I do?")
    desk.say("go ahead")
    assert desk.last == ("retrain_model", {"monitor": MONITOR})


def test_a_challenger_that_waits_already_is_promoted_instead_of_trained_again(desk_at: At) -> None:
    desk = desk_at("red")
    desk.begun = WAITING
    assert "Say 'promote mdl_9' to use the challenger." in desk.say("what should I do?")
    desk.say("promote it")
    assert desk.last == ("promote_model", {"model": "mdl_9", "alias": "champion"})


def test_a_retraining_that_still_runs_is_not_begun_again_by_go_ahead(desk_at: At) -> None:
    desk = desk_at("red")
    desk.begun = WAITING.model_copy(update={"state": "running", "challenger": None})
    assert "The retraining ret_77aa77aa77aa is running." in desk.say("what should I do?")
    desk.say("go ahead")
    assert "retrain_model" not in names(desk)


# alerts and labels


def test_an_alert_is_the_named_one_the_listed_one_or_the_only_open_one(desk_at: At) -> None:
    desk = desk_at("watched")
    desk.say("acknowledge the alert")
    assert desk.last == ("acknowledge_alert", {"alert": "latest"})
    desk.say("any alerts?")
    desk.say("acknowledge it: the feed is being mended")
    assert desk.last == ("acknowledge_alert", {"alert": ALERT, "note": "the feed is being mended"})


def test_an_alert_that_is_not_there_is_offered_by_its_near_name(desk_at: At) -> None:
    desk = desk_at("red")
    desk.say("acknowledge alr_12ab34cd56ee")
    desk.say("yes")
    assert desk.last == ("acknowledge_alert", {"alert": ALERT})


def test_labels_without_a_file_are_asked_for(desk_at: At) -> None:
    desk = desk_at("watched")
    assert "Which file holds the labels?" in desk.say("the labels have arrived")
    desk.say("labels.csv")
    assert desk.last == ("log_labels", {"monitor": MONITOR, "data": "labels.csv"})


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        ('log the labels [{"row_id": "a", "label": 1}]', [{"row_id": "a", "label": 1}]),
        ("row a17 was Yes and row a18 was No", [{"row_id": "a17", "label": "Yes"}, {"row_id": "a18", "label": "No"}]),
    ],
)
def test_labels_may_be_told_row_by_row(desk_at: At, words: str, rows: list[dict[str, object]]) -> None:
    desk = desk_at("monitored")
    desk.say(words)
    assert desk.last == ("log_labels", {"monitor": MONITOR, "rows": rows})


@pytest.mark.parametrize(
    ("words", "columns"),
    [
        ("id column customerID, label column Churn", {"id_column": "customerID", "label_column": "Churn"}),
        ("customerID is the id", {"id_column": "customerID"}),
        ("matched by customerID", {"id_column": "customerID"}),
        ("Churn holds the true values", {"label_column": "Churn"}),
        ("in the column Churn", {"label_column": "Churn"}),
        ("thanks", {}),
    ],
)
def test_the_columns_of_a_file_of_labels_are_read(desk_at: At, words: str, columns: dict[str, str]) -> None:
    desk = desk_at("monitored")
    desk.say(f"here are the labels: truth.csv, {words}")
    assert desk.last == ("log_labels", {"monitor": MONITOR, "data": "truth.csv", **columns})


def test_where_the_tools_are_not_offered_that_is_said() -> None:
    answer = OfflinePlanner().invoke([HumanMessage("has the data drifted?")])
    assert "the tool monitor_status is not offered" in str(answer.content)


def test_silence_needs_a_span_of_time(desk_at: At) -> None:
    desk = desk_at("red")
    assert desk.say("mute the alerts").startswith("For how long?")
    assert desk.calls == []


def test_a_file_with_a_hyphen_is_no_name_of_a_model(desk_at: At) -> None:
    desk = desk_at("trained")
    desk.say("check new-data.csv for drift")
    assert desk.last == ("check_drift", {"model": "mdl_1", "data": "new-data.csv"})


@pytest.mark.parametrize(
    ("words", "column"),
    [
        ("predict new.csv, the ids are in customerID", "customerID"),
        ("predict new.csv with id column customerID", "customerID"),
        ("predict new.csv", None),
    ],
)
def test_the_column_of_row_ids_is_taken_from_the_words(desk_at: At, words: str, column: str | None) -> None:
    desk = desk_at("monitored")
    desk.say(words)
    assert desk.last[0] == "predict"
    assert desk.last[1].get("id_column") == column
