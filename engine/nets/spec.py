"""What network to build, as a JSON-safe frozen record. Loads no torch."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from engine.features_layout import Layout

MOST_EMBEDDED = 128


class NetSpec(BaseModel):
    """A network for one layout of features.

    `width` and `depth` are those of the residual blocks that numbers and categories go through (`width` also that of
    the head that joins several trunks). `token_width` is the embedding of a text's tokens and the width of the
    encoder. `number_embedding` None embeds the numbers of a table when there are at most 128; 0 never does.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    layout: Layout = Field(min_length=1)
    outputs: int = Field(ge=1, description="Classes, or 1 for regression.")
    text: Literal["bag", "lstm", "encoder"] = "bag"
    image: Literal["conv", "resnet"] = "conv"
    dropout: float = Field(0.1, ge=0, lt=1)
    width: int = Field(128, ge=1)
    depth: int = Field(2, ge=0)
    number_embedding: int | None = Field(None, ge=0)
    token_width: int = Field(64, ge=1)
    lstm_hidden: int = Field(64, ge=1)
    lstm_layers: int = Field(1, ge=1)
    encoder_hidden: int = Field(256, ge=1)
    encoder_layers: int = Field(2, ge=1)
    heads: int = Field(4, ge=1)
    conv_width: int = Field(32, ge=1)
    resnet_widths: tuple[int, ...] = Field((32, 64, 128), min_length=1)
    resnet_blocks: tuple[int, ...] = Field((1, 1, 1), min_length=1)
    norm: Literal["batch", "group"] = "batch"

    @model_validator(mode="after")
    def _fits(self) -> "NetSpec":
        if self.text == "encoder" and self.token_width % self.heads:
            raise ValueError(f"a token_width of {self.token_width} does not divide into {self.heads} heads")
        if len(self.resnet_widths) != len(self.resnet_blocks):
            raise ValueError("resnet_widths and resnet_blocks must have one entry for each stage")
        return self
