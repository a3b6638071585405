"""Exported trees answer as LightGBM and scikit-learn do, to the last bits of float64."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache

import lightgbm
import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator

from engine.models.base import Params
from engine.models.boosting import Boosted
from engine.models.forest import Forest
from engine.models.model import Model, fit_model
from engine.optimise.core import ANSWER, FEATURES
from engine.optimise.errors import ExportFailed
from engine.optimise.export_core import core_of
from engine.optimise.export_trees import DEEPEST, trees_core
from engine.optimise.tree_arrays import ZERO, boosted_trees
from engine.tasks import Task
from tests.engine.optimise.cores import (
    ROWS,
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

X = train_features()
Y = signal(X)
KINDS: dict[str, tuple[str, Params]] = {
    "boosted": ("lightgbm", {"rounds": 40, "cat_smooth": 1.0}),
    "zero missing": ("lightgbm", {"rounds": 20, "zero_as_missing": True}),
    "no missing": ("lightgbm", {"rounds": 20, "use_missing": False}),
    "forest": ("forest", {"trees": 12, "leaf": 1}),
}
TASKS: dict[str, tuple[Task, np.ndarray, int]] = {
    "binary": ("binary", cut(Y, 2), 2),
    "multiclass": ("multiclass", cut(Y, 4), 4),
    "regression": ("regression", Y, 0),
}
TINY = np.float32(1e-35)


@cache
def fitted(kind: str, task: str) -> tuple[Model, Running]:
    family, params = KINDS[kind]
    name, y, classes = TASKS[task]
    model = fit_model(family, X, y, params, setting(name, classes))
    return model, Running(core_of(model, plain_plan()))


@cache
def thresholds(kind: str, task: str) -> np.ndarray:
    """float32 (values,): each threshold of a model, the number next to it on either side, and what is special."""
    model, _ = fitted(kind, task)
    if isinstance(model.inner, Boosted):
        trees = boosted_trees(model.inner.booster.model_to_string()).trees
        found = np.concatenate([tree.thresholds for tree in trees])
    else:
        assert isinstance(model.inner, Forest)
        found = np.concatenate([tree.tree_.threshold for tree in model.inner.trees.estimators_])
    near = found[np.abs(found) < 1e38].astype(np.float32)
    zeros = np.array([0.0, -0.0, TINY, -TINY, 1e-36, -1e-36, 1e-45, np.nan, 1e30, -1e30], dtype=np.float32)
    values = np.concatenate([near, zeros])
    return np.unique(np.concatenate([values, np.nextafter(values, np.inf), np.nextafter(values, -np.inf)]))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_core_answers_as_the_library_on_missing_and_unseen_values(kind: str, task: str) -> None:
    model, running = fitted(kind, task)
    assert largest_difference(running, model, fresh_features()) < 1e-12


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_no_leaf_flips_on_a_threshold_or_beside_it(kind: str, task: str, data: st.DataObject) -> None:
    model, running = fitted(kind, task)
    values = thresholds(kind, task)
    places = data.draw(st.lists(st.integers(0, len(values) - 1), min_size=3 * WIDTH, max_size=3 * WIDTH))
    rows = values[places].reshape(3, WIDTH)
    rows[:, :2] = np.trunc(np.clip(rows[:, :2], -2, 60))  # codes are whole
    assert largest_difference(running, model, rows) < 1e-12


def test_sets_of_codes_are_among_the_splits_that_are_compared() -> None:
    model, _ = fitted("boosted", "binary")
    assert isinstance(model.inner, Boosted)
    sets = [
        codes for tree in boosted_trees(model.inner.booster.model_to_string()).trees for codes in tree.sets.values()
    ]
    assert max(len(codes) for codes in sets) > 5
    assert max(codes.max() for codes in sets) > 31


@pytest.mark.parametrize("kind", ["boosted", "forest"])
def test_values_of_a_billion_keep_nine_digits(kind: str) -> None:
    family, params = KINDS[kind]
    model = fit_model(family, X, 1e9 + 1e3 * Y, params, setting("regression", 0))
    running, rows = Running(core_of(model, plain_plan())), fresh_features()
    assert np.abs(running.answer(rows)[:, 0] - model.predict(rows)).max() < 1e-3
    assert np.ptp(running.answer(rows)) > 1e3


def test_absolute_error_is_exported_too() -> None:
    model = fit_model("lightgbm", X, Y, {"rounds": 20, "loss": "absolute"}, setting("regression", 0))
    assert largest_difference(Running(core_of(model, plain_plan())), model, fresh_features()) < 1e-12


def test_a_sigmoid_of_another_steepness_is_kept() -> None:
    model = fit_model("lightgbm", X, cut(Y, 2), {"rounds": 10, "sigmoid": 2.5}, setting("binary", 2))
    assert largest_difference(Running(core_of(model, plain_plan())), model, fresh_features()) < 1e-12


def test_a_forest_of_weighted_rows_and_its_thinned_half_are_exported() -> None:
    weighted = replace(setting("multiclass", 4), weights=np.linspace(0.1, 3, ROWS))
    model = fit_model("forest", X, cut(Y, 4), {"trees": 8, "leaf": 1}, weighted)
    for kept in (model, model.thinned(2)):
        assert largest_difference(Running(core_of(kept, plain_plan())), kept, fresh_features()) < 1e-12


def test_only_the_best_rounds_of_a_booster_are_exported() -> None:
    model, _ = fitted("boosted", "regression")
    assert isinstance(model.inner, Boosted)
    first = Boosted(model.inner.booster, 7, False)
    answer = Running(trees_core(first, WIDTH)).answer(X)[:, 0]
    assert answer == pytest.approx(first.predict(X), abs=1e-12)
    assert np.abs(answer - model.predict(X)).max() > 0.1


@pytest.mark.parametrize("kind", ["lightgbm", "forest"])
@pytest.mark.parametrize("task", TASKS)
def test_another_implementation_of_onnx_reads_the_same_model(kind: str, task: str) -> None:
    name, y, classes = TASKS[task]
    # without sets, which onnx's own implementation ends at a code of 0
    model = fit_model(kind, X, y, {"rounds": 5, "trees": 3}, setting(name, classes, ()))
    core = core_of(model, plain_plan())
    onnx.checker.check_model(core.model, full_check=True)
    rows = fresh_features()[50:130:5]
    (answer,) = ReferenceEvaluator(core.model).run([ANSWER], {FEATURES: rows})
    assert answer.reshape(model.predict(rows).shape) == pytest.approx(model.predict(rows), abs=1e-12)


def test_trees_without_a_split_give_their_value_among_others() -> None:
    y = np.where(np.arange(ROWS) == 7, 50.0, 3.0)  # half of the trees do not see row 7
    model = fit_model("forest", X, y, {"trees": 12, "leaf": 1}, setting("regression", 0))
    assert isinstance(model.inner, Forest)
    assert {tree.tree_.node_count == 1 for tree in model.inner.trees.estimators_} == {True, False}
    assert largest_difference(Running(core_of(model, plain_plan())), model, X) < 1e-12


def test_a_booster_that_found_nothing_to_split_gives_one_value() -> None:
    model = fit_model("lightgbm", X, Y, {"rounds": 3, "min_gain_to_split": 1e9}, setting("regression", 0))
    answer = Running(core_of(model, plain_plan())).answer(X)
    assert answer == pytest.approx(np.full((ROWS, 1), Y.mean()), abs=1e-6)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"objective": "poisson"}, "objective 'poisson'"),
        ({"objective": "regression", "reg_sqrt": True}, "objective 'regression sqrt'"),
        ({"objective": "regression", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}, "objective"),
        ({"objective": "regression", "linear_tree": True}, "linear models in their leaves"),
    ],
)
def test_boosters_of_other_kinds_are_refused(options: Params, words: str) -> None:
    data = lightgbm.Dataset(np.nan_to_num(X), label=np.abs(Y))
    booster = lightgbm.train({**options, "verbosity": -1, "num_threads": 1}, data, num_boost_round=2)
    with pytest.raises(ExportFailed, match=words):
        trees_core(Boosted(booster, 2, False), WIDTH)


def chain(features: list[int], decisions: list[int], cuts: list[float]) -> Boosted:
    """A booster of one tree, written by hand: split i has the leaf i on its left and split i + 1 on its right.

    A decision is 2 for going left by default, plus 0, 4 or 8: nothing, zero or NaN is missing.
    """
    splits = len(features)

    def row(values: Iterable[object]) -> str:
        return " ".join(str(value) for value in values)

    lines = [
        "tree", "version=v4", "num_class=1", "num_tree_per_iteration=1", "label_index=0",
        f"max_feature_idx={WIDTH - 1}", "objective=regression",
        "feature_names=" + row(f"f{place}" for place in range(WIDTH)), "feature_infos=" + row(["[-9:9]"] * WIDTH), "",
        "Tree=0", f"num_leaves={splits + 1}", "num_cat=0", f"split_feature={row(features)}",
        f"split_gain={row([1] * splits)}", f"threshold={row(repr(cut) for cut in cuts)}",
        f"decision_type={row(decisions)}", f"left_child={row(~leaf for leaf in range(splits))}",
        f"right_child={row([*range(1, splits), ~splits])}", f"leaf_value={row(range(splits + 1))}",
        f"leaf_weight={row([1] * (splits + 1))}", f"leaf_count={row([1] * (splits + 1))}",
        f"internal_value={row([0] * splits)}", f"internal_weight={row([1] * splits)}",
        f"internal_count={row([1] * splits)}", "is_linear=0", "shrinkage=1", "", "", "end of trees", "",
    ]  # fmt: skip
    return Boosted(lightgbm.Booster(model_str="\n".join(lines)), 1, False)


SPECIAL = [0.0, 1e-36, -1e-36, ZERO, -ZERO, 2e-35, -2e-35, 1.5, -1.5, 1.0 + 2**-30, 1e300, -1e300]
CELLS = np.array(
    [np.nan, 0, -0.0, 1e-36, -1e-36, TINY, -TINY, 2e-35, -2e-35, 1, 1.0000001, 1.5, -1.5, np.inf, -np.inf, 3e38],
    dtype=np.float32,
)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_every_way_of_treating_missing_values_and_zeros_is_that_of_lightgbm(data: st.DataObject) -> None:
    missing = data.draw(st.lists(st.sampled_from([0, 4, 8]), min_size=WIDTH, max_size=WIDTH))
    features = data.draw(st.lists(st.integers(0, WIDTH - 1), min_size=1, max_size=5))
    cuts = [data.draw(st.sampled_from(SPECIAL)) for _ in features]
    decisions = [missing[feature] + data.draw(st.sampled_from([0, 2])) for feature in features]
    booster = chain(features, decisions, cuts)
    rows = CELLS[np.random.default_rng(data.draw(st.integers(0, 99))).integers(0, len(CELLS), (64, WIDTH))]
    assert Running(trees_core(booster, WIDTH)).answer(rows)[:, 0].tolist() == booster.predict(rows).tolist()


def test_a_tree_too_deep_for_the_runtime_is_refused_before_it_could_crash() -> None:
    def deep(splits: int) -> Boosted:
        return chain([0] * splits, [0] * splits, [float(cut) for cut in range(splits)])

    rows = np.array([[0.5], [998.5], [2e4]], dtype=np.float32).repeat(WIDTH, axis=1)
    assert Running(trees_core(deep(DEEPEST), WIDTH)).answer(rows)[:, 0].tolist() == [1.0, 999.0, 1000.0]
    with pytest.raises(ExportFailed, match=r"1,001 splits .* deeper than the 1,000"):
        trees_core(deep(DEEPEST + 1), WIDTH)


def test_thresholds_around_zero_are_moved_to_where_zero_begins() -> None:
    rng = np.random.default_rng(3)
    column = rng.choice([0.0, 0.0, 1.0, -1.0], 400).astype(np.float32)[:, None]
    y = np.where(column[:, 0] < 0, 1.0, np.where(column[:, 0] > 0, 5.0, 2.0))
    model = fit_model("lightgbm", column, y, {"rounds": 5}, setting("regression", 0, ()))
    assert isinstance(model.inner, Boosted)
    found = {float(t) for tree in boosted_trees(model.inner.booster.model_to_string()).trees for t in tree.thresholds}
    assert ZERO in found
    edges = np.array([-TINY, np.nextafter(-TINY, np.float32(-1)), TINY, np.nextafter(TINY, np.float32(1)), 0, 1e-40])
    rows = edges.astype(np.float32)[:, None]
    answer = Running(trees_core(model.inner, 1)).answer(rows)[:, 0]
    assert answer.tolist() == model.predict(rows).tolist()
    assert len(set(answer)) == 3
