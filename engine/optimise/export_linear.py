"""Linear models and baselines as ONNX graphs."""

import numpy as np

from engine.models.dummy import Dummy
from engine.models.linear import Linear
from engine.optimise.core import FEATURES, Core
from engine.optimise.export_dense import dense_core
from engine.optimise.graph import Graph


def linear_core(linear: Linear, width: int) -> Core:
    """As `Linear.predict`: the product in float32, all that follows in float64."""
    graph = Graph("linear")
    weights = graph.constant(linear.coefficients.astype(np.float32))
    raw = graph.to_float64(graph.add("MatMul", FEATURES, weights))
    outputs = len(linear.intercept)
    answer = graph.add("Add", raw, graph.constant(linear.intercept.astype(np.float64)))
    if linear.regression:
        answer = graph.add("Mul", answer, graph.doubles([linear.scale]))
        answer = graph.add("Add", answer, graph.doubles([linear.centre]))
    else:
        answer = graph.add("Softmax", answer, axis=1)
    return dense_core(graph, answer, width, outputs, "linear")


def dummy_core(dummy: Dummy, width: int) -> Core:
    """The same answer for every row; the features only say how many there are."""
    graph = Graph("dummy")
    rows = graph.add("Shape", FEATURES, start=0, end=1)
    shape = graph.add("Concat", rows, graph.whole([len(dummy.values)]), axis=0)
    answer = graph.add("Expand", graph.constant(np.asarray(dummy.values, dtype=np.float64)[None, :]), shape)
    return dense_core(graph, answer, width, len(dummy.values), "constant")
