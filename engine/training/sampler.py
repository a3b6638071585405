"""Which rows come when: the order of an epoch, its steps, and the parts of a step that each process takes."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from engine.training.seeding import generator


@dataclass(frozen=True)
class Part:
    """What one process does in one micro-batch: the rows at places `start` to `stop` - 1 of the epoch's order.

    `share` is the number of those rows by the number of rows of the whole step, in all processes: a mean loss over the
    rows of each part, times its share, adds up to the mean over the step. `last` marks the last part of the step.
    """

    start: int
    stop: int
    share: float
    last: bool


@dataclass(frozen=True)
class Sampler:
    """Every epoch takes all `rows` once, `per_step` of them (in all processes together) for each optimiser step.

    The last step of an epoch has the rows that remain. When they are fewer than two for each process, they join the
    step before: batch normalisation cannot work with a single row.
    """

    rows: int
    per_step: int
    seed: int
    rank: int = 0
    world: int = 1

    @cached_property
    def steps(self) -> int:
        """Optimiser steps in an epoch."""
        whole, remain = divmod(self.rows, self.per_step)
        return max(1, whole + (remain >= 2 * self.world))

    def order(self, epoch: int) -> Tensor:
        """All places (rows,) in the order of `epoch`, which follows from it and the seed alone."""
        return torch.randperm(self.rows, generator=generator(self.seed, epoch))

    def step_rows(self, step: int) -> int:
        """Rows of a step, in all processes."""
        return self._bounds(step)[1] - self._bounds(step)[0]

    def parts(self, step: int, batch_size: int) -> list[Part]:
        """This process's parts of a step: as few as go with at most `batch_size` rows each, as even as can be.

        Every process has the same number of parts. One that is without a row in a part gets the first row of the step
        with a share of 0, so that it takes part in what the processes do together.
        """
        first, stop = self._bounds(step)
        rows = stop - first
        micro_batches = -(-rows // (batch_size * self.world))
        pieces = micro_batches * self.world
        found = []
        for micro in range(micro_batches):
            piece = micro * self.world + self.rank
            start, end = first + rows * piece // pieces, first + rows * (piece + 1) // pieces
            place = (start, end) if start < end else (first, first + 1)
            found.append(Part(*place, share=(end - start) / rows, last=micro == micro_batches - 1))
        return found

    def _bounds(self, step: int) -> tuple[int, int]:
        stop = self.rows if step == self.steps - 1 else (step + 1) * self.per_step
        return step * self.per_step, stop
