"""What quantisation needs to know of an ONNX graph, and the clean-up that comes before it."""

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, load, numpy_helper, shape_inference

_FATAL = 4
_EIGHT_BITS = (TensorProto.INT8, TensorProto.UINT8)


@dataclass(frozen=True)
class View:
    """A graph's tables, taken once; they do not follow later changes of the graph.

    Attributes:
        initialisers: constant tensors by name.
        producers: the node that makes each tensor.
        uses: how often each tensor is an input of a node (of a node's own graphs too) or an output of the graph.
        ranks: how many axes a tensor has, and
        types: its element type (`TensorProto.FLOAT` ...), where they are known.
    """

    initialisers: dict[str, TensorProto]
    producers: dict[str, NodeProto]
    uses: Counter[str]
    ranks: dict[str, int]
    types: dict[str, int]


def view(model: ModelProto) -> View:
    graph = model.graph
    known = [*graph.value_info, *graph.input, *graph.output]
    uses = Counter(_inputs(graph))
    uses.update(value.name for value in graph.output)
    initialisers = {tensor.name: tensor for tensor in graph.initializer}
    return View(
        initialisers=initialisers,
        producers={name: node for node in graph.node for name in node.output},
        uses=uses,
        ranks={value.name: len(value.type.tensor_type.shape.dim) for value in known if _has_shape(value)}
        | {name: len(tensor.dims) for name, tensor in initialisers.items()},
        types={value.name: value.type.tensor_type.elem_type for value in known},
    )


def prepare(model: ModelProto) -> ModelProto:
    """A copy with constants folded, BatchNorm folded into convolutions, shapes inferred and every node named.

    ONNX Runtime's own basic optimisations, which use standard operators alone; the same as `quant_pre_process` of its
    quantisation tools but for the symbolic shapes. Inputs, outputs and their open axes stay. Doing it twice is as
    doing it once.
    """
    with tempfile.TemporaryDirectory(prefix="millwright-") as folder:
        path = Path(folder) / "prepared.onnx"
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(path)
        options.log_severity_level = _FATAL
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        prepared = shape_inference.infer_shapes(load(path))
    _name_nodes(prepared)
    _forget_unused_domains(prepared)
    return prepared


def tidy(model: ModelProto) -> ModelProto:
    """The model itself without what quantisation's tools leave in it: unused constants, their marks, stale shapes."""
    used = {name for node in model.graph.node for name in node.input} | {value.name for value in model.graph.output}
    kept = [tensor for tensor in model.graph.initializer if tensor.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    del model.graph.value_info[:]
    marks = [entry for entry in model.metadata_props if not entry.key.startswith(("onnx.infer", "onnx.quant"))]
    del model.metadata_props[:]
    model.metadata_props.extend(marks)
    _forget_unused_domains(model)
    return model


def array(tensor: TensorProto) -> NDArray[Any]:
    return np.asarray(numpy_helper.to_array(tensor))


def replace_initialiser(model: ModelProto, name: str, value: NDArray[Any]) -> None:
    """Give a constant another value of the same name."""
    for tensor in model.graph.initializer:
        if tensor.name == name:
            tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(value), name))


def attribute(node: NodeProto, name: str, default: int) -> int:
    """A whole number that a node is told."""
    return next((int(entry.i) for entry in node.attribute if entry.name == name), default)


def sizes(model: ModelProto) -> int:
    """Bytes of a model as a file."""
    return int(model.ByteSize())


def coverage(before: ModelProto, after: ModelProto) -> float:
    """The share of the weights of `before` (constants of two axes and more) that `after` has in 8 bits, 0 to 1."""
    floats = sum(_elements(before, (TensorProto.FLOAT,)))
    return min(1.0, sum(_elements(after, _EIGHT_BITS)) / floats) if floats else 0.0


def in_words(before: ModelProto, after: ModelProto) -> str:
    """'93 % of the weights are in 8 bits, the model takes 0.28 of its size'."""
    share, size = coverage(before, after), sizes(after) / sizes(before)
    return f"{share:.0%} of the weights are in 8 bits, the model takes {size:.2f} of its size"


def _elements(model: ModelProto, types: Iterable[int]) -> list[int]:
    wanted = set(types)
    return [
        int(np.prod(tensor.dims, dtype=np.int64))
        for tensor in model.graph.initializer
        if tensor.data_type in wanted and len(tensor.dims) > 1
    ]


def _inputs(graph: GraphProto) -> Iterator[str]:
    for node in graph.node:
        yield from node.input
        for entry in node.attribute:
            for inner in (entry.g, *entry.graphs):
                yield from _inputs(inner)


def _has_shape(value: Any) -> bool:  # noqa: ANN401
    return bool(value.type.tensor_type.HasField("shape"))


def _name_nodes(model: ModelProto) -> None:
    taken = {node.name for node in model.graph.node}
    for place, node in enumerate(model.graph.node):
        if not node.name:
            name = f"{node.op_type}_{place}"
            while name in taken:
                name += "_"
            taken.add(name)
            node.name = name


def _forget_unused_domains(model: ModelProto) -> None:
    used = {node.domain for node in model.graph.node} | {""}
    kept = [entry for entry in model.opset_import if entry.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)
