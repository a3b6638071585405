"""Sealing test rows: the same rows each time, classes kept, later rows and whole groups apart."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.schema import coerce, infer_schema
from engine.data.split import Split, SplitSpec, make_split
from engine.errors import BadSplit, ColumnNotFound


def split(frame: pd.DataFrame, target: str | None = None, **spec: object) -> Split:
    schema = infer_schema(frame, {}, target)
    return make_split(coerce(frame, schema), schema, target, SplitSpec.model_validate(spec))


def labelled(*counts: int) -> pd.DataFrame:
    labels = np.repeat([f"class {code}" for code in range(len(counts))], counts)
    return pd.DataFrame({"x": np.arange(len(labels)) / 7, "y": labels})


def test_the_same_seed_seals_the_same_rows_and_another_seed_others() -> None:
    frame = labelled(60, 40)
    first, again, other = (split(frame, "y", seed=seed).test for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_auto_is_stratified_with_a_target_and_random_without() -> None:
    assert split(labelled(60, 40), "y").method == "stratified"
    assert split(labelled(60, 40)).method == "random"
    assert split(labelled(60, 40)).test.sum() == 20


def test_classes_keep_their_shares() -> None:
    frame = labelled(800, 150, 50)
    assert frame["y"][split(frame, "y").test].value_counts().tolist() == [160, 30, 10]


@pytest.mark.parametrize(("rare", "in_test"), [(2, 1), (3, 1), (5, 1)])
def test_a_rare_class_always_has_a_row_in_training(rare: int, in_test: int) -> None:
    frame = labelled(100, rare)
    found = split(frame, "y")
    assert (frame["y"][found.test] == "class 1").sum() == in_test
    assert (frame["y"][~found.test] == "class 1").sum() == rare - in_test


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=2, max_size=12), st.floats(0.05, 0.5))
def test_every_class_survives_in_training_whatever_the_sizes(counts: list[int], fraction: float) -> None:
    counts = [2, *counts]  # one of which a row can be spared for the test
    frame = labelled(*counts, 30)
    found = split(frame, "y", fraction=fraction)
    assert frame["y"][~found.test].nunique() == len(counts) + 1
    assert found.test.any()


def test_numbers_are_stratified_by_quantile() -> None:
    frame = pd.DataFrame({"x": np.arange(1000) / 3, "y": np.random.default_rng(0).lognormal(0, 2, 1000)})
    found = split(frame, "y")
    assert found.method == "stratified"
    inside, outside = np.log(frame["y"][found.test]), np.log(frame["y"][~found.test])
    assert abs(inside.mean() - outside.mean()) < 0.05
    assert found.test.sum() == 200


def test_a_target_of_too_many_classes_is_split_at_random() -> None:
    frame = pd.DataFrame({"x": np.arange(40) / 3, "y": [f"only {number} here" for number in range(40)]})
    assert split(frame, "y").method == "random"


def test_rows_without_a_target_are_in_neither_part() -> None:
    frame = labelled(60, 40)
    frame.loc[:9, "y"] = None
    found = split(frame, "y")
    assert found.left_out.sum() == 10
    assert not (found.test & found.left_out).any()
    assert "10 row(s) without a value of the target 'y' are left out." in found.notes


def test_by_time_every_test_row_is_later_than_training() -> None:
    days = np.random.default_rng(0).permutation(100) // 2
    frame = pd.DataFrame({"day": pd.Timestamp("2024-01-01") + pd.to_timedelta(days, "D"), "x": days / 2})
    found = split(frame, method="time", column="day")
    assert frame["day"][found.test].min() > frame["day"][~found.test].max()
    assert found.test.sum() == 20


def test_rows_of_one_instant_stay_together_and_a_share_that_is_off_is_said() -> None:
    frame = pd.DataFrame({"year": [2020] * 50 + [2021] * 50, "x": np.arange(100) / 3})
    found = split(frame, method="time", column="year")
    assert found.test.sum() == 50
    assert "50% instead of 20%" in found.notes[0]


def test_rows_without_a_time_stay_in_training() -> None:
    frame = pd.DataFrame({"t": [np.nan, *np.arange(99) / 3], "x": np.arange(100) / 3})
    found = split(frame, method="time", column="t")
    assert not found.test[0]
    assert "1 row(s) without a time" in found.notes[0]


def test_by_group_no_group_is_on_both_sides() -> None:
    frame = pd.DataFrame({"patient": [f"p{number // 4}" for number in range(100)], "x": np.arange(100) / 3})
    found = split(frame, method="group", column="patient")
    assert not set(frame["patient"][found.test]) & set(frame["patient"][~found.test])
    assert found.test.sum() == 20


def test_a_large_group_does_not_swallow_training() -> None:
    frame = pd.DataFrame({"group": ["big"] * 95 + ["small"] * 5, "x": np.arange(100) / 3})
    assert split(frame, method="group", column="group").test.sum() == 5


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"fraction": 0.0}, "leaves one side empty"),
        ({"fraction": 1.0}, "leaves one side empty"),
        ({"method": "time"}, "needs a column"),
        ({"method": "group"}, "needs a column"),
        ({"method": "time", "column": "y"}, "cannot be the split column"),
        ({"method": "time", "column": "w"}, "has no order in time"),
        ({"method": "group", "column": "one"}, "has 1 group"),
        ({"method": "time", "column": "n"}, "has a single value"),
        ({"column": "w"}, "used by the splits 'time' and 'group' only"),
    ],
)
def test_a_split_that_cannot_be_made_says_why(spec: dict[str, object], said: str) -> None:
    frame = labelled(30, 30).assign(w="a word", one="same", n=4)
    with pytest.raises(BadSplit, match=said):
        split(frame, "y", **spec)


def test_stratified_needs_a_target() -> None:
    with pytest.raises(BadSplit, match="needs a target"):
        split(labelled(9, 9), method="stratified")


def test_a_split_that_leaves_one_class_to_training_is_refused() -> None:
    frame = labelled(80, 20).assign(t=range(100))
    with pytest.raises(BadSplit, match="training has a single value of the target"):
        split(frame, "y", method="time", column="t")


def test_a_split_that_leaves_one_class_to_the_test_is_refused() -> None:
    frame = labelled(80, 20).iloc[::-1].assign(t=range(100))
    with pytest.raises(BadSplit, match="test rows have a single class"):
        split(frame, "y", method="time", column="t")
    with pytest.raises(BadSplit, match="Give more rows of the others"):
        split(labelled(100, 1), "y")


def test_a_test_of_classes_that_training_lacks_is_refused() -> None:
    frame = labelled(40, 40, 10, 10).assign(t=range(100))
    with pytest.raises(BadSplit, match="nothing could be judged"):
        split(frame, "y", method="time", column="t")


def test_a_constant_number_makes_a_test_all_the_same() -> None:
    frame = pd.DataFrame({"t": range(100), "y": [*(np.arange(80) / 3), *[0.5] * 20]})
    assert split(frame, "y", method="time", column="t").test.sum() == 20


def test_a_share_that_leaves_too_few_rows_to_learn_from_is_refused() -> None:
    assert (~split(labelled(5, 5), "y", fraction=0.5).test).sum() == 5
    with pytest.raises(BadSplit, match="leaves 4 row"):
        split(labelled(5, 5), "y", fraction=0.6)


def test_an_unknown_split_column_offers_the_nearest() -> None:
    with pytest.raises(ColumnNotFound, match="Did you mean 'x'"):
        split(labelled(9, 9), "y", method="time", column="X")
