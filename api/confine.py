"""Tools for callers from outside: the same ones, but they reach no file of this machine.

A caller over HTTP names data by dataset id; a file comes in only as an upload. Otherwise a request, or a
sentence in a conversation, could read what the server's user may read.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import create_model, field_validator

from tools.spec import ToolSpec
from tools.workshop import Workshop

Rule = Callable[[Workshop, str], str]
"""From a field's value to the value to use; ValueError when it reaches outside."""


def confined(workshop: Workshop, uploads: Path) -> Workshop:
    """`workshop` with tools whose requests name no path but those below `uploads`."""
    rules: dict[str, Rule] = {
        "source": lambda _, value: _uploaded(value, uploads),
        "data": _dataset,
        "reference": _dataset,
        "calibration": _dataset,
        "out": _no_file,
    }
    return replace(workshop, tools={name: _narrowed(workshop, spec, rules) for name, spec in workshop.tools.items()})


def _narrowed(workshop: Workshop, spec: ToolSpec, rules: Mapping[str, Rule]) -> ToolSpec:
    fields = rules.keys() & spec.request.model_fields.keys()
    if not fields:
        return spec
    validators: dict[str, Any] = {f"confined_{name}": _validator(workshop, name, rules[name]) for name in fields}
    narrow = create_model(
        spec.request.__name__,
        __base__=spec.request,
        __doc__=spec.request.__doc__,
        __validators__=validators,
    )
    return replace(spec, request=narrow)


def _validator(workshop: Workshop, field: str, rule: Rule) -> object:
    def check(value: str | None) -> str | None:
        return None if value is None else rule(workshop, value)

    return field_validator(field)(check)


def _uploaded(source: str, uploads: Path) -> str:
    """A sample, or a file below the uploads."""
    path = Path(source).resolve()
    # a file, not a folder: the folder of all uploads holds those of others
    if source.startswith("sample:") or (path.is_relative_to(uploads.resolve()) and path.is_file()):
        return source
    raise ValueError("over HTTP a source is 'sample:NAME'; send a file with POST /v1/datasets")


def _dataset(workshop: Workshop, data: str) -> str:
    """The id of an imported dataset, so that a name can never be taken for a file."""
    return workshop.datasets.get(data).id


def _no_file(_: Workshop, out: str) -> str:
    raise ValueError("over HTTP nothing is written to a file that the caller names; leave `out` away")
