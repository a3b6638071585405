"""One stage of a pipeline as the training loop sees it: a small model of its own, with its own checkpoints."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from engine.training.checkpoint import load
from engine.training.distributed.cutting import cut
from engine.training.distributed.group import Group, clip_together
from engine.training.distributed.pipeline import Stage
from engine.training.parallel import Alone, State
from engine.training.seeding import derived_seed

_ALONE = Alone()


@dataclass(frozen=True)
class Staged:
    """The `Parallel` of a stage. All stages see the same rows, so each is alone of its kind: rank 0 of 1.

    Every stage writes its own checkpoints, and only what concerns the whole model is done together: the norm of the
    gradients. Outputs, losses and scores are the same in every stage, so all decide alike.
    """

    group: Group
    rank: int = 0
    world: int = 1

    def wrap(self, model: nn.Module) -> nn.Module:
        """The stage itself. Its random numbers go ways of their own, or dropout would be alike in all stages."""
        torch.manual_seed(derived_seed(torch.initial_seed(), self.group.rank))
        return model

    @contextmanager
    def exchanging(self, model: nn.Module, last: bool) -> Iterator[None]:
        yield

    def total(self, value: Tensor) -> Tensor:
        return value

    def clip(self, model: nn.Module, limit: float) -> Tensor:
        gradients = (parameter.grad for parameter in model.parameters() if parameter.grad is not None)
        return clip_together(gradients, limit, self.group)

    def model_state(self, model: nn.Module) -> dict[str, Tensor]:
        return _ALONE.model_state(model)

    def optimiser_state(self, model: nn.Module, optimiser: Optimizer) -> State:
        return _ALONE.optimiser_state(model, optimiser)

    def load(self, model: nn.Module, optimiser: Optimizer | None, weights: Mapping[str, Tensor], state: State) -> None:
        _ALONE.load(model, optimiser, weights, state)

    def wait(self) -> None:
        self.group.wait()


@dataclass(frozen=True)
class Part:
    """A stage, and what the whole model calls its weights and buffers."""

    stage: Stage
    names: Mapping[str, str]

    def weights(self) -> dict[str, Tensor]:
        """Those of this stage, by the whole model's names, on the CPU."""
        return {self.names[name]: value for name, value in _ALONE.model_state(self.stage).items()}


def part_of(model: nn.Module, group: Group, micro_batches: int) -> Part:
    """The part of `model` that this process trains, one stage for each process.

    Raises:
        BadArguments: the model cannot be cut, or not into so many stages.
    """
    known = {id(value): name for name, value in model.state_dict(keep_vars=True).items()}
    stage = Stage(cut(model, group.world)[group.rank], group, micro_batches)
    names = {name: known[id(value)] for name, value in stage.state_dict(keep_vars=True).items()}
    return Part(stage, names)


def agree_on_checkpoint(folder: Path, group: Group) -> None:
    """Delete the checkpoints of this stage that are newer than what every stage has.

    Stages that were killed may be one checkpoint apart; each keeps its last two.
    """
    while True:
        place = load(folder).place
        own = -1 if place is None else int(place.name.removeprefix("step-"))
        least = group.least(own)
        if not group.any(own != least):
            return
        if place is not None and own > least:
            shutil.rmtree(place)
