"""What a goal in words says about the data."""

import pytest

from graphs.run_types import RunRequest
from graphs.target import filled_from_words, named_column

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


def test_what_only_the_goal_says_is_filled_in() -> None:
    asked = RunRequest(goal="best F1 for churn without the column tenure", data="x.csv")
    whole = filled_from_words(asked, TELCO)
    assert (whole.metric, whole.drop) == ("f1", ("tenure",))


def test_what_was_given_stands() -> None:
    asked = RunRequest(goal="best F1 for churn", data="x.csv", metric="roc_auc", drop=("gender",), models=("linear",))
    whole = filled_from_words(asked, TELCO)
    assert (whole.metric, whole.drop, whole.models) == ("roc_auc", ("gender",), ("linear",))
