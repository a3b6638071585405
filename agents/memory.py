"""What of a long conversation a model is shown: everything, the last turns, a running summary, or what fits."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

MemoryKind = Literal["buffer", "window", "summary", "tokens"]


class MemorySettings(BaseModel):
    """How a session remembers. Whatever the kind, nothing is deleted: it says what a model is shown.

    buffer: everything; window: the last `turns` turns and what the earlier ones found out; summary: a running summary
    of what is older than `turns` turns; tokens: as much as fits into `tokens`, the rest summarised.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: MemoryKind = Field("tokens", description="buffer, window, summary or tokens.")
    turns: int = Field(8, ge=1, le=1_000, description="Turns of the user that are shown as they were said.")
    tokens: int = Field(8_000, ge=500, description="Most tokens of a conversation that are shown.")
