"""What a package says of how it is to be run, as JSON-safe frozen records. Loads no torch and no ONNX."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.features_image import ImageStep
from engine.features_text import TextStep
from engine.features_tokens import TokenStep
from engine.serving.session_settings import SessionSettings

TorchMode = Literal["eager", "compile", "bf16"]

MISSING = ""
"""What stands for a missing category in the table of texts that an ONNX model is given."""
NO_MOMENT = -(2**63)
"""What stands for a missing date in the table of moments."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NumbersInput(_Record):
    """float64 (rows, columns), NaN for missing: numbers, whole numbers and booleans as they are."""

    kind: Literal["numbers"] = "numbers"
    name: str
    columns: tuple[str, ...]


class TextsInput(_Record):
    """Strings (rows, columns), '' for missing: categories as they are."""

    kind: Literal["texts"] = "texts"
    name: str
    columns: tuple[str, ...]


class MomentsInput(_Record):
    """int64 (rows, columns), NO_MOMENT for missing: dates as microseconds since 1970 in UTC."""

    kind: Literal["moments"] = "moments"
    name: str
    columns: tuple[str, ...]


class BlockInput(_Record):
    """float32 (rows, width): features that Python computes by `step`, since a graph cannot (words, pictures)."""

    kind: Literal["block"] = "block"
    name: str
    step: Annotated[TextStep | ImageStep, Field(discriminator="step")]

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.step.column,)


class TokensInput(_Record):
    """int64 (rows, length of the longest): token ids that Python computes by `step`; 0 is padding, at the end."""

    kind: Literal["tokens"] = "tokens"
    name: str
    step: TokenStep

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.step.column,)


Input = Annotated[NumbersInput | TextsInput | MomentsInput | BlockInput | TokensInput, Field(discriminator="kind")]


class OnnxRuntimeSpec(_Record):
    """`model.onnx` takes `inputs` and gives one output, 'answer': float64 (rows, classes), or (rows, 1) for a number.

    `split` says in words what is left to Python, '' when the graph takes raw rows whole.
    """

    engine: Literal["onnx"] = "onnx"
    inputs: tuple[Input, ...]
    session: SessionSettings = SessionSettings()
    split: str = ""


class MembersRuntimeSpec(_Record):
    """The members as they were trained; networks compiled, with less precision, or on a GPU.

    `threads` are torch's, which has one number for all of a process.
    """

    engine: Literal["members"] = "members"
    mode: TorchMode = "eager"
    device: Literal["cpu", "cuda"] = "cpu"
    threads: int = Field(1, ge=1)


RuntimeSpec = Annotated[OnnxRuntimeSpec | MembersRuntimeSpec, Field(discriminator="engine")]


class RuntimeFile(_Record):
    """`runtime.json` of a variant's folder or a package. A package without one has members, run eagerly."""

    format: Literal[1] = 1
    regression: bool
    weights: tuple[float, ...] = Field(description="Of the members, in the order of their folders' names.")
    runtime: RuntimeSpec
