"""What the numbers of a network's feature matrix mean, block by block.

A network gets the same float32 matrix (rows, width) as every other model. The layout says which of its places are
numbers, which are codes of a category, which are token ids of a text and which are the pixels of an image: whole
numbers up to 2**24 are exact in float32.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    start: int
    width: int

    @property
    def stop(self) -> int:
        return self.start + self.width


class NumberBlock(_Block):
    """`width` filled and scaled numbers, about as large as 1 and none beyond 3, 0/1 flags among them."""

    kind: Literal["number"] = "number"


class CategoryBlock(_Block):
    """One code (width 1): 0 missing, 1 rare or unseen, 2 .. levels-1 the known levels."""

    kind: Literal["category"] = "category"
    levels: int


class TextBlock(_Block):
    """`width` token ids: 0 padding (always at the end), 1 unknown, up to vocabulary-1. An empty text is all padding."""

    kind: Literal["text"] = "text"
    vocabulary: int


class ImageBlock(_Block):
    """channels * height * width_ scaled pixels, channel by channel, row by row. A missing image is all zero."""

    kind: Literal["image"] = "image"
    channels: int
    height: int
    width_: int


Block = Annotated[NumberBlock | CategoryBlock | TextBlock | ImageBlock, Field(discriminator="kind")]
Layout = tuple[Block, ...]
