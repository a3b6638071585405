"""Distilling in conversation: which model teaches, which network learns, and what is said of the result."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import ToolMessage

from agents.offline.distil import distilled

DISTIL = "distil_model"


def test_a_model_is_trained_then_distilled_and_its_student_predicts(desk: Any) -> None:
    desk.say("predict which customers churn in telco.csv")
    reply = desk.say("now distil it into a network within 20 seconds")
    assert desk.calls == [(DISTIL, {"model": "mdl_1", "student": "network", "budget_seconds": 20.0})]
    assert reply.startswith("Distilled mdl_1 (lightgbm) into mdl_2 (network).")
    desk.say("predict new.csv")
    assert desk.last == ("predict", {"model": "mdl_2", "data": "new.csv"})


def test_a_text_model_is_trained_distilled_and_asked_about_one_message(desk: Any) -> None:
    desk.say("train an lstm on spam.csv to tell spam from ham")
    desk.say("distil it")
    desk.say("is 'you have won a holiday' spam?")
    assert desk.last == ("predict", {"model": "mdl_2", "rows": [{"text": "you have won a holiday"}]})


def test_training_and_distilling_may_stand_in_one_sentence(desk: Any) -> None:
    desk.say("train on ./photos and distil it into a small resnet, then predict cat.png")
    assert [name for name, _ in desk.calls] == ["import_dataset", "train_model", DISTIL, "predict"]
    assert desk.last == ("predict", {"model": "mdl_2", "data": "cat.png"})


def test_what_follows_a_distillation_changes_it_and_keeps_its_teacher(desk_at: Callable[[str], Any]) -> None:
    desk = desk_at("distilled")
    desk.say("again with width 16, on the gpu")
    assert desk.last == (DISTIL, {"model": "mdl_1", "width": 16, "device": "cuda"})
    desk.say("2 minutes")
    assert desk.last == (DISTIL, {"model": "mdl_1", "width": 16, "device": "cuda", "budget_seconds": 120.0})


@pytest.mark.parametrize("words", ["now with recall", "train it again on the gpu", "only lightgbm"])
def test_what_is_about_a_training_goes_on_from_the_training(desk_at: Callable[[str], Any], words: str) -> None:
    desk = desk_at("distilled")
    desk.say(words)
    assert desk.last[0] == "train_model"


@pytest.mark.parametrize("words", ["make it smaller", "shrink the model", "I want something faster"])
def test_where_only_less_is_asked_for_every_way_to_it_is_tried(desk_at: Callable[[str], Any], words: str) -> None:
    desk = desk_at("trained")
    desk.say(words)
    assert desk.last[0] == "optimise_model"


@pytest.mark.parametrize(
    "words", ["compress it into an lstm", "train a student from it", "turn the model into a network"]
)
def test_where_a_network_is_to_learn_from_it_only_that_is_done(desk_at: Callable[[str], Any], words: str) -> None:
    desk = desk_at("trained")
    desk.say(words)
    assert desk.last[0] == DISTIL


@pytest.mark.parametrize(
    ("words", "student"),
    [
        *(("distil it into an lstm", "lstm"), ("distill it to a text encoder", "encoder"), ("distil the lstm", None)),
        *(("distil lightgbm into a network", "network"), ("distil the forest into a small resnet", "resnet")),
        *(("distil it as an lstm", "lstm"), ("distil it with a network", "network")),
    ],
)
def test_the_student_is_what_it_is_distilled_into(
    desk_at: Callable[[str], Any], words: str, student: str | None
) -> None:
    desk = desk_at("trained")
    desk.say(words)
    assert desk.last[1].get("student") == student


def test_a_student_that_is_no_network_is_refused_in_words(desk_at: Callable[[str], Any]) -> None:
    desk = desk_at("trained")
    assert "A student is a network: network, lstm, encoder, resnet." in desk.say("distil it into lightgbm")
    assert desk.calls == []


@pytest.mark.parametrize(
    "goal", ["predict which students will drop out in telco.csv", "predict the student teacher ratio in telco.csv"]
)
def test_students_of_a_school_are_not_distilled(desk: Any, goal: str) -> None:
    desk.say(goal)
    assert DISTIL not in [name for name, _ in desk.calls]


def test_a_smaller_model_of_a_file_is_a_training(desk_at: Callable[[str], Any]) -> None:
    desk = desk_at("trained")
    desk.say("build a faster model from wine.parquet to predict quality")
    assert desk.last[0] == "train_model"


def test_a_model_that_is_not_there_is_offered_by_its_near_name(desk_at: Callable[[str], Any]) -> None:
    desk = desk_at("trained")
    desk.refusals[DISTIL] = "Model 'telco-Chrun' does not exist. Did you mean 'telco-Churn'?"
    assert "I could not distil the model." in desk.say("distil telco-Chrun")
    desk.refusals.clear()
    desk.say("yes")
    assert desk.last == (DISTIL, {"model": "telco-Churn"})


def test_every_figure_of_a_distillation_stands_in_its_result(desk_at: Callable[[str], Any]) -> None:
    desk = desk_at("trained")
    reply = desk.say("distil it")
    told = next(str(message.content) for message in reversed(desk.messages) if isinstance(message, ToolMessage))
    known = [float(number) for number in re.findall(r"\d+\.?\d*", told)]
    for text in re.findall(r"(?<![\w.])\d[\d,]*\.?\d*", reply):
        value = float(text.replace(",", "").rstrip("."))
        assert value == 95 or any(abs(value - number) <= 0.0015 * abs(number) for number in known), text
    for word in ("10 times smaller (0.25 MB instead of 2.5 MB)", "4 times as fast", "a share of 0.9641", "models/y"):
        assert word in reply


def test_a_student_that_is_neither_smaller_nor_faster_is_not_praised() -> None:
    row = {"model": "mdl_1", "kind": "linear", "size_mb": 0.1, "one_row_ms": 1.0}
    metric = {"name": "rmse", "value": 2.0}
    student = {**row, "model": "mdl_2", "kind": "network", "size_mb": 0.4, "one_row_ms": 2.0, "metric": metric}
    found = {"teacher": row, "student": student, "kept": None, "smaller": 0.25, "faster": 0.5}
    told = distilled({**found, "agreement": 0.9})
    assert "The student is not smaller (0.4 MB instead of 0.1 MB) and not faster" in told
    assert "baseline" not in told
    assert "correlate by 0.9" in told
    assert "cannot be told" in distilled({**found, "agreement": None})
