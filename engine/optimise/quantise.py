"""Post-training quantisation of ONNX graphs to 8 bits: dynamic, static, and of the weights alone.

What is float64 stays as it is (the tools pass over it), so a graph's last steps from logits to answers are untouched.
Measured with ONNX Runtime 1.32 on a CPU with VNNI, one thread, beside the float graph: see each function.
"""

import copy
import logging
import platform
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, checker
from onnxruntime.quantization import CalibrationMethod, QuantType
from onnxruntime.quantization.calibrate import TensorData, TensorsData
from onnxruntime.quantization.onnx_model import ONNXModel
from onnxruntime.quantization.onnx_quantizer import ONNXQuantizer
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
from onnxruntime.quantization.quant_utils import QuantizationMode

from engine.optimise.errors import VariantRefused
from engine.optimise.quantise_graph import View, coverage, in_words, prepare, sizes, tidy, view
from engine.optimise.quantise_ranges import Extremes, Ranges, activation_extremes
from engine.optimise.quantise_tables import is_table, quantise_tables
from engine.serving.runtime import Feeds
from engine.serving.session import open_session
from engine.serving.session_settings import SessionSettings

__all__ = ["coverage", "in_words", "quantise_dynamic", "quantise_static", "quantise_weights", "sizes"]

WEIGHTED = ("Conv", "Gemm", "MatMul", "LSTM")
"""Nodes that hold weights and can be quantised statically (an LSTM by dynamic quantisation, as there is no other)."""
LEAST_LARGE = 128 * 128
"""Weights of a linear layer from which on it is worth quantising alone."""
LEAST_SHARE = 0.05
"""Of the weights in 8 bits, below which nothing was gained."""
BLOCK = 128
"""Weights with a common scale in weight-only quantisation."""

_DYNAMIC = ("MatMul", "Gemm", "LSTM", "Attention")
_BETWEEN = ("Relu", "MaxPool", "Add")
_STATIC = ("Conv", "Gemm", "MatMul", *_BETWEEN)
IMAGE_AXES = 4
_CPU_INFO = Path("/proc/cpuinfo")


def quantise_dynamic(model: ModelProto) -> ModelProto:
    """Weights of linear layers and LSTMs in 8 bits per channel, embeddings too; activations as they come, by batch.

    Never convolutions: ConvInteger is 3 to 6 times slower than floats. Tables, LSTMs and encoders of width 512 become
    two to three times as fast, of width 128 hardly any faster; all take about 0.26 of the size.

    Raises:
        VariantRefused: there is nothing in it that can be quantised so.
    """
    prepared = prepare(model)
    changed = copy.deepcopy(prepared)
    quantise_tables(changed)
    return _finished(prepared, _integer_operators(changed, _DYNAMIC, ()))


def quantise_static(model: ModelProto, calibration: Sequence[Feeds], *, exclude: Collection[str] = ()) -> ModelProto:
    """Weights and activations in 8 bits, the activations by ranges that `calibration` (batches of rows) shows.

    Activations are unsigned and weights signed (u8s8): for convolutions 3 to 4 times as fast as signed ones, linear
    layers are the same either way. Ranges go from the least to the greatest value: percentiles and entropy were no
    better by more than a tenth of the error and take far longer. What linear layers give stays a float, which is
    as fast and has up to a third less error; biases become whole numbers, without which nothing is faster at all.
    LSTMs are quantised as by `quantise_dynamic`, and so are embeddings. A ResNet becomes 2.2 times as fast and takes
    0.27 of the size; convolutions with group norm between them are slower in 8 bits (0.5 to 0.6).

    Args:
        exclude: names of nodes that stay as they are (see `quantisable`).

    Raises:
        BadCalibration: there are no rows, or an activation is not a finite number for them.
        VariantRefused: there is nothing left in it that can be quantised so.
    """
    prepared = prepare(model)
    return quantise_by_ranges(prepared, calibrated(prepared, calibration).ranges(), exclude)


def quantise_weights(model: ModelProto, *, least: int = LEAST_LARGE) -> ModelProto:
    """The weights of large linear layers in 8 bits, in blocks of 128 with one scale each; embeddings too.

    Large are those of `least` weights and 128 inputs, fewer of which would be padded. Activations need no ranges: a
    block of them is rounded to 8 bits as it comes (accuracy level 4 of MatMulNBits). Computing in floats instead is
    3 to 10 times slower than the float graph, and is not offered. For tables of width 256 and more the fastest of all
    at batch 1; at batch 32, and for sequences, hardly faster than floats. It has the least error.

    Raises:
        VariantRefused: no layer is large enough.
    """
    prepared = prepare(model)
    changed = copy.deepcopy(prepared)
    tables = quantise_tables(changed)
    nodes = ONNXModel(changed)
    nodes.replace_gemm_with_matmul()
    found = view(nodes.model)
    linear = [node for node in nodes.model.graph.node if node.op_type == "MatMul" and has_weights(node, found)]
    sizes_of = {node.name: found.initialisers[node.input[1]].dims for node in linear}
    # fewer inputs than a block would be padded to one
    small = [name for name, dims in sizes_of.items() if np.prod(dims) < least or dims[0] < BLOCK]
    if len(small) == len(linear) and not tables:
        raise VariantRefused(
            f"It has no linear layer of {least:,} weights or more, and smaller ones gain nothing.",
            "Take dynamic or static quantisation.",
        )
    return _finished(prepared, _in_blocks(nodes.model, small))


def _in_blocks(model: ModelProto, exclude: Sequence[str]) -> ModelProto:
    """The linear layers but those named in `exclude` as MatMulNBits of 8 bits."""
    with _silent_root():
        # imported here, since it sets logging up for the whole program where nobody has
        from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer

        config = DefaultWeightOnlyQuantConfig(
            block_size=BLOCK, is_symmetric=True, accuracy_level=4, bits=8, op_types_to_quantize=("MatMul",)
        )
        quantiser = MatMulNBitsQuantizer(model, algo_config=config, nodes_to_exclude=list(exclude))
        quantiser.process()
    changed: ModelProto = quantiser.model.model
    return changed


def quantise_by_ranges(
    prepared: ModelProto, ranges: Ranges, exclude: Collection[str] = (), *, least: float = LEAST_SHARE
) -> ModelProto:
    """What `quantise_static` does to a prepared graph whose ranges are known.

    Args:
        least: share of the weights that must be in 8 bits then.

    Raises:
        VariantRefused: there is nothing left in it that can be quantised so.
    """
    changed = copy.deepcopy(prepared)
    quantise_tables(changed, exclude)
    chosen = _static_nodes(changed, exclude)
    if chosen:
        options = {"MatMulConstBOnly": True, "OpTypesToExcludeOutputQuantization": ["Gemm", "MatMul"]}
        data = {
            name: TensorData(lowest=np.float32(low), highest=np.float32(high)) for name, (low, high) in ranges.items()
        }
        quantiser = QDQQuantizer(
            changed, True, weights_reduced(), QuantType.QInt8, QuantType.QUInt8,
            TensorsData(CalibrationMethod.MinMax, data), chosen, [], list(_STATIC), options,
        )  # fmt: skip
        with _silent_root():
            changed = quantiser.quantize_model()
    return _finished(prepared, _integer_operators(changed, ("LSTM",), exclude), least)


def calibrated(prepared: ModelProto, calibration: Sequence[Feeds]) -> Extremes:
    """What activations are like, for the ranges that `quantise_by_ranges` needs.

    Raises:
        BadCalibration: there are no rows, or an activation is not a finite number for them.
    """
    found, chosen = view(prepared), set(_static_nodes(prepared, ()))
    tensors = (name for node in prepared.graph.node if node.name in chosen for name in (*node.input, *node.output))
    names = [name for name in dict.fromkeys(tensors) if name not in found.initialisers]
    return activation_extremes(prepared, names, calibration)


def quantisable(prepared: ModelProto) -> list[str]:
    """Names of the nodes with weights that static quantisation changes, in the graph's order."""
    found = view(prepared)
    return [node.name for node in prepared.graph.node if has_weights(node, found) or is_table(node, found)]


def has_weights(node: NodeProto, found: View) -> bool:
    """Whether a node multiplies by float weights that are constants of the graph."""
    weights = found.initialisers.get(node.input[1]) if node.op_type in WEIGHTED else None
    return weights is not None and weights.data_type == TensorProto.FLOAT


@cache
def weights_reduced() -> bool:
    """Whether weights may use 7 bits only, since this CPU might add two products to more than it can hold.

    Without VNNI instructions u8s8 products are added in 16 bits, which 8-bit weights can exceed without a word
    (vpmaddubsw saturates). Seven bits cost nothing but rounding: 1.2 times the error for linear layers, 2 times for
    convolutions. CPUs by ARM add in 32 bits. What is not known counts as without.
    """
    if platform.machine().lower() in {"aarch64", "arm64"}:
        return False
    try:
        return not re.search(r"\b(avx512_vnni|avx_vnni)\b", _CPU_INFO.read_text(encoding="utf-8"))
    except OSError:
        return True


def portability() -> str:
    """What to say of other machines to who takes a dynamically or statically quantised graph there."""
    if weights_reduced():
        return "Its weights use 7 of 8 bits, since this CPU has no VNNI instructions; it answers alike on others."
    return "Its weights use all 8 bits: on an x86 CPU without VNNI instructions sums may overflow and answers differ."


def _static_nodes(model: ModelProto, exclude: Collection[str]) -> list[str]:
    """Names of what is quantised: layers with weights, and what stands between the convolutions of images."""
    found = view(model)
    layers, between = [], []
    images = set[str]()
    for node in model.graph.node:
        layer = node.op_type != "LSTM" and has_weights(node, found)
        if node.op_type == "Conv" or images.intersection(node.input):
            images.update(node.output)
        if node.name in exclude or not _is_float(node, found):
            continue
        if layer:
            layers.append(node.name)
        elif node.op_type in _BETWEEN and node.output[0] in images and found.ranks.get(node.output[0]) == IMAGE_AXES:
            between.append(node.name)
    return [*layers, *between] if layers else []


def _is_float(node: NodeProto, found: View) -> bool:
    """Whether all that goes in and comes out is known to be float32."""
    return all(
        found.initialisers[name].data_type == TensorProto.FLOAT
        if name in found.initialisers
        else found.types.get(name) == TensorProto.FLOAT
        for name in (*node.input, *node.output)
        if name
    )


def _integer_operators(model: ModelProto, operators: Sequence[str], exclude: Collection[str]) -> ModelProto:
    """Dynamic quantisation of nodes of these operators."""
    if not any(node.op_type in operators and node.name not in exclude for node in model.graph.node):
        return model
    quantiser = ONNXQuantizer(
        model, True, weights_reduced(), QuantizationMode.IntegerOps, False, QuantType.QInt8, QuantType.QUInt8, None,
        [], list(exclude), list(operators), {"MatMulConstBOnly": True},
    )  # fmt: skip
    with _silent_root():
        changed: ModelProto = quantiser.quantize_model()
    return changed


def _finished(prepared: ModelProto, changed: ModelProto, least: float = LEAST_SHARE) -> ModelProto:
    """The quantised graph, if it is one and can be run."""
    nodes = ONNXModel(changed)
    nodes.topological_sort()
    changed = tidy(nodes.model)
    share = coverage(prepared, changed)
    if share < least:
        raise VariantRefused(
            f"{share:.0%} of its weights are in layers that can be quantised this way, which changes nothing.",
            "Take static quantisation where it has convolutions, else the model as it is.",
        )
    checker.check_model(changed)
    open_session(changed.SerializeToString(), SessionSettings())
    return changed


@contextmanager
def _silent_root() -> Iterator[None]:
    """The tools speak through the root logger itself, and would set logging up where nobody has."""
    root, handler = logging.getLogger(), logging.NullHandler()

    def nothing(_: logging.LogRecord) -> bool:
        return False

    root.addHandler(handler)
    root.addFilter(nothing)
    try:
        yield
    finally:
        root.removeFilter(nothing)
        root.removeHandler(handler)
