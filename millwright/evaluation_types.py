"""The words that models are judged in: a scenario, what it expects, and what came of playing it."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    model_validator,
)

from agents.memory import MemorySettings
from engine.errors import BadArguments, DataError, NotFound

FOLDER = Path(__file__).parent / "scenarios"
Kind = Literal[
    "plans",
    "tools",
    "wrong columns",
    "ambiguous goals",
    "injection",
    "long chat",
    "refusal to invent",
    "recovery",
    "languages",
    "correction",
    "out of scope",
    "approvals",
    "cancel",
    "research",
]
TABLE_SUFFIX = ".csv"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Column(_Part):
    """A column of a made table: values that come round again, a walk through numbers, or a law over another column.

    `cycle` repeats its values row by row; `walk` is (row * step + start) % modulo, as (step, start, modulo);
    `below` is (column, limit, value below it, value otherwise).
    """

    cycle: tuple[str | float, ...] | None = Field(None, min_length=1)
    walk: tuple[int, int, int] | None = None
    below: tuple[str, float, str, str] | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("a column has one of cycle, walk and below")
        return self


class Cell(_Part):
    """A text that stands in one cell of a made table, whatever the column's law; rows count from 0."""

    row: int = Field(ge=0)
    column: str
    text: str


class Table(_Part):
    """A small table, the same each time it is written."""

    rows: int = Field(ge=1, le=5_000)
    columns: dict[str, Column] = Field(min_length=1)
    cells: tuple[Cell, ...] = ()

    def text(self) -> str:
        """As CSV.

        Raises:
            KeyError: a law or a cell names a column that is not there, or comes later.
        """
        import csv
        from io import StringIO

        planted = {(cell.row, cell.column): cell.text for cell in self.cells}
        if missing := {column for _, column in planted} - self.columns.keys():
            raise KeyError(min(missing))
        out = StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(self.columns)
        for number in range(self.rows):
            row: dict[str, object] = {}
            for name, column in self.columns.items():
                row[name] = _value(column, number, row)
            writer.writerow([planted.get((number, name), value) for name, value in row.items()])
        return out.getvalue()


def _value(column: Column, number: int, row: Mapping[str, object]) -> object:
    if column.cycle is not None:
        value = column.cycle[number % len(column.cycle)]
        return int(value) if isinstance(value, float) and value.is_integer() else value
    if column.walk is not None:
        step, start, modulo = column.walk
        return (number * step + start) % modulo
    assert column.below is not None, "a column has one of the three"
    name, limit, under, otherwise = column.below
    return under if float(str(row[name])) < limit else otherwise


class Before(_Part):
    """A call that prepares the home; later texts name its result's fields as {name.field}."""

    tool: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    name: str = Field("_", description="What later texts call the result.")


class CallPattern(_Part):
    """A call: one of the tools in `tool` ('a|b'), with at least these arguments; texts are compared without case."""

    tool: str
    arguments: dict[str, Any] = Field(default_factory=dict)

    @property
    def tools(self) -> tuple[str, ...]:
        return tuple(self.tool.split("|"))

    def __str__(self) -> str:
        return f"{self.tool}({', '.join(f'{name}={value!r}' for name, value in self.arguments.items())})"


def _as_pattern(given: object) -> object:
    return {"tool": given} if isinstance(given, str) else given


Calls = tuple[Annotated[CallPattern, BeforeValidator(_as_pattern)], ...]


class Fact(_Part):
    """A field of a result by its dotted path: of the last call of `tool` ('a|b'), or of what was prepared as `of`."""

    tool: str | None = None
    of: str | None = None
    field: str

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.tool is None) == (self.of is None):
            raise ValueError("a fact is of a tool or of something prepared, one of them")
        return self


class Bound(Fact):
    """A fact with what it must be."""

    equals: Any = None
    at_least: float | None = None
    at_most: float | None = None


class Expected(_Part):
    """What must hold of a step, or of the whole scenario: all of it is read off what happened.

    Attributes:
        called: calls that were answered with a result.
        not_called: calls that must not even have been asked for.
        at_most: most calls of a tool, those that were declined or failed included.
        says: facts that the final text states.
        results: facts that must be as they are bounded.
        mentions: words of the final text, whatever their case; 'a|b' is one of them.
        not_mentions: words that stand in no text.
        asks: whether the final text asks something.
        declines: whether the final text says that something cannot be done or is not known.
        grounded: every figure and name of the final text stands in a result, or was said by the user.
        ends: how the step ended: done, cancelled, failed, or the code of its error; 'a|b' is one of them.
        models, datasets: how many the home holds at the end.
        champion: whether the home has a champion at the end.
    """

    called: Calls = ()
    not_called: Calls = ()
    at_most: dict[str, int] = Field(default_factory=dict)
    says: tuple[Fact, ...] = ()
    results: tuple[Bound, ...] = ()
    mentions: tuple[str, ...] = ()
    not_mentions: tuple[str, ...] = ()
    asks: bool | None = None
    declines: bool | None = None
    grounded: Literal[True] | None = None
    ends: str | None = None
    models: int | None = None
    datasets: int | None = None
    champion: bool | None = None


class _Step(_Part):
    approve: bool = Field(False, description="What is said to every call that waits for a person.")
    expect: Expected = Expected()


class SayStep(_Step):
    """A line of the conversation. `cancel_at`: the turn is given up when this tool ('a|b') begins."""

    say: str = Field(min_length=1)
    cancel_at: str | None = None

    @property
    def what(self) -> str:
        return self.say


class RunStep(_Step):
    """A goal with its data, as `millwright run`; `options` are other choices of a run."""

    run: str = Field(min_length=1)
    data: str
    options: dict[str, Any] = Field(default_factory=dict)

    @property
    def what(self) -> str:
        return self.run


class ResearchStep(_Step):
    """A question for the research team; `options` are other choices of a research."""

    research: str = Field(min_length=1)
    options: dict[str, Any] = Field(default_factory=dict)

    @property
    def what(self) -> str:
        return self.research


class AskStep(_Step):
    """A question for the chain that answers from the documents or the results."""

    ask: str = Field(min_length=1)

    @property
    def what(self) -> str:
        return self.ask


def _kind_of(step: object) -> str:
    named = step if isinstance(step, Mapping) else {type(step).__name__.removesuffix("Step").lower()}
    found = [kind for kind in ("say", "run", "research", "ask") if kind in named]
    return found[0] if len(found) == 1 else "none"


AnyStep = SayStep | RunStep | ResearchStep | AskStep
Step = Annotated[
    Annotated[SayStep, Tag("say")]
    | Annotated[RunStep, Tag("run")]
    | Annotated[ResearchStep, Tag("research")]
    | Annotated[AskStep, Tag("ask")],
    Discriminator(_kind_of),
]


class Scenario(_Part):
    """One thing that a model has to get right. `id` is the name of its file.

    `files` and `documents` are written, the documents indexed, then `before` is called; all `say` steps are one
    conversation. Texts name the folder of the files as {files}.
    """

    id: str
    kind: Kind
    about: str
    files: dict[str, Table | str] = Field(default_factory=dict)
    documents: dict[str, str] = Field(default_factory=dict)
    before: tuple[Before, ...] = ()
    memory: MemorySettings = MemorySettings()
    steps: tuple[Step, ...] = Field(min_length=1)
    expect: Expected = Expected()

    @property
    def hash(self) -> str:
        """What it is, as 16 characters: two scenarios with the same one are the same."""
        return sha256(self.model_dump_json().encode()).hexdigest()[:16]


def read_scenarios(pattern: str = "*") -> list[Scenario]:
    """The scenarios whose ids match, in order; a pattern with a slash or `.yaml` names files of the user's instead.

    Raises:
        NotFound: none matches.
        DataError, BadArguments: as `read_scenario`.
    """
    own = "/" in pattern or pattern.endswith(".yaml")
    files = sorted(_files(pattern) if own else FOLDER.glob("*.yaml"), key=lambda file: file.stem)
    found = [file for file in files if own or fnmatchcase(file.stem, pattern)]
    if not found:
        raise NotFound("scenario", pattern, [file.stem for file in files])
    return [read_scenario(file) for file in found]


def _files(pattern: str) -> Iterator[Path]:
    path = Path(pattern).expanduser()
    base = Path(path.anchor) if path.is_absolute() else Path()
    yield from base.glob(str(path.relative_to(path.anchor)))


def read_scenario(file: Path) -> Scenario:
    """The scenario in a YAML file.

    Raises:
        DataError: it is no YAML, or holds no fields.
        BadArguments: naming the file and the first field that does not fit.
    """
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise DataError(f"{str(file)!r} cannot be read as YAML: {error}.", "docs/eval.md shows one.") from error
    if not isinstance(found, Mapping):
        raise DataError(f"{str(file)!r} holds no fields.", "docs/eval.md shows one.")
    try:
        scenario = Scenario.model_validate({"id": file.stem, **found})
        for name, content in scenario.files.items():
            _check_table(file, name, content)
    except ValidationError as error:
        raise _misfit(file, error) from error
    return scenario


def _check_table(file: Path, name: str, content: Table | str) -> None:
    if Path(name).name != name:
        raise BadArguments(f"{str(file)!r}: files: {name!r} is no plain name.", "Leave folders out.")
    try:
        if isinstance(content, Table):
            content.text()
    except (KeyError, ValueError) as error:
        raise BadArguments(
            f"{str(file)!r}: files.{name}: {error} is no column that a law or a cell can use.",
            "A law goes over a column of numbers before it.",
        ) from error


def _misfit(file: Path, error: ValidationError) -> BadArguments:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"] if part not in ("say", "run", "research", "ask", "Table"))
    told = (
        "has none or several of say, run, research and ask" if first["type"].startswith("union_tag") else first["msg"]
    )
    return BadArguments(
        f"{str(file)!r}: {place or 'the file'}: {told}.", "docs/eval.md lists what a scenario may hold."
    )
