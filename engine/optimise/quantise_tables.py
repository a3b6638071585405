"""Embeddings in 8 bits: tables that are looked up, not multiplied."""

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from engine.optimise.quantise_graph import View, array, attribute, view

LEAST_TABLE = 4096
"""Elements; a smaller table saves less than the node that turns its rows back into numbers takes."""
MOST_APART = 8.0
"""How much smaller than the largest column another may be under one scale, which costs it three of its eight bits."""

_LARGEST = 127


def quantise_tables(model: ModelProto, exclude: Collection[str] = ()) -> int:
    """Change, in place, every large float table that rows are looked up in (Gather, axis 0) to 8 bits.

    The rows that were looked up are turned back into floats, by one scale: that takes no longer than looking up floats
    does. Where columns are too unlike for one scale, each has its own, which takes twice as long. A table that serves
    anything else too stays as it is, and so do nodes named in `exclude`. Gives how many there were.
    """
    found, graph = view(model), model.graph
    changed = 0
    for place, node in reversed(list(enumerate(graph.node))):
        if node.name in exclude or not is_table(node, found):
            continue
        table, looked_up = found.initialisers[node.input[0]], f"{node.output[0]}_8bit"
        numbers, scale = _rounded(array(table))
        names = f"{table.name}_8bit", f"{table.name}_8bit_scale"
        graph.initializer.remove(table)
        graph.initializer.extend([numpy_helper.from_array(numbers, names[0]), numpy_helper.from_array(scale, names[1])])
        back = _back(node.name, looked_up, names[1], node.output[0], one_scale=scale.ndim == 0)
        node.input[0], node.output[0] = names[0], looked_up
        for step in reversed(back):
            graph.node.insert(place + 1, step)
        changed += 1
    return changed


def is_table(node: NodeProto, found: View) -> bool:
    """Whether a node looks up rows of a float table that is large enough and used nowhere else."""
    table = found.initialisers.get(node.input[0]) if node.op_type == "Gather" else None
    return (
        table is not None
        and table.data_type == TensorProto.FLOAT
        and len(table.dims) == 2
        and bool(np.prod(table.dims) >= LEAST_TABLE)
        and attribute(node, "axis", 0) == 0
        and found.uses[table.name] == 1
    )


def _rounded(values: NDArray[Any]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """The table (rows, columns) in whole numbers, and its scale, () or (columns,)."""
    largest = np.abs(values).max(axis=0)
    common = largest.max()
    # a column of zeros goes with any scale
    largest[largest == 0] = common
    scale = (largest if common > MOST_APART * largest.min() else common) / _LARGEST if common > 0 else np.float32(1.0)
    return _numbers(values, np.asarray(scale)).astype(np.int8), np.asarray(scale, dtype=np.float32)


def _numbers(values: NDArray[Any], scale: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.clip(np.rint(values / scale), -_LARGEST, _LARGEST)


def _back(name: str, looked_up: str, scale: str, result: str, *, one_scale: bool) -> list[NodeProto]:
    """From whole numbers to floats. DequantizeLinear along an axis would take three times as long as the product."""
    if one_scale:
        return [helper.make_node("DequantizeLinear", [looked_up, scale], [result], name=f"{name}_back")]
    floats = f"{looked_up}_float"
    return [
        helper.make_node("Cast", [looked_up], [floats], name=f"{name}_float", to=TensorProto.FLOAT),
        helper.make_node("Mul", [floats, scale], [result], name=f"{name}_back"),
    ]
