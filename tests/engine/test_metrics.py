import time

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as reference

from engine.errors import BadChoice
from engine.metrics import METRICS, best_threshold, bootstrap_interval, choose_metric, labels_of, metrics_of, score

RNG = np.random.default_rng(0)
Y2 = (RNG.random(500) < 0.3).astype(np.int64)
# rounded, so that ties are met
ONE = np.round(np.clip(0.3 * Y2 + RNG.random(500) * 0.7, 0, 1), 2)
P2 = np.stack([1 - ONE, ONE], axis=1)
Y4 = RNG.integers(0, 4, 500)
RAW = RNG.random((500, 4)) + np.eye(4)[Y4]
P4 = RAW / RAW.sum(axis=1, keepdims=True)
YR = RNG.normal(1e4, 3, 500)
PR = YR + RNG.normal(size=500)
L2, L4 = labels_of(P2), labels_of(P4)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("roc_auc", reference.roc_auc_score(Y2, ONE)),
        ("average_precision", reference.average_precision_score(Y2, ONE)),
        ("f1", reference.f1_score(Y2, L2)),
        ("precision", reference.precision_score(Y2, L2)),
        ("recall", reference.recall_score(Y2, L2)),
        ("accuracy", reference.accuracy_score(Y2, L2)),
        ("balanced_accuracy", reference.balanced_accuracy_score(Y2, L2)),
        ("macro_f1", reference.f1_score(Y2, L2, average="macro")),
        ("log_loss", reference.log_loss(Y2, P2)),
    ],
)
def test_binary_metrics_equal_scikit_learns(name: str, expected: float) -> None:
    assert score(METRICS[name], Y2, P2) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("roc_auc", reference.roc_auc_score(Y4, P4, multi_class="ovr")),
        ("accuracy", reference.accuracy_score(Y4, L4)),
        ("balanced_accuracy", reference.balanced_accuracy_score(Y4, L4)),
        ("macro_f1", reference.f1_score(Y4, L4, average="macro")),
        ("log_loss", reference.log_loss(Y4, P4)),
    ],
)
def test_multiclass_metrics_equal_scikit_learns(name: str, expected: float) -> None:
    assert score(METRICS[name], Y4, P4) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rmse", reference.root_mean_squared_error(YR, PR)),
        ("mae", reference.mean_absolute_error(YR, PR)),
        ("r2", reference.r2_score(YR, PR)),
    ],
)
def test_regression_metrics_equal_scikit_learns(name: str, expected: float) -> None:
    assert score(METRICS[name], YR, PR) == pytest.approx(expected, abs=1e-12)


def test_absent_classes_count_as_in_scikit_learn() -> None:
    y = np.where(Y4 == 3, 0, Y4)
    assert score(METRICS["macro_f1"], y, P4) == pytest.approx(reference.f1_score(y, L4, average="macro"), abs=1e-12)


def test_a_probability_of_zero_costs_what_scikit_learn_says() -> None:
    y, sure = np.array([0, 1, 1]), np.array([[0.0, 1.0], [0.0, 1.0], [0.5, 0.5]])
    assert score(METRICS["log_loss"], y, sure) == pytest.approx(reference.log_loss(y, sure), abs=1e-12)


def test_rows_of_one_class_have_no_area() -> None:
    assert np.isnan(score(METRICS["roc_auc"], np.zeros(5, dtype=np.int64), P2[:5]))


@pytest.mark.parametrize("name", [metric.name for metric in metrics_of("binary")])
def test_an_interval_holds_the_score(name: str) -> None:
    low, high = bootstrap_interval(METRICS[name], Y2, P2, seed=1, repeats=400)
    assert low < score(METRICS[name], Y2, P2) < high


def test_the_same_seed_gives_the_same_interval() -> None:
    metric = METRICS["roc_auc"]
    assert bootstrap_interval(metric, Y2, P2, seed=3) == bootstrap_interval(metric, Y2, P2, seed=3)
    assert bootstrap_interval(metric, Y2, P2, seed=3) != bootstrap_interval(metric, Y2, P2, seed=4)


def test_resamples_without_a_class_are_left_out() -> None:
    y = np.zeros(30, dtype=np.int64)
    y[0] = 1
    low, high = bootstrap_interval(METRICS["roc_auc"], y, P2[:30], seed=0, repeats=300)
    assert 0 <= low <= high <= 1


@pytest.mark.parametrize("name", ["roc_auc", "accuracy"])
def test_the_interval_covers_the_truth_about_95_times_in_100(name: str) -> None:
    rng = np.random.default_rng(7)
    metric = METRICS[name]

    def sample(rows: int) -> tuple[np.ndarray, np.ndarray]:
        y = (rng.random(rows) < 0.4).astype(np.int64)
        positive = 1 / (1 + np.exp(-(y * 1.2 - 0.6 + rng.normal(size=rows))))
        return y, np.stack([1 - positive, positive], axis=1)

    truth = score(metric, *sample(400_000))
    covered = 0
    for trial in range(200):
        low, high = bootstrap_interval(metric, *sample(300), seed=trial, repeats=300)
        covered += low <= truth <= high
    # 200 trials: three standard errors are 4.6 points
    assert 0.90 <= covered / 200 <= 0.99


def test_a_thousand_resamples_of_1400_rows_take_less_than_a_second() -> None:
    rows = np.arange(1400) % 500
    began = time.perf_counter()
    bootstrap_interval(METRICS["roc_auc"], Y2[rows], P2[rows], seed=0)
    assert time.perf_counter() - began < 1.0


def test_the_best_threshold_is_found_and_scores_what_it_says() -> None:
    cut, value = best_threshold(METRICS["f1"], Y2, P2)
    by_hand = max(reference.f1_score(Y2, labels_of(P2, cut)) for cut in np.unique(ONE))
    assert score(METRICS["f1"], Y2, P2, cut) == pytest.approx(value, abs=1e-12)
    assert value == pytest.approx(by_hand, abs=1e-3)


@pytest.mark.parametrize(
    ("task", "values", "chosen"),
    [
        ("binary", [0] * 50 + [1] * 50, "roc_auc"),
        ("binary", [0] * 97 + [1] * 3, "average_precision"),
        ("multiclass", [0, 1, 2] * 10, "log_loss"),
        ("multiclass", [0] * 50 + [1] * 50 + [2] * 5, "macro_f1"),
        ("regression", [1.0, 2.5], "rmse"),
    ],
)
def test_the_metric_fits_task_and_balance(task: str, values: list[float], chosen: str) -> None:
    assert choose_metric(task, pd.Series(values)).name == chosen  # type: ignore[arg-type]


def test_the_users_metric_wins_in_any_usual_spelling() -> None:
    target = pd.Series([0, 1, 2])
    asked = ["F1", "macro-F1", "Log Loss", "AUC", "balanced accuracy"]
    named = [choose_metric("multiclass", target, name).name for name in asked]
    assert named == ["macro_f1", "macro_f1", "log_loss", "roc_auc", "balanced_accuracy"]


def test_a_metric_of_another_task_is_refused_with_the_choices() -> None:
    with pytest.raises(BadChoice, match=r"'rmse' is not a known metric of a binary task. Choose from: roc_auc"):
        choose_metric("binary", pd.Series([0, 1]), "rmse")
