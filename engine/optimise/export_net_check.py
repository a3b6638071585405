"""Whether an exported network answers as its original: at several batch sizes and lengths, on rows made up for it.

What axes a graph declares open is no evidence: exporters fix sizes inside without a word, at a batch of one above all.
"""

from collections.abc import Iterator

import numpy as np
import onnxruntime.capi.onnxruntime_pybind11_state as ort
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto

from engine.features import Matrix
from engine.features_layout import Block, CategoryBlock, ImageBlock, Layout, NumberBlock, TextBlock
from engine.models.network import Network
from engine.optimise.core import core_feeds, tokens_name
from engine.serving.runtime import Feeds, Floats
from engine.serving.session import open_session
from engine.serving.session_settings import SessionSettings

BATCHES = (1, 3, 7, 33)
"""Rows at once. Not 0: ONNX Runtime 1.32 ends the process when an LSTM is given no row."""
TOLERANCE = 1e-5
"""Of probabilities; for regression in units of the network's scale, and of the answer's size beyond one such unit."""
RUNTIME_ERRORS = (
    ort.EPFail, ort.Fail, ort.InvalidArgument, ort.InvalidGraph, ort.InvalidProtobuf, ort.NotImplemented,
    ort.RuntimeException, ValueError,
)  # fmt: skip
"""What ONNX Runtime raises for a graph or an input that it cannot take; they have no class in common."""


def why_unlike(model: ModelProto, network: Network, check: Matrix | None = None) -> str:
    """'' when a model answers as the network (in evaluation mode) does, at BATCHES and `lengths_of`; otherwise why not.

    It must have nothing of training in it either.
    """
    left = [node.op_type for node in model.graph.node if _trains(node)]
    if left:
        return f"the graph still has {', '.join(sorted(set(left)))} as in training"
    try:
        session = open_session(model.SerializeToString(), SessionSettings())
    except RUNTIME_ERRORS as error:
        return f"ONNX Runtime cannot load it ({_short(error)})"
    for words, feeds, features in _trials(network.spec.layout, check):
        expected = _answers(network, features)
        try:
            answer = session.run(None, feeds)[0]
        except RUNTIME_ERRORS as error:
            return f"the graph fails on {words} ({_short(error)})"
        if answer.shape != expected.shape or answer.dtype != expected.dtype:
            return f"the graph answers {words} with {answer.dtype} {answer.shape}, not {expected.shape}"
        difference = _difference(answer, expected, network)
        if not difference <= TOLERANCE:  # also when it is no number
            return f"the graph answers {words} otherwise, by up to {difference:.2g}"
    return ""


def lengths_of(layout: Layout) -> tuple[int, ...]:
    """Tokens at which a network is compared: 0, 1, 2, half of the longest text and all of it; () without texts."""
    longest = max((block.width for block in layout if isinstance(block, TextBlock)), default=0)
    return tuple(sorted({min(longest, length) for length in (0, 1, 2, (longest + 1) // 2, longest)})) if longest else ()


def sample_rows(layout: Layout, rows: int, length: int, seed: int = 0) -> NDArray[np.float32]:
    """Made-up features (rows, width): the first row's texts have `length` tokens and the last of several none."""
    rng = np.random.default_rng(seed)
    parts = [_made_up(block, rows, length, rng) for block in layout]
    return np.concatenate(parts, axis=1, dtype=np.float32)


def _made_up(block: Block, rows: int, length: int, rng: np.random.Generator) -> NDArray[np.float64]:
    if isinstance(block, NumberBlock):
        return rng.normal(size=(rows, block.width))
    if isinstance(block, CategoryBlock):
        return rng.permutation(np.arange(rows) % block.levels)[:, None].astype(np.float64)
    if isinstance(block, ImageBlock):
        images = rng.normal(size=(rows, block.width))
        images[1::3] = 0.0  # missing ones
        return images
    longest = min(length, block.width)
    tokens = rng.integers(1, max(2, block.vocabulary), (rows, block.width)).astype(np.float64)
    lengths = rng.integers(0, longest + 1, rows)
    lengths[-1], lengths[0] = 0, longest
    tokens[0, 0] = max(1, block.vocabulary - 1)
    return np.where(np.arange(block.width) < lengths[:, None], tokens, 0.0)


def _trials(layout: Layout, check: Matrix | None) -> Iterator[tuple[str, Feeds, Matrix]]:
    """What is asked, in words, as a core takes it and as the network takes it."""
    lengths = lengths_of(layout)
    for rows in BATCHES:
        for length in lengths or (0,):
            features = sample_rows(layout, rows, length, seed=rows)
            words = f"{rows} row(s)" + (f" of up to {length} token(s)" if lengths else "")
            yield words, core_feeds(features, layout), features
    if lengths:
        features = sample_rows(layout, BATCHES[1], 2)
        yield "texts with padding in every row", _padded(core_feeds(features, layout), layout), features
    if check is not None and check.shape[0]:
        assert isinstance(check, np.ndarray)
        for rows in BATCHES:
            yield f"{min(rows, len(check))} given row(s)", core_feeds(check[:rows], layout), check[:rows]


def _padded(feeds: Feeds, layout: Layout) -> Feeds:
    """The same with every text as long as its block."""
    widths = [block.width for block in layout if isinstance(block, TextBlock)]
    whole = {}
    for place, width in enumerate(widths):
        tokens = feeds[tokens_name(place)]
        whole[tokens_name(place)] = np.pad(tokens, ((0, 0), (0, width - tokens.shape[1])))
    return feeds | whole


def _answers(network: Network, features: Matrix) -> Floats:
    predicted = network.predict(features)
    return predicted[:, None] if network.regression else predicted


def _difference(answer: Floats, expected: Floats, network: Network) -> float:
    """The largest one, in the units of TOLERANCE."""
    apart = np.abs(answer - expected)
    if network.regression:
        apart = apart / (network.scale * np.maximum(1.0, np.abs((expected - network.centre) / network.scale)))
    return float(apart.max())


def _trains(node: NodeProto) -> bool:
    """Whether a node belongs to training: dropout, or batch norm by the batch's own statistics."""
    mode = next((entry.i for entry in node.attribute if entry.name == "training_mode"), 0)
    return node.op_type == "Dropout" or (node.op_type == "BatchNormalization" and mode == 1)


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:160]
