"""References of a plan: "$finish.model" stands for the field `model` of the result of the step `finish`."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

REFERENCE = re.compile(r"\$([A-Za-z][A-Za-z0-9_]*)\.([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*)")


@dataclass(frozen=True)
class Reference:
    """A field of another step's result; `path` goes on with dots into nested values ('metric.value')."""

    step: str
    path: str

    def __str__(self) -> str:
        return f"${self.step}.{self.path}"


def reference(value: object) -> Reference | None:
    """The reference that a value is, as a whole; text that merely holds a '$' is none."""
    match = REFERENCE.fullmatch(value) if isinstance(value, str) else None
    return Reference(match[1], match[2]) if match else None


def references_in(value: object) -> Iterator[Reference]:
    """All references in an argument or in all arguments."""
    found = reference(value)
    if found is not None:
        yield found
    for part in _parts(value):
        yield from references_in(part)


def replaced(value: object, by: Callable[[Reference], object]) -> object:
    """The same value with each reference replaced."""
    found = reference(value)
    if found is not None:
        return by(found)
    if isinstance(value, Mapping):
        return {name: replaced(part, by) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [replaced(part, by) for part in value]
    return value


def _parts(value: object) -> Iterator[object]:
    if isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, list | tuple):
        yield from value


def field_of(result: object, path: str) -> object:
    """The value at `path` in a result as JSON; None where there is nothing."""
    for name in path.split("."):
        if isinstance(result, Mapping):
            result = result.get(name)
        elif isinstance(result, list | tuple) and name.isdigit() and int(name) < len(result):
            result = result[int(name)]
        else:
            return None
    return result
