"""The raw inputs of an exported package: what a caller gives, shared by all members."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from onnx import TensorProto, ValueInfoProto, helper

from engine.features import FeaturePlan
from engine.features_image import ImageStep
from engine.features_pixels import PixelStep
from engine.features_steps import CategoryStep, DateStep, NumberStep
from engine.features_text import TextStep
from engine.features_tokens import TokenStep
from engine.optimise.errors import ExportFailed
from engine.optimise.export_plan_categories import Categories, Dictionary, dictionaries
from engine.serving.runtime_spec import BlockInput, Input, MomentsInput, NumbersInput, TextsInput, TokensInput

Step = TypeVar("Step")

RAW_NUMBERS, RAW_CATEGORIES, RAW_MOMENTS = "raw_numbers", "raw_categories", "raw_moments"
RAW_BLOCK, RAW_TOKENS = "raw_block", "raw_tokens"
"""Of these there may be several, with a number at the end."""
ROWS = "rows"
"""The name of the first axis of every input and of the answer."""


@dataclass(frozen=True)
class RawInputs:
    """Columns by input, and what Python computes."""

    numbers: tuple[str, ...]
    dictionaries: tuple[Dictionary, ...]
    moments: tuple[str, ...]
    blocks: tuple[BlockInput, ...]
    tokens: tuple[TokensInput, ...]

    @property
    def categories(self) -> Categories:
        return Categories(RAW_CATEGORIES, self.dictionaries)

    @property
    def inputs(self) -> tuple[Input, ...]:
        """Those that there are, in the order of the graph's inputs."""
        found: list[Input] = []
        if self.numbers:
            found.append(NumbersInput(name=RAW_NUMBERS, columns=self.numbers))
        if self.dictionaries:
            found.append(TextsInput(name=RAW_CATEGORIES, columns=self.categories.columns))
        if self.moments:
            found.append(MomentsInput(name=RAW_MOMENTS, columns=self.moments))
        return (*found, *self.blocks, *self.tokens)

    def block(self, step: TextStep | ImageStep) -> str:
        """The input that holds the features of this step."""
        return next(entry.name for entry in self.blocks if entry.step == step)

    def token_ids(self, step: TokenStep) -> str:
        """The input that holds the tokens of this step."""
        return next(entry.name for entry in self.tokens if entry.step == step)


def raw_inputs(plans: Sequence[FeaturePlan]) -> RawInputs:
    """What plans need together. Pixels come first among the numbers, since they are many; equal steps are one input.

    Raises:
        ExportFailed: the plans read no column at all.
    """
    steps = [step for plan in plans for step in plan.steps]
    if not steps:
        raise ExportFailed("The model reads no column, so there is nothing to export.")
    grids = [name for step in steps if isinstance(step, PixelStep) for name in step.columns]
    numbers = [step.column for step in steps if isinstance(step, NumberStep)]
    blocks = _distinct([step for step in steps if isinstance(step, TextStep | ImageStep)])
    tokens = _distinct([step for step in steps if isinstance(step, TokenStep)])
    return RawInputs(
        numbers=tuple(dict.fromkeys((*grids, *numbers))),
        dictionaries=dictionaries([step for step in steps if isinstance(step, CategoryStep)]),
        moments=tuple(dict.fromkeys(step.column for step in steps if isinstance(step, DateStep))),
        blocks=tuple(BlockInput(name=f"{RAW_BLOCK}_{place}", step=step) for place, step in enumerate(blocks)),
        tokens=tuple(TokensInput(name=f"{RAW_TOKENS}_{place}", step=step) for place, step in enumerate(tokens)),
    )


def input_infos(raw: RawInputs) -> list[ValueInfoProto]:
    """The raw inputs as a graph declares them."""
    return [helper.make_tensor_value_info(entry.name, *_declared(entry)) for entry in raw.inputs]


def width_of(step: TextStep | ImageStep) -> int:
    """How many features of a row Python computes."""
    return step.features if isinstance(step, ImageStep) else len(step.names)


def _declared(entry: Input) -> tuple[int, list[int | str]]:
    if isinstance(entry, BlockInput):
        return TensorProto.FLOAT, [ROWS, width_of(entry.step)]
    if isinstance(entry, TokensInput):
        return TensorProto.INT64, [ROWS, f"{entry.name}_length"]
    kinds = {"numbers": TensorProto.DOUBLE, "texts": TensorProto.STRING, "moments": TensorProto.INT64}
    return kinds[entry.kind], [ROWS, len(entry.columns)]


def _distinct(steps: Sequence[Step]) -> list[Step]:
    found: list[Step] = []
    for step in steps:
        if step not in found:
            found.append(step)
    return found
