"""Cross-layer equalisation: the same answers, ranges alike on both sides, and no pair where there is none."""

import numpy as np
import pytest
import torch
from onnx import ModelProto, helper, numpy_helper
from torch import nn

from engine.nets.encoder import EncoderLayer
from engine.nets.resnet import BasicBlock, SmallConv
from engine.nets.tabular import TabularNet
from engine.optimise.core import FEATURES
from engine.optimise.equalise import equalise
from engine.serving.runtime import Feeds
from tests.engine.optimise.small_graphs import Answering, answers, exported, graph, perceptron, plant, random_layers

RNG = np.random.default_rng(0)


def constant(model: ModelProto, name: str) -> np.ndarray:
    return next(numpy_helper.to_array(tensor) for tensor in model.graph.initializer if tensor.name == name)


def features(*shape: int) -> Feeds:
    return {FEATURES: RNG.normal(size=shape).astype(np.float32)}


class Numbers(nn.Module):
    """A TabularNet of numbers alone."""

    def __init__(self) -> None:
        super().__init__()
        self.net = TabularNet(4, [], 16, 2, embedding=4)
        self.features = 16

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        return self.net(numbers, torch.zeros(numbers.shape[0], 0, dtype=torch.int64))


class Pooled(nn.Module):
    def __init__(self, block: nn.Module, width: int, axes: tuple[int, ...]) -> None:
        super().__init__()
        self.block, self.features, self.axes = block, width, axes

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        return self.block(given).mean(dim=self.axes)


def shaken(module: nn.Module) -> nn.Module:
    """With scales and biases that no two channels share, some of them outliers."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for values in module.parameters():
            if values.ndim == 1:
                values += torch.rand(values.shape, generator=generator)
                values[1] *= 30
        for part in module.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.running_var.uniform_(0.5, 2.0, generator=generator)
    return module.eval()


@pytest.mark.parametrize("gemm", [True, False])
def test_a_hand_worked_pair_gets_the_scales_of_the_paper(gemm: bool) -> None:
    first, second = np.array([[1.0, 8.0], [-4.0, 2.0]]), np.array([[4.0], [-0.5]])
    model = perceptron([(first, np.array([2.0, 4.0])), (second, np.zeros(1))], gemm=gemm)
    changed, pairs = equalise(model)
    # k = sqrt(r1 r2) / r1 with r1 = (4, 8), r2 = (4, 0.5): (1, 0.25)
    weights = [constant(changed, name).T if gemm else constant(changed, name) for name in ("w0", "w1")]
    assert pairs == 1
    assert weights[0] == pytest.approx(np.array([[1.0, 2.0], [-4.0, 0.5]]))
    assert weights[1] == pytest.approx(np.array([[4.0], [-2.0]]))
    assert constant(changed, "b0") == pytest.approx([2.0, 1.0])


@pytest.mark.parametrize("gemm", [True, False])
@pytest.mark.parametrize("scale", [30, 3000])
def test_planted_outliers_are_gone_and_the_answers_stay(gemm: bool, scale: float) -> None:
    layers = random_layers(6, 16, 16, 3)
    planted = perceptron(plant(plant(layers, scale), scale, after=1, unit=5), gemm=gemm)
    changed, pairs = equalise(planted)
    fed = features(50, 6)
    assert pairs == 2
    assert answers(changed, fed) == pytest.approx(answers(perceptron(layers), fed), rel=1e-4)
    ranges = np.abs(constant(changed, "w0")).max(axis=1 if gemm else 0)
    assert ranges.max() / ranges.min() < 20


def test_equalised_twice_nothing_moves_any_more() -> None:
    once, _ = equalise(perceptron(plant(random_layers(6, 16, 16, 3), 300)))
    twice, _ = equalise(once)
    assert constant(twice, "w1") == pytest.approx(constant(once, "w1"), rel=0.05)


@pytest.mark.parametrize(
    ("trunk", "fed", "pairs"),
    [
        # norm to linear and linear to linear in either block, norm to head
        (Numbers(), features(9, 4), 5),
        # norm to query, key and value, norm to feed-forward; GELU is in the way of the third
        (Pooled(EncoderLayer(16, 2, 24), 16, (1,)), features(3, 7, 16), 2),
        # inside the residual branch
        (Pooled(BasicBlock(3, 8, 2, "batch"), 8, (2, 3)), features(3, 3, 8, 8), 1),
        # two norms' scales before convolutions
        (SmallConv(3, 8), features(3, 3, 16, 16), 2),
    ],
    ids=["table", "encoder layer", "residual block", "small convolutions"],
)
def test_the_engines_own_blocks_keep_their_function(trunk: nn.Module, fed: Feeds, pairs: int) -> None:
    model = exported(shaken(Answering(trunk)), fed)
    changed, found = equalise(model)
    assert found == pairs
    assert answers(changed, fed) == pytest.approx(answers(model, fed), rel=1e-4, abs=1e-7)


def test_a_unit_without_weights_is_left_alone() -> None:
    layers = random_layers(4, 8, 2)
    layers[0][0][:, 2] = 0.0
    layers[1][0][5] = 0.0
    model = perceptron(layers)
    changed, pairs = equalise(model)
    fed = features(20, 4)
    assert pairs == 1
    assert np.isfinite(constant(changed, "w0")).all()
    assert answers(changed, fed) == pytest.approx(answers(model, fed), rel=1e-5)


def test_functions_that_are_not_homogeneous_are_no_pair() -> None:
    assert equalise(perceptron(random_layers(4, 8, 2), between="Tanh"))[1] == 0


def test_what_is_used_elsewhere_too_is_no_pair() -> None:
    weights = {"w0": RNG.normal(size=(4, 4)).astype(np.float32), "w1": RNG.normal(size=(4, 4)).astype(np.float32)}
    nodes = [
        helper.make_node("MatMul", [FEATURES, "w0"], ["inside"], name="first"),
        helper.make_node("MatMul", ["inside", "w1"], ["second"], name="second"),
        helper.make_node("Add", ["inside", "second"], ["sum"], name="residual"),
    ]
    model = graph(nodes, weights, ["n", 4])
    changed, pairs = equalise(model)
    assert pairs == 0
    assert (constant(changed, "w0") == weights["w0"]).all()


def test_tied_weights_are_no_pair() -> None:
    nodes = [
        helper.make_node("MatMul", [FEATURES, "w"], ["inside"], name="first"),
        helper.make_node("MatMul", ["inside", "w"], ["second"], name="second"),
    ]
    assert equalise(graph(nodes, {"w": RNG.normal(size=(4, 4)).astype(np.float32)}, ["n", 4]))[1] == 0


def test_a_bias_that_two_layers_share_is_scaled_for_one_only() -> None:
    weights = {name: RNG.normal(size=(4, 4)).astype(np.float32) for name in ("w0", "w1", "w2")}
    shared = {"b": RNG.normal(size=4).astype(np.float32)}
    nodes = [
        helper.make_node("Gemm", [FEATURES, "w0", "b"], ["one"], name="first"),
        helper.make_node("Relu", ["one"], ["two"], name="relu"),
        helper.make_node("Gemm", ["two", "w1", "b"], ["three"], name="second"),
        helper.make_node("Gemm", ["three", "w2", "b"], ["four"], name="third"),
    ]
    model = graph(nodes, weights | shared, ["n", 4])
    changed, pairs = equalise(model)
    fed = features(20, 4)
    assert pairs == 2
    assert answers(changed, fed) == pytest.approx(answers(model, fed), rel=1e-4, abs=1e-6)


def test_grouped_convolutions_are_not_divided() -> None:
    weights = {
        "w0": RNG.normal(size=(4, 4, 1, 1)).astype(np.float32),
        "w1": RNG.normal(size=(4, 1, 3, 3)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Conv", [FEATURES, "w0"], ["inside"], name="first"),
        helper.make_node("Conv", ["inside", "w1"], ["second"], name="second", group=4),
    ]
    assert equalise(graph(nodes, weights, ["n", 4, 6, 6]))[1] == 0
