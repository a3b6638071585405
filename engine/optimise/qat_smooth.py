"""Moving large activations into the weights that read them, so that 8 bits hold both; the answers stay the same."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from engine.nets.encoder import EncoderLayer
from engine.nets.mixed import MixedNet
from engine.nets.resnet import BasicBlock
from engine.nets.tabular import MlpBlock

LEAST = 1e-5
"""Values and weights below which a unit counts as if it were silent: its scale stays."""
MOST = 1e4
AT_ONCE = 256


def smooth(net: MixedNet, rows: Tensor) -> None:
    """Scale what layers give so that its range in every place is that of the weights by which it is read.

    With s = sqrt(max|x| / max|w|) for a place x and its column w of the next layer, the one is divided by s and the
    other multiplied (SmoothQuant, Xiao et al. 2023, eq. 4 with alpha = 0.5), which the norm or the layer before does in
    its weights: between the two there is nothing or a ReLU. One unit that is far larger than all others, and would
    leave them no steps of the 256, is no longer so.

    Args:
        rows: features (n, width) whose ranges count, on the device of the net.
    """
    pairs = list(_pairs(net))
    with torch.no_grad():
        # what one pair changes between its two modules, no other module sees
        seen = _greatest(net, [reader for _, reader, _ in pairs], rows)
        for writer, reader, weight in pairs:
            read = getattr(reader, weight)
            columns = read.abs().movedim(1, 0).flatten(1).amax(dim=1)
            usable = (seen[reader] > LEAST) & (columns > LEAST)
            scale = torch.where(usable, (seen[reader] / columns).sqrt(), 1.0).clamp(1 / MOST, MOST)
            writer.weight.div_(scale.view(-1, *[1] * (writer.weight.ndim - 1)))
            if writer.bias is not None:
                writer.bias.div_(scale)
            read.mul_(scale.view(1, -1, *[1] * (read.ndim - 2)))


def _pairs(net: MixedNet) -> Iterator[tuple[nn.Module, nn.Module, str]]:
    """A module that scales its outputs, the one that alone reads them, and the name of the weight it does it by."""
    for module in net.modules():
        match module:
            case MlpBlock():
                yield module.residual[0], module.residual[1], "weight"
                yield module.residual[1], module.residual[4], "weight"
            case EncoderLayer():
                yield module.attention_norm, module.attention, "in_proj_weight"
                yield module.feed_forward_norm, module.feed_forward[0], "weight"
            case BasicBlock() if isinstance(module.residual[1], nn.Identity):  # the norm is folded
                yield module.residual[0], module.residual[3], "weight"
    if len(net.trunks) > 1:
        yield net.head[0], net.head[1], "weight"
        yield net.head[1], net.head[4], "weight"


def _greatest(net: MixedNet, readers: Sequence[nn.Module], rows: Tensor) -> dict[nn.Module, Tensor]:
    """The greatest absolute value (width,) of each place or channel that each of `readers` is given."""
    seen: dict[nn.Module, Tensor] = {}

    def see(module: nn.Module, inputs: Any) -> None:  # noqa: ANN401
        places = inputs[0].abs().movedim(1 if inputs[0].ndim == 4 else -1, 0).flatten(1).amax(dim=1)
        seen[module] = torch.maximum(seen.get(module, places), places)

    hooks = [reader.register_forward_pre_hook(see) for reader in readers]
    try:
        for some in rows.split(AT_ONCE):
            net(some)
    finally:
        for hook in hooks:
            hook.remove()
    return seen
