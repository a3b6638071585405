"""Between a training under way and its checkpoints."""

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from engine.training.checkpoint import Checkpoint, Identity, Weights, load, place_of, save
from engine.training.learner import Learner
from engine.training.parallel import Parallel
from engine.training.progress import Progress
from engine.training.seeding import random_state, set_random_state
from engine.training.spec import FitSpec


def identity_of(model: nn.Module, spec: FitSpec, rows: int, world: int) -> Identity:
    """What the training of `model` is known by."""
    weights = {name: f"{tuple(value.shape)} {value.dtype}" for name, value in model.state_dict().items()}
    return Identity(spec=spec, rows=rows, world=world, weights=weights)


class Keeper:
    """Writes the checkpoints of one training and goes on from them. Without a folder it does neither.

    `last` is the place of the last sound one, `damaged` says in sentences which ones were passed over.
    """

    def __init__(self, folder: Path | None, identity: Identity, device: torch.device, parallel: Parallel) -> None:
        self.last: Path | None = None
        self.damaged: tuple[str, ...] = ()
        self._folder = folder
        self._identity = identity
        self._device = device
        self._parallel = parallel

    def save(self, learner: Learner, progress: Progress, best: Weights) -> Path | None:
        """Write down everything; None without a folder.

        Raises:
            DiskFull, HomeNotWritable: as `engine.training.checkpoint.save`.
        """
        if self._folder is None:
            return None
        checkpoint = self._taken(learner, progress, best)
        if self._parallel.rank == 0:
            save(self._folder, checkpoint)
        self._parallel.wait()
        self.last = place_of(self._folder, progress.step)
        return self.last

    def resume(self, learner: Learner) -> tuple[Progress, Weights] | None:
        """Bring `learner` and the random generators to the last checkpoint; the progress and best weights then.

        None when there is none that is sound.

        Raises:
            BadArguments: the folder holds another training.
        """
        if self._folder is None:
            return None
        found = load(self._folder)
        self.damaged = found.damaged
        if found.checkpoint is None:
            return None
        self._identity.check_same(found.checkpoint.identity, self._folder)
        self.last = found.place
        self._put_back(learner, found.checkpoint)
        self._parallel.wait()
        return found.checkpoint.progress, found.checkpoint.best

    def _taken(self, learner: Learner, progress: Progress, best: Weights) -> Checkpoint:
        average: Weights = {}
        if learner.ema is not None:
            with learner.averaged():
                average = self._parallel.model_state(learner.model)
        return Checkpoint(
            identity=self._identity,
            progress=replace(
                progress,
                batch_size=learner.batch_size.size,
                loss_sum=learner.gauge.loss_sum,
                loss_rows=learner.gauge.rows,
                ema_updates=0 if learner.ema is None else learner.ema.updates,
            ),
            model=self._parallel.model_state(learner.model),
            optimiser=self._parallel.optimiser_state(learner.model, learner.optimiser),
            random=self._random_of_all(),
            scaler=learner.scaler.state_dict(),
            average=average,
            best=best,
        )

    def _put_back(self, learner: Learner, checkpoint: Checkpoint) -> None:
        if learner.ema is not None:
            self._parallel.load(learner.model, None, checkpoint.average, {})
            learner.ema.restart(checkpoint.progress.ema_updates)
        self._parallel.load(learner.model, learner.optimiser, checkpoint.model, checkpoint.optimiser)
        learner.scaler.load_state_dict(checkpoint.scaler)
        learner.batch_size.size = checkpoint.progress.batch_size
        learner.gauge.restart(checkpoint.progress.loss_sum, checkpoint.progress.loss_rows)
        set_random_state(checkpoint.random[self._parallel.rank], self._device)

    def _random_of_all(self) -> Tensor:
        """(processes, bytes): each process knows its own row, and the sum over processes is all of them."""
        own = random_state(self._device)
        rows = torch.zeros(self._parallel.world, len(own), dtype=torch.int32, device=self._device)
        rows[self._parallel.rank] = own.to(self._device)
        return self._parallel.total(rows).to("cpu", torch.uint8)
