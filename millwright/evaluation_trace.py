"""What happened while a scenario was played: what every check of it is read off."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agents.grounding import check

Json = dict[str, Any]
_NAMED = re.compile(r"\{(\w+(?:\.[\w-]+)*)\}")


@dataclass(frozen=True)
class MadeCall:
    """A call that was asked for. `result` and `error` are both None for one that a person declined or gave up.

    `counts` is False where it says nothing about the model: a person stopped it, or a graph made it by itself.
    """

    tool: str
    arguments: Mapping[str, Any]
    result: Json | None = None
    error: str | None = None
    counts: bool = True

    @property
    def valid(self) -> bool:
        return self.result is not None


@dataclass(frozen=True)
class Wanted:
    """A call that waited for a person, and what was said to it."""

    tool: str
    arguments: Mapping[str, Any]
    yes: bool


@dataclass(frozen=True)
class Stated:
    """A figure or name that a text states, and whether anything held it."""

    value: str
    grounded: bool


@dataclass(frozen=True)
class StepTrace:
    """One step: what was said at its end, how it ended, and what was called in it.

    Attributes:
        stated: what the texts of the step state, as they were in the end.
        error: the code of what it failed with.
        taken_back: claims of drafts that nothing held, which the assistant had the model correct.
        cost: None where nobody has said what a token costs.
    """

    text: str
    state: str
    calls: tuple[MadeCall, ...] = ()
    wanted: tuple[Wanted, ...] = ()
    stated: tuple[Stated, ...] = ()
    error: str | None = None
    said: str = ""
    seconds: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None
    taken_back: int = 0


@dataclass(frozen=True)
class Trace:
    """The whole: `names` are the results of the calls before it and the folder of files, `effects` what a tool does."""

    steps: tuple[StepTrace, ...]
    names: Mapping[str, object]
    effects: Mapping[str, str]
    models: int
    datasets: int
    champion: bool

    @property
    def calls(self) -> Iterator[MadeCall]:
        for step in self.steps:
            yield from step.calls


def stated_in(text: str, scope: Sequence[Mapping[str, object]]) -> tuple[Stated, ...]:
    """Every figure and name in `text`, checked against the results in `scope` (each with an `id`)."""
    return tuple(Stated(claim.value, claim.grounded) for claim in check(text, scope))


def at_path(value: object, path: str) -> object:
    """What stands at a dotted path in JSON, e.g. 'metric.ci.0'.

    Raises:
        LookupError: nothing stands there.
    """
    for part in path.split("."):
        if isinstance(value, Mapping):
            value = value[part]
        elif isinstance(value, list | tuple) and part.lstrip("-").isdigit():
            value = value[int(part)]
        else:
            raise LookupError(path)
    return value


def filled(value: Any, names: Mapping[str, object]) -> Any:  # noqa: ANN401  JSON
    """JSON with {name} and {name.field} in its texts put in; a text that is one of these alone becomes its value.

    Raises:
        LookupError: nothing has that name; its first argument.
    """
    if isinstance(value, Mapping):
        return {name: filled(part, names) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [filled(part, names) for part in value]
    if not isinstance(value, str):
        return value

    def named(found: re.Match[str]) -> object:
        try:
            return at_path(names, found.group(1))
        except LookupError:
            raise LookupError(found.group(1)) from None

    alone = _NAMED.fullmatch(value)
    return named(alone) if alone else _NAMED.sub(lambda found: str(named(found)), value)
