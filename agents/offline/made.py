"""The models that the calls of a conversation made, in the order in which they were made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agents.offline.worked import Call

_MADE = {"train_model": "model", "optimise_model": "model", "retrain_model": "challenger"}


@dataclass(frozen=True)
class Made:
    """One model that a call made: its place (from 0), the tool, its arguments and its result."""

    place: int
    model: str
    tool: str
    arguments: Mapping[str, Any]
    result: Mapping[str, Any]

    @property
    def dropped(self) -> tuple[str, ...]:
        return tuple(str(name) for name in self.arguments.get("drop") or ())


def made(past: Sequence[Call]) -> list[Made]:
    """The models that the calls made, oldest first."""
    found: list[Made] = []
    for tool, arguments, result in past:
        identity = _identity(tool, result or {})
        if identity and identity not in {one.model for one in found}:
            found.append(Made(len(found), identity, tool, arguments, result or {}))
    return found


def _identity(tool: str, result: Mapping[str, Any]) -> str | None:
    if tool == "distil_model":
        student = result.get("student")
        return str(student["model"]) if isinstance(student, dict) and student.get("model") else None
    if tool == "optimise_model" and result.get("model") == result.get("source"):
        return None  # nothing was better than the original
    return str(result[_MADE[tool]]) if tool in _MADE and result.get(_MADE[tool]) else None
