"""What long engine work says while it runs, and how it is told to stop.

A long function takes a `Control`: it reports through `control.watch` and asks `control.cancelled()`
often (at least every half second of work). Both default to nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class _Progress(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StageStarted(_Progress):
    """A named stage of a job began, e.g. stage='prepare'."""

    kind: Literal["stage"] = "stage"
    stage: str
    detail: str = ""


class FitStarted(_Progress):
    """Candidate `index` of `total` (counted from 1) began to train."""

    kind: Literal["fit_started"] = "fit_started"
    model: str
    index: int
    total: int


class FitProgress(_Progress):
    """`done` of `total` units (trees, rounds, folds) of one fit are through."""

    kind: Literal["fit_progress"] = "fit_progress"
    model: str
    done: int
    total: int


class FitFinished(_Progress):
    """One candidate is through; `validation` is its score on rows it was not fitted on, None if it has none."""

    kind: Literal["fit_finished"] = "fit_finished"
    model: str
    status: Literal["done", "stopped", "skipped", "failed"]
    metric: str
    validation: float | None
    seconds: float
    detail: str = ""


class Note(_Progress):
    """A sentence a person should read: a warning, a choice made, something left out and why."""

    kind: Literal["note"] = "note"
    text: str


Progress = Annotated[StageStarted | FitStarted | FitProgress | FitFinished | Note, Field(discriminator="kind")]
PROGRESS: TypeAdapter[Progress] = TypeAdapter(Progress)
"""Reads a progress event back from its JSON: `PROGRESS.validate_python(dictionary)`."""

Watch = Callable[[Progress], None]


def silent(_: Progress) -> None:
    """The watch that listens to nothing."""


def never() -> bool:
    """The cancel flag that is never raised."""
    return False


@dataclass(frozen=True)
class Control:
    """How a caller follows and stops long work."""

    watch: Watch = silent
    cancelled: Callable[[], bool] = never
