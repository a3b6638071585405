"""Cross-layer equalisation: the same function with weights that 8 bits can hold.

Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction", section 4.1: where channel
i of one layer goes through functions with f(k x) = k f(x) into the next one, the first layer's weights of that channel
can be multiplied by k and the second one's divided by it. With r1 and r2 the greatest weights of the channel on either
side, k = sqrt(r1 r2) / r1 makes both ranges equal, so that no channel drowns the others.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, numpy_helper

from engine.optimise.quantise_graph import View, array, attribute, prepare, replace_initialiser, view

MOST_ROUNDS = 60
CONVERGED = 0.01
"""Greatest change of a scale, as its logarithm, at which nothing moves any more."""
NORMED_DEVIATIONS = 3.0
"""A normalised value seldom leaves this many deviations: what a norm's scale is multiplied by for its range."""
SMALLEST, GREATEST = 1e-8, 1e8

_POINTWISE = frozenset({"Relu", "LeakyRelu", "Identity", "Dropout"})
_POOLING = frozenset({"MaxPool", "AveragePool", "GlobalAveragePool"})

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scaled:
    """A constant that is multiplied by k (or divided by it) along one of its axes."""

    name: str
    axis: int


@dataclass(frozen=True)
class Pair:
    """Two layers with nothing but positively homogeneous functions between them.

    Attributes:
        first: weights of the earlier layer, whose output channels lie along the axis.
        shifts: biases and other constants added between the two.
        seconds: weights of the later layers, whose input channels lie along the axis: one, or several that all take
            the same tensor (query, key and value of an attention).
        channels: how many there are.
        norm: whether `first` is the scale of a norm, one number a channel.
    """

    first: Scaled
    shifts: tuple[Scaled, ...]
    seconds: tuple[Scaled, ...]
    channels: int
    norm: bool


def equalise(model: ModelProto) -> tuple[ModelProto, int]:
    """A prepared copy (see `prepare`) with equalised weights, and how many pairs of layers there were.

    Pairs are a linear layer, convolution or the scale of a norm, then Relu, LeakyRelu or pooling (or nothing), then a
    linear layer or convolution of one group (or several such with the same input), where nothing else uses what is
    between them. The answers stay what they
    were, but for rounding in 32 bits. All pairs are scaled in turn until nothing moves.
    """
    changed = copy.deepcopy(prepare(model))
    _unshare(changed)
    pairs = _pairs(changed)
    values = {name: array(tensor).astype(np.float64) for name, tensor in view(changed).initialisers.items()
              if name in {scaled.name for pair in pairs for scaled in _constants(pair)}}  # fmt: skip
    for _ in range(MOST_ROUNDS):
        moved = [_scale(values, pair) for pair in pairs]
        if max(moved, default=0.0) < CONVERGED:
            break
    for name, value in values.items():
        replace_initialiser(changed, name, value.astype(np.float32))
    return changed, len(pairs)


def _scale(values: dict[str, Floats], pair: Pair) -> float:
    """Equalise one pair; the greatest logarithm of a scale."""
    before = _range(values[pair.first.name], pair.first.axis) * (NORMED_DEVIATIONS if pair.norm else 1.0)
    if pair.norm:
        before += sum(_range(values[shift.name], shift.axis) for shift in pair.shifts)
    after = np.max([_range(values[second.name], second.axis) for second in pair.seconds], axis=0)
    alive = (before > 0) & (after > 0)
    # a channel without weights on one side has nothing to equalise
    k = np.ones(pair.channels)
    k[alive] = np.clip(np.sqrt(before[alive] * after[alive]) / before[alive], SMALLEST, GREATEST)
    for scaled in (pair.first, *pair.shifts):
        values[scaled.name] *= _along(k, values[scaled.name].ndim, scaled.axis)
    for second in pair.seconds:
        values[second.name] /= _along(k, values[second.name].ndim, second.axis)
    return float(np.abs(np.log(k)).max(initial=0.0))


def _range(values: Floats, axis: int) -> Floats:
    others = tuple(place for place in range(values.ndim) if place != axis)
    return np.asarray(np.abs(values).max(axis=others))


def _along(k: Floats, axes: int, axis: int) -> Floats:
    return k.reshape([-1 if place == axis else 1 for place in range(axes)])


def _unshare(model: ModelProto) -> None:
    """Give every use of a short constant (a bias, a scale) a constant of its own: exporters make equal ones one."""
    found, seen = view(model), set[str]()
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            tensor = found.initialisers.get(name)
            if tensor is None or found.uses[name] == 1 or np.prod(tensor.dims) != max(tensor.dims, default=0):
                continue
            if name in seen:
                own = f"{name}_of_{node.name}_{place}"
                model.graph.initializer.append(numpy_helper.from_array(array(tensor), own))
                node.input[place] = own
            seen.add(name)


def _pairs(model: ModelProto) -> list[Pair]:
    found = view(model)
    takers: dict[str, list[NodeProto]] = {}
    for node in model.graph.node:
        if _as_second(node, found) is not None:
            takers.setdefault(node.input[0], []).append(node)
    return [
        pair
        for tensor, nodes in takers.items()
        if len(nodes) == found.uses[tensor] and (pair := _pair_before(nodes, found)) is not None
    ]


def _pair_before(nodes: Sequence[NodeProto], found: View) -> Pair | None:
    """The pair whose later layers are `nodes`, which are all that take their input; None if there is none."""
    seconds = tuple(second for node in nodes if (second := _as_second(node, found)) is not None)
    sizes = [found.initialisers[second.name].dims for second in seconds]
    channels = {dims[second.axis] for dims, second in zip(sizes, seconds, strict=True)}
    # the axis of the channels among those of the activations, counted from the end
    places = {len(dims) - 2 if node.op_type == "Conv" else 0 for dims, node in zip(sizes, nodes, strict=True)}
    if len(channels) != 1 or len(places) != 1:
        return None
    (count,), (place,) = channels, places
    earlier, shifts = _walk_back(nodes[0].input[0], found, count, place)
    first = None if earlier is None else _as_first(earlier, found, count, place)
    bias = None if earlier is None else _bias(earlier, found, count)
    if earlier is None or first is None or bias is None:
        return None
    return Pair(first, (*bias, *shifts), seconds, count, norm=earlier.op_type not in {"Conv", "Gemm", "MatMul"})


def _walk_back(tensor: str, found: View, channels: int, place: int) -> tuple[NodeProto | None, list[Scaled]]:
    """The node before all that keeps scales as they are, and the constants added on the way; None if there is none.

    The users of `tensor` itself are known to be the later layers.
    """
    shifts: list[Scaled] = []
    last = tensor
    while True:
        node = found.producers.get(tensor)
        if node is None or (found.uses[tensor] != 1 and tensor != last):
            return None, shifts
        if node.op_type in _POINTWISE or (node.op_type in _POOLING and place):
            tensor = node.input[0]
        elif node.op_type == "Add" and (split := _constant_of(node, found, channels, place)):
            tensor, shift = split
            shifts.append(shift)
        else:
            return node, shifts


def _constant_of(node: NodeProto, found: View, channels: int, place: int) -> tuple[str, Scaled] | None:
    """Of a sum or product with a constant for each channel: the other tensor, and the constant."""
    for tensor, constant in (node.input, reversed(node.input)):
        weights = found.initialisers.get(constant)
        if weights is None or tensor in found.initialisers or weights.data_type != TensorProto.FLOAT:
            continue
        axis = len(weights.dims) - 1 - place
        alone = all(size == 1 for at, size in enumerate(weights.dims) if at != axis)
        if axis >= 0 and alone and weights.dims[axis] == channels:
            return tensor, Scaled(constant, axis)
    return None


def _as_second(node: NodeProto, found: View) -> Scaled | None:
    """The weights of a later layer, along its input channels."""
    weights = _weights(node, found, 1)
    if weights is None or node.input[0] in found.initialisers:
        return None
    if node.op_type == "Conv":
        return Scaled(weights.name, 1) if attribute(node, "group", 1) == 1 else None
    if node.op_type == "Gemm" and attribute(node, "transA", 0) == 0:
        return Scaled(weights.name, attribute(node, "transB", 0))
    return Scaled(weights.name, 0) if node.op_type == "MatMul" and len(weights.dims) == 2 else None


def _as_first(node: NodeProto, found: View, channels: int, place: int) -> Scaled | None:
    """The weights of an earlier layer along its output channels, or the scale of a norm."""
    if node.op_type == "Mul":
        split = _constant_of(node, found, channels, place)
        return None if split is None else split[1]
    weights, scaled = _weights(node, found, 1), None
    if weights is None:
        return None
    if node.op_type == "Conv" or (node.op_type == "BatchNormalization" and place):
        scaled = Scaled(weights.name, 0) if place else None
    elif node.op_type == "Gemm" and attribute(node, "transA", 0) == 0:
        scaled = Scaled(weights.name, 1 - attribute(node, "transB", 0))
    elif node.op_type == "MatMul" and len(weights.dims) == 2:
        scaled = Scaled(weights.name, 1)
    elif node.op_type == "LayerNormalization" and len(weights.dims) == 1 and len(node.output) == 1:
        scaled = Scaled(weights.name, 0)
    if scaled is None or weights.dims[scaled.axis] != channels or (place > 0) != _is_spatial(node, weights):
        return None
    return scaled


def _is_spatial(node: NodeProto, weights: TensorProto) -> bool:
    """Whether what a layer gives has its channels along axis 1, and places after them."""
    return node.op_type == "BatchNormalization" or (node.op_type == "Conv" and len(weights.dims) > 2)


def _weights(node: NodeProto, found: View, place: int) -> TensorProto | None:
    """A constant input of a node in float32; matrices must be its alone."""
    name = node.input[place] if len(node.input) > place else ""
    weights = found.initialisers.get(name)
    if weights is None or weights.data_type != TensorProto.FLOAT:
        return None
    return weights if len(weights.dims) == 1 or found.uses[name] == 1 else None


def _bias(node: NodeProto, found: View, channels: int) -> tuple[Scaled, ...] | None:
    """The bias that a node adds itself, if it has one; None where it cannot be scaled."""
    if node.op_type in {"MatMul", "Mul"} or len(node.input) < 3 or not node.input[2]:
        return ()
    bias = found.initialisers.get(node.input[2])
    if bias is None or bias.data_type != TensorProto.FLOAT or not bias.dims or bias.dims[-1] != channels:
        return None
    return (Scaled(bias.name, len(bias.dims) - 1),) if int(np.prod(bias.dims)) == channels else None


def _constants(pair: Pair) -> tuple[Scaled, ...]:
    return pair.first, *pair.shifts, *pair.seconds
