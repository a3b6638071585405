"""What a goal in words says about the data."""

import pytest

from agents.offline import OfflinePlanner
from engine.errors import TargetNeeded
from graphs.events import unheard
from graphs.target import find_target, named_column

TELCO = ("customerID", "gender", "tenure", "MonthlyCharges", "Churn")


@pytest.mark.parametrize(
    ("goal", "columns", "target"),
    [
        ("predict which customers churn", TELCO, "Churn"),
        ("predict price from area and rooms", ("area", "rooms", "price"), "price"),
        ("who will leave us? best F1 for churn without the column tenure", TELCO, "Churn"),
        ("predict median house value", ("median_income", "median_house_value"), "median_house_value"),
        ("estimate the monthly charges", TELCO, "MonthlyCharges"),
        ("make something of this", TELCO, None),
    ],
)
def test_the_target_is_read_from_the_words(goal: str, columns: tuple[str, ...], target: str | None) -> None:
    assert named_column(goal, columns) == target


@pytest.mark.parametrize(
    ("goal", "target"),
    [
        ("find the best model", "churned"),
        ("predict which customers churn", "churned"),
        ("predict the contract", "contract"),
        ("what happens to them?", "churned"),
    ],
)
def test_the_usual_target_is_taken_when_the_goal_names_nothing_else(goal: str, target: str) -> None:
    columns = ("age", "contract", "churned")
    assert find_target(OfflinePlanner(), goal, columns, unheard, "churned") == target


def test_a_target_that_is_not_there_is_asked_for_even_where_a_usual_one_is() -> None:
    with pytest.raises(TargetNeeded):
        find_target(OfflinePlanner(), "predict satisfaction", ("age", "churned"), unheard, "churned")


KINDS = {"image": "image", "text": "text", "message": "text", "review": "text"}


@pytest.mark.parametrize(
    ("goal", "columns", "usual", "target"),
    [
        ("classify the images", ("image", "label"), "label", "label"),
        ("classify the images", ("image", "label", "price"), None, "label"),
        ("train an image classifier", ("image", "digit"), "digit", "digit"),
        ("classify these messages", ("message", "label"), None, "label"),
        ("classify the reviews with an lstm", ("review", "sentiment"), None, "sentiment"),
        ("detect spam in the messages", ("message", "label"), None, "label"),
        ("predict the review score", ("review", "score"), None, "score"),
        ("predict the price from the images", ("image", "label", "price"), "label", "price"),
        ("predict the number of messages", ("messages", "users"), None, "messages"),
    ],
)
def test_what_is_classified_is_not_what_it_is_classified_by(
    goal: str, columns: tuple[str, ...], usual: str | None, target: str
) -> None:
    found = find_target(OfflinePlanner(), goal, columns, unheard, usual, lambda name: KINDS.get(name, "category"))
    assert found == target


@pytest.mark.parametrize("goal", ["classify the images", "train an image classifier"])
def test_without_kinds_the_names_tell(goal: str) -> None:
    assert find_target(OfflinePlanner(), goal, ("image", "label"), unheard) == "label"


def test_a_text_that_is_called_the_target_is_taken() -> None:
    kinds = KINDS.__getitem__
    assert (
        find_target(OfflinePlanner(), "target column message", ("message", "review"), unheard, None, kinds) == "message"
    )
