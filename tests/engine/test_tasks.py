import numpy as np
import pandas as pd
import pytest

from engine.errors import BadChoice, TargetUnusable, TooFewRows
from engine.tasks import check_target, check_task, class_names, encode_target, infer_task, label_text


@pytest.mark.parametrize(
    ("values", "kind", "task"),
    [
        (["yes", "no"] * 10, "category", "binary"),
        ([True, False] * 10, "boolean", "binary"),
        ([0, 1] * 10, "integer", "binary"),
        (["a", "b", "c"] * 10, "category", "multiclass"),
        ([3, 4, 5, 6, 7] * 20, "integer", "multiclass"),
        (list(range(60)), "integer", "regression"),
        ([1, 2, 3, 4, 5, 6], "integer", "regression"),
        ([0.1, 0.5, 0.9] * 30, "number", "regression"),
        ([1.0, 2.0, 3.0] * 30, "number", "multiclass"),
    ],
)
def test_the_task_follows_from_values_and_kind(values: list[object], kind: str, task: str) -> None:
    assert infer_task(pd.Series(values, name="y"), kind) == task


def test_a_date_cannot_be_predicted() -> None:
    with pytest.raises(TargetUnusable, match="is a date"):
        infer_task(pd.Series(pd.date_range("2024-01-01", periods=3), name="day"), "datetime")


@pytest.mark.parametrize(
    ("values", "task", "words"),
    [
        ([None] * 12, "binary", "no value in any row"),
        (["x"] * 12, "binary", "'x' in every row"),
        ([2.0] * 12, "regression", "'2' in every row"),
        (["a", "b", "c"] * 5, "binary", "3 values, not two"),
        (["a", "b"] * 6, "regression", "does not hold numbers"),
        ([f"name {i}" for i in range(40)], "multiclass", "40 classes in 40 rows"),
    ],
)
def test_a_target_that_teaches_nothing_is_refused(values: list[object], task: str, words: str) -> None:
    with pytest.raises(TargetUnusable, match=words):
        check_target(pd.Series(values, name="y"), check_task(task))


def test_four_labelled_training_rows_are_too_few() -> None:
    check_target(pd.Series(["a", "b", "a", "b", "b"], name="y"), "binary")
    with pytest.raises(TooFewRows, match="only 4"):
        check_target(pd.Series(["a", "b", "a", "b"] + [None] * 5, name="y"), "binary")


def test_an_unknown_task_is_refused() -> None:
    with pytest.raises(BadChoice, match="multiclass"):
        check_task("clustering")


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (["Yes", "No", "No"], ("No", "Yes")),
        (["ham", "spam", "ham"], ("ham", "spam")),
        (["spam", "spam", "ham"], ("spam", "ham")),
        ([1, 1, 1, 0], ("0", "1")),
        ([True, True, False], ("False", "True")),
        (["a", "b"], ("a", "b")),
        ([1, 1, 1, 2], ("1", "2")),
        ([1, 2, 2, 2], ("2", "1")),
        ([1, 1, 1, -1], ("-1", "1")),
        (["yes", "maybe", "yes"], ("yes", "maybe")),
    ],
)
def test_positive_is_the_word_that_says_so_or_the_rarer_class(values: list[object], names: tuple[str, ...]) -> None:
    assert class_names(pd.Series(values), "binary") == names


def test_classes_of_numbers_stand_in_numeric_order() -> None:
    assert class_names(pd.Series([10, 9, 3], dtype="Int64"), "multiclass") == ("3", "9", "10")


def test_missing_and_unknown_classes_have_code_minus_one() -> None:
    column = pd.Series([3, None, 5, 7], dtype="Int64")
    assert encode_target(column, "multiclass", ("3", "5")).tolist() == [0, -1, 1, -1]


def test_an_infinite_target_counts_as_missing() -> None:
    numbers = encode_target(pd.Series([1.5, np.inf, None]), "regression", ())
    assert np.array_equal(numbers, [1.5, np.nan, np.nan], equal_nan=True)


def test_whole_numbers_have_no_decimal_point_in_their_label() -> None:
    assert [label_text(value) for value in (3.0, np.int64(3), True, "3.0", 2.5)] == ["3", "3", "True", "3.0", "2.5"]
