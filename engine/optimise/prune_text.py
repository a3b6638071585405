"""The units of the networks over texts. `start` is the place of the trunk's first feature among the head's."""

from collections.abc import Sequence

import torch
from torch import nn

from engine.nets.bag import BagOfTokens
from engine.nets.encoder import PooledEncoder
from engine.nets.mixed import MixedNet
from engine.nets.recurrent import LstmEncoder, LstmLayer
from engine.optimise.prune_units import Slot, Units, head_reads, linear_in, linear_out, runs, singles

GATES = 4


def bag_units(net: MixedNet, bag: BagOfTokens, name: str, start: int) -> list[Units]:
    """Places of the tokens' embedding; the head reads each one twice, as mean and as greatest."""
    width = bag.tokens.embedding_dim
    read = torch.cat([singles(width, start), singles(width, start + width)], dim=1)
    return [Units(f"{name}.tokens", (Slot(bag.tokens, "weight", 1, singles(width)), *head_reads(net, read)))]


def lstm_units(net: MixedNet, text: LstmEncoder, name: str, start: int) -> list[Units]:
    """Places of the tokens' embedding, and hidden units of every LSTM, each direction for itself."""
    width, layers = text.tokens.embedding_dim, list(text.layers)
    read = [Slot(lstm, "weight_ih_l0", 1, singles(width), reads=True) for lstm in _directions(layers[0])]
    found = [Units(f"{name}.tokens", (Slot(text.tokens, "weight", 1, singles(width)), *read))]
    for place, layer in enumerate(layers):
        offset = 0
        for way, lstm in zip(("ahead", "back"), _directions(layer), strict=False):
            hidden = singles(lstm.hidden_size, offset)
            if place + 1 < len(layers):
                after = _directions(layers[place + 1])
                read = [Slot(following, "weight_ih_l0", 1, hidden, reads=True) for following in after]
            else:  # as mean and as greatest
                read = [*head_reads(net, start + torch.cat([hidden, hidden + layer.features], dim=1))]
            found.append(Units(f"{name}.layers.{place}.{way}", (*_inside(lstm), *read)))
            offset += lstm.hidden_size
    return found


def _directions(layer: LstmLayer) -> Sequence[nn.Module]:
    return [layer.ahead] if layer.back is None else [layer.ahead, layer.back]


def _inside(lstm: nn.Module) -> tuple[Slot, ...]:
    """A hidden unit has a row in each of the four gates, and a column by which it is read at the next token."""
    hidden = lstm.hidden_size
    rows = runs(hidden, 1, [gate * hidden for gate in range(GATES)])
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    written = [Slot(lstm, name, 0, rows) for name in names]
    return (*written, Slot(lstm, "weight_hh_l0", 1, singles(hidden), reads=True))


def encoder_units(pooled: PooledEncoder, name: str) -> list[Units]:
    """Whole attention heads, and hidden units of the feed-forward layers. The width stays, for the layer norms."""
    found = []
    for place, layer in enumerate(pooled.encoder.layers):
        attention = layer.attention
        each = attention.width // attention.heads
        rows = runs(attention.heads, each, [part * attention.width for part in range(3)])
        written = [Slot(attention, "in_proj_weight", 0, rows)]
        if attention.in_proj_bias is not None:
            written.append(Slot(attention, "in_proj_bias", 0, rows))
        read = linear_in(attention.out_proj, runs(attention.heads, each))
        found.append(Units(f"{name}.layers.{place}.heads", (*written, read)))
        first, second = layer.feed_forward[0], layer.feed_forward[3]
        hidden = singles(first.out_features)
        found.append(Units(f"{name}.layers.{place}.hidden", (*linear_out(first, hidden), linear_in(second, hidden))))
    return found
