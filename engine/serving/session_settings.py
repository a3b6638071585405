"""Settings of an ONNX Runtime session, as a JSON-safe frozen record. Loads nothing else."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

GraphLevel = Literal["none", "basic", "extended", "all"]


class SessionSettings(BaseModel):
    """Chosen by measuring. `threads` is of one operator; `spinning` threads are fast on an idle machine and ruinous on
    a busy one; `arena` keeps memory for the next answer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    threads: int = Field(1, ge=1)
    graph_level: GraphLevel = "all"
    arena: bool = True
    spinning: bool = False
    providers: tuple[str, ...] = ("CPUExecutionProvider",)
