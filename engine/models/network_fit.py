"""One fit of a network: rows as tensors, the loss and the score, memory, checkpoints, and one process or several."""

import copy
import math
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.features import Matrix
from engine.features_layout import ImageBlock
from engine.models.base import Floats, Params, Setting, Target
from engine.models.network_params import SMOOTHING, fit_spec, net_spec
from engine.nets.mixed import MixedNet, build_net
from engine.nets.spec import NetSpec
from engine.training.augment import Augmentation
from engine.training.checkpoint import load as load_checkpoint
from engine.training.device import choose_device, processes_on
from engine.training.events import EpochDone, FitBegan, Listener, LoopEvent, StepDone
from engine.training.fit import fit as fit_loop
from engine.training.losses import (
    AbsoluteError,
    CrossEntropy,
    Distillation,
    Loss,
    RegressionDistillation,
    SquaredError,
)
from engine.training.memory import plan_memory
from engine.training.rows import Batch, TensorRows
from engine.training.spec import DistributedSpec, FitReport, FitSpec, Precision

ALPHA = 0.5
"""Weight of a teacher's answers beside the labels."""
SOFTNESS = 2.0
"""Temperature at which a student hears its teacher."""
PLAIN = 1e-3
"""Weight of the log loss beside the share of right labels, so that it decides between equals."""
WORTH_KEEPING_S = 60.0
"""Seconds from which a fit keeps checkpoints; a shorter one is sooner done again."""
TIMED_STEPS = 3
TRIAL_FROM_S = 5.0
"""Seconds of a fit from which its threads are chosen by a trial, which then may take `TRIAL_SHARE` of them."""
TRIAL_SHARE = 0.05
TIME_KEPT = 0.05
"""Share of a fit's time that is left for what follows the last step."""


@dataclass(frozen=True)
class Taught:
    """`plain` for targets alone (n,), `taught` for targets beside a teacher's answers (n, 1 + answers)."""

    plain: Loss
    taught: Loss

    def __call__(self, output: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        return (self.plain if target.ndim == 1 else self.taught)(output, target, weight)


@dataclass(frozen=True)
class Start:
    """A net to train on from, which changes it. `centre` and `scale` are those of its outputs for regression."""

    net: MixedNet
    spec: NetSpec
    centre: float
    scale: float


class Fitting:
    """One fit: rows and targets as tensors, the net (a fresh one without a `start`), and what is said of it."""

    def __init__(
        self, kind: str, features: Matrix, y: Target, params: Params, setting: Setting, start: Start | None = None
    ) -> None:
        self.kind = kind
        self.params = params
        self.setting = setting
        self.device = choose_device(setting.device)
        self.processes = processes_on(setting.device, setting.processes)
        if self.processes < setting.processes:
            fewer = f"{self.processes} and not in {setting.processes}: each process needs a GPU of its own."
            setting.hearing.note(f"{kind}: trained in {fewer}")
        self.start = start
        if start is None:
            self.centre, self.scale = _centred(y) if setting.regression else (0.0, 1.0)
            self.spec = net_spec(kind, setting.layout, 1 if setting.regression else setting.classes, params)
        else:
            self.centre, self.scale, self.spec = start.centre, start.scale, start.spec
        images = [block for block in self.spec.layout if isinstance(block, ImageBlock)]
        self.augment = Augmentation(self.spec.layout, flip=any(block.channels == 3 for block in images))
        self.rows = self._rows(features, y, setting.weights, setting.teacher, learned=True)
        valid = setting.valid
        # the judge goes by the labels alone: the teacher is only asked about rows to learn from
        self.valid = None if valid is None else self._rows(valid[0], valid[1], None, None, learned=False)

    def run(self) -> tuple[MixedNet, FitReport]:
        """The trained net, and how its training went."""
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            net = self._net().to(self.device)
            spec = self._fitting_memory(net, self._wished())
            torch.set_num_threads(1 if spec.deterministic else self._threads(net, spec))
            # what came before has taken some of the time
            spec = spec.model_copy(update={"seconds": _usable(self.setting.deadline.left())})
            report = self._together(net, spec) if self._many() else self._alone(net, spec)
        finally:
            torch.set_num_threads(before)
        self._tell(report, spec)
        return net, report

    def _net(self) -> MixedNet:
        """The net as it is before the first step."""
        if self.start is not None:
            return self.start.net
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.setting.seed)
            return build_net(self.spec)

    def _wished(self) -> FitSpec:
        return fit_spec(
            self.kind,
            self.spec.layout,
            len(self.rows),
            self.params,
            self.setting.seed,
            _usable(self.setting.deadline.left()),
            self._precision(),
            gpu=self.device.type == "cuda",
        )

    def _threads(self, net: MixedNet, spec: FitSpec) -> int:
        """One, or all that may be used if a step is faster with them: on small nets and busy machines it often is not.

        A fixed amount of work is done by one, so that its bits do not depend on the machine; so is one that has no
        time for a trial.
        """
        most = self.setting.threads
        if most == 1 or self.device.type != "cpu" or (spec.seconds is not None and spec.seconds < TRIAL_FROM_S):
            return 1
        batch = self.rows.batch(torch.arange(min(spec.batch_size, len(self.rows))))
        trial, loss = copy.deepcopy(net), self._loss()
        began, taken = time.monotonic(), {1: math.inf, most: math.inf}
        with torch.random.fork_rng(devices=[]):
            for _ in range(TIMED_STEPS):
                for threads in taken:
                    torch.set_num_threads(threads)
                    taken[threads] = min(taken[threads], _step_seconds(trial, loss, batch))
                if time.monotonic() - began > TRIAL_SHARE * (spec.seconds or math.inf):
                    break
        return min(taken, key=lambda threads: taken[threads])

    def _alone(self, net: MixedNet, wished: FitSpec) -> FitReport:
        folder = self.setting.checkpoints
        if wished.seconds is not None and wished.seconds < WORTH_KEEPING_S:
            folder = None
        spec, checkpoints, judged = self._going_on(wished, folder)
        return fit_loop(
            net, self.rows, self._loss(), spec, device=self.device, valid=self.valid,
            score=self._score(spec.epochs, judged),
            checkpoints=checkpoints, listener=self._listener(), stop=self.setting.deadline.over,
        )  # fmt: skip

    def _many(self) -> bool:
        """Whether several processes are to do it. A teacher's answers do not travel to them."""
        alone = self.processes == 1 or self.setting.teacher is not None
        return not alone and self.setting.checkpoints is not None

    def _together(self, net: MixedNet, spec: FitSpec) -> FitReport:
        """In several processes, each with its part of every batch; a step sees the same rows as alone."""
        # torch.distributed takes time to load and is needed here alone
        from engine.training.distributed.job import FitJob, write_job
        from engine.training.distributed.launch import launch

        processes, folder = self.processes, self.setting.checkpoints
        assert folder is not None
        gpu = self.device.type == "cuda"
        each = spec.model_copy(update={"batch_size": max(1, spec.batch_size // processes)})
        each, _, _ = self._going_on(each, FitJob(folder).checkpoints)
        (folder / "report.json").unlink(missing_ok=True)
        job = write_job(
            folder, net=self.spec, fit=each, loss=self._loss().plain, rows=self.rows, valid=self.valid,
            score="accuracy" if self._by_labels() else None, weights=net.cpu().state_dict(), augment=self.augment,
        )  # fmt: skip
        together = DistributedSpec(strategy="ddp", processes=processes, backend="nccl" if gpu else "gloo")
        report = launch(job, together, listener=self._listener(), stop=self.setting.deadline.over)
        net.load_state_dict(job.weights())
        return report

    def _fitting_memory(self, net: MixedNet, spec: FitSpec) -> FitSpec:
        """The spec with whatever has to be switched on for the training to fit into memory, said in words."""
        sample = self.rows.batch(torch.arange(min(2, len(self.rows))))
        plan = plan_memory(net, sample, spec, device=self.device)
        for change in plan.changes:
            self.setting.hearing.note(f"{self.kind}: {change.sentence}")
        if not plan.fits:
            self.setting.hearing.note(f"{self.kind}: {plan.in_words()}")
        return plan.spec

    def _going_on(self, spec: FitSpec, folder: Path | None) -> tuple[FitSpec, Path | None, int]:
        """The spec of the checkpoint to go on from, its folder, and how many passes it has behind it.

        A killed fit goes on with the time that it was given first: its clock goes on too. Checkpoints of another fit
        are deleted.
        """
        if folder is None:
            return spec, None, 0
        found = load_checkpoint(folder).checkpoint
        if found is None:
            return spec, folder, 0
        begun = found.identity.spec
        if begun.model_copy(update={"seconds": spec.seconds}) == spec:
            return begun, folder, len(found.progress.history)
        shutil.rmtree(folder)
        return spec, folder, 0

    def _rows(
        self, features: Matrix, y: Target, weights: Floats | None, teacher: Floats | None, *, learned: bool
    ) -> TensorRows:
        target = self._target(y, teacher)
        weight = None if weights is None else torch.from_numpy(weights.astype(np.float32))
        inputs = torch.from_numpy(np.ascontiguousarray(features))
        return TensorRows(inputs, target, weight, self.augment if learned else None)

    def _target(self, y: Target, teacher: Floats | None) -> Tensor:
        """(n,) codes or scaled values; with a teacher (n, 1 + classes) or (n, 2)."""
        if self.setting.regression:
            values = torch.from_numpy(((y - self.centre) / self.scale).astype(np.float32))
            if teacher is None:
                return values
            said = torch.from_numpy(((teacher - self.centre) / self.scale).astype(np.float32))
            return torch.stack([values, said], dim=1)
        codes = torch.from_numpy(y.astype(np.int64))
        if teacher is None:
            return codes
        return torch.cat([codes[:, None].float(), torch.from_numpy(teacher.astype(np.float32))], dim=1)

    def _loss(self) -> "Taught":
        alpha = float(self.params.get("alpha", ALPHA))
        if self.setting.regression:
            absolute = self.params.get("loss") == "absolute"
            return Taught(AbsoluteError() if absolute else SquaredError(), RegressionDistillation(alpha))
        smoothing = float(self.params.get("smoothing", SMOOTHING[self.kind]))
        return Taught(CrossEntropy(smoothing), Distillation(float(self.params.get("softness", SOFTNESS)), alpha))

    def _by_labels(self) -> bool:
        return self.params.get("judge") == "labels" and not self.setting.regression

    def _score(self, epochs: int, judged: int) -> Callable[[Tensor, Tensor], float]:
        """By right labels where the metric looks at labels, else by the loss; of equals, the later pass.

        What is measured on a few hundred rows is uncertain, and the last passes, with a low rate, are usually the
        best: an earlier one is only kept when it is better by up to a standard error (after the rule of Breiman et
        al. 1984, section 3.4.3). `judged` passes of an earlier attempt were judged already.
        """
        seen = [judged]

        def score(outputs: Tensor, targets: Tensor) -> float:
            seen[0] += 1
            merits = self._merits(outputs.double(), targets)
            error = merits.std(correction=0) / len(merits) ** 0.5
            return float(merits.mean() + error * min(1.0, seen[0] / epochs))

        return score

    def _merits(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """How well each row is answered, (n,), greater is better."""
        if self.setting.regression:
            return -((outputs[:, 0] - targets) ** 2)
        losses = torch.nn.functional.cross_entropy(outputs, targets, reduction="none")
        if not self._by_labels():
            return -losses
        # the loss decides between equals
        return (outputs.argmax(dim=1) == targets).double() - PLAIN * losses

    def _precision(self) -> Precision:
        """bf16 where the hardware has it: as good as fp32 for nets of this size, and faster."""
        fast = self.device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        return "bf16" if fast else "fp32"

    def _listener(self) -> Listener:
        total = [0]

        def hear(event: LoopEvent) -> None:
            if isinstance(event, FitBegan):
                total[0] = event.steps
            elif isinstance(event, StepDone):
                self.setting.hearing.tick(event.step, total[0])
            elif isinstance(event, EpochDone):
                self.setting.hearing.epoch(event.record.loss, event.record.valid_loss)

        return hear

    def _tell(self, report: FitReport, spec: FitSpec) -> None:
        for note in report.notes:
            self.setting.hearing.note(f"{self.kind}: {note}")
        if report.ended == "time":
            self.setting.hearing.note(
                f"{self.kind}: the time was not enough for all {spec.epochs} passes over the rows."
            )


def _step_seconds(net: MixedNet, loss: Loss, batch: Batch) -> float:
    began = time.perf_counter()
    loss(net(*batch.inputs), batch.target, batch.weight).backward()
    return time.perf_counter() - began


def _centred(y: Target) -> tuple[float, float]:
    """Mean and deviation of a target, the deviation 1 where there is none."""
    return float(y.mean()), float(y.std()) or 1.0


def _usable(seconds: float | None) -> float | None:
    """The part of the time that steps may take."""
    return None if seconds is None else max(1e-3, seconds * (1 - TIME_KEPT))
