"""A model as a chain of links, and the chain cut into stages of about as many parameters each.

What can be cut: an `nn.Sequential`, at each of its members; and a `MixedNet`, between its trunks, or, when an encoder
over one column of texts is its only trunk, between the encoder's layers.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from engine.errors import BadArguments
from engine.nets.encoder import Encoder, PooledEncoder
from engine.nets.mixed import MixedNet, TextTrunk
from engine.nets.tokens import PADDING, masked_mean


class Member(nn.Module):
    """A member of an `nn.Sequential`."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, hidden: Tensor, inputs: Tensor) -> Tensor:
        """`hidden` is what the link before gave (the first gets `inputs`); `inputs` are those of the whole model."""
        return self.module(hidden)


class Trunk(nn.Module):
    """One trunk of a mixed network: its features beside those of the trunks before."""

    def __init__(self, trunk: nn.Module, first: bool) -> None:
        super().__init__()
        self.trunk = trunk
        self.first = first

    def forward(self, hidden: Tensor, inputs: Tensor) -> Tensor:
        """Features so far (N, F) and the feature matrix (N, W) to (N, F + this trunk's features)."""
        features = self.trunk(inputs)
        return features if self.first else torch.cat([hidden, features], dim=1)


class Embedding(nn.Module):
    """Tokens and positions of an encoder; what comes before its layers."""

    def __init__(self, encoder: Encoder, place: slice) -> None:
        super().__init__()
        self.tokens, self.positions, self.dropout = encoder.tokens, encoder.positions, encoder.dropout
        self.place = place

    def forward(self, hidden: Tensor, inputs: Tensor) -> Tensor:
        """The feature matrix (N, W) to (N, L, width)."""
        tokens = _tokens(inputs, self.place)
        return self.dropout(self.tokens(tokens) + self.positions[: tokens.shape[1]])


class Layer(nn.Module):
    """One layer of an encoder. Which places are padding it sees from the inputs."""

    def __init__(self, layer: nn.Module, place: slice) -> None:
        super().__init__()
        self.layer = layer
        self.place = place

    def forward(self, hidden: Tensor, inputs: Tensor) -> Tensor:
        """(N, L, width) to (N, L, width)."""
        return self.layer(hidden, _tokens(inputs, self.place) == PADDING)


class Pooling(nn.Module):
    """What comes after the layers of an encoder: the last norm, and the mean over tokens that are not padding."""

    def __init__(self, encoder: Encoder, place: slice) -> None:
        super().__init__()
        self.norm = encoder.norm
        self.place = place

    def forward(self, hidden: Tensor, inputs: Tensor) -> Tensor:
        """(N, L, width) to (N, width)."""
        return masked_mean(self.norm(hidden), _tokens(inputs, self.place) != PADDING)


def chain(model: nn.Module) -> list[nn.Module]:
    """The links of a model; one after the other, they give what it gives. They share its parameters.

    Raises:
        BadArguments: it is not a model that can be cut, or two links share a parameter.
    """
    if isinstance(model, MixedNet):
        links = _mixed(model)
    elif isinstance(model, nn.Sequential):
        links = [Member(member) for member in model]
    else:
        raise BadArguments(
            f"A {type(model).__name__} cannot be cut into stages.",
            "Use the strategy 'fsdp', or write the model as an nn.Sequential.",
        )
    places = [id(parameter) for link in links for parameter in link.parameters()]
    if len(places) > len(set(places)):
        raise BadArguments("Parts of this model share weights, so it cannot be cut.", "Use the strategy 'fsdp'.")
    return links


def cut(model: nn.Module, stages: int) -> list[list[nn.Module]]:
    """The links of each stage, consecutive, such that the largest stage has as few parameters as can be.

    Raises:
        BadArguments: as `chain`, or there are fewer links than stages.
    """
    links = chain(model)
    if len(links) < stages:
        raise BadArguments(
            f"A model of {len(links)} parts cannot be cut into {stages} stages.",
            f"Use {len(links)} processes or fewer.",
        )
    sizes = [sum(parameter.numel() for parameter in link.parameters()) for link in links]
    borders = balanced(sizes, stages)
    return [links[start:stop] for start, stop in zip([0, *borders], [*borders, len(links)], strict=True)]


def balanced(sizes: Sequence[int], stages: int) -> list[int]:
    """Where to cut `sizes` into `stages` parts, none empty, so that the largest sum is as small as can be.

    The smallest limit under which filling each part as far as it goes needs no more parts than there are.
    """
    low, high = max(sizes), sum(sizes)
    while low < high:
        middle = (low + high) // 2
        if len(_filled(sizes, stages, middle)) < stages:
            high = middle
        else:
            low = middle + 1
    return _filled(sizes, stages, low)


def _filled(sizes: Sequence[int], stages: int, limit: int) -> list[int]:
    """Borders when a part is closed because the next size is over `limit`, or because each is needed for a part."""
    borders: list[int] = []
    held = 0
    for place, size in enumerate(sizes):
        needed = len(sizes) - place <= stages - 1 - len(borders)
        if place > 0 and (held + size > limit or needed):
            borders.append(place)
            held = 0
        held += size
    return borders


def _mixed(model: MixedNet) -> list[nn.Module]:
    trunks = list(model.trunks)
    if len(trunks) == 1 and isinstance(trunks[0], TextTrunk) and isinstance(trunks[0].net, PooledEncoder):
        encoder, place = trunks[0].net.encoder, trunks[0].place
        layers = [Layer(layer, place) for layer in encoder.layers]
        return [Embedding(encoder, place), *layers, Pooling(encoder, place), Member(model.head)]
    return [*(Trunk(trunk, place == 0) for place, trunk in enumerate(trunks)), Member(model.head)]


def _tokens(inputs: Tensor, place: slice) -> Tensor:
    """Ids (N, L) of one column of texts, without the places that are padding in every row (one always stays)."""
    tokens = inputs[:, place].long()
    longest = int((tokens != PADDING).sum(dim=1).max())
    return tokens[:, : max(longest, 1)]
