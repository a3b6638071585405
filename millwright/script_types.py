"""A script of goals: what is to be done unattended, what may be done without asking, and what came of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError, field_validator, model_validator

from agents.memory import MemorySettings
from engine.errors import BadArguments, DataError, SourceNotFound

Policy = Literal["careful", "trusting", "all"]
"""careful: nothing that others notice; trusting: also what changes this home's models and monitors; all: anything."""
ALLOWED: Mapping[Policy, frozenset[str]] = {
    "careful": frozenset({"read", "compute"}),
    "trusting": frozenset({"read", "compute", "write"}),
    "all": frozenset({"read", "compute", "write", "external"}),
}
OPTIONS = frozenset(
    {"metric", "models", "drop", "keep", "max_models", "seed", "device", "processes", "kinds", "split", "split_column"}
    | {"test_fraction", "delimiter", "encoding", "sheet", "query", "name", "tuning", "edits"}
)
"""What a run takes besides; nothing that would say yes in a person's place."""
StepState = Literal["done", "failed", "declined", "skipped"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Expected(_Part):
    """What must hold for the step to count as done.

    `at_least` and `at_most` bound the metric of a run, in its own units; `contains` are words of an answer, whatever
    their case; `fields` are values of a tool's result by dotted name.
    """

    at_least: float | None = None
    at_most: float | None = None
    contains: tuple[str, ...] = ()
    fields: dict[str, Any] = Field(default_factory=dict)


class Named(_Part):
    """A call that a step may make: this tool with these arguments and no others but those it takes anyway."""

    tool: str
    arguments: dict[str, Any]


class _Step(_Part):
    can_expect: ClassVar[frozenset[str]] = frozenset()

    expect: Expected = Expected()
    approve: tuple[str | Named, ...] = Field(
        (),
        description="Tools that this step may call beyond the policy; with their arguments, whatever was read before.",
    )

    @model_validator(mode="after")
    def _expects_what_it_can_show(self) -> Self:
        strange = sorted(self.expect.model_fields_set - self.can_expect)
        if strange:
            raise ValueError(f"expect: {strange[0]} cannot be told of this step; it has: {', '.join(self.can_expect)}")
        return self


class RunStep(_Step):
    """A goal with its data, as `millwright run`; `options` are the other choices of a run."""

    can_expect: ClassVar[frozenset[str]] = frozenset({"at_least", "at_most", "fields"})

    run: str = Field(min_length=1)
    data: str
    target: str | None = None
    budget_seconds: float | None = None
    options: dict[str, Any] = Field(default_factory=dict)

    @field_validator("options")
    @classmethod
    def _known(cls, options: dict[str, Any]) -> dict[str, Any]:
        strange = sorted(options.keys() - OPTIONS)
        if strange:
            raise ValueError(
                f"{strange[0]!r} is no option of a run in a script; there are: {', '.join(sorted(OPTIONS))}"
            )
        return options

    @property
    def kind(self) -> str:
        return "run"

    @property
    def what(self) -> str:
        return self.run


class SayStep(_Step):
    """A line of a conversation; all `say` steps of a script are one conversation."""

    can_expect: ClassVar[frozenset[str]] = frozenset({"contains"})

    say: str = Field(min_length=1)

    @property
    def kind(self) -> str:
        return "say"

    @property
    def what(self) -> str:
        return self.say


class ToolStep(_Step):
    """One call of a tool."""

    can_expect: ClassVar[frozenset[str]] = frozenset({"fields"})

    tool: str
    arguments: dict[str, Any] = Field(default_factory=dict)

    @property
    def kind(self) -> str:
        return "tool"

    @property
    def what(self) -> str:
        return self.tool


def _kind_of(step: object) -> str:
    named = step if isinstance(step, Mapping) else {type(step).__name__.removesuffix("Step").lower(): step}
    found = [kind for kind in ("run", "say", "tool") if kind in named]
    return found[0] if len(found) == 1 else "none"


Step = Annotated[
    Annotated[RunStep, Tag("run")] | Annotated[SayStep, Tag("say")] | Annotated[ToolStep, Tag("tool")],
    Discriminator(_kind_of),
]


class Script(_Part):
    """Goals in order. `budget_seconds` bounds the whole; a step that would begin after it is skipped."""

    steps: tuple[Step, ...] = Field(min_length=1)
    policy: Policy = "careful"
    budget_seconds: float | None = Field(None, gt=0)
    stop_on_failure: bool = True
    memory: MemorySettings = MemorySettings()


class StepOutcome(_Part):
    """How a step ended. `text` is what was said; `result` the summary of a run or a tool's result."""

    number: int
    kind: str
    what: str
    state: StepState
    seconds: float = 0.0
    text: str = ""
    result: dict[str, Any] | None = None
    error: dict[str, str] | None = None
    unmet: tuple[str, ...] = ()


class ScriptSummary(_Part):
    """What came of a script; `ok` when every step was done as expected."""

    script: str
    file: str
    policy: Policy
    ok: bool
    seconds: float
    session: str | None
    steps: tuple[StepOutcome, ...]


def read_script(file: Path) -> Script:
    """The script in a YAML or JSON file, or in a Python file of yours that sets `script` or `steps`.

    Raises:
        SourceNotFound: no such file.
        DataError: it is no YAML, or the Python file fails.
        BadArguments: naming the first value that does not fit.
    """
    if not file.is_file():
        raise SourceNotFound(str(file))
    found = _from_python(file) if file.suffix == ".py" else _from_yaml(file)
    if isinstance(found, Sequence) and not isinstance(found, str):
        found = {"steps": list(found)}
    try:
        return Script.model_validate(found)
    except ValidationError as error:
        raise _misfit(file, error) from error


def _from_yaml(file: Path) -> object:
    try:
        return yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DataError(f"{str(file)!r} is no YAML: {error}.", "docs/scripts.md shows one.") from error


def _from_python(file: Path) -> object:
    """The user's own program, run as they would run it: it makes the goals, and may compute them."""
    import runpy

    try:
        names = runpy.run_path(str(file))
    except (Exception, SystemExit) as error:  # the border to a program that is not ours
        raise DataError(
            f"{str(file)!r} failed: {type(error).__name__}: {error}.", "Run it with python first."
        ) from error
    found = names.get("script", names.get("steps"))
    if found is None:
        raise DataError(f"{str(file)!r} sets neither `script` nor `steps`.", "docs/scripts.md shows one.")
    return found


def _misfit(file: Path, error: ValidationError) -> BadArguments:
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == "union_tag_invalid":
        place = ".".join(str(part) for part in first["loc"])
        return BadArguments(
            f"{str(file)!r}: {place} has none or several of run, say and tool.", "Each step has exactly one of them."
        )
    place = ".".join(str(part) for part in first["loc"] if part not in ("run", "say", "tool")) or "the file"
    return BadArguments(f"{str(file)!r}: {place}: {first['msg']}.", "docs/scripts.md lists what a script may hold.")
