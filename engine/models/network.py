"""Networks by torch: one net over all columns, with a trunk for each kind of column that its family names.

A class is learned by cross entropy, a number (centred and scaled) by squared or absolute error. Afterwards the logits
are divided by a temperature found on the validation rows, since networks are too sure of themselves (Guo et al. 2017).
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from torch import Tensor

from engine.families import NETWORKS as FAMILIES
from engine.features import Matrix
from engine.features_layout import ImageBlock
from engine.files import write_atomic, write_json
from engine.models.augment import Augmentation
from engine.models.base import Floats, NoTimeError, Params, Setting, Target
from engine.models.network_params import SMOOTHING, fit_spec, net_spec
from engine.nets.mixed import MixedNet, build_net
from engine.nets.spec import NetSpec
from engine.training.checkpoint import load as load_checkpoint
from engine.training.device import choose_device
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
from engine.training.rows import TensorRows
from engine.training.spec import FitReport, FitSpec, Precision

AT_ONCE = 1024
TEMPERATURES = (0.5, 4.0)
ALPHA = 0.5
"""Weight of a teacher's answers beside the labels."""
SOFTNESS = 2.0
"""Temperature at which a student hears its teacher."""
WORTH_KEEPING_S = 60.0
"""Seconds from which a fit keeps checkpoints; a shorter one is sooner done again."""
TIME_KEPT = 0.05
"""Share of a fit's time that is left for what follows the last step."""


@dataclass(frozen=True)
class Network:
    """A fitted net. Regression answers are `centre + scale * output`, probabilities softmax(logits / temperature)."""

    kind: str
    spec: NetSpec
    net: MixedNet
    regression: bool
    epochs: int
    temperature: float = 1.0
    centre: float = 0.0
    scale: float = 1.0

    @property
    def chosen(self) -> Params:
        return {"epochs": self.epochs, **({} if self.regression else {"temperature": self.temperature})}

    def predict(self, features: Matrix) -> Floats:
        outputs = self.outputs(features)
        if self.regression:
            return np.asarray(outputs[:, 0] * self.scale + self.centre, dtype=np.float64)
        return np.asarray(softmax(outputs / self.temperature, axis=1), dtype=np.float64)

    def outputs(self, features: Matrix) -> Floats:
        """What the net says, (n, outputs), before temperature and scale."""
        rows, place = torch.from_numpy(np.ascontiguousarray(features)), next(self.net.parameters()).device
        with torch.inference_mode():
            parts = [self.net(some.to(place)).cpu() for some in rows.split(AT_ONCE)]
        return np.asarray(torch.cat(parts).numpy(), dtype=np.float64)

    def thinned(self, parts: int) -> "Network":
        """All of it: part of a net is none."""
        return self

    def save(self, folder: Path) -> None:
        weights = {name: value.contiguous().cpu() for name, value in self.net.state_dict().items()}
        write_atomic(folder / "network.safetensors", save_tensors(weights))
        record = {"kind": self.kind, "spec": self.spec.model_dump(mode="json"), "regression": self.regression}
        numbers = {"epochs": self.epochs, "temperature": self.temperature, "centre": self.centre, "scale": self.scale}
        write_json(folder / "network.json", record | numbers)


@dataclass(frozen=True)
class Family:
    """One family of networks, as a model kind."""

    name: str

    def fit(self, features: Matrix, y: Target, params: Params, setting: Setting) -> Network:
        """Train until the epochs, the patience or the time are through; the best epoch by the validation rows is kept.

        Raises:
            NoTimeError: stopped before the first step.
            LossNotFinite, OutOfMemory: as `engine.training.fit`.
            DeviceMissing, BadChoice: the device is not there.
        """
        if setting.deadline.over():
            raise NoTimeError("no step was through")
        return _Fitting(self.name, features, y, params, setting).run()

    def load(self, folder: Path) -> Network:
        """Read what `Network.save` wrote."""
        record: dict[str, Any] = json.loads((folder / "network.json").read_text(encoding="utf-8"))
        spec = NetSpec.model_validate(record.pop("spec"))
        net = build_net(spec)
        net.load_state_dict(load_tensors((folder / "network.safetensors").read_bytes()))
        return Network(spec=spec, net=net.eval(), **record)


NETWORKS = {name: Family(name) for name in FAMILIES}


@dataclass(frozen=True)
class Taught:
    """`plain` for targets alone (n,), `taught` for targets beside a teacher's answers (n, 1 + answers)."""

    plain: Loss
    taught: Loss

    def __call__(self, output: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        return (self.plain if target.ndim == 1 else self.taught)(output, target, weight)


class _Fitting:
    """One fit: rows and targets as tensors, the net, and what is said of it."""

    PLAIN: ClassVar[float] = 1e-3
    """Weight of the log loss beside the share of right labels, so that it decides between equals."""

    def __init__(self, kind: str, features: Matrix, y: Target, params: Params, setting: Setting) -> None:
        self.kind = kind
        self.params = params
        self.setting = setting
        self.device = choose_device(setting.device)
        self.centre, self.scale = _centred(y) if setting.regression else (0.0, 1.0)
        self.spec = net_spec(kind, setting.layout, 1 if setting.regression else setting.classes, params)
        self.rows = self._rows(features, y, setting.weights, setting.teacher, learned=True)
        valid = setting.valid
        # the judge goes by the labels alone: the teacher is only asked about rows to learn from
        self.valid = None if valid is None else self._rows(valid[0], valid[1], None, None, learned=False)

    def run(self) -> Network:
        torch.set_num_threads(self.setting.threads)
        seconds = self.setting.deadline.left()
        whole = fit_spec(self.kind, len(self.rows), self.params, self.setting.seed, _usable(seconds), self._precision())
        net, report = self._trained(whole)
        self._tell(report, whole)
        if report.steps == 0:
            raise NoTimeError("no step was through")
        epochs = report.best_epoch or max(1, report.epochs)
        fitted = Network(
            self.kind,
            self.spec,
            net.cpu().eval(),
            self.setting.regression,
            epochs,
            centre=self.centre,
            scale=self.scale,
        )
        return replace(fitted, temperature=self._temperature(fitted))

    def _trained(self, wished: FitSpec) -> tuple[MixedNet, FitReport]:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.setting.seed)
            net = build_net(self.spec)
        spec, checkpoints = self._going_on(self._fitting_memory(net.to(self.device), wished))
        report = fit_loop(
            net, self.rows, self._loss(), spec, device=self.device, valid=self.valid, score=self._score(),
            checkpoints=checkpoints, listener=self._listener(), stop=self.setting.deadline.over,
        )  # fmt: skip
        return net, report

    def _fitting_memory(self, net: MixedNet, spec: FitSpec) -> FitSpec:
        """The spec with whatever has to be switched on for the training to fit into memory, said in words."""
        sample = self.rows.batch(torch.arange(min(2, len(self.rows))))
        plan = plan_memory(net, sample, spec, device=self.device)
        for change in plan.changes:
            self.setting.hearing.note(f"{self.kind}: {change.sentence}")
        if not plan.fits:
            self.setting.hearing.note(f"{self.kind}: {plan.in_words()}")
        return plan.spec

    def _going_on(self, spec: FitSpec) -> tuple[FitSpec, Path | None]:
        """Where checkpoints go, for a fit long enough to be worth them; and the spec of the one to go on from.

        A killed fit goes on with the time that it was given first: its clock goes on too.
        """
        folder = self.setting.checkpoints
        if folder is None or (spec.seconds is not None and spec.seconds < WORTH_KEEPING_S):
            return spec, None
        found = load_checkpoint(folder).checkpoint
        if found is None:
            return spec, folder
        begun = found.identity.spec
        if begun.model_copy(update={"seconds": spec.seconds}) == spec:
            return begun, folder
        shutil.rmtree(folder)
        return spec, folder

    def _rows(
        self, features: Matrix, y: Target, weights: Floats | None, teacher: Floats | None, *, learned: bool
    ) -> TensorRows:
        target = self._target(y, teacher)
        weight = None if weights is None else torch.from_numpy(weights.astype(np.float32))
        images = [block for block in self.spec.layout if isinstance(block, ImageBlock)]
        augment = Augmentation(self.spec.layout, flip=any(block.channels == 3 for block in images))
        return TensorRows(
            torch.from_numpy(np.ascontiguousarray(features)), target, weight, augment if learned else None
        )

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

    def _score(self) -> Callable[[Tensor, Tensor], float] | None:
        """By right labels where the metric looks at labels; None is by the loss."""
        if self.params.get("judge") != "labels":
            return None

        def score(outputs: Tensor, targets: Tensor) -> float:
            right = (outputs.argmax(dim=1) == targets).double().mean()
            return float(right - self.PLAIN * torch.nn.functional.cross_entropy(outputs.double(), targets))

        return score

    def _temperature(self, fitted: Network) -> float:
        """That of the validation rows; that of the folds for a refit, which has none."""
        if self.setting.regression:
            return 1.0
        valid = self.setting.valid
        if valid is None:
            return float(self.params.get("temperature", 1.0))
        outputs, codes = fitted.outputs(valid[0]), valid[1].astype(np.int64)

        def loss(log_temperature: float) -> float:
            scaled = log_softmax(outputs / np.exp(log_temperature), axis=1)
            return -float(scaled[np.arange(len(codes)), codes].mean())

        low, high = np.log(TEMPERATURES)
        return float(np.exp(minimize_scalar(loss, bounds=(low, high), method="bounded").x))

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


def _centred(y: Target) -> tuple[float, float]:
    """Mean and deviation of a target, the deviation 1 where there is none."""
    return float(y.mean()), float(y.std()) or 1.0


def _usable(seconds: float | None) -> float | None:
    """The part of the time that steps may take."""
    return None if seconds is None else max(1e-3, seconds * (1 - TIME_KEPT))
