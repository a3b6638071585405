"""What a tool is: a frozen request, a frozen result, and a function between them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from tools.workshop import Workshop

Effect = Literal["read", "compute", "write", "external"]
"""read and compute run freely within the budget; write and external need approval unless the policy says otherwise."""


class ToolRequest(BaseModel):
    """Base of all requests: an unknown field is an error, every field has a description."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ToolResult(BaseModel):
    """Base of all results: JSON-safe, frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Estimate(ToolResult):
    """What a call is expected to cost."""

    seconds: float
    memory_mb: float


@dataclass(frozen=True)
class ToolSpec:
    """One tool.

    `job` says that the function runs as a durable job in a worker process; the others are short and run where
    they are called. `check` raises at once what a job would raise for arguments that cannot work, before one is begun.
    `watched` says of a tool that is no job that its function takes a third argument, the `Watch` it reports to.
    `Any` stands where each tool has its own request and result type.
    """

    name: str
    description: str
    request: type[ToolRequest]
    result: type[ToolResult]
    function: "Callable[..., ToolResult]"
    effect: Effect
    estimate: "Callable[[Workshop, Any], Estimate]"
    job: bool = False
    watched: bool = False
    check: "Callable[[Workshop, Any], None] | None" = None


READ = Estimate(seconds=0.0, memory_mb=0.0)
"""What reading a few small records costs: nothing worth planning for."""


def costs_nothing(_: "Workshop", __: ToolRequest) -> Estimate:
    """The estimate of a tool that only reads or writes a few small records."""
    return READ
