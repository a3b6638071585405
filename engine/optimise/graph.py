"""Building an ONNX graph node by node. What was added once is not added again, so parts that members share are one."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

ML = "ai.onnx.ml"
"""The domain of LabelEncoder and of the trees."""

Attribute: TypeAlias = int | float | str | list[int] | list[str]


class Graph:
    """Nodes in the order in which they were added, and their constants. Names start with `prefix`."""

    def __init__(self, prefix: str) -> None:
        self.nodes: list[NodeProto] = []
        self.initialisers: list[TensorProto] = []
        self._prefix = prefix
        self._known: dict[tuple[object, ...], str] = {}

    def add(self, op: str, *inputs: str, domain: str = "", **attributes: Attribute) -> str:
        """The name of the one output of a node; of the node that was there if it is the same."""
        key = (op, domain, inputs, repr(sorted(attributes.items())))
        if key not in self._known:
            name = f"{self._prefix}/{op}_{len(self.nodes)}"
            self._known[key] = name
            node = helper.make_node(op, list(inputs), [name], name=name, domain=domain)
            node.attribute.extend(helper.make_attribute(what, value) for what, value in sorted(attributes.items()))
            self.nodes.append(node)
        return self._known[key]

    def constant(self, value: NDArray[Any]) -> str:
        """The name of an initialiser of this value."""
        key = ("constant", value.dtype.str, value.shape, value.tobytes())
        if key not in self._known:
            name = f"{self._prefix}/constant_{len(self.initialisers)}"
            self._known[key] = name
            self.initialisers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return self._known[key]

    def doubles(self, values: Sequence[float]) -> str:
        """A row of float64 (1, n), or a scalar for one value."""
        row = np.asarray(values, dtype=np.float64)
        return self.constant(row.reshape(()) if len(row) == 1 else row[None, :])

    def whole(self, values: Sequence[int] | int) -> str:
        """int64 (n,), or a scalar."""
        return self.constant(np.asarray(values, dtype=np.int64))

    def to_float32(self, tensor: str) -> str:
        return self.add("Cast", tensor, to=TensorProto.FLOAT)

    def to_float64(self, tensor: str) -> str:
        return self.add("Cast", tensor, to=TensorProto.DOUBLE)

    def pick(self, tensor: str, places: Sequence[int], width: int) -> str:
        """The columns at `places` of a tensor that has `width`; the tensor itself when that is all in their order."""
        if tuple(places) == tuple(range(width)):
            return tensor
        return self.add("Gather", tensor, self.whole(places), axis=1)

    def side_by_side(self, tensors: Sequence[str]) -> str:
        """Tensors (rows, .) put together along their columns."""
        return tensors[0] if len(tensors) == 1 else self.add("Concat", *tensors, axis=1)
