"""What will be done, before it is: typed, shown with its estimate, editable, approved by its hash.

Steps name one another: an argument "$finish.model" is the field `model` of the result of the step `finish`, known
when that step is through. Also the decisions that a model makes inside a run, as proposals that can be checked.
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agents.plan_references import references_in
from engine.errors import BadChoice
from tools.spec import Effect

PlanState = Literal["proposed", "approved", "running", "done", "failed", "rejected"]
NEXT_STATES: Mapping[PlanState, tuple[PlanState, ...]] = {
    "proposed": ("approved", "rejected"),
    "approved": ("running", "rejected"),
    "running": ("done", "failed"),
    "failed": ("running",),
    "done": (),
    "rejected": (),
}
ASKS: frozenset[Effect] = frozenset({"write", "external"})
"""Effects that wait for a yes of their own, beyond the plan's."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StepEstimate(_Frozen):
    """What a step is expected to cost; None where nobody knows. Tokens are 0 where no language model is asked.

    Money is in the currency of the price that was given for tokens.
    """

    seconds: float | None = None
    memory_mb: float | None = None
    tokens: int | None = None
    money: float | None = None


class Step(_Frozen):
    """One call of a tool, and why it is made. Other steps refer to it by `id`; a plan names those that have none."""

    tool: str
    arguments: dict[str, object] = Field(default_factory=dict)
    why: str = ""
    estimate: StepEstimate = StepEstimate()
    effect: Effect = "compute"
    id: str = ""

    @property
    def waits(self) -> bool:
        """Whether it asks for a yes before it runs."""
        return self.effect in ASKS


class Finding(_Frozen):
    """Something in the data that a person should know before saying yes.

    Severity is high for a column whose values give the target away, medium for one that does so by where it has none.
    """

    kind: Literal["leak"] = "leak"
    column: str
    severity: Literal["high", "medium"]
    sentence: str


class LeftOut(_Frozen):
    """Something that the goal asks for and no step does.

    `arguments` are what the goal says of it besides the model, `say` the words that ask for it by itself, if any do.
    """

    tool: str
    sentence: str
    say: str = ""
    arguments: dict[str, object] = Field(default_factory=dict)


class PlanRow(_Frozen):
    """A step as it is shown."""

    number: int
    id: str
    tool: str
    arguments: str
    effect: Effect
    waits: bool = Field(description="Whether the run stops here for a yes.")
    seconds: float | None
    memory_mb: float | None
    tokens: int | None
    money: float | None
    why: str


class Plan(_Frozen):
    """A goal and the steps to it. `hash` is the SHA-256 of goal, steps and findings; a plan whose hash is not its own
    is refused.

    The state is not part of the hash, and neither is what was left out: what was approved is what runs.
    """

    goal: str
    steps: tuple[Step, ...]
    findings: tuple[Finding, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    state: PlanState = "proposed"
    hash: str = ""

    @model_validator(mode="after")
    def _own_hash(self) -> Self:
        # frozen: the only place where fields are set, and only to what follows from the others
        object.__setattr__(self, "steps", _named(self.steps))
        own = content_hash(self.goal, self.steps, self.findings)
        if self.hash and self.hash != own:
            raise ValueError("the hash does not belong to this content")
        object.__setattr__(self, "hash", own)
        return self

    @property
    def seconds(self) -> float | None:
        """The sum of the known estimates; None when there is none."""
        return _total([step.estimate.seconds for step in self.steps])

    @property
    def memory_mb(self) -> float | None:
        """The most that a step is expected to need: one runs at a time."""
        return max((mb for step in self.steps if (mb := step.estimate.memory_mb) is not None), default=None)

    @property
    def tokens(self) -> int | None:
        """The sum of the known estimates; None when there is none."""
        total = _total([step.estimate.tokens for step in self.steps])
        return None if total is None else int(total)

    @property
    def money(self) -> float | None:
        """The sum of the known estimates; None when there is none."""
        return _total([step.estimate.money for step in self.steps])

    def step(self, name: str) -> Step:
        """The step with this id, or with this number counted from 1.

        Raises BadChoice when there is none.
        """
        for number, step in enumerate(self.steps, 1):
            if name in (step.id, str(number)):
                return step
        raise BadChoice("step of this plan", name, [step.id for step in self.steps])

    def has(self, name: str) -> bool:
        """Whether there is a step with this id."""
        return any(step.id == name for step in self.steps)

    def edited(
        self,
        goal: str | None = None,
        steps: Sequence[Step] | None = None,
        findings: Sequence[Finding] | None = None,
        left_out: Sequence[LeftOut] | None = None,
    ) -> "Plan":
        """A new proposal with other content, and so with another hash. What a step does by now is not left out."""
        kept = self.steps if steps is None else tuple(steps)
        planned = {step.tool for step in kept}
        return Plan(
            goal=self.goal if goal is None else goal,
            steps=kept,
            findings=self.findings if findings is None else tuple(findings),
            left_out=tuple(one for one in (self.left_out if left_out is None else left_out) if one.tool not in planned),
        )

    def to_state(self, state: PlanState, approved_hash: str | None = None) -> "Plan":
        """The plan in another state.

        Raises BadChoice when the state does not follow from this one, or `approved_hash` is that of another content.
        """
        if approved_hash is not None and approved_hash != self.hash:
            raise BadChoice("hash of this plan (it was edited since)", approved_hash, (self.hash,))
        if state not in NEXT_STATES[self.state]:
            raise BadChoice(f"next state of a plan that is {self.state}", state, NEXT_STATES[self.state])
        return self.model_copy(update={"state": state})

    def rows(self) -> tuple[PlanRow, ...]:
        """The steps as they are shown, with all that is known of each."""
        return tuple(
            PlanRow(
                number=number,
                arguments=_arguments(step),
                waits=step.waits,
                **step.model_dump(include={"id", "tool", "effect", "why"}),
                **step.estimate.model_dump(),
            )
            for number, step in enumerate(self.steps, 1)
        )

    def to_table(self) -> list[tuple[str, str, str, str, str]]:
        """Rows for people: number, tool with its effect, arguments, estimate, why."""
        return [
            (str(row.number), f"{row.tool} ({_mark(row)})", row.arguments, _cost(step.estimate), step.why)
            for row, step in zip(self.rows(), self.steps, strict=True)
        ]

    def to_mermaid(self) -> str:
        """The steps as a Mermaid flow chart: a hexagon waits for a yes, a dotted arrow carries a result."""
        lines = ["flowchart TD"]
        places = {step.id: number for number, step in enumerate(self.steps, 1)}
        for row, step in zip(self.rows(), self.steps, strict=True):
            label = "<br/>".join(filter(None, (f"{row.number}. {_quoted(row.tool)}", _mark(row), _cost(step.estimate))))
            begin, end = ("{{", "}}") if row.waits else ("[", "]")
            lines.append(f'    s{row.number}{begin}"{label}"{end}')
        lines += [f"    s{number} --> s{number + 1}" for number in range(1, len(self.steps))]
        for number, step in enumerate(self.steps, 1):
            lines += [
                f"    s{places[found.step]} -. {_quoted(found.path)} .-> s{number}"
                for found in references_in(step.arguments)
                if found.step in places
            ]
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


class ProposedStep(_Frozen):
    """One call of a tool after the training."""

    tool: str = Field(description="One of the tools in the facts.")
    arguments: dict[str, object] = Field(description="Its arguments; '$finish.model' is the trained model.")
    why: str = Field(description="One sentence of reason.")


class StepsProposal(_Frozen):
    """The steps that the goal asks for after the training; none when it asks for none."""

    steps: tuple[ProposedStep, ...] = Field(description="In the order in which they run.")


def content_hash(goal: str, steps: Sequence[Step], findings: Sequence[Finding] = ()) -> str:
    """SHA-256 (64 hex digits) of the content; the order of arguments does not matter."""
    content = {"goal": goal, "steps": [step.model_dump(mode="json") for step in steps]}
    content |= {"findings": [finding.model_dump(mode="json") for finding in findings]}
    return sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode(errors="surrogatepass")).hexdigest()


def _named(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Each step with an id; those that have none are called by their place."""
    return tuple(
        step if step.id else step.model_copy(update={"id": f"step{number}"}) for number, step in enumerate(steps, 1)
    )


def _total(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _mark(row: PlanRow) -> str:
    return f"{row.effect}, waits for a yes" if row.waits else row.effect


def _cost(estimate: StepEstimate) -> str:
    words = [] if estimate.seconds is None else [f"{estimate.seconds:.3g} s"]
    if estimate.memory_mb:
        words.append(f"{estimate.memory_mb:.3g} MB")
    if estimate.tokens:
        words.append(f"{estimate.tokens:,} tokens")
    if estimate.money:
        words.append(f"{estimate.money:.2g} money")
    return ", ".join(words)


def _arguments(step: Step) -> str:
    return ", ".join(
        f"{name}={_plain(value)}"
        for name, value in step.arguments.items()
        if value is not None and value not in ((), [])
    )


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _quoted(text: str) -> str:
    return text.replace('"', "'")
