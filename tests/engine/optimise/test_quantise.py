"""Post-training quantisation: smaller, nearly the same answers, the last steps and the axes untouched, no no-op."""

import logging
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from onnx import ModelProto, TensorProto, helper, numpy_helper
from torch import nn

from engine.errors import BadCalibration
from engine.nets.encoder import Encoder, PooledEncoder
from engine.nets.recurrent import LstmEncoder
from engine.nets.resnet import ResNet
from engine.optimise.core import ANSWER, FEATURES, OPSET, core_feeds
from engine.optimise.equalise import equalise
from engine.optimise.errors import VariantRefused
from engine.optimise.export_net import export_network
from engine.optimise.quantise import (
    coverage,
    in_words,
    portability,
    quantisable,
    quantise_dynamic,
    quantise_static,
    quantise_weights,
    sizes,
    weights_reduced,
)
from engine.optimise.quantise_graph import prepare
from engine.serving.runtime import Feeds
from tests.engine.optimise.nets_to_prune import network, rows
from tests.engine.optimise.small_graphs import (
    Answering,
    answers,
    digits,
    exported,
    graph,
    operators,
    perceptron,
    random_layers,
)

Quantise = Callable[[ModelProto, list[Feeds]], ModelProto]
WAYS: dict[str, Quantise] = {
    "dynamic": lambda model, _: quantise_dynamic(model),
    "static": quantise_static,
    "weights": lambda model, _: quantise_weights(model, least=1024),
}
WORDS, LENGTH, SIDE = 1000, 12, 16


def tokens(rows: int, length: int = LENGTH, seed: int = 0) -> Feeds:
    found = np.random.default_rng(seed).integers(1, WORDS, (rows, length))
    found[: rows // 2, length // 2 :] = 0
    return {"tokens_0": found}


def images(rows: int, length: int = 0, seed: int = 0) -> Feeds:
    return {"image_0": np.random.default_rng(seed).random((rows, 3, SIDE, SIDE)).astype(np.float32)}


def trunk(kind: str) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        if kind == "lstm":
            return LstmEncoder(WORDS, 32, 32)
        if kind == "encoder":
            return PooledEncoder(Encoder(WORDS, 32, 4, 2, 128, LENGTH))
        net = ResNet(3, (16, 32), (1, 1))
        net.train()(torch.from_numpy(images(32)["image_0"]))
        return net


FEEDS: dict[str, Callable[..., Feeds]] = {"lstm": tokens, "encoder": tokens, "cnn": images}


@pytest.fixture(scope="module")
def kinds() -> dict[str, ModelProto]:
    return {kind: exported(Answering(trunk(kind)), feed(2)) for kind, feed in FEEDS.items()}


def logits(probabilities: np.ndarray) -> np.ndarray:
    logs = np.log(probabilities)
    return np.asarray(logs - logs.mean(axis=1, keepdims=True))


def error(model: ModelProto, other: ModelProto, feeds: Feeds) -> float:
    """Relative L2 difference of the centred logits."""
    given, wanted = logits(answers(other, feeds)), logits(answers(model, feeds))
    return float(np.linalg.norm(given - wanted) / np.linalg.norm(wanted))


def eight_bit(model: ModelProto) -> dict[str, tuple[int, ...]]:
    return {
        tensor.name: tuple(tensor.dims)
        for tensor in model.graph.initializer
        if tensor.data_type in {TensorProto.INT8, TensorProto.UINT8} and len(tensor.dims) > 1
    }


@pytest.mark.parametrize("way", WAYS)
def test_digits_are_told_apart_as_before_and_the_model_is_smaller(way: str) -> None:
    given = digits()
    model = perceptron(given.layers)
    quantised = WAYS[way](model, given.calibration)
    assert given.accuracy(model) - given.accuracy(quantised) <= 0.01
    assert sizes(quantised) <= (0.6 if way == "weights" else 0.35) * sizes(model)
    assert coverage(model, quantised) > (0.6 if way == "weights" else 0.99)


@pytest.mark.parametrize(
    ("kind", "way", "size"),
    [
        ("lstm", "dynamic", 0.45),
        ("lstm", "static", 0.45),
        ("encoder", "dynamic", 0.45),
        ("encoder", "static", 0.45),
        ("encoder", "weights", 0.6),
        ("cnn", "static", 0.45),
    ],
)
def test_every_kind_of_network_is_smaller_and_answers_alike(
    kinds: dict[str, ModelProto], kind: str, way: str, size: float
) -> None:
    model, feed = kinds[kind], FEEDS[kind]
    quantised = WAYS[way](model, [feed(64, seed=1), feed(64, seed=2)])
    assert error(model, quantised, feed(100, seed=3)) < 0.05
    assert sizes(quantised) < size * sizes(model)


@pytest.mark.parametrize("kind", FEEDS)
def test_names_and_open_axes_stay(kinds: dict[str, ModelProto], kind: str) -> None:
    model, feed = kinds[kind], FEEDS[kind]
    quantised = quantise_static(model, [feed(64)])
    assert [entry.name for entry in quantised.graph.input] == list(feed(1))
    assert [entry.name for entry in quantised.graph.output] == [ANSWER]
    assert {entry.domain: entry.version for entry in quantised.opset_import}[""] == OPSET
    for count, length in ((1, 5), (3, LENGTH), (7, 2), (33, 9)):
        assert answers(quantised, feed(count, length)).shape == (count, 5)


def test_a_convolution_is_never_quantised_dynamically(kinds: dict[str, ModelProto]) -> None:
    with pytest.raises(VariantRefused, match=r"[01]% of its weights .* changes nothing"):
        quantise_dynamic(kinds["cnn"])


def test_an_lstm_becomes_one_with_weights_in_8_bits_either_way(kinds: dict[str, ModelProto]) -> None:
    for quantised in (quantise_dynamic(kinds["lstm"]), quantise_static(kinds["lstm"], [tokens(64)])):
        assert operators(quantised).count("DynamicQuantizeLSTM") == 2
        assert "LSTM" not in operators(quantised)


@pytest.mark.parametrize("way", WAYS)
def test_the_float64_steps_at_the_end_are_untouched(way: str) -> None:
    given = digits()
    quantised = WAYS[way](perceptron(given.layers), given.calibration)
    assert quantised.graph.output[0].type.tensor_type.elem_type == TensorProto.DOUBLE
    last = next(node for node in quantised.graph.node if node.output[0] == ANSWER)
    softmax = next(node for node in quantised.graph.node if node.op_type == "Softmax")
    assert last.op_type in {"Cast", "Softmax"}
    assert next(node for node in quantised.graph.node if softmax.input[0] in node.output).op_type == "Cast"
    assert answers(quantised, {FEATURES: given.test}).sum(axis=1) == pytest.approx(1.0, abs=1e-12)


def test_static_weights_are_signed_per_channel_and_activations_unsigned() -> None:
    layers = random_layers(16, 64, 4)
    layers[0][0][:, 7] *= 50
    model = perceptron(layers)
    quantised = quantise_static(model, [{FEATURES: np.random.default_rng(0).normal(size=(64, 16)).astype(np.float32)}])
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in quantised.graph.initializer}
    weights = next(node for node in quantised.graph.node if node.input[0].startswith("w0"))
    scales = values[weights.input[1]]
    steps = 63 if weights_reduced() else 127
    assert values[weights.input[0]].dtype == np.int8
    assert np.sort(scales) == pytest.approx(np.sort(np.abs(layers[0][0]).max(axis=0) / steps), rel=0.02)
    given = next(node for node in quantised.graph.node if node.op_type == "QuantizeLinear")
    assert values[given.input[2]].dtype == np.uint8


def test_ranges_go_from_the_least_to_the_greatest_calibration_value() -> None:
    model = perceptron(random_layers(16, 64, 4))
    first, second = np.full((3, 16), -2.0, np.float32), np.full((3, 16), 5.0, np.float32)
    quantised = quantise_static(model, [{FEATURES: first}, {FEATURES: second}])
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in quantised.graph.initializer}
    node = next(node for node in quantised.graph.node if node.op_type == "QuantizeLinear" and node.input[0] == FEATURES)
    assert values[node.input[1]] == pytest.approx(7 / 255)
    assert values[node.input[2]] == round(2 / 7 * 255)


def test_excluded_nodes_stay_in_floats() -> None:
    given = digits()
    model = perceptron(given.layers)
    assert quantisable(prepare(model)) == ["layer_0", "layer_1", "layer_2"]
    quantised = quantise_static(model, given.calibration, exclude={"layer_1"})
    floats = {tensor.name for tensor in quantised.graph.initializer if tensor.data_type == TensorProto.FLOAT}
    assert "w1" in floats
    assert not {"w0", "w2"} & floats


def test_an_embedding_of_columns_unlike_each_other_has_a_scale_for_each() -> None:
    table = np.random.default_rng(0).normal(size=(500, 16)).astype(np.float32)
    table[:, 3] *= 1000
    nodes = [
        helper.make_node("Cast", [FEATURES], ["places"], name="places", to=TensorProto.INT64),
        helper.make_node("Gather", ["table", "places"], ["rows"], name="look_up"),
    ]
    model = graph(nodes, {"table": table}, ["n", 10])
    fed = {FEATURES: np.arange(500, dtype=np.float32).reshape(50, 10)}
    quantised = quantise_dynamic(model)
    off = np.abs(answers(quantised, fed) - answers(model, fed)).max(axis=(0, 1))
    assert (off <= np.abs(table).max(axis=0) / 127 / 2 * 1.001).all()
    assert sizes(quantised) < 0.35 * sizes(model)


def test_an_embedding_of_like_columns_has_one_scale(kinds: dict[str, ModelProto]) -> None:
    quantised = quantise_weights(kinds["lstm"])
    back = next(node for node in quantised.graph.node if node.op_type == "DequantizeLinear")
    scale = next(tensor for tensor in quantised.graph.initializer if tensor.name == back.input[1])
    assert not scale.dims
    assert error(kinds["lstm"], quantised, tokens(50)) < 0.05


def test_weights_alone_takes_large_layers_only() -> None:
    layers = random_layers(16, 256, 256, 4)
    quantised = quantise_weights(perceptron(layers), least=256 * 256)
    assert operators(quantised).count("MatMulNBits") == 1
    assert operators(quantised).count("MatMul") == 2


def test_weights_alone_passes_over_layers_narrower_than_a_block() -> None:
    quantised = quantise_weights(perceptron(random_layers(64, 300, 128, 4)))
    assert operators(quantised).count("MatMulNBits") == 1


def test_weights_alone_is_refused_where_no_layer_is_large() -> None:
    with pytest.raises(VariantRefused, match="no linear layer of 16,384 weights or more"):
        quantise_weights(perceptron(random_layers(16, 32, 4)))


@pytest.mark.parametrize("way", WAYS)
def test_a_graph_without_weights_is_refused(way: str) -> None:
    model = graph([helper.make_node("Relu", [FEATURES], ["out"], name="relu")], {}, ["n", 4])
    with pytest.raises(VariantRefused):
        WAYS[way](model, [{FEATURES: np.ones((4, 4), np.float32)}])


@pytest.mark.parametrize("calibration", [[], [{FEATURES: np.empty((0, 64), np.float32)}]])
def test_static_without_rows_is_refused(calibration: list[Feeds]) -> None:
    with pytest.raises(BadCalibration, match="no calibration rows"):
        quantise_static(perceptron(digits().layers), calibration)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_rows_that_are_not_finite_are_refused(wrong: float) -> None:
    rows = digits().train[:64].copy()
    rows[5, 5] = wrong
    with pytest.raises(BadCalibration, match="not a finite number"):
        quantise_static(perceptron(digits().layers), [{FEATURES: rows}])


def test_the_given_graph_is_not_touched() -> None:
    given = digits()
    model = perceptron(given.layers)
    before = model.SerializeToString(deterministic=True)
    for quantise in WAYS.values():
        quantise(model, given.calibration)
    assert model.SerializeToString(deterministic=True) == before


def test_no_file_is_left_and_nothing_is_logged_or_printed(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    kinds: dict[str, ModelProto],
) -> None:
    before, handlers = tempfile.tempdir, list(logging.getLogger().handlers)
    tempfile.tempdir = str(tmp_path)
    try:
        for kind, feed in FEEDS.items():
            quantise_static(kinds[kind], [feed(16)])
        quantise_dynamic(kinds["encoder"])
        quantise_weights(kinds["encoder"], least=1024)
    finally:
        tempfile.tempdir = before
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []
    assert logging.getLogger().handlers == handlers


def test_words_tell_share_and_size() -> None:
    given = digits()
    model = perceptron(given.layers)
    told = in_words(model, quantise_dynamic(model))
    assert re.fullmatch(r"100% of the weights are in 8 bits, the model takes 0\.\d+ of its size", told)
    assert in_words(model, model) == "0% of the weights are in 8 bits, the model takes 1.00 of its size"


def test_coverage_counts_the_weights_that_were_floats() -> None:
    given = digits()
    model = perceptron(given.layers)
    quantised = quantise_static(model, given.calibration, exclude={"layer_1"})
    kept = 128 * 128 / (64 * 128 + 128 * 128 + 128 * 10)
    assert coverage(model, quantised) == pytest.approx(1 - kept)
    assert len(eight_bit(quantised)) == 2


def test_what_is_said_of_other_machines_fits_the_bits_used() -> None:
    assert ("7 of 8 bits" if weights_reduced() else "all 8 bits") in portability()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["table", "lstm", "encoder", "resnet", "conv", "all, encoder"])
def test_exported_networks_are_quantised_and_equalised(name: str) -> None:
    found = network(name)
    layout = found.spec.layout
    core = export_network(found)
    feeds = [core_feeds(rows(name, 64, seed), layout) for seed in range(2)]
    fresh = core_feeds(rows(name, 40, 9), layout)
    changed, _ = equalise(core.model)
    assert answers(changed, fresh) == pytest.approx(answers(core.model, fresh), rel=1e-4, abs=1e-7)
    for model in (core.model, changed):
        quantised = quantise_static(model, feeds)
        assert coverage(core.model, quantised) > 0.5
        assert np.abs(answers(quantised, fresh) - answers(core.model, fresh)).max() < 0.05
