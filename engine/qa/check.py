"""What a check of a model says, as a JSON-safe frozen record."""

import math
from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Status = Literal["passed", "failed", "warned", "skipped"]
Figure = float | int | str | bool | None


class Check(BaseModel):
    """One check. `detail` is a plain sentence with the figures in words, and for a skipped one the reason.

    `failed` is something that must be mended, `warned` something that a person should look at.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(description="Stable, e.g. 'missing_values'.")
    name: str
    status: Status
    detail: str
    figures: dict[str, Figure] = Field(default_factory=dict)


def figures_of(values: Mapping[str, Figure]) -> dict[str, Figure]:
    """The values that JSON can hold: what is not a number is left out."""
    return {
        name: value for name, value in values.items() if not (isinstance(value, float) and not math.isfinite(value))
    }


class Finding(BaseModel):
    """What a check found, before it has its id and name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: Status
    detail: str
    figures: dict[str, Figure] = Field(default_factory=dict)


def passed(detail: str, **figures: Figure) -> Finding:
    return Finding(status="passed", detail=detail, figures=figures_of(figures))


def failed(detail: str, **figures: Figure) -> Finding:
    return Finding(status="failed", detail=detail, figures=figures_of(figures))


def warned(detail: str, **figures: Figure) -> Finding:
    return Finding(status="warned", detail=detail, figures=figures_of(figures))


def skipped(reason: str) -> Finding:
    return Finding(status="skipped", detail=reason)
