"""What the losses of a training say: their mean, and whether the training diverges."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

READ_EVERY = 16
SKIPS_ALLOWED = 20


class DivergedError(Exception):
    """A step whose loss or gradient is not finite."""

    def __init__(self, step: int, learning_rate: float) -> None:
        super().__init__(step, learning_rate)
        self.step = step
        self.learning_rate = learning_rate


@dataclass(frozen=True)
class _Reading:
    """One step: `rows` in all processes, `loss` and `norm` still on the device."""

    step: int
    learning_rate: float
    rows: int
    loss: Tensor
    norm: Tensor


class Gauge:
    """Takes loss and gradient norm of every step and reads them `every` so many, since reading waits for the device.

    With fp16, gradients beyond its range are normal now and then: the scaler leaves that step out and scales less.
    Only when `allowed` steps in a row are bad, the training diverges; with the other precisions at once (0).
    `loss` and `norm` are those of the last step if it was read, else None; `loss_sum` and `rows` are of this epoch.
    """

    def __init__(self, every: int, allowed: int) -> None:
        self.loss: float | None = None
        self.norm: float | None = None
        self.loss_sum = 0.0
        self.rows = 0
        self.bad_in_a_row = 0
        self._every = every
        self._allowed = allowed
        self._unread: list[_Reading] = []

    def note(self, step: int, learning_rate: float, rows: int, loss: Tensor, norm: Tensor) -> None:
        """Take in one step.

        Raises:
            DivergedError: a step that was read now is bad, and so were as many before it as are allowed.
        """
        if self._every == 1:
            self._count(step, learning_rate, rows, loss.item(), norm.item())
            return
        self.loss = self.norm = None
        self._unread.append(_Reading(step, learning_rate, rows, loss, norm))
        if len(self._unread) >= self._every:
            self.read()

    def read(self) -> None:
        """Read what was not read yet; raises DivergedError as `note`."""
        unread, self._unread = self._unread, []
        if not unread:
            return
        # one wait for the device
        values = torch.stack([value.float() for reading in unread for value in (reading.loss, reading.norm)]).tolist()
        for reading, loss, norm in zip(unread, values[::2], values[1::2], strict=True):
            self._count(reading.step, reading.learning_rate, reading.rows, loss, norm)

    def restart(self, loss_sum: float = 0.0, rows: int = 0) -> None:
        """Begin an epoch, or go on with one."""
        self.loss_sum, self.rows = loss_sum, rows

    def _count(self, step: int, learning_rate: float, rows: int, loss: float, norm: float) -> None:
        self.loss, self.norm = loss, norm
        if math.isfinite(loss):
            self.loss_sum += loss * rows
            self.rows += rows
        if math.isfinite(loss) and math.isfinite(norm):
            self.bad_in_a_row = 0
            return
        self.bad_in_a_row += 1
        if self.bad_in_a_row > self._allowed:
            raise DivergedError(step, learning_rate)
