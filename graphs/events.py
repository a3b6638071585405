"""What a run or a conversation says while it works: one closed union of frozen events.

The terminal, an HTTP stream and a page are renderers of it. Whoever records events numbers them (`with_sequence`);
an event that nobody has numbered has sequence 0.
"""

from collections.abc import Callable, Iterable
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from agents.plan import Plan
from engine.progress import Progress


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    sequence: int = 0


class TextDelta(_Event):
    """A piece of what is said to the user; pieces follow one another without a separator."""

    kind: Literal["text"] = "text"
    text: str


class TextRevised(_Event):
    """The last `deltas` pieces of text, `characters` in all, are taken back: what follows replaces them."""

    kind: Literal["revised"] = "revised"
    deltas: int
    characters: int


class CheckedClaim(BaseModel):
    """A figure or a name that an answer states, at `span` in its text, and the result that holds it.

    `result` is the id of a call, said:3 for the third message of the user, or None for what nothing holds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: str
    span: tuple[int, int]
    grounded: bool
    result: str | None = None


class ClaimsChecked(_Event):
    """What an answer states, each with what it rests on; told when the answer is whole, unless it states nothing.

    Attributes:
        answer: the place of the answer among the messages of the conversation, from 0.
        struck: how many of the claims nothing holds; they are struck and marked in the text.
        sent_back: whether a draft was sent back to the model; `taken_back` are its claims that nothing held.
    """

    kind: Literal["claims"] = "claims"
    answer: int
    claims: tuple[CheckedClaim, ...]
    struck: int = 0
    sent_back: bool = False
    taken_back: tuple[str, ...] = ()


class PlanProposed(_Event):
    """What will be done and what it is expected to cost, before it is."""

    kind: Literal["plan"] = "plan"
    run: str
    plan: Plan


class ApprovalWanted(_Event):
    """A person has to say yes or no. `approval` is to be given back with the decision, and is good for one.

    `tainted`: text from data may have asked for the call, and the user's own words did not; no policy says yes to it.
    """

    kind: Literal["approval"] = "approval"
    approval: str
    tool: str
    arguments: dict[str, object]
    why: str
    tainted: bool = False


class ToolStarted(_Event):
    """`call` ties the events of one call together; `job` is the job that a tool which runs as one is about to be."""

    kind: Literal["tool_started"] = "tool_started"
    call: str
    tool: str
    arguments: dict[str, object]
    job: str | None = None


class ToolProgress(_Event):
    kind: Literal["tool_progress"] = "tool_progress"
    call: str
    tool: str
    progress: Progress


class ToolFinished(_Event):
    """`result` is the tool's result as JSON; `error` is the sentence that the model was told instead."""

    kind: Literal["tool_finished"] = "tool_finished"
    call: str
    tool: str
    seconds: float
    result: dict[str, object] | None = None
    error: str | None = None


class Metric(_Event):
    """A measured figure. `rows` says on what: rows held out from the fits, or the sealed test rows."""

    kind: Literal["metric"] = "metric"
    name: str
    value: float
    rows: Literal["validation", "baseline", "test"]
    ci: tuple[float, float] | None = None


class Handover(_Event):
    """From here on `agent` works, on `task`: the role of a crew or of the research team that has the word."""

    kind: Literal["handover"] = "handover"
    agent: str
    task: str


class CheckpointSaved(_Event):
    """The state of `run` is kept under `name`; the run can be resumed or branched from it."""

    kind: Literal["checkpoint"] = "checkpoint"
    run: str
    name: str


class Artifact(_Event):
    """Something was written that the user may open."""

    kind: Literal["artifact"] = "artifact"
    name: Literal["package", "report", "script", "notebook", "analysis", "model", "qa", "deployment"]
    path: str


class RunFinished(_Event):
    """A run or a turn of a conversation is through; `summary` is that of a run."""

    kind: Literal["finished"] = "finished"
    run: str
    summary: dict[str, object] | None = None


class RunFailed(_Event):
    """A run or a turn stopped with an error; what was finished before is kept."""

    kind: Literal["failed"] = "failed"
    run: str
    code: str
    sentence: str
    hint: str = ""


Event = Annotated[
    TextDelta
    | TextRevised
    | ClaimsChecked
    | PlanProposed
    | ApprovalWanted
    | ToolStarted
    | ToolProgress
    | ToolFinished
    | Metric
    | Handover
    | CheckpointSaved
    | Artifact
    | RunFinished
    | RunFailed,
    Field(discriminator="kind"),
]
EVENT: TypeAdapter[Event] = TypeAdapter(Event)
"""Reads an event back from its JSON."""

Emit = Callable[[Event], None]
AnyEvent = TypeVar("AnyEvent", bound=_Event)


def unheard(_: Event) -> None:
    """The listener that does not listen."""


def text_of(events: Iterable[object]) -> str:
    """What was said in these events, without what was taken back."""
    pieces: list[str] = []
    for event in events:
        if isinstance(event, TextDelta) and event.text:
            pieces.append(event.text)
        elif isinstance(event, TextRevised):
            del pieces[max(0, len(pieces) - event.deltas) :]
    return "".join(pieces)


def with_sequence(event: AnyEvent, sequence: int) -> AnyEvent:
    """The same event with its number."""
    return event.model_copy(update={"sequence": sequence})
