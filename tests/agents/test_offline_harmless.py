"""Refusals and questions start no work, the model that is named is the one that is taken, and nothing is hijacked."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from agents.offline.columns import likely_targets
from agents.offline.harmless import refuses
from agents.offline.reading import read_slots
from tests.agents.conftest import CHURN, FILES, LOAD, Desk
from tests.agents.working import WorkingDesk

SAID = {
    "loaded": (LOAD,),
    "trained": (LOAD, CHURN),
    "two": (LOAD, CHURN, "now with recall"),
    "planned": (LOAD, "make a plan to predict churn"),
    "houses": (LOAD, CHURN, "load houses.csv", "predict median_house_value within 9 s", "show mdl_1"),
}
LOOKS = {"list_models", "show_model", "show_plan", "list_memories", "list_jobs", "list_datasets", "monitor_status"}
LOOKS |= {"profile_dataset", "explain_model", "compare_models", "estimate_training"}
"""Tools that change nothing and train nothing."""
HARMLESS = [
    json.loads(line)
    for line in (Path(__file__).parent / "utterances" / "harmless.jsonl").read_text(encoding="utf-8").splitlines()
]
LEFT = "All right, I leave it."


def after(state: str, *, by_meaning: bool = False) -> WorkingDesk:
    desk = WorkingDesk(by_meaning=by_meaning)
    for words in SAID[state]:
        desk.say(words)
    return desk


def test_no_question_and_no_refusal_starts_work() -> None:
    assert len(HARMLESS) >= 60
    wrong = []
    for row in HARMLESS:
        desk = after(row["context"])
        reply = desk.say(row["text"])
        if not {name for name, _ in desk.calls} <= LOOKS or (row["kind"] == "refusal" and reply != LEFT):
            wrong.append((row["text"], desk.calls, reply))
    assert wrong == []


def test_likeness_to_examples_starts_no_work_either() -> None:
    wrong = []
    for row in HARMLESS[::4]:
        desk = after(row["context"], by_meaning=True)
        desk.say(row["text"])
        if not {name for name, _ in desk.calls} <= LOOKS:
            wrong.append((row["text"], desk.calls))
    assert wrong == []


@pytest.mark.parametrize(
    "words",
    [
        "do not promote it",
        "don't watch it",
        "don't roll back",
        "never promote it",
        "no don't promote",
        "I don't want to promote it",
        "do not train anything",
        "don't train on it",
        "I don't want to predict price",
        "don't optimise it",
        "don't run it",
        "please don't remember anything",
        "forget nothing",
        "don't train and promote it",
        "no, never mind, don't promote it",
    ],
)
def test_what_is_refused_is_left(words: str) -> None:
    desk = after("trained")
    assert desk.say(words) == LEFT
    assert desk.calls == []


@pytest.mark.parametrize(
    ("state", "words", "tool", "expected"),
    [
        ("trained", "don't use gender", "train_model", {"drop": ["gender"]}),
        ("trained", "don't train on gender", "train_model", {"drop": ["gender"], "budget_seconds": 30.0}),
        ("loaded", "predict churn without gender", "train_model", {"drop": ["gender"]}),
        ("loaded", "predict churn but don't promote it", "train_model", {"target": "Churn"}),
        ("trained", "don't promote it, watch it", "create_monitor", {"model": "mdl_1"}),
        ("planned", "don't promote", "edit_plan", {"words": "don't promote"}),
        ("planned", "don't tune", "edit_plan", {"words": "don't tune"}),
        ("trained", "could you please promote it?", "promote_model", {"model": "mdl_1"}),
        ("trained", "would you watch it?", "create_monitor", {"model": "mdl_1"}),
        ("loaded", "how long would it take to predict churn?", "estimate_training", {"target": "Churn"}),
        ("trained", "don't forget that I prefer recall", "remember", {"text": "I prefer recall"}),
        ("trained", "test it", "test_model", {"model": "mdl_1"}),
        ("trained", "test the model mdl_1", "test_model", {"model": "mdl_1"}),
        ("trained", "evaluate it on new.csv", "evaluate_model", {"model": "mdl_1", "data": "new.csv"}),
        ("two", "compair them", "compare_models", {}),
        ("two", "promote the first one", "promote_model", {"model": "mdl_1"}),
        ("two", "promote the last one", "promote_model", {"model": "mdl_2"}),
        ("two", "promote the better one", "promote_model", {"model": "mdl_2"}),
        ("houses", "promote the one for houses", "promote_model", {"model": "mdl_2"}),
        ("houses", "explain the houses model", "explain_model", {"model": "mdl_2"}),
    ],
)
def test_what_is_asked_for_is_still_done(state: str, words: str, tool: str, expected: dict[str, object]) -> None:
    desk = after(state)
    reply = desk.say(words)
    assert desk.last is not None, reply
    assert desk.last[0] == tool, reply
    assert {name: desk.last[1].get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("state", "words", "told"),
    [
        ("trained", "what does rmse mean?", "Rmse is the root of the mean squared error"),
        ("trained", "what is a challenger?", "A challenger is a version"),
        ("trained", "is f1 better than recall here?", "F1 is the harmonic mean"),
        ("loaded", "what is tenure?", "tenure is a column of telco: kind integer, 0 missing"),
        ("loaded", "what is price?", "I cannot do that without a language model"),
        ("trained", "should I promote it?", "mdl_1 is the champion. Whether to promote is yours to decide"),
        ("trained", "should I use lightgbm?", "lightgbm had the best roc_auc"),
        ("planned", "should I run it?", "Plan plan_1b2d4e3f9a0c for: predict churn"),
        ("planned", "what is in step 2?", "Plan plan_1b2d4e3f9a0c for: predict churn"),
        ("trained", "no", "All right."),
        ("loaded", "n", "All right."),
        ("trained", "forget mem_9", "No note is like that."),
        ("trained", "promote mdl_nope", "There is no model mdl_nope. There are: mdl_1."),
        ("trained", "promote the one for wine", "No model is called or made for 'wine'."),
        ("two", "promote the fourth one", "I know of 2 models here"),
    ],
)
def test_a_question_is_answered_from_facts_or_honestly_not_at_all(state: str, words: str, told: str) -> None:
    desk = after(state)
    assert told in desk.say(words)
    assert {name for name, _ in desk.calls} <= LOOKS


def test_several_models_of_one_name_are_asked_about_before_one_is_promoted() -> None:
    desk = after("two")
    desk.say("load houses.csv")
    desk.say("predict median_house_value")
    assert "Which one?" in desk.say("promote the telco model")
    assert desk.calls == []
    desk.say("mdl_1")
    assert desk.last == ("promote_model", {"model": "mdl_1", "alias": "champion"})


@pytest.mark.parametrize("words", ["with the houses model", "with houses-median_house_value", "using mdl_2"])
def test_a_row_ends_before_the_model_it_is_for(words: str) -> None:
    desk = after("houses")
    desk.say(f"predict longitude=3, latitude=70 {words}")
    assert desk.last is not None
    tool, arguments = desk.last
    assert (tool, arguments["model"]) == ("predict", "mdl_2")
    assert isinstance(arguments["rows"], list)
    assert arguments["rows"][0]["latitude"] == 70


def test_a_question_does_not_answer_the_open_question(desk_at: Callable[[str], Desk]) -> None:
    desk = desk_at("loaded")
    assert "should I predict?" in desk.say("train")
    desk.say("what is tenure?")
    assert desk.calls == []


def test_a_message_with_its_own_table_fills_no_gap() -> None:
    desk = after("loaded")
    assert "should I predict?" in desk.say("how long would it take?")
    desk.say("tran a modle on houses.csv to predit median_house_value, 4 secs")
    assert desk.last is not None
    tool, arguments = desk.last
    assert (tool, arguments["target"], arguments["budget_seconds"]) == ("train_model", "median_house_value", 4.0)


def test_a_refusal_closes_the_open_question() -> None:
    desk = after("loaded")
    desk.say("train")
    assert desk.say("I don't want to predict tenure") == LEFT
    assert desk.calls == []


@pytest.mark.parametrize("between", ["what is recall?", "list models", "thanks"])
def test_a_plan_is_still_edited_some_turns_later(between: str) -> None:
    desk = after("planned")
    desk.say(between)
    desk.say("use recall instead")
    assert desk.last is not None
    assert desk.last[0] == "edit_plan"


@pytest.mark.parametrize("words", ["without note", "and without plan?", "drop note"])
def test_a_column_called_note_or_plan_is_left_out(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    table = ("ds_pro", "projects", "note:category plan:category days:integer late:category", None)
    monkeypatch.setitem(FILES, "projects.csv", table)
    desk = WorkingDesk()
    for said in ("load projects.csv", "predict late within 30 seconds"):
        desk.say(said)
    desk.say(words)
    assert desk.last is not None
    tool, arguments = desk.last
    assert (tool, arguments["drop"]) == ("train_model", ["plan" if "plan" in words else "note"])


def test_nothing_that_cannot_be_taken_back_is_offered_as_the_nearest() -> None:
    for words in ("eliminate the thing", "lose the last of those", "make it vanish from the list"):
        reply = after("trained", by_meaning=True).say(words)
        assert "The nearest I know" not in reply or not any(
            verb in reply.split("The nearest I know")[1] for verb in ("cancel", "forget", "delete", "promote")
        )


def test_a_column_of_one_value_is_the_least_likely_target() -> None:
    columns = [{"name": name, "kind": "category", "distinct": count} for name, count in (("a", 3), ("b", 2), ("c", 1))]
    assert likely_targets(columns) == ["b", "a", "c"]


@pytest.mark.parametrize("words", ["don't train a forest", "don't train longer than 30 seconds", "don't use gender"])
def test_a_setting_is_no_refusal(words: str) -> None:
    assert not refuses(read_slots(words).rest)
