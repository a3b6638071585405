"""Small networks of every kind with fresh weights, and rows for them."""

import numpy as np
import torch
from torch import nn

from engine.features_layout import CategoryBlock, ImageBlock, Layout, NumberBlock, TextBlock
from engine.models.network import Network
from engine.nets.mixed import build_net
from engine.nets.spec import NetSpec

LENGTH, WORDS, SIDE = 9, 30, 8
NUMBERS: Layout = (NumberBlock(column="n", start=0, width=3),)
TABLE: Layout = (*NUMBERS, CategoryBlock(column="c", start=3, width=1, levels=12))
TEXT: Layout = (TextBlock(column="t", start=0, width=LENGTH, vocabulary=WORDS),)
IMAGE: Layout = (ImageBlock(column="i", start=0, width=SIDE * SIDE, channels=1, height=SIDE, width_=SIDE),)
ALL: Layout = (
    *TABLE,
    TextBlock(column="t", start=4, width=LENGTH, vocabulary=WORDS),
    ImageBlock(column="i", start=4 + LENGTH, width=SIDE * SIDE, channels=1, height=SIDE, width_=SIDE),
)
SMALL = {
    "width": 12, "token_width": 16, "lstm_hidden": 10, "encoder_hidden": 20, "heads": 4, "conv_width": 8,
    "number_embedding": 4,
}  # fmt: skip
SPECS: dict[str, NetSpec] = {
    "table": NetSpec(layout=TABLE, outputs=3, **SMALL),
    "bag": NetSpec(layout=TEXT, outputs=3, **SMALL),
    "lstm": NetSpec(layout=TEXT, outputs=3, text="lstm", **SMALL),
    "deep lstm": NetSpec(layout=TEXT, outputs=3, text="lstm", lstm_layers=2, **SMALL),
    "encoder": NetSpec(layout=TEXT, outputs=3, text="encoder", **SMALL),
    "conv": NetSpec(layout=IMAGE, outputs=3, **SMALL),
    "resnet": NetSpec(layout=IMAGE, outputs=3, image="resnet", resnet_widths=(8, 12), resnet_blocks=(2, 2), **SMALL),
    "resnet in groups": NetSpec(
        layout=IMAGE, outputs=3, image="resnet", resnet_widths=(16, 16), resnet_blocks=(1, 2), norm="group", **SMALL
    ),
    "all, bag and conv": NetSpec(layout=ALL, outputs=3, **SMALL),
    "all, lstm and resnet": NetSpec(
        layout=ALL, outputs=3, text="lstm", image="resnet", resnet_widths=(8, 12), resnet_blocks=(1, 1), **SMALL
    ),
    "all, encoder": NetSpec(layout=ALL, outputs=3, text="encoder", **SMALL),
}


def network(name: str, seed: int = 0) -> Network:
    """Of a kind in `SPECS`; norms have statistics and scales unlike those of a fresh net."""
    spec = SPECS[name]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = build_net(spec).eval()
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.running_mean, std=0.3)
                nn.init.uniform_(module.running_var, 0.5, 2.0)
            if isinstance(module, nn.BatchNorm2d | nn.GroupNorm | nn.LayerNorm):
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias, std=0.3)
            if isinstance(module, nn.Embedding) and module.padding_idx is not None:
                nn.init.normal_(module.weight)
                nn.init.zeros_(module.weight[module.padding_idx])
    kind = {"lstm": "lstm", "encoder": "encoder"}.get(spec.text, "resnet" if spec.image == "resnet" else "network")
    return Network(kind=kind, spec=spec, net=net, regression=False, epochs=1)


def rows(name: str, count: int = 24, seed: int = 5) -> np.ndarray:
    """Features (count, width) float32 for a network of `SPECS`; one text is all padding, one as long as can be."""
    rng, parts = np.random.default_rng(seed), []
    for block in SPECS[name].layout:
        if isinstance(block, CategoryBlock):
            parts.append(rng.integers(0, block.levels, (count, 1)))
        elif isinstance(block, TextBlock):
            tokens = rng.integers(1, block.vocabulary, (count, block.width))
            lengths = rng.integers(1, block.width + 1, count)
            lengths[:2] = 0, block.width
            tokens[np.arange(block.width) >= lengths[:, None]] = 0
            parts.append(tokens)
        else:
            parts.append(rng.normal(size=(count, block.width)))
    return np.concatenate(parts, axis=1).astype(np.float32)
