"""Unstructured pruning: the smallest weights become zero. The file packs smaller; nothing is computed faster."""

import copy
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from engine.models.network import Network
from engine.nets.attention import MultiHeadAttention
from engine.nets.mixed import MixedNet
from engine.optimise.errors import NothingPruned
from engine.optimise.prune import check_share

DEFLATE_LEVEL = 6


@dataclass(frozen=True)
class Sparse:
    """A network with weights at zero, not trained again yet.

    `zeros` is the share of all its learned numbers that are zero. `masks`, bool by the names of parameters, are True
    where a weight stays; a training has to keep to them. `dense_bytes` is what the weights take as they are, before as
    after, and `packed_before` and `packed_after` what they take when deflated.
    """

    network: Network
    zeros: float
    masks: Mapping[str, Tensor]
    dense_bytes: int
    packed_before: int
    packed_after: int


def sparsify(network: Network, share: float) -> Sparse:
    """Set the `share` of weights to zero that matters least by magnitude, over all layers together.

    Weights of linear layers, convolutions, attention, LSTMs and embeddings are compared by their square over the sum of
    the squares not smaller in the same layer (LAMP, Lee et al. 2021, "Layer-Adaptive Sparsity for the Magnitude-based
    Pruning", eq. 2): no layer loses its last weight, as it may where plain magnitudes are compared. Norms and biases
    stay. `network` itself is left as it is.

    Raises:
        BadArguments: the share is not between 0 and 1.
        NothingPruned: no weight would become zero that is not zero already.
    """
    check_share(share)
    net = copy.deepcopy(network.net).eval()
    before = packed_bytes(net)
    weights = dict(_weights(net))
    zeros_before = sum(int((weight == 0).sum()) for weight in weights.values())
    masks = _masks(weights, share)
    with torch.no_grad():
        for name, mask in masks.items():
            weights[name].mul_(mask)
    zeros_after = sum(int((weight == 0).sum()) for weight in weights.values())
    if zeros_after == zeros_before:
        count = sum(weight.numel() for weight in weights.values())
        raise NothingPruned(
            f"A share of {share:g} of {count:,} weights, {zeros_before:,} of them zero already, sets none to zero.",
            "Give a larger share.",
        )
    return Sparse(
        network=replace(network, net=net),
        zeros=zero_share(net),
        masks=masks,
        dense_bytes=sum(value.numel() * value.element_size() for value in net.state_dict().values()),
        packed_before=before,
        packed_after=packed_bytes(net),
    )


def zero_share(net: MixedNet) -> float:
    """The share of the learned numbers of a net that are zero."""
    learned = list(net.parameters())
    zeros = sum(int((weight == 0).sum()) for weight in learned)
    return zeros / sum(int(weight.numel()) for weight in learned)


def packed_bytes(net: MixedNet) -> int:
    """What the weights and statistics of a net take when deflated, as in a zip file."""
    packer = zlib.compressobj(DEFLATE_LEVEL)
    parts = [packer.compress(value.contiguous().cpu().numpy().tobytes()) for value in net.state_dict().values()]
    return sum(map(len, parts)) + len(packer.flush())


def _weights(net: MixedNet) -> Iterator[tuple[str, Tensor]]:
    """Matrices, kernels and embeddings, by name."""
    for place, module in net.named_modules():
        if isinstance(module, nn.Linear | nn.Conv2d | nn.Embedding):
            yield f"{place}.weight", module.weight
        elif isinstance(module, nn.LSTM):
            yield from ((f"{place}.{name}", getattr(module, name)) for name in ("weight_ih_l0", "weight_hh_l0"))
        elif isinstance(module, MultiHeadAttention):
            yield f"{place}.in_proj_weight", module.in_proj_weight


def _masks(weights: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """Where weights stay: all but the `share` with the least scores."""
    scores = torch.cat([_lamp(weight) for weight in weights.values()])
    gone = scores.argsort(stable=True)[: int(share * len(scores) + 1e-9)]
    kept = torch.ones(len(scores), dtype=torch.bool)
    kept[gone] = False
    parts = kept.split([weight.numel() for weight in weights.values()])
    return {name: part.view(weights[name].shape) for name, part in zip(weights, parts, strict=True)}


def _lamp(weight: Tensor) -> Tensor:
    """Scores (n,) of the weights of one layer; the largest weight has score 1, the most there is."""
    squares = weight.detach().double().flatten().square()
    ordered, order = squares.sort(stable=True)
    not_smaller = ordered.flip(0).cumsum(0).flip(0)
    scores = torch.empty_like(squares)
    scores[order] = torch.where(ordered > 0, ordered / not_smaller.clamp(min=torch.finfo(torch.float64).tiny), 0.0)
    return scores
