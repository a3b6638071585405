"""How large a network is and how much it computes, counted and not guessed."""

from collections.abc import Callable
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from engine.features_layout import TextBlock
from engine.models.network import Network
from engine.nets.attention import MultiHeadAttention


class Size(BaseModel):
    """`parameters` counts the learned numbers, `multiply_adds` those of one row whose texts have their full length.

    Counted are matrix products and convolutions; norms, activations and look-ups are left out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    parameters: int
    multiply_adds: int


def size_of(network: Network) -> Size:
    """Measure by letting the network answer one row."""
    net, counted = network.net, [0]
    modes = {module: module.training for module in net.modules()}
    hooks = [
        module.register_forward_hook(_adding(count, counted))
        for module in net.modules()
        if (count := _COUNTS.get(type(module))) is not None
    ]
    try:
        with torch.inference_mode():
            net.eval()(full_row(network).to(next(net.parameters()).device))
    finally:
        for hook in hooks:
            hook.remove()
        for module, mode in modes.items():
            module.training = mode
    return Size(parameters=sum(weight.numel() for weight in net.parameters()), multiply_adds=counted[0])


def full_row(network: Network) -> Tensor:
    """One row (1, width) with a token in every place of every text, zeros else."""
    layout = network.spec.layout
    row = torch.zeros(1, max(block.stop for block in layout))
    for block in layout:
        if isinstance(block, TextBlock):
            row[:, block.start : block.stop] = 1
    return row


Count = Callable[[nn.Module, Tensor, Tensor], int]


def _adding(count: Count, counted: list[int]) -> Callable[[nn.Module, Any, Any], None]:
    def add(module: nn.Module, inputs: Any, output: Any) -> None:  # noqa: ANN401
        counted[0] += count(module, inputs[0], output[0] if isinstance(output, tuple) else output)

    return add


def _linear(module: nn.Module, _: Tensor, output: Tensor) -> int:
    return int(output.numel() * module.in_features)


def _conv(module: nn.Module, _: Tensor, output: Tensor) -> int:
    return int(output.numel() * module.weight[0].numel())


def _lstm(module: nn.Module, inputs: Tensor, _: Tensor) -> int:
    places = inputs.shape[0] * inputs.shape[1]
    return int(places * (module.weight_ih_l0.numel() + module.weight_hh_l0.numel()))


def _attention(module: nn.Module, inputs: Tensor, _: Tensor) -> int:
    """The three projections, and queries with keys and weights with values; the last projection counts itself."""
    rows, length = inputs.shape[:2]
    return int(rows * length * module.in_proj_weight.numel() + 2 * rows * length**2 * module.width)


_COUNTS: dict[type, Count] = {nn.Linear: _linear, nn.Conv2d: _conv, nn.LSTM: _lstm, MultiHeadAttention: _attention}
