"""Devices and processes in words: taken where they are asked for, left alone where a goal is about them."""

import pytest

from agents.offline.places import IMAGE_ENDINGS
from agents.offline.reading import read_slots
from engine.data.image_text import SUFFIXES


@pytest.mark.parametrize(
    ("words", "device", "processes"),
    [
        *(("train it on GPU 1", "cuda:1", None), ("on cpu please", "cpu", None), ("use cuda", "cuda", None)),
        *(("train on the gpu 20 seconds", "cuda", None), ("--device cuda:2", "cuda:2", None)),
        *(("device=auto", "auto", None), ("not on the gpu", "cpu", None), ("no gpu please", "cpu", None)),
        *(("train in 2 processes", None, 2), ("with two worker processes", None, 2), ("processes=3", None, 3)),
        *(("train on two gpus", "cuda", 2), ("in one process on cuda:0", "cuda:0", 1)),
    ],
)
def test_where_to_train_is_read(words: str, device: str | None, processes: int | None) -> None:
    slots = read_slots(words)
    assert (slots.device, slots.processes) == (device, processes)


@pytest.mark.parametrize(
    ("goal", "device", "processes"),
    [
        *(("predict churn on the gpu", "cuda", None), ("predict churn, use the cpu", "cpu", None)),
        *(("predict churn in 2 processes", None, 2), ("predict the load on the cpu, using cuda", "cuda", None)),
        ("predict cpu load, and train it on the gpu", "cuda", None),
    ],
)
def test_a_goal_may_say_where_in_explicit_form(goal: str, device: str | None, processes: int | None) -> None:
    slots = read_slots(goal, goal=True)
    assert (slots.device, slots.processes) == (device, processes)


@pytest.mark.parametrize(
    "goal",
    [
        *("predict the load on the cpu", "predict gpu temperature", "predict whether jobs use the gpu"),
        *("forecast cpu usage", "predict gpu prices", "predict which machines crash without the gpu"),
        *("predict the number of processes", "detect failing processes", "classify 3 processes by yield"),
    ],
)
def test_machines_of_a_goal_are_no_setting(goal: str) -> None:
    slots = read_slots(goal, goal=True)
    assert (slots.device, slots.processes) == (None, None)


@pytest.mark.parametrize(
    "words",
    ["predict intrusions into the network", "predict network failures", "train a model for network traffic"],
)
def test_a_network_of_cables_is_no_candidate(words: str) -> None:
    assert read_slots(words).families == ()


@pytest.mark.parametrize(
    ("words", "source"),
    [
        *(("train on ./photos", "./photos"), ("train on data/reviews within 20 s", "data/reviews")),
        *(
            ("load reviews/", "reviews/"),
            ("load the folder flowers", "flowers"),
            ("the folder 'my photos'", "my photos"),
        ),
        *(("use the flowers directory", "flowers"), ("load 'data/my_photos/'", "data/my_photos/")),
        *(("what is in photos/cat.jpg?", "photos/cat.jpg"), ("import x.npz", "x.npz")),
        *(("the digit images sample", "sample:digits_images"), ("the digits sample", "sample:digits")),
    ],
)
def test_folders_and_images_are_sources(words: str, source: str) -> None:
    assert read_slots(words).source == source


@pytest.mark.parametrize(
    "words",
    [
        *("train yes/no models", "classify into spam/ham", "predict the speed in km/h", "train on train/test data"),
        *("a folder of images", "one folder per class", "load my photo folder", "predict churn and/or contract"),
    ],
)
def test_other_words_with_a_slash_or_a_folder_are_not(words: str) -> None:
    assert read_slots(words).source is None


def test_the_endings_of_images_are_those_that_are_read() -> None:
    assert frozenset(IMAGE_ENDINGS) == SUFFIXES
