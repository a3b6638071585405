import time
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression, Ridge
from skops.io.exceptions import UntrustedTypesFoundException

from engine.errors import BadChoice
from engine.families import KINDS, NETWORKS
from engine.features_layout import NumberBlock
from engine.models.base import Deadline, NoTimeError, Params, Setting
from engine.models.model import fit_model, load_model
from engine.progress import Control

RNG = np.random.default_rng(2)
X = RNG.normal(size=(400, 6)).astype(np.float32)
SIGNAL = X @ np.array([1.5, -1, 0.5, 0, 0, 0])
BINARY = (SIGNAL + RNG.normal(size=400) > 0).astype(np.int64)
THREE = np.digitize(SIGNAL, [-1, 1]).astype(np.int64)
VALUES = SIGNAL * 10 + 500 + RNG.normal(size=400)
LAYOUT = (NumberBlock(column="x", start=0, width=6),)
QUICK: dict[str, Params] = {
    "lightgbm": {"rounds": 30},
    "forest": {"trees": 20},
    **{kind: {"epochs": 8, "width": 32, "learning_rate": 0.01} for kind in NETWORKS},
}


def setting(task: str, classes: int, seconds: float | None = None, control: Control | None = None) -> Setting:
    return Setting(task, classes, Deadline(control or Control(), seconds), seed=1, layout=LAYOUT)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("task", "y", "classes"), [("binary", BINARY, 2), ("multiclass", THREE, 3), ("regression", VALUES, 0)]
)
def test_a_model_read_back_predicts_the_same_bits(
    kind: str, task: str, y: np.ndarray, classes: int, tmp_path: Path
) -> None:
    model = fit_model(kind, X, y, QUICK.get(kind, {}), setting(task, classes))
    model.save(tmp_path)
    first, second = model.predict(X), load_model(tmp_path).predict(X)
    assert first.tobytes() == second.tobytes()
    assert first.shape == ((400, classes) if classes else (400,))
    if classes:
        assert first.sum(axis=1) == pytest.approx(np.ones(400), abs=1e-9)


@pytest.mark.parametrize("kind", ["linear", "lightgbm", "forest", "network"])
def test_each_kind_learns(kind: str) -> None:
    model = fit_model(kind, X[:300], BINARY[:300], QUICK.get(kind, {}), setting("binary", 2))
    right = (model.predict(X[300:])[:, 1] > 0.5) == BINARY[300:]
    assert right.mean() > 0.7


@pytest.mark.parametrize("kind", KINDS)
def test_a_class_missing_from_the_rows_still_has_a_small_probability(kind: str) -> None:
    y = np.where(THREE == 1, 0, THREE)
    prediction = fit_model(kind, X, y, QUICK.get(kind, {}), setting("multiclass", 4)).predict(X[:5])
    assert prediction.shape == (5, 4)
    assert np.all((prediction[:, [1, 3]] > 0) & (prediction[:, [1, 3]] < 0.01))
    assert prediction.sum(axis=1) == pytest.approx(np.ones(5))


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_one_class_only_do_not_crash(kind: str) -> None:
    prediction = fit_model(kind, X, np.ones(400, dtype=np.int64), {}, setting("binary", 2)).predict(X[:2])
    assert prediction[:, 1] == pytest.approx([1, 1], abs=0.01)


def test_the_linear_model_reaches_the_minimum_of_logistic_regression() -> None:
    model = fit_model("linear", X, BINARY, {"strength": 2.0}, setting("binary", 2))
    # two softmax outputs share a penalty that one logistic output has alone
    twin = LogisticRegression(C=1.0, tol=1e-8, max_iter=1000).fit(X, BINARY)
    assert model.predict(X)[:, 1] == pytest.approx(twin.predict_proba(X)[:, 1], abs=2e-3)


def test_the_linear_model_reaches_the_minimum_of_ridge() -> None:
    model = fit_model("linear", X, VALUES, {"strength": 5.0}, setting("regression", 0))
    assert model.predict(X) == pytest.approx(Ridge(alpha=5.0).fit(X, VALUES).predict(X), rel=1e-3)


def test_the_linear_model_is_the_same_on_sparse_and_dense_features() -> None:
    one = fit_model("linear", X, BINARY, {"strength": 1.0}, setting("binary", 2))
    two = fit_model("linear", csr_matrix(X), BINARY, {"strength": 1.0}, setting("binary", 2))
    assert one.predict(X) == pytest.approx(two.predict(csr_matrix(X)), abs=1e-4)


@pytest.mark.parametrize("kind", ["linear", "lightgbm", "forest"])
def test_no_time_at_all_is_said_and_not_hidden(kind: str) -> None:
    with pytest.raises(NoTimeError):
        fit_model(kind, X, BINARY, {}, setting("binary", 2, seconds=0.0))


@pytest.mark.parametrize("kind", ["lightgbm", "forest"])
def test_a_fit_stops_within_half_a_second_and_keeps_what_it_has(kind: str) -> None:
    rows = np.random.default_rng(0).normal(size=(20_000, 20)).astype(np.float32)
    y = (rows[:, 0] + rows[:, 1] * rows[:, 2] > 0).astype(np.int64)
    began = time.monotonic()
    far: Params = {"rounds": 100_000, "trees": 100_000, "num_leaves": 63}
    model = fit_model(kind, rows, y, far, setting("binary", 2, seconds=1.0))
    assert time.monotonic() - began < 2.5
    assert 0 < int(next(iter(model.chosen.values()))) < 100_000
    assert ((model.predict(rows[:500])[:, 1] > 0.5) == y[:500]).mean() > 0.7


def test_a_cancelled_fit_stops() -> None:
    calls = iter(range(10_000))
    control = Control(cancelled=lambda: next(calls) > 5)
    model = fit_model("lightgbm", X, BINARY, {"rounds": 1000}, setting("binary", 2, control=control))
    assert int(model.chosen["rounds"]) < 20


def test_early_stopping_keeps_the_best_round() -> None:
    deadline = Deadline(Control())
    early = Setting("binary", 2, deadline, seed=1, valid=(X[300:], BINARY[300:]))
    model = fit_model("lightgbm", X[:300], BINARY[:300], {"learning_rate": 0.3}, early)
    assert int(model.chosen["rounds"]) < 200


def test_a_forest_file_with_a_strange_type_is_refused(tmp_path: Path) -> None:
    import skops.io

    fit_model("forest", X, BINARY, {"trees": 2}, setting("binary", 2)).save(tmp_path)
    skops.io.dump({"x": Deadline(Control())}, tmp_path / "forest.skops")
    with pytest.raises(UntrustedTypesFoundException, match="Deadline"):
        load_model(tmp_path)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(BadChoice, match="lightgbm"):
        fit_model("lightgmb", X, BINARY, {}, setting("binary", 2))


def test_forests_of_folds_are_kept_small_and_average_to_a_whole_one() -> None:
    model = fit_model("forest", X, BINARY, {"trees": 20}, setting("binary", 2))
    assert model.thinned(5).chosen == {"trees": 4}
    assert model.chosen == {"trees": 20}
    assert ((model.thinned(5).predict(X)[:, 1] > 0.5) == BINARY).mean() > 0.8
