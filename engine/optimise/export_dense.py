"""Cores over the feature matrix as a whole: what trees, linear models and baselines are written as."""

import onnx
from onnx import ModelProto, TensorProto, helper

from engine.optimise.core import ANSWER, FEATURES, OPSET, TREES_OPSET, Core
from engine.optimise.graph import ML, Graph

IR_VERSION = 10
"""The format of the file itself: the oldest that has both operator sets."""
ROWS = "rows"
"""The axis of rows, whose length is open."""


def dense_core(graph: Graph, answer: str, width: int, outputs: int, exporter: str, notes: tuple[str, ...] = ()) -> Core:
    """The core whose answer float64 (rows, outputs) the graph computes of FEATURES float32 (rows, width)."""
    name_answer(graph, answer)
    features = helper.make_tensor_value_info(FEATURES, TensorProto.FLOAT, [ROWS, width])
    proto = helper.make_graph(graph.nodes, exporter, [features], [answer_info(outputs)], graph.initialisers)
    return Core(checked(helper.make_model(proto, opset_imports=opsets(), ir_version=IR_VERSION)), exporter, notes)


def name_answer(graph: Graph, answer: str) -> None:
    """Let the last node, which computes `answer`, call it ANSWER."""
    assert list(graph.nodes[-1].output) == [answer]
    graph.nodes[-1].output[0] = ANSWER


def answer_info(outputs: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(ANSWER, TensorProto.DOUBLE, [ROWS, outputs])


def opsets() -> list[onnx.OperatorSetIdProto]:
    return [helper.make_opsetid("", OPSET), helper.make_opsetid(ML, TREES_OPSET)]


def checked(model: ModelProto) -> ModelProto:
    """The model, after ONNX's own checker.

    Raises:
        onnx.checker.ValidationError: it was put together wrongly.
    """
    onnx.checker.check_model(model)
    return model
