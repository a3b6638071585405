"""Groups of rows: a bad one is found, chance is not taken for one, and figures agree with those worked by hand."""

from itertools import count

import numpy as np
import pandas as pd
import pytest

from engine.metrics import METRICS
from engine.qa.slices import groups_of, main_columns, slice_limit, slice_metric, worst_slice
from engine.qa.subject import Unseen
from tests.engine.qa.small import ACCURACY, info, subject, unseen

TRIALS = 200
EVEN = {"a": (120, 0.8), "b": (200, 0.8), "c": (60, 0.8), "d": (300, 0.8), "e": (40, 0.8)}


def found(rows: Unseen, seed: int = 0) -> list:
    return groups_of(rows, ["plan"], ACCURACY, "binary", 0.5, seed)


def test_the_figures_of_a_group_are_those_worked_by_hand() -> None:
    right = np.array([True] * 30 + [False] * 10 + [True] * 54 + [False] * 6)
    y = np.zeros(100, dtype=np.int64)
    answers = np.where(right[:, None], [[0.8, 0.2]], [[0.2, 0.8]])
    rows = Unseen(pd.DataFrame({"plan": ["x"] * 40 + ["z"] * 60}), y, answers)
    worst, best = groups_of(rows, ["plan"], ACCURACY, "binary", 0.5, 0)
    assert (worst.where, worst.rows, worst.value, best.value) == ("plan = 'x'", 40, 0.75, 0.9)
    assert worst.others == pytest.approx(0.84)
    assert worst.drop == pytest.approx(0.09)
    # the standard error of a share is sqrt(p q / n); the quantile of t with 39 degrees at 1 - .05 / 4 is 2.3313
    assert worst.high - worst.value == pytest.approx(2.3313 * np.sqrt(0.75 * 0.25 / 40), rel=0.15)
    assert not worst.worse(ACCURACY)


def test_a_false_alarm_is_raised_at_most_5_times_of_100() -> None:
    alarms = sum(any(one.worse(ACCURACY) for one in found(unseen(EVEN, seed))) for seed in range(TRIALS))
    # 10 of 200 are allowed; 3.3 standard deviations more would be chance once in 2,000 times
    assert alarms <= 10 + 3.3 * np.sqrt(TRIALS * 0.05 * 0.95)


def test_a_group_that_is_right_20_points_less_often_is_found_9_times_of_10() -> None:
    planted = {**EVEN, "bad": (160, 0.58)}
    hits = 0
    for seed in range(TRIALS):
        worst = found(unseen(planted, seed))[0]
        hits += worst.where == "plan = 'bad'" and worst.worse(ACCURACY)
    assert hits >= 0.9 * TRIALS


def test_a_good_group_is_no_warning() -> None:
    rows = unseen({"a": (400, 0.6), "b": (400, 0.6), "good": (60, 0.98)}, 0)
    assert not any(one.worse(ACCURACY) for one in found(rows) if "good" in one.where)


def test_ranking_is_compared_within_the_groups_and_not_with_that_of_all_rows() -> None:
    """Every group of a column that tells the classes apart ranks worse than all rows together; that is no defect."""
    rng = np.random.default_rng(0)
    plan = np.repeat(["low", "high"], 400)
    positive = np.clip(np.where(plan == "low", 0.2, 0.8) + rng.normal(0, 0.1, 800), 0.01, 0.99)
    y = (rng.random(800) < positive).astype(np.int64)
    rows = Unseen(pd.DataFrame({"plan": plan}), y, np.stack([1 - positive, positive], axis=1))
    groups = groups_of(rows, ["plan"], METRICS["roc_auc"], "binary", 0.5, 0)
    assert max(one.value for one in groups) < 0.75
    assert not any(one.worse(METRICS["roc_auc"]) for one in groups)


def test_errors_of_numbers_are_compared_as_shares_and_numeric_columns_by_quarters() -> None:
    rng = np.random.default_rng(1)
    fee = np.linspace(0, 100, 400)
    error = rng.normal(0, np.where(fee > 75, 9.0, 3.0))
    rows = Unseen(pd.DataFrame({"fee": fee}), np.zeros(400), error)
    groups = groups_of(rows, ["fee"], METRICS["mae"], "regression", 0.5, 0)
    assert len(groups) == 4
    assert groups[0].where.startswith("fee from 7")
    assert groups[0].worse(METRICS["mae"])
    assert groups[0].drop == pytest.approx(groups[0].value / groups[0].others - 1)


def test_small_groups_and_lone_ones_are_left_out() -> None:
    assert [one.where for one in found(unseen({"a": (100, 0.8), "b": (100, 0.8), "tiny": (29, 0.0)}, 0))] != []
    assert not any("tiny" in one.where for one in found(unseen({"a": (100, 0.8), "b": (100, 0.8), "tiny": (29, 0)}, 0)))
    assert found(unseen({"a": (100, 0.8)}, 0)) == []


def test_groups_with_too_few_of_a_class_are_not_ranked() -> None:
    rows = unseen({"a": (100, 0.8), "b": (100, 0.8)}, 0)
    few = Unseen(rows.frame, np.where(np.arange(200) < 100, 0, rows.y), rows.answers)
    assert groups_of(few, ["plan"], METRICS["roc_auc"], "binary", 0.5, 0) == []


def test_metrics_that_mean_something_else_in_a_group_are_replaced() -> None:
    assert slice_metric(METRICS["r2"], "regression").name == "rmse"
    assert slice_metric(METRICS["macro_f1"], "multiclass").name == "accuracy"
    assert slice_metric(METRICS["f1"], "binary").name == "f1"


def test_category_columns_come_before_numeric_ones_and_the_important_first() -> None:
    assert main_columns(info()) == ["plan", "active", "fee", "age"]


def test_the_check_warns_and_the_requirement_fails_only_beyond_what_is_allowed() -> None:
    about = info(metric=info().metric.model_copy(update={"name": "accuracy"}))
    rows = unseen({"a": (300, 0.85), "b": (300, 0.85), "bad": (300, 0.6)}, 0)
    model = subject(about=about, unseen=Unseen(with_columns(rows.frame), rows.y, rows.answers))
    found = worst_slice(model)
    assert found.status == "warned"
    assert "plan = 'bad' has accuracy" in found.detail
    assert found.figures["where"] == "plan = 'bad'"
    assert slice_limit(model, None, 0.05).status == "failed"
    assert slice_limit(model, None, 0.15).status == "warned"
    assert slice_limit(model, None, 0.4).status == "passed"


def test_without_unseen_rows_or_columns_the_reason_is_said() -> None:
    assert "record of its training is gone" in worst_slice(subject()).detail
    rows = unseen({"a": (300, 0.85)}, 0)
    alone = subject(about=info(columns=()), unseen=rows)
    assert "no column of categories" in worst_slice(alone).detail


def with_columns(frame: pd.DataFrame) -> pd.DataFrame:
    numbers = count()
    return frame.assign(active=True, age=[next(numbers) % 60 for _ in range(len(frame))], fee=1.0)
