"""From the arguments of a call to a validated request, or to a sentence that says which one to change and how."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from engine.errors import BadArguments
from engine.naming import did_you_mean, shortened
from tools.spec import ToolRequest, ToolSpec


def parse_request(spec: ToolSpec, arguments: Mapping[str, object]) -> ToolRequest:
    """The request.

    Raises:
        BadArguments: naming the first argument that does not fit.
    """
    try:
        return spec.request.model_validate(dict(arguments))
    except ValidationError as error:
        raise bad_arguments(spec.name, spec.request, error) from error


def bad_arguments(caller: str, request: type[BaseModel], error: ValidationError) -> BadArguments:
    """What is wrong with the arguments of a call, in words for a person or a model."""
    first = error.errors(include_url=False)[0]
    fields = request.model_fields
    name = str(first["loc"][0]) if first["loc"] else ""
    listing = f"It takes: {shortened(list(fields), 20)}." if fields else "It takes no arguments."
    if first["type"] == "extra_forbidden" and len(first["loc"]) == 1:
        return BadArguments(f"{caller} has no argument {name!r}.", f"{did_you_mean(name, fields)} {listing}".strip())
    if first["type"] == "missing" and len(first["loc"]) == 1:
        return BadArguments(f"{caller} needs the argument {name!r}.", _described(request, name))
    where = ".".join(str(part) for part in first["loc"]) or "the arguments"
    return BadArguments(f"{caller}: {where}: {first['msg']}, got {_shown(first['input'])}.", _described(request, name))


def _described(request: type[BaseModel], name: str) -> str:
    field = request.model_fields.get(name)
    return f"{name}: {field.description}" if field and field.description else ""


def _shown(value: Any) -> str:  # noqa: ANN401  whatever the caller gave
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
