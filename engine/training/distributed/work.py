"""What each process of a job does, whoever started it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
from torch import Tensor, nn

from engine.training.distributed.event_file import EventWriter
from engine.training.distributed.group import Group, process_group
from engine.training.distributed.job import FitJob, write_tensors
from engine.training.distributed.staged import Staged, agree_on_checkpoint, part_of
from engine.training.distributed.strategies import check_together, parallel_of
from engine.training.events import unheard
from engine.training.fit import fit
from engine.training.parallel import Parallel
from engine.training.spec import DistributedSpec, FitReport


@dataclass(frozen=True)
class Share:
    """What one process trains, and how: `weights` puts together the whole model's, complete in the first process."""

    model: nn.Module
    parallel: Parallel
    checkpoints: Path
    stop: Callable[[], bool]
    weights: Callable[[], dict[str, Tensor]]


def work(folder: Path) -> None:
    """Train the job of `folder` as one of the processes that torchrun has started for it."""
    job = FitJob(folder)
    spec = job.distributed()
    with process_group(spec) as group:
        train(job, spec, group)


def train(job: FitJob, spec: DistributedSpec, group: Group) -> FitReport:
    """Do this process's part; the first process writes events and the result into the job's folder."""
    check_together(job.fit(), spec)
    share = _staged(job, spec, group) if spec.strategy == "pipeline" else _whole(job, spec, group)
    rows, valid = job.rows()
    writer = EventWriter(job.events) if group.rank == 0 else None
    report = fit(
        share.model,
        rows,
        job.loss(),
        job.fit(),
        device=group.device,
        valid=valid,
        score=job.score(),
        parallel=share.parallel,
        checkpoints=share.checkpoints,
        listener=writer or unheard,
        stop=share.stop,
    )
    weights = share.weights()
    if group.rank == 0:
        job.finish(weights, report)
    if writer is not None:
        writer.close()
    group.wait()
    return report


def _whole(job: FitJob, spec: DistributedSpec, group: Group) -> Share:
    parallel = parallel_of(spec, group)
    model = job.net()
    return Share(model, parallel, job.checkpoints, job.stop.exists, lambda: parallel.model_state(model))


def _staged(job: FitJob, spec: DistributedSpec, group: Group) -> Share:
    part = part_of(job.net(), group, spec.micro_batches)
    checkpoints = job.checkpoints / f"stage-{group.rank}"
    agree_on_checkpoint(checkpoints, group)
    return Share(
        part.stage,
        Staged(group),
        checkpoints,
        lambda: group.any(job.stop.exists()),
        lambda: _joined(part.weights(), job, group),
    )


def _joined(own: dict[str, Tensor], job: FitJob, group: Group) -> dict[str, Tensor]:
    """The weights of all stages, handed over as files; complete in the first process."""
    paths = [job.folder / f"weights-{rank}.safetensors" for rank in range(group.world)]
    write_tensors(paths[group.rank], own)
    group.wait()
    if group.rank > 0:
        return own
    joined: dict[str, Tensor] = {}
    for path in paths:
        joined |= safetensors.torch.load_file(path)
        path.unlink()
    return joined
