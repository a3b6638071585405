"""What will be done, before it is: typed, shown with its estimate, editable, approved by its hash.

Also the two decisions that a model makes inside a run, as proposals that can be checked.
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from engine.errors import BadChoice

PlanState = Literal["proposed", "approved", "running", "done", "failed", "rejected"]
NEXT_STATES: Mapping[PlanState, tuple[PlanState, ...]] = {
    "proposed": ("approved", "rejected"),
    "approved": ("running", "rejected"),
    "running": ("done", "failed"),
    "failed": ("running",),
    "done": (),
    "rejected": (),
}


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StepEstimate(_Frozen):
    """What a step is expected to cost; None where nobody knows."""

    seconds: float | None = None
    memory_mb: float | None = None


class Step(_Frozen):
    """One call of a tool, and why it is made."""

    tool: str
    arguments: dict[str, object] = Field(default_factory=dict)
    why: str = ""
    estimate: StepEstimate = StepEstimate()


class Plan(_Frozen):
    """A goal and the steps to it. `hash` is the SHA-256 of goal and steps; a plan whose hash is not its own is refused.

    The state is not part of the hash: what was approved is what runs.
    """

    goal: str
    steps: tuple[Step, ...]
    state: PlanState = "proposed"
    hash: str = ""

    @model_validator(mode="after")
    def _own_hash(self) -> Self:
        own = content_hash(self.goal, self.steps)
        if self.hash and self.hash != own:
            raise ValueError("the hash does not belong to this content")
        # frozen: the only place where a field is set, and only to what follows from the others
        object.__setattr__(self, "hash", own)
        return self

    @property
    def seconds(self) -> float | None:
        """The sum of the known estimates; None when there is none."""
        known = [step.estimate.seconds for step in self.steps if step.estimate.seconds is not None]
        return sum(known) if known else None

    def edited(self, goal: str | None = None, steps: Sequence[Step] | None = None) -> "Plan":
        """A new proposal with other content, and so with another hash."""
        return Plan(goal=self.goal if goal is None else goal, steps=self.steps if steps is None else tuple(steps))

    def to_state(self, state: PlanState, approved_hash: str | None = None) -> "Plan":
        """The plan in another state.

        Raises BadChoice when the state does not follow from this one, or `approved_hash` is that of another content.
        """
        if approved_hash is not None and approved_hash != self.hash:
            raise BadChoice("hash of this plan (it was edited since)", approved_hash, (self.hash,))
        if state not in NEXT_STATES[self.state]:
            raise BadChoice(f"next state of a plan that is {self.state}", state, NEXT_STATES[self.state])
        return self.model_copy(update={"state": state})

    def to_table(self) -> list[tuple[str, str, str, str, str]]:
        """Rows for people: number, tool, arguments, estimate, why."""
        return [
            (str(number), step.tool, _arguments(step), _seconds(step.estimate.seconds), step.why)
            for number, step in enumerate(self.steps, 1)
        ]

    def to_mermaid(self) -> str:
        """The steps as a Mermaid flow chart."""
        lines = ["flowchart TD"]
        lines += [f'    s{number}["{number}. {_quoted(step.tool)}"]' for number, step in enumerate(self.steps, 1)]
        lines += [f"    s{number} --> s{number + 1}" for number in range(1, len(self.steps))]
        return "\n".join(lines)


class ModelProposal(_Frozen):
    """Which candidates to train and by which metric to choose; metric null leaves the choice to the engine."""

    models: tuple[str, ...] = Field(min_length=1, description="Candidates, e.g. ['linear', 'lightgbm', 'network'].")
    metric: str | None = Field(None, description="Metric to choose by; null for the engine's choice.")
    why: str = Field(description="One sentence of reason.")


class RoundProposal(_Frozen):
    """Whether to train another round of tuned variants."""

    action: Literal["tune", "stop"] = Field(description="tune: another round; stop: take the best so far.")
    trials: int = Field(0, ge=0, le=200, description="How many variants to try; 0 when stopping.")
    why: str = Field(description="One sentence of reason.")


def content_hash(goal: str, steps: Sequence[Step]) -> str:
    """SHA-256 (64 hex digits) of the content; the order of arguments does not matter."""
    content = {"goal": goal, "steps": [step.model_dump(mode="json") for step in steps]}
    return sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _arguments(step: Step) -> str:
    return ", ".join(f"{name}={_plain(value)}" for name, value in step.arguments.items() if value not in (None, (), []))


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.3g} s"


def _quoted(text: str) -> str:
    return text.replace('"', "'")
