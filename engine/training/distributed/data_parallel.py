"""DDP: every process has the whole model and a part of each batch; gradients are averaged over the processes."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from engine.training.distributed.group import Group
from engine.training.parallel import Alone, State

_ALONE = Alone()


@dataclass(frozen=True)
class DataParallel:
    """The `Parallel` of DistributedDataParallel (Li et al. 2020, "PyTorch Distributed").

    Batch normalisation is over the rows of all processes on CUDA; on the CPU torch has no such layer, and each
    process normalises by its own rows.
    """

    group: Group

    @property
    def rank(self) -> int:
        return self.group.rank

    @property
    def world(self) -> int:
        return self.group.world

    def wrap(self, model: nn.Module) -> nn.Module:
        """The model inside DDP; one that is there already is left as it is."""
        if isinstance(model, DistributedDataParallel):
            return model
        if self.group.device.type == "cuda":
            return DistributedDataParallel(
                nn.SyncBatchNorm.convert_sync_batchnorm(model), device_ids=[self.group.device.index]
            )
        return DistributedDataParallel(model)

    def exchanging(self, model: nn.Module, last: bool) -> AbstractContextManager[None]:
        exchange: AbstractContextManager[None] = nullcontext() if last else model.no_sync()
        return exchange

    def total(self, value: Tensor) -> Tensor:
        return self.group.total(value)

    def clip(self, model: nn.Module, limit: float) -> Tensor:
        return torch.nn.utils.clip_grad_norm_(model.parameters(), limit)

    def model_state(self, model: nn.Module) -> dict[str, Tensor]:
        return _ALONE.model_state(_inner(model))

    def optimiser_state(self, model: nn.Module, optimiser: Optimizer) -> State:
        return _ALONE.optimiser_state(_inner(model), optimiser)

    def load(self, model: nn.Module, optimiser: Optimizer | None, weights: Mapping[str, Tensor], state: State) -> None:
        _ALONE.load(_inner(model), optimiser, weights, state)

    def wait(self) -> None:
        self.group.wait()


def _inner(model: nn.Module) -> nn.Module:
    """The model itself, which shares its weights with the DDP around it."""
    return model.module if isinstance(model, DistributedDataParallel) else model
