"""An exponential moving average of a model's weights (Polyak and Juditsky 1992; the warm-up is TensorFlow's)."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from engine.training.rewind import copies, copy_all


class Ema:
    """average <- d * average + (1 - d) * weights after every step, with d = min(decay, (1 + n) / (10 + n)) at update n.

    The small d of the first updates lets the average forget the weights that the training began with. Buffers are
    averaged like weights when they hold real numbers (the statistics of batch normalisation), else copied.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        tensors = [*model.parameters(), *model.buffers()]
        self._live = [tensor for tensor in tensors if tensor.is_floating_point()]
        self._live_counts = [tensor for tensor in tensors if not tensor.is_floating_point()]
        self._average = copies(self._live)
        self._counts = copies(self._live_counts)

    def update(self) -> None:
        """Take in the weights as they are now."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        with torch.no_grad():
            get_ema_multi_avg_fn(decay)(self._average, self._live, self.updates)
        copy_all(self._counts, self._live_counts)

    def restart(self, updates: int) -> None:
        """Make the weights as they are now the average, after so many updates."""
        self.updates = updates
        copy_all(self._average, self._live)
        copy_all(self._counts, self._live_counts)

    def give(self) -> None:
        """Put the average into the model."""
        copy_all(self._live, self._average)
        copy_all(self._live_counts, self._counts)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the model have the average for a while."""
        kept, counts = copies(self._live), copies(self._live_counts)
        self.give()
        try:
            yield
        finally:
            copy_all(self._live, kept)
            copy_all(self._live_counts, counts)
