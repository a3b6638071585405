"""What the tests look at, measured in two processes that torchrun starts: python two_processes.py FOLDER PARENT."""

import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from engine.nets.mixed import build_net
from engine.parent import die_with
from engine.training.checkpoint import place_of
from engine.training.distributed.cutting import cut
from engine.training.distributed.data_parallel import DataParallel
from engine.training.distributed.event_file import EventReader
from engine.training.distributed.group import Group, process_group
from engine.training.distributed.job import FitJob
from engine.training.distributed.pipeline import Stage
from engine.training.distributed.sharded import Sharded
from engine.training.distributed.staged import Staged, part_of
from engine.training.distributed.work import train
from engine.training.distributed.worker import leave
from engine.training.events import LoopEvent, StepDone
from engine.training.fit import fit
from engine.training.losses import CrossEntropy
from engine.training.parallel import Alone, Parallel
from engine.training.spec import DistributedSpec, FitReport, FitSpec
from tests.engine.training.distributed.small_job import SPEC, alone, farthest, net_spec, small_job, small_rows

JOINT = SPEC.model_copy(update={"batch_size": 8})
Facts = dict[str, float | bool]


@dataclass(frozen=True)
class Ran:
    """A training as it came out."""

    weights: dict[str, Tensor]
    report: FitReport
    norms: list[float]


def run(parallel: Parallel, spec: FitSpec, folder: Path | None = None, stop_after: int = 1000) -> Ran:
    torch.manual_seed(0)
    net, rows = build_net(net_spec()), small_rows()
    norms: list[float] = []

    def listen(event: LoopEvent) -> None:
        if isinstance(event, StepDone) and event.grad_norm is not None:
            norms.append(event.grad_norm)

    report = fit(
        net,
        rows,
        CrossEntropy(),
        spec,
        valid=rows,
        parallel=parallel,
        checkpoints=folder,
        listener=listen,
        # only the first process hears of steps, and asks for all
        stop=lambda: len(norms) >= stop_after,
    )
    return Ran(parallel.model_state(net), report, norms)


def as_one(group: Group) -> Iterator[tuple[str, float | bool]]:
    """Two processes of half the batch against one of the whole; only the first process has all weights."""
    one = run(Alone(), JOINT)
    for name, parallel in parallels(group).items():
        two = run(parallel, SPEC)
        if group.rank == 0:
            yield f"{name} weights", farthest(two.weights, one.weights)
            yield f"{name} norms", max(abs(a - b) for a, b in zip(two.norms, one.norms, strict=True))
            yield f"{name} loss", abs(two.report.history[-1].loss - one.report.history[-1].loss)
            yield f"{name} score", abs((two.report.best_score or 0) - (one.report.best_score or 1))


def resumed(group: Group, folder: Path) -> Iterator[tuple[str, float | bool]]:
    """Stopped in the middle of an epoch and gone on with, against never stopped."""
    spec = SPEC.model_copy(update={"optimiser": "adamw", "learning_rate": 1e-3, "ema_decay": 0.8})
    for name in ("ddp", "offload"):
        parallel = parallels(group)[name]
        whole = run(parallel, spec)
        stopped = run(parallel, spec, folder / name, stop_after=3)
        rest = run(parallel, spec, folder / name)
        if group.rank == 0:
            yield f"{name} stopped", stopped.report.ended == "stopped" and stopped.report.steps == 3
            yield f"{name} went on", len(rest.norms) == len(whole.norms) - 3
            yield f"{name} resumed", farthest(rest.weights, whole.weights)


def parallels(group: Group) -> dict[str, Parallel]:
    return {"ddp": DataParallel(group), "fsdp": Sharded(group), "offload": Sharded(group, offload=True)}


def half_precision(group: Group) -> Iterator[tuple[str, float | bool]]:
    one = run(Alone(), JOINT)
    two = run(Sharded(group, bf16=True), SPEC)
    if group.rank == 0:
        yield "fsdp bf16 loss", abs(two.report.history[-1].loss - one.report.history[-1].loss)
        yield "fsdp bf16 float32", all(value.dtype == torch.float32 for value in two.weights.values())


def pipeline_gradients(group: Group) -> Iterator[tuple[str, float | bool]]:
    """Of a model in two stages against the model itself, for batches that do and do not divide into micro-batches."""
    features = small_rows().batch(torch.arange(11)).inputs[0]
    for name, net in {"encoder": build_net(net_spec(text_only=True)), "trunks": build_net(net_spec())}.items():
        stage = Stage(cut(net, 2)[group.rank], group, micro_batches=4)
        for rows in (8, 11, 1):
            yield f"pipeline {name} {rows}", most_apart(net, stage, features[:rows], group)


def most_apart(net: nn.Module, stage: Stage, features: Tensor, group: Group) -> float:
    """The largest difference of any process's gradients; the stage has the very parameters of the whole."""
    target = torch.arange(len(features)) % 2
    found = []
    for model in (net, stage):
        net.zero_grad()
        nn.functional.cross_entropy(model(features), target).backward()
        found.append([parameter.grad.clone() for parameter in stage.parameters()])
    apart = max((a - b).abs().max() for a, b in zip(*found, strict=True))
    return float(group.total(apart))


def pipeline_job(group: Group, folder: Path) -> Iterator[tuple[str, float | bool]]:
    """A job in two stages, lost at a moment when one had a checkpoint more than the other, against one process."""
    spec = DistributedSpec(strategy="pipeline", processes=2, micro_batches=3)
    fit_spec = JOINT.model_copy(update={"checkpoint_every": 1})
    weights, report = alone(small_job(folder / f"alone-{group.rank}", fit_spec, text_only=True))
    job = FitJob(folder / "job")
    if group.rank == 0:
        small_job(job.folder, fit_spec, text_only=True).begin(spec)
    group.wait()
    own = job.checkpoints / f"stage-{group.rank}"
    stage, (rows, valid) = part_of(job.net(), group, 3).stage, job.rows()
    heard: list[LoopEvent] = []
    fit(stage, rows, job.loss(), job.fit(), valid=valid, score=job.score(), parallel=Staged(group),
        checkpoints=own, listener=heard.append, stop=lambda: len(heard) > 6)  # fmt: skip
    if group.rank == 1:
        shutil.rmtree(place_of(own, 3))
    done = train(job, spec, group)
    if group.rank == 0:
        steps = [event.step for event in EventReader(job.events).new() if isinstance(event, StepDone)]
        yield "pipeline goes on after", steps[0] - 1
        yield "pipeline weights", farthest(job.weights(), weights)
        yield "pipeline score", abs((done.best_score or 0) - (report.best_score or 1))


def main(folder: Path) -> None:
    facts: Facts = {}
    with process_group(DistributedSpec(timeout_seconds=60)) as group:
        for part in (
            as_one(group),
            resumed(group, folder),
            half_precision(group),
            pipeline_gradients(group),
            pipeline_job(group, folder),
        ):
            facts.update(part)
        if group.rank == 0:
            (folder / "facts.json").write_text(json.dumps(facts))
        group.wait()


if __name__ == "__main__":
    die_with(int(sys.argv[2]))
    torch.use_deterministic_algorithms(True)
    main(Path(sys.argv[1]))
    leave()
