"""What the training loop asks of the processes it runs in. `Alone` is one process; others are in `distributed/`."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

State = Mapping[str, Any]


class Parallel(Protocol):
    """One process of a training. `rank` counts from 0 to `world` - 1; rank 0 writes files and tells events."""

    @property
    def rank(self) -> int: ...

    @property
    def world(self) -> int: ...

    def wrap(self, model: nn.Module) -> nn.Module:
        """The model to train, made from one that is already on its device; called before the optimiser is made."""
        ...

    def exchanging(self, model: nn.Module, last: bool) -> AbstractContextManager[None]:
        """Around the forward and backward pass of a micro-batch; gradients are exchanged in the `last` of a step."""
        ...

    def total(self, value: Tensor) -> Tensor:
        """The sum over all processes, the same in each."""
        ...

    def clip(self, model: nn.Module, limit: float) -> Tensor:
        """Scale the gradients down to a norm of at most `limit`; returns the norm before, over the whole model."""
        ...

    def model_state(self, model: nn.Module) -> dict[str, Tensor]:
        """All weights and buffers by their plain names, on the CPU; complete on rank 0, possibly empty elsewhere."""
        ...

    def optimiser_state(self, model: nn.Module, optimiser: Optimizer) -> State:
        """The optimiser's whole state dictionary, tensors on the CPU; complete on rank 0."""
        ...

    def load(self, model: nn.Module, optimiser: Optimizer | None, weights: Mapping[str, Tensor], state: State) -> None:
        """Put back what `model_state` and `optimiser_state` gave, in every process."""
        ...

    def wait(self) -> None:
        """Until every process is here."""
        ...


@dataclass(frozen=True)
class Alone:
    """One process, one device."""

    rank: int = 0
    world: int = 1

    def wrap(self, model: nn.Module) -> nn.Module:
        return model

    def exchanging(self, model: nn.Module, last: bool) -> AbstractContextManager[None]:
        return nullcontext()

    def total(self, value: Tensor) -> Tensor:
        return value

    def clip(self, model: nn.Module, limit: float) -> Tensor:
        return torch.nn.utils.clip_grad_norm_(model.parameters(), limit)

    def model_state(self, model: nn.Module) -> dict[str, Tensor]:
        return {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}

    def optimiser_state(self, model: nn.Module, optimiser: Optimizer) -> State:
        state: State = optimiser.state_dict()
        return state

    def load(self, model: nn.Module, optimiser: Optimizer | None, weights: Mapping[str, Tensor], state: State) -> None:
        model.load_state_dict(weights)
        if optimiser is not None:
            optimiser.load_state_dict(dict(state))

    def wait(self) -> None:
        """Nobody else to wait for."""
