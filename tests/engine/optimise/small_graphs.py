"""Small ONNX graphs: linear layers by hand, torch modules by the older exporter, and digits with planted outliers."""

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
import onnx
import torch
from onnx import ModelProto, TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

from engine.optimise.core import ANSWER, FEATURES, OPSET
from engine.serving.runtime import Feeds
from engine.serving.session import open_session
from engine.serving.session_settings import SessionSettings

Layer = tuple[np.ndarray, np.ndarray]
"""Weights (inputs, outputs) and biases (outputs,)."""


def answers(model: ModelProto, feeds: Feeds) -> np.ndarray:
    return np.asarray(open_session(model.SerializeToString(), SessionSettings()).run(None, feeds)[0])


def operators(model: ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def graph(nodes: Sequence[onnx.NodeProto], constants: dict[str, np.ndarray], shape: Sequence[str | int]) -> ModelProto:
    """From FEATURES float32 of `shape` to the last node's output, cast to a float64 ANSWER."""
    cast = helper.make_node("Cast", [nodes[-1].output[0]], [ANSWER], name="to_answer", to=TensorProto.DOUBLE)
    made = helper.make_graph(
        [*nodes, cast],
        "small",
        [helper.make_tensor_value_info(FEATURES, TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(ANSWER, TensorProto.DOUBLE, ["n", None])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)


def perceptron(layers: Sequence[Layer], *, gemm: bool = True, between: str = "Relu") -> ModelProto:
    """FEATURES (n, inputs), linear layers with `between` after all but the last, Softmax in float64 as cores have it.

    `gemm` False writes MatMul and Add, with the bias first.
    """
    nodes, tensor = [], FEATURES
    constants: dict[str, np.ndarray] = {}
    for place, (weights, biases) in enumerate(layers):
        result, name = f"linear_{place}", f"layer_{place}"
        constants |= {f"w{place}": weights.T if gemm else weights, f"b{place}": biases}
        if gemm:
            nodes.append(helper.make_node("Gemm", [tensor, f"w{place}", f"b{place}"], [result], name=name, transB=1))
        else:
            nodes.append(helper.make_node("MatMul", [tensor, f"w{place}"], [f"{result}_raw"], name=name))
            nodes.append(helper.make_node("Add", [f"b{place}", f"{result}_raw"], [result], name=f"{name}_bias"))
        tensor = result
        if place < len(layers) - 1:
            tensor = f"{result}_out"
            nodes.append(helper.make_node(between, [result], [tensor], name=f"{name}_out"))
    nodes.append(helper.make_node("Cast", [tensor], ["logits"], name="cast", to=TensorProto.DOUBLE))
    nodes.append(helper.make_node("Softmax", ["logits"], ["probabilities"], name="softmax", axis=-1))
    floats = {name: np.ascontiguousarray(value, dtype=np.float32) for name, value in constants.items()}
    return graph(nodes, floats, ["n", layers[0][0].shape[0]])


def random_layers(*widths: int, seed: int = 0) -> list[Layer]:
    rng = np.random.default_rng(seed)
    return [
        (rng.normal(size=(before, after)) / before**0.5, rng.normal(size=after) * 0.1)
        for before, after in pairwise(widths)
    ]


def plant(layers: Sequence[Layer], scale: float, *, after: int = 0, unit: int = 3) -> list[Layer]:
    """The same function: one unit after layer `after` is made `scale` times as large, and as much smaller again."""
    planted = [(weights.copy(), biases.copy()) for weights, biases in layers]
    planted[after][0][:, unit] *= scale
    planted[after][1][unit] *= scale
    planted[after + 1][0][unit] /= scale
    return planted


def exported(module: nn.Module, feeds: Feeds) -> ModelProto:
    """A torch module in eval mode: inputs in their order to float64; axes of rows, and of tokens, are open."""
    axes = {name: {0: "n", **({1: "length"} if values.dtype == np.int64 else {})} for name, values in feeds.items()}
    written = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(), tuple(map(torch.from_numpy, feeds.values())), written, dynamo=False,
            input_names=list(feeds), output_names=[ANSWER], opset_version=OPSET,
            dynamic_axes={**axes, ANSWER: {0: "n"}},
        )  # fmt: skip
    return onnx.load_from_string(written.getvalue())


class Answering(nn.Module):
    """A trunk with `features`, a linear head, and Softmax in float64."""

    def __init__(self, trunk: nn.Module, classes: int = 5) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = nn.Linear(trunk.features, classes)

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        return self.head(self.trunk(given)).double().softmax(dim=-1)


@dataclass(frozen=True)
class Digits:
    """A perceptron that tells digits apart, and the digits."""

    layers: list[Layer]
    train: np.ndarray
    test: np.ndarray
    y_test: np.ndarray

    def accuracy(self, model: ModelProto) -> float:
        return float((answers(model, {FEATURES: self.test}).argmax(axis=1) == self.y_test).mean())

    @property
    def calibration(self) -> list[Feeds]:
        return [{FEATURES: self.train[start : start + 64]} for start in range(0, 256, 64)]


@cache
def digits(hidden: tuple[int, ...] = (128, 128), activation: str = "relu") -> Digits:
    x, y = load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(
        (x / 16).astype(np.float32), y, test_size=0.4, random_state=0, stratify=y
    )
    return Digits(_trained(x_train, y_train, hidden, activation), x_train, x_test, y_test)


def _trained(x: np.ndarray, y: np.ndarray, hidden: tuple[int, ...], activation: str) -> list[Layer]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        widths = (x.shape[1], *hidden, 10)
        linear = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(widths))
        optimiser = torch.optim.Adam(linear.parameters(), lr=3e-3)
        rows, labels = torch.from_numpy(x), torch.from_numpy(y)
        for _ in range(40):
            for batch in torch.randperm(len(rows)).split(128):
                hidden_values = rows[batch]
                for layer in linear[:-1]:
                    hidden_values = getattr(torch, activation)(layer(hidden_values))
                optimiser.zero_grad()
                nn.functional.cross_entropy(linear[-1](hidden_values), labels[batch]).backward()
                optimiser.step()
    return [(layer.weight.detach().numpy().T.copy(), layer.bias.detach().numpy().copy()) for layer in linear]
