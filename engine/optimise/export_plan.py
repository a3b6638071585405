"""The feature plan as a graph: from raw columns to what a core takes (`engine.optimise.core`).

Numbers, categories, dates and pixel grids become features inside the graph, in float64 as in Python, and are cut to
float32 at the end. Words, pictures and tokens come from Python, since ONNX has no hash of words, reads no picture
files and knows no byte pairs.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np

from engine.features import FeaturePlan
from engine.features_image import ImageStep
from engine.features_pixels import PixelStep
from engine.features_steps import CategoryStep, DateStep, NumberStep
from engine.features_text import TextStep
from engine.features_tokens import TokenStep
from engine.optimise import export_plan_categories as categories
from engine.optimise import export_plan_dates as dates
from engine.optimise.core import CODES, FEATURES, NUMBERS, image_name, tokens_name
from engine.optimise.errors import ExportFailed
from engine.optimise.export_plan_numbers import number_features, pixels
from engine.optimise.export_plan_raw import RAW_MOMENTS, RAW_NUMBERS, RawInputs
from engine.optimise.graph import Graph

Step = TypeVar("Step")


@dataclass(frozen=True)
class Piece:
    """A tensor (rows, width), and the places of its columns among the plan's features."""

    tensor: str
    places: tuple[int, ...]


def front(graph: Graph, raw: RawInputs, plan: FeaturePlan, wanted: Sequence[str]) -> dict[str, str]:
    """Nodes from the raw inputs to the inputs `wanted` of a core; the tensor that each is.

    Raises:
        ExportFailed: the core wants what the plan does not give.
    """
    parts = _Parts(graph, raw, plan)
    return {name: parts.core_input(name) for name in wanted}


class _Parts:
    """The features of one plan, kind by kind; each kind is computed for all its columns at once."""

    def __init__(self, graph: Graph, raw: RawInputs, plan: FeaturePlan) -> None:
        self._graph, self._raw, self._plan = graph, raw, plan
        widths = [len(step.names) for step in plan.steps]
        self._starts = np.cumsum([0, *widths])[:-1].tolist()

    def core_input(self, name: str) -> str:
        """Raises: ExportFailed: the plan has nothing of this name."""
        given = {FEATURES: self._features} | (self._blocks_of_layout() if self._plan.layout else {})
        if name not in given:
            raise ExportFailed(f"A member of the model takes {name!r}, which its columns do not give.")
        return given[name]()

    def _blocks_of_layout(self) -> dict[str, Callable[[], str]]:
        """For network plans, how each input of a core is made."""
        given: dict[str, Callable[[], str]] = {}
        if self._width_of(NumberStep) + self._width_of(DateStep):
            given[NUMBERS] = lambda: self._together([*self._numbers(), *self._dates()])
        if self._of(CategoryStep):
            given[CODES] = self._codes
        for place, text in enumerate(self._of(TokenStep)):
            given[tokens_name(place)] = partial(self._raw.token_ids, text)
        for place, image in enumerate(step for step in self._plan.steps if isinstance(step, ImageStep | PixelStep)):
            given[image_name(place)] = partial(self._image, image)
        return given

    def _features(self) -> str:
        """float32 (rows, width), as `FeaturePlan.transform` gives them."""
        network = self._plan.flavour == "network"
        others = self._flat_blocks() if network else [*self._categories(), *self._blocks()]
        return self._together([*self._numbers(), *self._dates(), *others])

    def _width_of(self, kind: type[object]) -> int:
        return sum(len(step.names) for step in self._plan.steps if isinstance(step, kind))

    def _of(self, kind: type[Step]) -> list[Step]:
        return [step for step in self._plan.steps if isinstance(step, kind)]

    def _starting(self, kind: type[Step]) -> Iterator[tuple[int, Step]]:
        """Steps of a kind, with the place of their first feature."""
        for start, step in zip(self._starts, self._plan.steps, strict=True):
            if isinstance(step, kind):
                yield start, step

    def _together(self, pieces: Sequence[Piece]) -> str:
        """Pieces side by side, in the order of their places."""
        if not pieces:
            return self._nothing()
        places = [place for piece in pieces for place in piece.places]
        joined = self._graph.side_by_side([piece.tensor for piece in pieces])
        return self._graph.pick(joined, np.argsort(places).tolist(), len(places))

    def _nothing(self) -> str:
        """float32 (rows, 0)."""
        rows = self._graph.add("Shape", self._raw.inputs[0].name, start=0, end=1)
        shape = self._graph.add("Concat", rows, self._graph.whole([0]), axis=0)
        return self._graph.add("ConstantOfShape", shape)

    def _numbers(self) -> list[Piece]:
        places = [start + index for start, step in self._starting(NumberStep) for index in range(len(step.names))]
        if not places:
            return []
        tensor = number_features(self._graph, RAW_NUMBERS, self._raw.numbers, self._of(NumberStep))
        return [Piece(tensor, tuple(places))]

    def _dates(self) -> list[Piece]:
        steps = self._of(DateStep)
        straight: dict[dates.Part, int] = {}
        bent: dict[dates.Part, int] = {}
        for index, (place, step) in enumerate(self._starting(DateStep)):
            for part in step.parts:
                circle = part in dates.CYCLES and step.flavour != "tree"
                (bent if circle else straight)[index, part] = place
                place += 2 if circle else 1
        pieces = []
        if straight or bent:
            found = dates.dates_of(self._graph, RAW_MOMENTS, self._raw.moments, steps)
        if straight:
            make = dates.values if self._plan.flavour == "tree" else dates.scaled
            pieces.append(Piece(make(self._graph, found, list(straight)), tuple(straight.values())))
        if bent:
            both = tuple(place + half for place in bent.values() for half in (0, 1))
            pieces.append(Piece(dates.circles(self._graph, found, list(bent)), both))
        return pieces

    def _categories(self) -> list[Piece]:
        """For linear and tree plans."""
        make = categories.tree_codes if self._plan.flavour == "tree" else categories.one_hot
        often = [(start, step) for start, step in self._starting(CategoryStep) if step.frequency is not None]
        levels = [(start, step) for start, step in self._starting(CategoryStep) if categories.width_of(step)]
        pieces = []
        if levels:
            places = [start + index for start, step in levels for index in range(categories.width_of(step))]
            tensor = make(self._graph, self._raw.categories, [step for _, step in levels])
            pieces.append(Piece(tensor, tuple(places)))
        if often:
            tensor = categories.frequencies(self._graph, self._raw.categories, [step for _, step in often])
            pieces.append(Piece(tensor, tuple(start + categories.width_of(step) for start, step in often)))
        return pieces

    def _blocks(self) -> list[Piece]:
        """What Python computes, for linear and tree plans."""
        return [
            Piece(self._raw.block(step), tuple(range(start, start + len(step.names))))
            for start, step in zip(self._starts, self._plan.steps, strict=True)
            if isinstance(step, TextStep | ImageStep)
        ]

    def _flat_blocks(self) -> list[Piece]:
        """Categories, texts and images of a network plan as features, for a model that is no network after all."""
        codes = [start for start, _ in self._starting(CategoryStep)]
        pieces = [Piece(self._graph.to_float32(self._codes()), tuple(codes))] if codes else []
        for start, text in self._starting(TokenStep):
            pieces.append(Piece(self._padded(text), tuple(range(start, start + text.length))))
        for start, step in zip(self._starts, self._plan.steps, strict=True):
            if isinstance(step, ImageStep | PixelStep):
                flat = self._graph.add("Flatten", self._image(step), axis=1)
                pieces.append(Piece(flat, tuple(range(start, start + len(step.names)))))
        return pieces

    def _codes(self) -> str:
        """int64 (rows, C)."""
        return categories.network_codes(self._graph, self._raw.categories, self._of(CategoryStep))

    def _padded(self, step: TokenStep) -> str:
        """float32 (rows, length) of tokens that are as long as the longest of their batch."""
        graph, tokens = self._graph, self._raw.token_ids(step)
        short = graph.add("Sub", graph.whole([step.length]), graph.add("Shape", tokens, start=1, end=2))
        pads = graph.add("Concat", graph.whole([0]), short, axis=0)
        return graph.to_float32(graph.add("Pad", tokens, pads, graph.whole(0), graph.whole([1])))

    def _image(self, step: ImageStep | PixelStep) -> str:
        """float32 (rows, channels, height, width)."""
        if isinstance(step, PixelStep):
            return pixels(self._graph, RAW_NUMBERS, self._raw.numbers, step)
        shape = self._graph.whole([0, step.channels, step.height, step.width])
        return self._graph.add("Reshape", self._raw.block(step), shape)
