"""What a network is built and trained with, from a candidate's few parameters. Loads no torch."""

import math
from typing import Literal

from engine.features_layout import CategoryBlock, ImageBlock, Layout, NumberBlock, TextBlock
from engine.models.base import Params
from engine.nets.spec import NetSpec
from engine.training.spec import FitSpec, Precision

EPOCHS = {"network": 30, "lstm": 8, "encoder": 10, "resnet": 20}
"""Passes over the rows when there is time for them; more where that would be fewer steps than `LEAST_STEPS`."""
LEAST_STEPS = 400
MOST_EPOCHS = 100
BAG_EPOCHS = 12
"""A network that reads texts learns them by heart after that."""
RATES = {"network": 2e-3, "lstm": 5e-3, "encoder": 3e-3, "resnet": 3e-3}
BAG_RATE = 6e-3
"""The rate of a network that reads texts: a bag of tokens has nothing that a large step could upset."""
DROPOUT = {"network": 0.15, "lstm": 0.2, "encoder": 0.1, "resnet": 0.1}
SMOOTHING = {"network": 0.0, "lstm": 0.05, "encoder": 0.05, "resnet": 0.05}
PATIENCE_SHARE = 0.4
"""Share of the epochs without a better score after which a fit ends."""
STEPS_AN_EPOCH = 50
LEAST_BATCH, MOST_BATCH = 16, 256


def net_spec(kind: str, layout: Layout, outputs: int, params: Params) -> NetSpec:
    """The network of a kind for a layout of features: see `engine.families.NETWORKS`."""
    text: Literal["bag", "lstm", "encoder"] = "lstm" if kind == "lstm" else "encoder" if kind == "encoder" else "bag"
    width = int(params.get("width", 128))
    # a text network's width is that of its tokens; the heads of the encoder divide it
    token_width = max(16, width // 2 // 16 * 16)
    return NetSpec(
        layout=layout,
        outputs=outputs,
        text=text,
        image="resnet" if kind == "resnet" else "conv",
        dropout=float(params.get("dropout", DROPOUT[kind])),
        width=width,
        token_width=token_width,
        lstm_hidden=token_width,
        encoder_hidden=4 * token_width,
        resnet_widths=(max(8, width // 4), max(8, width // 2), width),
        conv_width=max(8, width // 4),
    )


def fit_spec(
    kind: str,
    layout: Layout,
    rows: int,
    params: Params,
    seed: int,
    seconds: float | None,
    precision: Precision = "fp32",
    gpu: bool = False,
) -> FitSpec:
    """How it is trained on this many rows. `params` may fix the epochs, the rate and the batch.

    A fixed amount of work gives the same bits each time on a CPU; on a GPU not every operation has an algorithm for it.
    """
    size = int(params.get("batch_size", batch_size(rows)))
    epochs = int(params.get("epochs", usual_epochs(kind, layout, rows, size)))
    return FitSpec(
        epochs=epochs,
        seconds=seconds,
        batch_size=size,
        learning_rate=float(params.get("learning_rate", _rate(kind, layout))),
        weight_decay=0.02,
        warmup=0.1,
        precision=precision,
        patience=max(3, math.ceil(PATIENCE_SHARE * epochs)),
        deterministic=seconds is None and not gpu,
        seed=seed,
    )


def usual_epochs(kind: str, layout: Layout, rows: int, size: int) -> int:
    """Passes over so many rows in batches of `size`."""
    usual = BAG_EPOCHS if _is_bag(kind, layout) else EPOCHS[kind]
    return min(MOST_EPOCHS, max(usual, math.ceil(LEAST_STEPS / math.ceil(rows / size))))


def _rate(kind: str, layout: Layout) -> float:
    return BAG_RATE if _is_bag(kind, layout) else RATES[kind]


def _is_bag(kind: str, layout: Layout) -> bool:
    return kind == "network" and "text" in looks_at(layout)


def batch_size(rows: int) -> int:
    """A power of two that makes about fifty steps an epoch."""
    wanted = max(1.0, rows / STEPS_AN_EPOCH)
    return int(min(MOST_BATCH, max(LEAST_BATCH, 2 ** round(math.log2(wanted)))))


def looks_at(layout: Layout) -> set[str]:
    """Which kinds of blocks there are: number, category, text, image."""
    blocks: tuple[NumberBlock | CategoryBlock | TextBlock | ImageBlock, ...] = layout
    return {block.kind for block in blocks}
