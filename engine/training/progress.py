"""How far a training has come: all of it that is not a tensor."""

from dataclasses import dataclass

from engine.training.spec import EpochRecord


@dataclass
class Progress:
    """Where a training is, and what it has seen.

    `epoch` epochs are through, and `index` optimiser steps of the next one, `step` in all. `loss_sum` is over
    the `loss_rows` rows of the epoch that is under way. `trained_rows` counts rows as often as
    they were learned from, and of the `seconds` in all, `valid_seconds` went into validation.
    """

    batch_size: int
    epoch: int = 0
    index: int = 0
    step: int = 0
    learning_rate: float = 0.0
    seconds: float = 0.0
    valid_seconds: float = 0.0
    loss_sum: float = 0.0
    loss_rows: int = 0
    trained_rows: int = 0
    ema_updates: int = 0
    history: tuple[EpochRecord, ...] = ()
    best_epoch: int | None = None
    best_score: float | None = None
    notes: tuple[str, ...] = ()

    def note(self, sentence: str) -> None:
        """Add a sentence for people, once."""
        if sentence not in self.notes:
            self.notes = (*self.notes, sentence)
