"""What a training says while it runs: named events, one listener. Loads no torch."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from engine.training.spec import EpochRecord, FitReport


@dataclass(frozen=True)
class FitBegan:
    """`steps` optimiser steps are planned, in `epochs` epochs; `parameters` counts the numbers that are learned."""

    epochs: int
    steps: int
    rows: int
    parameters: int


@dataclass(frozen=True)
class StepDone:
    """An optimiser step (counted from 1 over the whole training). `loss` is the mean over its rows.

    On an accelerator loss and norm are only read every few steps, since reading waits for the device: None between.
    """

    step: int
    epoch: int
    loss: float | None
    grad_norm: float | None
    learning_rate: float


@dataclass(frozen=True)
class EpochDone:
    """An epoch is through; `best` says that its validation score is the best so far."""

    record: EpochRecord
    best: bool


@dataclass(frozen=True)
class CheckpointSaved:
    step: int
    folder: Path


@dataclass(frozen=True)
class BatchReduced:
    """Memory ran out: batches are smaller from here on, and more of them make up a step."""

    batch_size: int
    accumulate: int


@dataclass(frozen=True)
class FitEnded:
    report: FitReport


LoopEvent: TypeAlias = FitBegan | StepDone | EpochDone | CheckpointSaved | BatchReduced | FitEnded
Listener: TypeAlias = Callable[[LoopEvent], None]


def unheard(_: LoopEvent) -> None:
    """The listener that listens to nothing."""
