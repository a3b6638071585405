"""Follow-ups, corrections, talk about the work itself, pasted paths, other languages, and what cannot be done."""

from collections.abc import Callable
from typing import Any

import pytest

from agents.offline import OfflinePlanner
from agents.offline.reading import read_slots
from agents.offline.wording import name_of

TRAIN = "train_model"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("use recall instead", {"metric": "recall"}),
        ("no, I meant MonthlyCharges", {"target": "MonthlyCharges"}),
        ("same but without gender", {"drop": ["gender"]}),
        ("leave gender out this time", {"drop": ["gender"]}),
        ("recall instead of accuracy please", {"metric": "recall"}),
        ("use a neural net instead", {"models": ["network"]}),
    ],
)
def test_a_correction_goes_on_from_the_training(
    desk_at: Callable[[str], Any], words: str, expected: dict[str, object]
) -> None:
    desk = desk_at("trained")
    desk.say(words)
    assert desk.last[0] == TRAIN
    assert expected.items() <= desk.last[1].items()


def test_the_same_is_asked_for_with_another_table(desk: Any) -> None:
    desk.say("load wine.parquet")
    desk.say("predict churn in telco.csv within 30 seconds")
    desk.say("and for wine?")
    assert "quality" in desk.say("quality") or desk.last[1]["dataset"] == "ds_wine"
    assert desk.last[1]["dataset"] == "ds_wine"
    assert desk.last[1]["budget_seconds"] == 30.0


def test_no_the_other_file_does_it_again_with_the_other_one(desk: Any) -> None:
    desk.say("load wine.parquet")
    desk.say("describe telco.csv")
    reply = desk.say("no, the other file")
    assert desk.last == ("profile_dataset", {"dataset": "ds_wine"})
    assert reply.startswith("With wine.")


def test_no_the_other_file_asks_where_there_is_none(desk_at: Callable[[str], Any]) -> None:
    desk = desk_at("loaded")
    assert "I know only one table here" in desk.say("no, the other file")


def test_why_not_another_model_is_answered_from_the_leaderboard(desk_at: Callable[[str], Any]) -> None:
    desk = desk_at("trained")
    reply = desk.say("why not a linear model?")
    assert "lightgbm had the best roc_auc in validation: 0.8512 against 0.8412 of linear" in reply
    assert "linear came second with roc_auc 0.8412." in reply
    reply = desk.say("why not a neural net?")
    assert "network was not among the candidates" in reply
    assert "Say 'use network instead' to try it." in reply
    assert desk.last[0] == "show_model"


def test_why_a_metric_says_who_chose_it(desk_at: Callable[[str], Any]) -> None:
    reply = desk_at("trained").say("why roc_auc and not accuracy?")
    assert "since none was named" in reply
    assert "roc_auc" in reply


@pytest.mark.parametrize("words", ["how sure are you?", "is that good?", "is it better than guessing?"])
def test_how_sure_is_answered_with_interval_baseline_and_validation(desk_at: Callable[[str], Any], words: str) -> None:
    reply = desk_at("trained").say(words)
    assert "95 % interval 0.8471 to 0.879" in reply
    assert "the whole interval beats the baseline (the dummy baseline has 0.5)" in reply
    assert "0.8512 lies inside the interval" in reply
    assert len(reply.splitlines()) <= 5


def test_which_file_and_what_so_far_are_told_without_a_call(desk_at: Callable[[str], Any]) -> None:
    desk = desk_at("trained")
    reply = desk.say("which file are you using?")
    assert "telco.csv" in reply
    assert "The target is Churn." in reply
    reply = desk.say("what did you do so far?")
    assert "1. loaded telco.csv" in reply
    assert "2. trained a model for Churn: lightgbm (mdl_1), roc_auc 0.8634" in reply
    assert desk.calls == []


def test_before_anything_was_done_that_is_said(desk: Any) -> None:
    assert "Nothing was done yet" in desk.say("what did you do so far?")
    assert "not working on any data yet" in desk.say("which file are you using?")


def test_what_the_second_one_scored_is_looked_up(desk_at: Callable[[str], Any]) -> None:
    desk = desk_at("models")
    desk.say("what did the second one score?")
    assert desk.last == ("show_model", {"model": "mdl_1"})


@pytest.mark.parametrize("words", ["undo that", "go back", "revert the last step"])
def test_undo_names_the_command_that_does_it(desk_at: Callable[[str], Any], words: str) -> None:
    desk = desk_at("trained")
    assert "/undo" in desk.say(words)
    assert desk.calls == []


@pytest.mark.parametrize(
    ("text", "source"),
    [
        (r"C:\Users\Anna Maria\q3 customers.csv", r"C:\Users\Anna Maria\q3 customers.csv"),
        (r"load D:\exports\june data.xlsx and describe it", r"D:\exports\june data.xlsx"),
        ("predict churn in /home/me/my files/telco churn.csv in 2 minutes", "/home/me/my files/telco churn.csv"),
        ("'/home/me/my files/a.csv'", "/home/me/my files/a.csv"),
        (r'"\\server\share\big file.parquet"', r"\\server\share\big file.parquet"),
        ("use /data and then load b.csv", "b.csv"),
        ("load /tmp/a.csv and /tmp/b.csv", "/tmp/a.csv"),
    ],
)
def test_a_pasted_path_is_taken_whole(text: str, source: str) -> None:
    assert read_slots(text).source == source


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (f"/home/{'a' * 50}/files/new_rows.csv", "…/files/new_rows.csv"),
        (f"C:\\Users\\{'a' * 60}\\new.csv", "…\\new.csv"),
        (f"km/h of the {'a' * 60}", f"km/h of the {'a' * 47}…"),
        ("a" * 61, f"{'a' * 59}…"),
        ("files/new.csv", "files/new.csv"),
    ],
)
def test_a_long_path_is_shown_by_its_end_in_whole_names(name: str, shown: str) -> None:
    assert name_of(name) == shown


@pytest.mark.parametrize(
    ("words", "target"),
    [
        ("trainiere ein Modell auf sample:churn das churned vorhersagt", "Churn"),
        ("Trainiere ein Modell auf telco.csv, um Contract vorherzusagen", "Contract"),
        ("entrena un modelo con telco.csv para predecir Contract", "Contract"),
        ("entraîne un modèle sur telco.csv pour prédire Contract en 30 secondes", "Contract"),
    ],
)
def test_the_main_job_is_understood_in_other_languages(desk: Any, words: str, target: str) -> None:
    desk.say(words)
    assert desk.last[0] == TRAIN
    assert desk.last[1]["target"] == target


@pytest.mark.parametrize(
    ("words", "calls"),
    [
        ("Lade telco.csv und beschreibe die Daten.", ["import_dataset", "profile_dataset"]),
        ("carga telco.csv y describe los datos", ["import_dataset", "profile_dataset"]),
        ("charge telco.csv et décris les données", ["import_dataset", "profile_dataset"]),
        ("Quels modèles y a-t-il ?", ["list_models"]),
        ("Welche Modelle gibt es?", ["list_models"]),
        ("¿Qué modelos hay?", ["list_models"]),
        ("Welche Daten hast du?", ["list_datasets"]),
    ],
)
def test_two_requests_and_questions_of_what_there_is_are_understood_too(
    desk: Any, words: str, calls: list[str]
) -> None:
    desk.say(words)
    assert [name for name, _ in desk.calls] == calls


@pytest.mark.parametrize("words", ["Guten Tag", "Bonjour", "hola"])
def test_a_greeting_in_another_language_is_answered_with_what_is_understood(desk: Any, words: str) -> None:
    assert "I read English; of German, Spanish and French" in desk.say(words)


@pytest.mark.parametrize("by_meaning", [True, False])
@pytest.mark.parametrize("words", ["what's the weather like?", "write a limerick about cats", "book me a flight"])
def test_what_cannot_be_done_is_said_shortly_with_what_can(words: str, by_meaning: bool) -> None:
    reply = str(OfflinePlanner(by_meaning=by_meaning).invoke(words).content)
    assert reply.startswith("I cannot do that without a language model. What I can: load")
    assert len(reply.splitlines()) == 1


def test_english_is_not_taken_for_another_language() -> None:
    for text in ("charge the customers and compare them", "please describe the data", "predict which clients charge"):
        assert read_slots(text).language is None
