"""The units of the network for tables, and of the head that joins trunks."""

import torch

from engine.nets.mixed import MixedNet
from engine.nets.tabular import TabularNet
from engine.optimise.prune_units import Slot, Units, linear_in, linear_out, singles


def table_units(net: TabularNet, name: str) -> list[Units]:
    """Places of embedded numbers and categories, and hidden units of the residual blocks.

    The residual stream keeps its width: layer norms look at all of it.
    """
    found = []
    embedded = 0 if net.numbers is None else net.numbers.features
    start = net.entry.in_features - embedded - sum(table.embedding_dim for table in net.categories)
    if net.numbers is not None:
        linear, numbers = net.numbers.linear, len(net.numbers.frequencies)
        width = linear.out_features
        # each number has its own copy of a place
        read = start + torch.arange(width).unsqueeze(1) + width * torch.arange(numbers)
        slots = (*linear_out(linear, singles(width)), linear_in(net.entry, read))
        found.append(Units(f"{name}.numbers", slots))
        start += net.numbers.features
    for place, table in enumerate(net.categories):
        width = table.embedding_dim
        written = Slot(table, "weight", 1, singles(width))
        found.append(Units(f"{name}.categories.{place}", (written, linear_in(net.entry, singles(width, start)))))
        start += width
    for place, block in enumerate(net.blocks):
        first, second = block.residual[1], block.residual[4]
        hidden = singles(first.out_features)
        found.append(Units(f"{name}.blocks.{place}", (*linear_out(first, hidden), linear_in(second, hidden))))
    return found


def head_units(net: MixedNet) -> list[Units]:
    """The hidden units of a head over several trunks."""
    if len(net.trunks) == 1:
        return []
    first, second = net.head[1], net.head[4]
    hidden = singles(first.out_features)
    return [Units("head", (*linear_out(first, hidden), linear_in(second, hidden)))]
