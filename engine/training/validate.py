"""Judging a model by rows that it did not learn from."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor, nn

from engine.training.loading import on_device
from engine.training.parallel import Parallel
from engine.training.precision import at_least_single, autocast
from engine.training.rows import Batch, Rows
from engine.training.spec import Precision

Score: TypeAlias = Callable[[Tensor, Tensor], float]


@dataclass(frozen=True)
class Verdict:
    """Mean loss over the rows and the score (greater is better); None where it is not a finite number."""

    loss: float | None
    score: float | None


@dataclass(frozen=True)
class Judge:
    """Judges models by `rows`; by minus the mean loss where there is no `score`.

    `score` gets the outputs and targets of all rows, (rows, ...) on the CPU, in their order. Several processes share
    the rows out between them; each gets all outputs.
    """

    rows: Rows
    loss: Callable[[Tensor, Tensor, Tensor | None], Tensor]
    score: Score | None
    device: torch.device
    precision: Precision
    parallel: Parallel

    def judge(self, model: nn.Module, batch_size: int) -> Verdict:
        """Look at `batch_size` rows at a time, in evaluation mode."""
        was_training = model.training
        model.eval()
        try:
            with torch.no_grad():
                loss, outputs, targets = self._answers(model, batch_size)
        finally:
            model.train(was_training)
        score = -loss if self.score is None else self.score(outputs.cpu(), targets.cpu())
        return Verdict(_finite(loss), _finite(score))

    def _answers(self, model: nn.Module, batch_size: int) -> tuple[float, Tensor, Tensor]:
        """Mean loss, outputs and targets of all rows. A process leaves zeros where another one has the rows."""
        loss = torch.zeros((), dtype=torch.float64, device=self.device)
        outputs = targets = torch.empty(0)
        for start in range(0, len(self.rows), batch_size * self.parallel.world):
            own = self._own(start, batch_size)
            # without a row of its own, a process still answers one, so that what all do together matches
            batch = self._batch(own if len(own) else torch.tensor([start]))
            with autocast(self.precision, self.device):
                output = model(*batch.inputs)
            output = at_least_single(output)
            if start == 0:
                outputs, targets = self._blank(output), self._blank(batch.target)
            if len(own):
                place = own.to(self.device)
                outputs[place], targets[place] = output, batch.target
                loss += self.loss(output, batch.target, batch.weight) * len(own)
        total = self.parallel.total
        return total(loss).item() / len(self.rows), total(outputs), total(targets)

    def _own(self, start: int, batch_size: int) -> Tensor:
        world, rank = self.parallel.world, self.parallel.rank
        rows = min(batch_size * world, len(self.rows) - start)
        return torch.arange(start + rows * rank // world, start + rows * (rank + 1) // world)

    def _batch(self, index: Tensor) -> Batch:
        return on_device(self.rows.batch(index), self.device)

    def _blank(self, some: Tensor) -> Tensor:
        return some.new_zeros((len(self.rows), *some.shape[1:]))


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
