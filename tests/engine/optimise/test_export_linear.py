"""Exported linear models and baselines answer as they do in Python."""

import numpy as np
import onnx
import pytest
from scipy.sparse import random as random_sparse

from engine.models.dummy import Dummy
from engine.models.linear import Linear
from engine.models.model import fit_model
from engine.optimise.export_core import core_of
from engine.optimise.export_linear import dummy_core, linear_core
from engine.tasks import Task
from tests.engine.optimise.cores import (
    WIDTH,
    Running,
    cut,
    fresh_features,
    largest_difference,
    plain_plan,
    setting,
    signal,
    train_features,
)

X = np.nan_to_num(train_features())
Y = signal(X)
TASKS: dict[str, tuple[Task, np.ndarray, int]] = {
    "binary": ("binary", cut(Y, 2), 2),
    "multiclass": ("multiclass", cut(Y, 4), 4),
    "regression": ("regression", Y, 0),
    "billions": ("regression", 1e9 * Y - 3e9, 0),
}


@pytest.mark.parametrize("kind", ["linear", "dummy"])
@pytest.mark.parametrize("task", TASKS)
def test_the_core_answers_as_the_model(kind: str, task: str) -> None:
    name, y, classes = TASKS[task]
    model = fit_model(kind, X, y, {}, setting(name, classes))
    core = core_of(model, plain_plan())
    onnx.checker.check_model(core.model, full_check=True)
    rows = np.nan_to_num(np.clip(fresh_features(), -9, 60))
    assert largest_difference(Running(core), model, rows) < 1e-6
    assert core.exporter == {"linear": "linear", "dummy": "constant"}[kind]


def test_sparse_rows_of_thousands_of_words_answer_the_same() -> None:
    rng = np.random.default_rng(0)
    linear = Linear(rng.normal(size=(5_000, 3)), rng.normal(size=3), False, 0.0, 1.0, 1.0)
    rows = random_sparse(40, 5_000, 0.01, format="csr", dtype=np.float32, rng=1)
    answer = Running(linear_core(linear, 5_000)).answer(rows)
    assert answer == pytest.approx(linear.predict(rows), abs=1e-6)


def test_a_model_without_features_answers_by_its_intercept() -> None:
    linear = Linear(np.zeros((0, 2)), np.array([np.log(3.0), 0.0]), False, 0.0, 1.0, 1.0)
    answer = Running(linear_core(linear, 0)).answer(np.zeros((2, 0), dtype=np.float32))
    assert answer == pytest.approx(np.array([[0.75, 0.25], [0.75, 0.25]]), abs=1e-12)


def test_no_rows_get_no_answers() -> None:
    none = np.zeros((0, WIDTH), dtype=np.float32)
    linear = Linear(np.ones((WIDTH, 3)), np.zeros(3), False, 0.0, 1.0, 1.0)
    assert Running(linear_core(linear, WIDTH)).answer(none).shape == (0, 3)
    assert Running(dummy_core(Dummy((0.2, 0.8), False), WIDTH)).answer(none).shape == (0, 2)
