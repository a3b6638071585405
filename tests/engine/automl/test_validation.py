import numpy as np
import pandas as pd
import pytest

from engine.automl.spec import TrainSpec
from engine.automl.validation import make_validation, row_limit, sample_rows
from engine.errors import BadSplit


def spec(**choices: object) -> TrainSpec:
    return TrainSpec.model_validate({"target": "y"} | choices)


def frame(rows: int) -> pd.DataFrame:
    return pd.DataFrame({"x": np.arange(rows)})


def test_few_rows_get_five_folds_with_each_class_spread_evenly() -> None:
    y = np.array([0] * 90 + [1] * 10)
    made = make_validation(frame(100), y, "binary", spec(max_models=1), 100)
    assert (made.method, made.folds) == ("5-fold", 5)
    assert np.bincount(made.fold[y == 1]).tolist() == [2, 2, 2, 2, 2]


def test_a_class_of_two_rows_is_never_in_one_fold() -> None:
    y = np.array([0] * 50 + [1] * 48 + [2] * 2)
    for seed in range(10):
        fold = make_validation(frame(100), y, "multiclass", spec(max_models=1, seed=seed), 100).fold
        assert len(set(fold[y == 2].tolist())) == 2


def test_many_rows_or_a_short_budget_get_one_holdout() -> None:
    y = np.zeros(30_000)
    many = make_validation(frame(30_000), y, "regression", spec(max_models=1), 30_000)
    hasty = make_validation(frame(15_000), y[:15_000], "regression", spec(budget_seconds=5.0), 15_000 * 30)
    assert (many.method, many.folds) == (hasty.method, hasty.folds) == ("holdout", 1)
    assert (many.fold == 0).mean() == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("rows", "choices", "folds"),
    [
        (300, {"max_models": 1}, 5),
        (300, {"budget_seconds": 60.0}, 5),
        (300, {"budget_seconds": 20.0}, 1),
        (2_000, {"max_models": 1}, 1),
        (300, {"max_models": 1, "processes": 2}, 1),
        (300, {"max_models": 1, "student": {"teacher": "mdl_1"}}, 1),
    ],
)
def test_networks_are_fitted_five_times_only_on_few_rows_with_time_for_it(
    rows: int, choices: dict[str, object], folds: int
) -> None:
    y = np.arange(rows) % 2
    assert make_validation(frame(rows), y, "binary", spec(**choices), rows, networks=True).folds == folds


def test_time_validation_rows_are_all_later() -> None:
    days = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=100).to_numpy().repeat(2)}).sample(frac=1.0)
    made = make_validation(days, np.zeros(200), "regression", spec(max_models=1, order_column="day"), 200)
    assert made.method == "time holdout"
    assert days["day"][made.fold == 0].min() > days["day"][made.fold == -1].max()
    assert 30 <= (made.fold == 0).sum() <= 40


def test_a_group_is_never_on_both_sides() -> None:
    groups = pd.DataFrame({"g": np.random.default_rng(0).integers(0, 12, 300)})
    made = make_validation(groups, np.zeros(300), "regression", spec(max_models=1, group_column="g"), 300)
    assert made.method == "group 5-fold"
    assert all(len(set(made.fold[groups["g"] == g].tolist())) == 1 for g in range(12))


def test_one_group_cannot_be_divided() -> None:
    one = pd.DataFrame({"g": ["a"] * 50})
    with pytest.raises(BadSplit, match="one group"):
        make_validation(one, np.zeros(50), "regression", spec(max_models=1, group_column="g"), 50)


def test_a_budget_that_cannot_read_all_rows_takes_a_sample_with_the_rare_ones() -> None:
    assert row_limit(5_000_000, 20, 0, spec(budget_seconds=10.0)) == 200_000
    assert row_limit(5_000_000, 20, 0, spec(max_models=3)) == 5_000_000
    rows = sample_rows(np.zeros(1000), "binary", 100, [999], seed=0)
    assert 999 in rows
    assert 100 <= len(rows) <= 101
    assert np.all(np.diff(rows) > 0)
