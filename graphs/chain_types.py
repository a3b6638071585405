"""What the simple chains are asked and what they answer, and how a model proposes it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from graphs.research_types import Source
from tools.spec import ToolResult
from tools.training import CandidateEstimate, Task


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AnswerProposal(_Frozen):
    """An answer from the passages alone; `text` is empty when they do not hold one."""

    text: str = Field(max_length=4_000)


class ProgramProposal(_Frozen):
    """A program and what it does."""

    code: str = Field(min_length=1, max_length=20_000)
    explanation: str = Field(min_length=1, max_length=4_000)


class ChainAnswer(ToolResult):
    """`found` is False when nothing at hand answers the question; `text` then says so. `basis` is what it rests on."""

    question: str
    text: str
    found: bool
    basis: Literal["documents", "results", "nothing"]
    sources: tuple[Source, ...] = ()
    tools: tuple[str, ...] = ()
    struck: int = 0


class CodeAnswer(ToolResult):
    """A program that was checked and not run, and its explanation. `tools` are those it calls, in order."""

    task: str
    code: str
    explanation: str
    tools: tuple[str, ...]


class PipelineAsk(_Frozen):
    """Dataset and kind of task; the target of the import when none is given."""

    data: str = Field(description="A file, 'sample:NAME', or a dataset's id or name.")
    target: str | None = None
    task: Task | None = Field(None, description="Found from the target when left out.")
    budget_seconds: float = 60.0


class PipelineStep(ToolResult):
    """One step; `seconds` is None where nothing was measured."""

    name: str
    what: str
    seconds: float | None


class PipelinePlan(ToolResult):
    """What a pipeline would do, with times measured on a sample of this very data on this machine."""

    dataset: str
    target: str
    task: Task
    metric: str
    validation: str
    rows: int
    features: int
    candidates: tuple[CandidateEstimate, ...]
    steps: tuple[PipelineStep, ...]
    seconds: float
    memory_mb: float
    why: str
    notes: tuple[str, ...] = ()
