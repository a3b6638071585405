"""Units that can be taken out of a network, and the cutting: every weight that makes or reads a unit loses its part.

What hangs together follows DepGraph (Fang et al. 2023, "DepGraph: Towards Any Structural Pruning", section 3.2): a
unit lies in several weights, and all of them are cut at once. All nets are ours, so each block says for itself where
its units lie, in `prune_table`, `prune_text` and `prune_image`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.nets.attention import MultiHeadAttention
from engine.nets.bag import BagOfTokens
from engine.nets.mixed import ImageTrunk, MixedNet, TextTrunk
from engine.nets.recurrent import LstmEncoder, LstmLayer
from engine.nets.resnet import ResNet, SmallConv
from engine.nets.tabular import NumberEmbedding


@dataclass(frozen=True)
class Slot:
    """A part of one weight, `module.<weight>`: unit u has `places[u]` of int64 `places` (units, k) along `dim`.

    `reads` marks the weights by which others read the units; along `dim` they then match what `module` is given (for
    the recurrent weights of an LSTM: what it gives).
    """

    module: nn.Module
    weight: str
    dim: int
    places: Tensor
    reads: bool = False

    @property
    def tensor(self) -> Tensor:
        return getattr(self.module, self.weight).detach()

    @property
    def recurrent(self) -> bool:
        return self.weight.startswith("weight_hh")

    def energy(self, moments: Tensor | None = None) -> Tensor:
        """Sum of squares of each unit's part (units,), each place weighed by its entry of `moments`."""
        others = [dim for dim in range(self.tensor.ndim) if dim != self.dim]
        squares = self.tensor.double().square()
        squares = squares.sum(dim=others) if others else squares
        return (squares if moments is None else squares * moments)[self.places].sum(dim=1)


@dataclass(frozen=True)
class Units:
    """Alike units of one layer: they can go one by one, and each takes its part of all `slots` with it."""

    name: str
    slots: tuple[Slot, ...]

    @property
    def count(self) -> int:
        return len(self.slots[0].places)


class PaddedNorm(nn.Module):
    """The layer norm of `whole` features of which only the first are there: the others are zero and nobody reads them.

    So units can go from below a layer norm, and what is left of its answer stays what it was.
    """

    def __init__(self, whole: int, weight: Tensor, bias: Tensor, eps: float) -> None:
        super().__init__()
        self.whole = whole
        self.eps = eps
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(bias)

    def forward(self, features: Tensor) -> Tensor:
        """(N, k) to (N, k)."""
        there = len(self.weight)
        padded = [functional.pad(part, (0, self.whole - there)) for part in (features, self.weight, self.bias)]
        return functional.layer_norm(padded[0], (self.whole,), padded[1], padded[2], self.eps)[..., :there]


def singles(count: int, start: int = 0) -> Tensor:
    """Places (count, 1) of units that have one each, from `start` on."""
    return torch.arange(start, start + count).unsqueeze(1)


def runs(count: int, length: int, starts: Iterable[int] = (0,)) -> Tensor:
    """Places (count, length * starts) of units that have `length` neighbouring ones after each of `starts`."""
    one = torch.arange(count * length).view(count, length)
    return torch.cat([one + start for start in starts], dim=1)


def linear_out(module: nn.Module, places: Tensor) -> tuple[Slot, ...]:
    """Rows of a linear layer or a convolution, and their biases."""
    rows = Slot(module, "weight", 0, places)
    return (rows,) if module.bias is None else (rows, Slot(module, "bias", 0, places))


def linear_in(module: nn.Module, places: Tensor) -> Slot:
    """Columns of a linear layer or a convolution."""
    return Slot(module, "weight", 1, places, reads=True)


def head_reads(net: MixedNet, places: Tensor) -> tuple[Slot, ...]:
    """How the head reads features of the trunks, by their places among all of them."""
    first, linear = net.head[0], net.head[1]
    norms = (Slot(first, "weight", 0, places), Slot(first, "bias", 0, places)) if _is_norm(first) else ()
    return (*norms, linear_in(linear, places))


def _is_norm(module: nn.Module) -> bool:
    return isinstance(module, nn.LayerNorm | PaddedNorm)


def cut(net: MixedNet, gone: Sequence[tuple[Units, Tensor]]) -> None:
    """Take units out of `net`, whose slots they were found in; int64 (n,) are the numbers of those that go."""
    masks: dict[tuple[nn.Module, str, int], Tensor] = {}
    for units, numbers in gone:
        for slot in units.slots:
            key = (slot.module, slot.weight, slot.dim)
            kept = masks.setdefault(key, torch.ones(slot.tensor.shape[slot.dim], dtype=torch.bool))
            kept[slot.places[numbers].flatten()] = False
    for (module, weight, dim), kept in masks.items():
        _set(module, weight, getattr(module, weight).detach().index_select(dim, kept.nonzero().flatten()))
    for module in dict.fromkeys(module for module, _, _ in masks):
        _after_cut(module)
    if isinstance(net.head[0], nn.LayerNorm) and len(net.head[0].weight) < net.head[0].normalized_shape[0]:
        norm = net.head[0]
        padded = PaddedNorm(norm.normalized_shape[0], norm.weight.detach(), norm.bias.detach(), norm.eps)
        net.head[0] = padded.train(norm.training)
    _count_features(net)


def _set(module: nn.Module, name: str, value: Tensor) -> None:
    value = value.clone()
    setattr(module, name, value if name in dict(module.named_buffers(recurse=False)) else nn.Parameter(value))


def _linear(module: nn.Module) -> None:
    module.out_features, module.in_features = module.weight.shape


def _conv(module: nn.Module) -> None:
    module.out_channels, module.in_channels = module.weight.shape[:2]


def _embedding(module: nn.Module) -> None:
    module.embedding_dim = module.weight.shape[1]


def _batch_norm(module: nn.Module) -> None:
    module.num_features = len(module.weight)


def _group_norm(module: nn.Module) -> None:
    size = module.num_channels // module.num_groups
    module.num_channels = len(module.weight)
    module.num_groups = module.num_channels // size


def _lstm(module: nn.Module) -> None:
    module.hidden_size, module.input_size = module.weight_hh_l0.shape[1], module.weight_ih_l0.shape[1]


def _attention(module: nn.Module) -> None:
    each = module.width // module.heads
    module.width = len(module.in_proj_weight) // 3
    module.heads = module.width // each


_AFTER: dict[type, Callable[[nn.Module], None]] = {
    nn.Linear: _linear,
    nn.Conv2d: _conv,
    nn.Embedding: _embedding,
    nn.BatchNorm2d: _batch_norm,
    nn.GroupNorm: _group_norm,
    nn.LSTM: _lstm,
    MultiHeadAttention: _attention,
}


def _after_cut(module: nn.Module) -> None:
    """Let a module know its own sizes again."""
    change = _AFTER.get(type(module))
    if change is not None:
        change(module)


def _features_of(module: nn.Module) -> int | None:
    """How many features a net of ours gives, where that may have changed."""
    match module:
        case NumberEmbedding():
            return len(module.frequencies) * int(module.linear.out_features)
        case BagOfTokens():
            return 2 * int(module.tokens.embedding_dim)
        case LstmLayer():
            return int(module.ahead.hidden_size) + (0 if module.back is None else int(module.back.hidden_size))
        case LstmEncoder():
            return 2 * int(module.layers[-1].features)
        case ResNet():
            return int(module.stages[-1].residual[3].out_channels)
        case SmallConv():
            return int(module.layers[-3].out_channels)
        case TextTrunk() | ImageTrunk():
            return int(module.net.features)
        case _:
            return None


def _count_features(net: MixedNet) -> None:
    for module in reversed(list(net.modules())):  # parts come before what is made of them
        features = _features_of(module)
        if features is not None:
            module.features = features
