"""Going back to the moment before a step, when the step could not be done."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from engine.training.seeding import random_state, set_random_state


class Rewind:
    """Remembers what a forward pass changes: the random generators and the model's buffers. Weights are not kept."""

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        self._device = device
        self._buffers = list(model.buffers())
        self._kept = copies(self._buffers)
        self._random = random_state(device)

    def mark(self) -> None:
        """This is the moment to go back to."""
        self._random = random_state(self._device)
        if self._buffers:
            copy_all(self._kept, self._buffers)

    def back(self) -> None:
        set_random_state(self._random, self._device)
        copy_all(self._buffers, self._kept)


def copies(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Tensors of their own memory with the same values."""
    return [tensor.detach().clone() for tensor in tensors]


def copy_all(to: Sequence[Tensor], source: Sequence[Tensor]) -> None:
    """Write the values of `source` into `to`, one by one."""
    with torch.no_grad():
        for target, tensor in zip(to, source, strict=True):
            target.copy_(tensor)
