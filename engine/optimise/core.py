"""The computing half of an exported member: a graph from features to answers, without the feature plan.

Networks take the blocks of their layout apart, so that texts may be as short as their longest row; all else takes the
feature matrix whole. The names of the inputs are fixed here, and fronts (`export_plan`) give what cores take.
"""

from dataclasses import dataclass

import numpy as np
from onnx import ModelProto

from engine.features import Matrix
from engine.features_layout import Block, CategoryBlock, ImageBlock, Layout, NumberBlock, TextBlock
from engine.serving.runtime import Feeds, trimmed

OPSET = 20
"""Of the default ONNX domain, in all graphs that are made here."""
TREES_OPSET = 5
"""Of the domain ai.onnx.ml."""
FEATURES, NUMBERS, CODES = "features", "numbers", "codes"
ANSWER = "answer"
"""The output: float64 (rows, classes) of probabilities, or (rows, 1) for a number."""


@dataclass(frozen=True)
class Core:
    """`model` is checked and has OPSET; its inputs are those of `core_feeds`, its one output is ANSWER.

    `exporter` says how it was made ("dynamo", "torchscript", "trees", "linear", "constant"), `notes` what a person
    should know of that.
    """

    model: ModelProto
    exporter: str
    notes: tuple[str, ...] = ()


def tokens_name(place: int) -> str:
    """The input of the text at `place` among the layout's texts."""
    return f"tokens_{place}"


def image_name(place: int) -> str:
    """The input of the image at `place` among the layout's images: float32 (rows, channels, height, width)."""
    return f"image_{place}"


def core_feeds(features: Matrix, layout: Layout) -> Feeds:
    """What a core takes for a feature matrix (n, width): 'features' without a layout; with one its blocks.

    'numbers' float32 (n, F) and 'codes' int64 (n, C) hold all blocks of numbers and of categories in their order;
    'tokens_i' int64 (n, L) without columns that are padding in every row; 'image_i' float32 (n, c, h, w). Inputs
    without a block are left out.
    """
    if not layout:
        dense = features if isinstance(features, np.ndarray) else features.toarray()
        return {FEATURES: np.ascontiguousarray(dense, dtype=np.float32)}
    assert isinstance(features, np.ndarray)
    feeds: Feeds = {}
    numbers = [block for block in layout if isinstance(block, NumberBlock)]
    categories = [block for block in layout if isinstance(block, CategoryBlock)]
    if numbers:
        feeds[NUMBERS] = np.concatenate([_of(features, block) for block in numbers], axis=1, dtype=np.float32)
    if categories:
        feeds[CODES] = np.concatenate([_of(features, block) for block in categories], axis=1).astype(np.int64)
    for place, text in enumerate(block for block in layout if isinstance(block, TextBlock)):
        feeds[tokens_name(place)] = trimmed(_of(features, text).astype(np.int64))
    for place, image in enumerate(block for block in layout if isinstance(block, ImageBlock)):
        shape = (len(features), image.channels, image.height, image.width_)
        feeds[image_name(place)] = np.ascontiguousarray(_of(features, image).reshape(shape))
    return feeds


def _of(features: Matrix, block: Block) -> "np.ndarray[tuple[int, int], np.dtype[np.float32]]":
    return np.asarray(features[:, block.start : block.stop])
