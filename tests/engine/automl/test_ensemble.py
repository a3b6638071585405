import numpy as np
import pytest

from engine.automl.ensemble import Judge, best_single, greedy_blend
from engine.automl.members import blend
from engine.metrics import METRICS, score

RNG = np.random.default_rng(4)
Y = RNG.normal(size=2_000)
POOL = {name: Y + RNG.normal(size=2_000) for name in ("a", "b", "c")} | {"bad": Y + 9 * RNG.normal(size=2_000)}
JUDGE = Judge("regression", METRICS["rmse"], Y)


def test_independent_errors_are_averaged_away() -> None:
    weights = greedy_blend(JUDGE, POOL, seed=0)
    mixed = blend([POOL[name] for name in weights], list(weights.values()))
    assert set(weights) == {"a", "b", "c"}
    assert sum(weights.values()) == pytest.approx(1.0)
    assert score(JUDGE.metric, Y, mixed) < 0.65


def test_one_model_stays_alone_when_a_blend_brings_nothing() -> None:
    assert greedy_blend(JUDGE, {"a": POOL["a"], "same": POOL["a"], "bad": POOL["bad"]}, seed=0) == {"a": 1.0}


def test_the_best_single_is_told_with_its_merit() -> None:
    name, merit = best_single(JUDGE, POOL)
    assert merit == -min(score(JUDGE.metric, Y, prediction) for prediction in POOL.values())
    assert name != "bad"


def test_a_metric_without_a_value_is_stood_in_for_by_log_loss() -> None:
    judge = Judge("binary", METRICS["roc_auc"], np.ones(3, dtype=np.int64))
    sure, unsure = np.array([[0.1, 0.9]] * 3), np.array([[0.5, 0.5]] * 3)
    assert judge.value(sure) is None
    assert judge.merit(sure) > judge.merit(unsure)


def test_f1_is_judged_at_its_own_threshold() -> None:
    y = np.array([0, 0, 0, 1, 1])
    low = np.array([0.1, 0.1, 0.2, 0.3, 0.4])
    judge = Judge("binary", METRICS["f1"], y)
    prediction = np.stack([1 - low, low], axis=1)
    assert judge.value(prediction) == 1.0
    assert 0.2 < judge.threshold(prediction) <= 0.3


def test_error_stands_in_where_r2_has_no_value() -> None:
    judge = Judge("regression", METRICS["r2"], np.ones(5))
    assert judge.value(np.zeros(5)) is None
    assert judge.merit(np.zeros(5)) == -1
