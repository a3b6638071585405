"""Structured pruning: whole units are taken out, so that what is left is a smaller dense network that is faster."""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engine.errors import BadArguments
from engine.features import Matrix
from engine.models.network import AT_ONCE, Network
from engine.nets.bag import BagOfTokens
from engine.nets.encoder import PooledEncoder
from engine.nets.mixed import MixedNet
from engine.nets.recurrent import LstmEncoder
from engine.nets.resnet import ResNet, SmallConv
from engine.nets.tabular import TabularNet
from engine.nets.tokens import PADDING
from engine.optimise.errors import NothingPruned
from engine.optimise.prune_image import conv_units, resnet_units
from engine.optimise.prune_size import Size, size_of
from engine.optimise.prune_table import head_units, table_units
from engine.optimise.prune_text import bag_units, encoder_units, lstm_units
from engine.optimise.prune_units import Slot, Units, cut


@dataclass(frozen=True)
class Pruned:
    """A smaller network, not trained again yet, and what it and the one before measure.

    `kept` are the numbers of the units that stayed, by the name of their layer. The network's `spec` is still that of
    the one before: it can answer and be exported, not saved.
    """

    network: Network
    before: Size
    after: Size
    kept: Mapping[str, tuple[int, ...]]
    notes: tuple[str, ...] = ()


def prune(network: Network, share: float, *, sample: Matrix | None = None) -> Pruned:
    """Take the least important `share` of units out of every layer, rounded down; each keeps one at least.

    A unit is as important as what it adds to the layers that read it is large: the mean over `sample` (rows of
    features) of its squared value times the squared weights by which it is read. For single weights this is the
    measure of Wanda (Sun et al. 2024, "A Simple and Effective Pruning Approach for LLMs", eq. 1). Without a sample, the
    squared weights by which a unit is made stand in for its value (Li et al. 2017, "Pruning Filters for Efficient
    ConvNets"). The answers are then those of the network before with the values of these units at zero. `network`
    itself is left as it is.

    Raises:
        BadArguments: the share is not between 0 and 1, or the sample has no rows or another width.
        NothingPruned: no layer would lose a unit.
    """
    check_share(share)
    before, net = size_of(network), copy.deepcopy(network.net).eval()
    found = units_of(net)
    moments = None if sample is None else _moments(net, found, _rows(network, sample))
    kept: dict[str, tuple[int, ...]] = {}
    gone: list[tuple[Units, Tensor]] = []
    for units in found:
        order = importance(units, moments).argsort(stable=True)
        few = _how_many(share, units.count)
        kept[units.name] = tuple(order[few:].sort().values.tolist())
        if few:
            gone.append((units, order[:few]))
    if not gone:
        raise NothingPruned(*_why_nothing(found, share))
    cut(net, gone)
    made = replace(network, net=net)
    return Pruned(made, before, size_of(made), kept, _notes(found, kept))


def check_share(share: float) -> None:
    """Raises: BadArguments: not between 0 and 1, both left out."""
    if not 0 < share < 1:
        raise BadArguments(f"A share of {share:g} cannot be pruned.", "Give a share above 0 and below 1, such as 0.5.")


def units_of(net: MixedNet) -> list[Units]:
    """All units that can be taken out, layer by layer."""
    found, start = [], 0
    for place, trunk in enumerate(net.trunks):
        name = f"trunks.{place}.net"
        match trunk.net:
            case TabularNet():
                found += table_units(trunk.net, name)
            case BagOfTokens():
                found += bag_units(net, trunk.net, name, start)
            case LstmEncoder():
                found += lstm_units(net, trunk.net, name, start)
            case PooledEncoder():
                found += encoder_units(trunk.net, name)
            case SmallConv():
                found += conv_units(net, trunk.net, name, start)
            case ResNet():
                found += resnet_units(net, trunk.net, name, start)
        start += trunk.features
    return [*found, *head_units(net)]


def importance(units: Units, moments: "Moments | None") -> Tensor:
    """(units,), greater is more important; see `prune`."""
    read = [slot for slot in units.slots if slot.reads]
    if moments is not None:
        return torch.stack([slot.energy(moments.of(slot)) for slot in read]).sum(dim=0)
    written = [slot for slot in units.slots if not slot.reads and slot.weight not in ("running_mean", "running_var")]
    return torch.stack([slot.energy() for slot in read]).sum(dim=0) * torch.stack(
        [slot.energy() for slot in written]
    ).sum(dim=0)


class Moments:
    """Mean squares of what modules are given, or give: one for each feature or channel, over rows and valid places."""

    def __init__(self) -> None:
        self._sums: dict[tuple[nn.Module, bool], Tensor] = {}
        self._counts: dict[tuple[nn.Module, bool], int] = {}
        self._valid: Tensor | None = None

    def of(self, slot: Slot) -> Tensor:
        """(width,) for a slot that reads."""
        key = (slot.module, slot.recurrent)
        return self._sums[key] / max(1, self._counts[key])

    @contextmanager
    def watching(self, net: MixedNet, found: list[Units]) -> Iterator[None]:
        """Within, all that the net answers is counted."""
        keys = {(slot.module, slot.recurrent) for units in found for slot in units.slots if slot.reads}
        texts = [trunk.net for trunk in net.trunks if isinstance(trunk.net, BagOfTokens | LstmEncoder | PooledEncoder)]
        hooks = [text.register_forward_pre_hook(self._see_tokens) for text in texts]
        hooks += [module.register_forward_hook(self._hook(gives=gives)) for module, gives in keys]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _see_tokens(self, _: nn.Module, inputs: Any) -> None:  # noqa: ANN401
        self._valid = inputs[0] != PADDING

    def _hook(self, *, gives: bool) -> Any:  # noqa: ANN401
        def see(module: nn.Module, inputs: Any, output: Any) -> None:  # noqa: ANN401
            self._add((module, gives), output[0] if gives else inputs[0])

        return see

    def _add(self, key: tuple[nn.Module, bool], values: Tensor) -> None:
        if values.ndim == 4:  # images (N, C, H, W)
            values = values.movedim(1, -1)
        elif values.ndim == 3 and self._valid is not None:  # a vector a token; the ends of short texts do not count
            values = values[self._valid]
        flat = values.double().reshape(-1, values.shape[-1])
        self._sums[key] = self._sums.get(key, 0) + flat.square().sum(dim=0)
        self._counts[key] = self._counts.get(key, 0) + len(flat)


def _moments(net: MixedNet, found: list[Units], rows: Tensor) -> Moments:
    moments = Moments()
    with torch.inference_mode(), moments.watching(net, found):
        for some in rows.split(AT_ONCE):
            net(some)
    return moments


def _rows(network: Network, sample: Matrix) -> Tensor:
    width = max(block.stop for block in network.spec.layout)
    if sample.shape[0] == 0 or sample.shape[1] != width:
        raise BadArguments(
            f"A sample of shape {tuple(sample.shape)} does not fit a network of {width} features.",
            "Give rows of the features that it was trained on.",
        )
    return torch.from_numpy(np.ascontiguousarray(sample)).float()


def _how_many(share: float, count: int) -> int:
    """Rounded down, but not by the rounding of floats: 0.3 of 10 is 3."""
    return min(count - 1, int(share * count + 1e-9))


def _why_nothing(found: list[Units], share: float) -> tuple[str, str]:
    largest = max((units.count for units in found), default=0)
    if largest <= 1:
        return (
            "The network has no layer of which a unit could be taken out.",
            "It is as small as pruning can make it.",
        )
    return (
        f"A share of {share:g} takes no unit out of a layer of {largest} units.",
        f"Give a share of at least {1 / largest:.3g}.",
    )


def _notes(found: list[Units], kept: Mapping[str, tuple[int, ...]]) -> tuple[str, ...]:
    whole = sum(len(kept[units.name]) == units.count for units in found)
    return (f"{whole} of {len(found)} layers are too narrow to give up a unit",) if whole else ()
