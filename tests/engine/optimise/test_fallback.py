"""Guarded quantisation: as it is, equalised, with layers left out, or refused, each with what was done in words."""

import numpy as np
import pytest
from onnx import ModelProto

from engine.errors import BadCalibration
from engine.optimise.core import FEATURES
from engine.optimise.errors import VariantRefused
from engine.optimise.fallback import MOST_GROUPS, Judge, groups, leave_out, quantise_guarded
from engine.optimise.quantise import coverage, quantise_static, sizes
from engine.optimise.quantise_graph import prepare
from engine.progress import Control, FitProgress, Progress
from tests.engine.optimise.small_graphs import Digits, answers, digits, perceptron, plant, random_layers

DEEP = (96, 96, 96, 96, 96)


def guard(given: Digits, most: float = 0.01) -> Judge:
    original = given.accuracy(perceptron(given.layers))
    return lambda model: original - given.accuracy(model) <= most


def deep() -> Digits:
    """With |x| between the layers: planted outliers keep the function, and equalisation does not know of it."""
    return digits(DEEP, "abs")


def deep_model(scale: float, *places: int) -> ModelProto:
    layers = deep().layers
    for place in places:
        layers = plant(layers, scale, after=place)
    return perceptron(layers, between="Abs")


def deep_judge() -> Judge:
    original = deep().accuracy(perceptron(deep().layers, between="Abs"))
    return lambda model: original - deep().accuracy(model) <= 0.01


def never(_: ModelProto) -> bool:
    return False


@pytest.mark.parametrize("gemm", [True, False])
@pytest.mark.parametrize("scale", [1, 30, 300, 3000])
def test_planted_outliers_cost_a_hundredth_at_most_at_a_third_of_the_size(scale: float, gemm: bool) -> None:
    given = digits()
    model = perceptron(plant(given.layers, scale), gemm=gemm)
    found = quantise_guarded(model, given.calibration, guard(given))
    assert given.accuracy(model) - given.accuracy(found.model) <= 0.01
    assert sizes(found.model) <= 0.35 * sizes(model)
    assert found.plain == (scale <= 30)


@pytest.mark.parametrize("scale", [300, 3000])
def test_without_equalisation_a_planted_outlier_ruins_it(scale: float) -> None:
    given = digits()
    quantised = quantise_static(perceptron(plant(given.layers, scale)), given.calibration)
    assert given.accuracy(quantised) < 0.95


def test_what_was_done_is_told_in_words() -> None:
    given = digits()
    plain = quantise_guarded(perceptron(given.layers), given.calibration, guard(given))
    assert plain.steps == ("As it is, 100% of the weights are in 8 bits, the model takes 0.32 of its size.",)
    equalised = quantise_guarded(perceptron(plant(given.layers, 3000)), given.calibration, guard(given))
    assert equalised.steps[0].startswith("Quantised as it is, answers are off by 0.")
    assert equalised.steps[1].startswith("With 2 pair(s) of layers equalised, answers are off by 0.000")
    assert equalised.left_out == ()


def test_where_nothing_can_be_equalised_the_layers_of_the_outlier_are_left_out() -> None:
    model = deep_model(3000, 2)
    assert deep().accuracy(quantise_static(model, deep().calibration)) < 0.9
    found = quantise_guarded(model, deep().calibration, deep_judge())
    assert set(found.left_out) <= {"layer_2", "layer_3"}
    assert found.left_out
    assert coverage(model, found.model) >= 0.4
    assert sizes(found.model) <= 0.6 * sizes(model)
    assert "no layers that could be equalised" in found.steps[1]
    assert found.steps[-1].startswith("Left in floats: layer_")


def test_two_outliers_that_no_single_layer_explains_are_found_as_a_set() -> None:
    model = deep_model(3000, 0, 3)
    found = leave_out(model, deep().calibration, deep_judge())
    assert len(found.left_out) > 1
    assert deep_judge()(found.model)


def test_a_judge_who_is_never_content_gets_a_refusal_that_says_what_it_would_cost() -> None:
    given, asked = digits(), []

    def judge(model: ModelProto) -> bool:
        asked.append(model)
        return False

    with pytest.raises(VariantRefused) as refused:
        quantise_guarded(perceptron(given.layers), given.calibration, judge)
    assert "the guard refused it" in refused.value.sentence
    assert "at least 40% are wanted" in refused.value.sentence
    assert 2 <= len(asked) <= 3 + MOST_GROUPS


def test_one_that_keeps_within_the_guard_with_too_little_in_8_bits_is_refused() -> None:
    given = digits()
    model = perceptron(given.layers)
    with pytest.raises(VariantRefused, match=r"until [0-3]?\d% of the weights were in 8 bits"):
        quantise_guarded(model, given.calibration, lambda found: coverage(model, found) < 0.4)


def test_a_quantised_model_that_was_refused_is_never_given_back() -> None:
    given = digits()
    kept = [quantise_guarded(perceptron(given.layers), given.calibration, guard(given, 0.0))]
    assert guard(given, 0.0)(kept[0].model)


def test_trials_are_bounded_however_deep_it_is() -> None:
    layers = random_layers(16, *[24] * 30, 4)
    model, asked = perceptron(layers, between="Abs"), []

    def judge(found: ModelProto) -> bool:
        asked.append(found)
        return False

    rows = {FEATURES: np.random.default_rng(0).normal(size=(100, 16)).astype(np.float32)}
    with pytest.raises(VariantRefused):
        quantise_guarded(model, [rows], judge)
    assert len(asked) <= 3 + MOST_GROUPS


def test_groups_hold_every_node_from_the_first_layer_on_once_and_in_order() -> None:
    prepared = prepare(perceptron(random_layers(16, *[24] * 30, 4)))
    found = groups(prepared)
    names = [node.name for node in prepared.graph.node]
    assert len(found) == MOST_GROUPS
    assert [name for group in found for name in group] == names
    assert {sum(name.startswith("layer_") and "out" not in name for name in group) for group in found} == {2, 3}


def test_a_graph_without_layers_has_no_groups() -> None:
    assert groups(ModelProto()) == []


def test_progress_is_told_and_a_cancelled_one_ends() -> None:
    told: list[Progress] = []
    given = digits()

    def cancelled() -> bool:
        return len(told) >= 2

    with pytest.raises(VariantRefused, match="cancelled"):
        quantise_guarded(perceptron(given.layers), given.calibration, never, Control(told.append, cancelled))
    assert [event.done for event in told if isinstance(event, FitProgress)] == [1, 2]


@pytest.mark.parametrize("quantise", [quantise_guarded, leave_out])
def test_no_rows_are_refused(quantise: object) -> None:
    assert callable(quantise)
    with pytest.raises(BadCalibration, match="no calibration rows"):
        quantise(perceptron(digits().layers), [], never)


def test_a_calibration_row_far_from_all_others_does_not_count() -> None:
    given = digits()
    train = given.train.copy()
    train[0, 20] = 3000.0
    model = perceptron(given.layers)
    rows = [{FEATURES: train[:256]}]
    assert given.accuracy(quantise_static(model, rows)) < 0.9
    found = quantise_guarded(model, rows, guard(given))
    assert not found.plain
    assert found.left_out == ()
    assert "leave out the most extreme 1% of the rows" in found.steps[2]
    assert sizes(found.model) < 0.35 * sizes(model)


def test_features_with_heavy_tails_are_not_quantised_as_they_are() -> None:
    """Fifth powers of normal numbers: the range that a few of them need leaves too little for the others."""
    rng = np.random.default_rng(0)
    rows = {FEATURES: (rng.normal(size=(2000, 16)) ** 5).astype(np.float32)}
    layers = random_layers(16, 64, 64, 64, 3)
    model = perceptron(layers)
    wanted = answers(model, rows)

    def judge(found: ModelProto) -> bool:
        return bool((answers(found, rows).argmax(axis=1) == wanted.argmax(axis=1)).mean() > 0.95)

    calibration = [{FEATURES: rows[FEATURES][:256]}]
    assert not judge(quantise_static(model, calibration))
    found = quantise_guarded(model, calibration, judge)
    assert judge(found.model)
    assert coverage(model, found.model) >= 0.4
