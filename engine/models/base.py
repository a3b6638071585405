"""What every model kind shares: the setting it is fitted in, and the shape of a fitted model."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.errors import JobFailed, LossNotFinite, OutOfMemory, ProcessesFailed
from engine.features import Matrix
from engine.features_layout import Layout
from engine.progress import Control
from engine.tasks import Task

Params = dict[str, float | int | str | bool]
Floats = NDArray[np.float64]
Target = NDArray[np.float64] | NDArray[np.int64]


def no_tick(_done: int, _total: int) -> None:
    """The progress listener that listens to nothing."""


def no_epoch(_loss: float, _valid_loss: float | None) -> None:
    """The listener for passes over the rows that listens to nothing."""


def no_note(_text: str) -> None:
    """The listener for notes that listens to nothing."""


@dataclass(frozen=True)
class Hearing:
    """What a fit says while it runs.

    Attributes:
        tick: units done and in all.
        epoch: after a pass over the rows, the loss on them and on the validation rows.
        note: a sentence for people.
    """

    tick: Callable[[int, int], None] = no_tick
    epoch: Callable[[float, float | None], None] = no_epoch
    note: Callable[[str], None] = no_note


@dataclass
class Deadline:
    """When a fit must stop: at a moment of the monotonic clock (None: never) or when the caller cancels.

    `reached` stays True once it was, so that a model cut short can say so.
    """

    control: Control
    seconds: float | None = None
    reached: bool = False
    _end: float | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._end = None if self.seconds is None else time.monotonic() + self.seconds

    def left(self) -> float | None:
        """Seconds until then, at least 0; None when there is no such moment."""
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    def over(self) -> bool:
        """Whether to stop now."""
        if not self.reached:
            late = self._end is not None and time.monotonic() >= self._end
            self.reached = late or self.control.cancelled()
        return self.reached

    def check(self) -> None:
        """Raises: NoTimeError: it is time to stop."""
        if self.over():
            raise NoTimeError("no time left")


@dataclass(frozen=True)
class Setting:
    """Everything about a fit but the rows and the parameters.

    `classes` counts the classes in y (codes 0 .. classes-1, all of them present); 0 for regression. `valid` are rows
    for early stopping. `weights` (n,) weigh the rows. `categorical` are places of integer-coded features, `layout`
    says what a network's features mean. `device` and `processes` say where a network is trained. `teacher` (n, classes)
    or (n,) are another model's answers for the rows, to be learned from beside y. A long fit may keep what it has so
    far in `checkpoints`, a folder of its own, and goes on from there.
    """

    task: Task
    classes: int
    deadline: Deadline
    seed: int = 0
    threads: int = 1
    valid: tuple[Matrix, Target] | None = None
    weights: Floats | None = None
    categorical: tuple[int, ...] = ()
    layout: Layout = ()
    device: str = "auto"
    processes: int = 1
    teacher: Floats | None = None
    hearing: Hearing = Hearing()
    checkpoints: Path | None = None

    @property
    def regression(self) -> bool:
        return self.task == "regression"


class Fitted(Protocol):
    """A fitted model of one kind. `chosen` holds what fitting decided (rounds, strength), for a later refit."""

    @property
    def kind(self) -> str: ...

    @property
    def chosen(self) -> Params: ...

    def predict(self, features: Matrix) -> Floats:
        """(n,) values for regression, (n, classes) probabilities otherwise."""
        ...

    def thinned(self, parts: int) -> "Fitted":
        """As much of the model as is worth keeping when it is one of `parts` that are averaged."""
        ...

    def save(self, folder: Path) -> None:
        """Write the weights into an existing folder, never as pickle."""
        ...


FIT_ERRORS = (LossNotFinite, OutOfMemory, ProcessesFailed, JobFailed)
"""What ends one fit and not the run: it diverged, did not fit into memory, or lost its processes."""


class NoTimeError(Exception):
    """A fit was stopped before it had anything usable."""
