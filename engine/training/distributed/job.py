"""A training as a folder, so that other processes can do it, and go on with it.

net.json, fit.json       what is trained, and how
goal.json                the loss by name and options, the name of the metric that validation goes by, and how rows
                         are changed at random each time they are learned from
rows.safetensors         features, target and weight, and those of the validation rows (valid_features, ...)
initial.safetensors      weights to begin with; fresh ones from the seed without it
distributed.json         in which processes, written by `launch`
checkpoints/             to go on from
events.jsonl, log.txt    what the processes say
stop                     a wish to stop, when it is there
weights.safetensors      the result
report.json              how it went; written last
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from pydantic import TypeAdapter
from torch import Tensor, nn

from engine.errors import BadChoice
from engine.files import write_atomic, write_json
from engine.metrics import METRICS, Metric
from engine.metrics import score as metric_value
from engine.nets.mixed import build_net
from engine.nets.spec import NetSpec
from engine.training import losses
from engine.training.augment import Augmentation
from engine.training.distributed.failure import failure_files
from engine.training.losses import Loss
from engine.training.rows import Rows, TensorRows
from engine.training.seeding import seeded
from engine.training.spec import DistributedSpec, FitReport, FitSpec
from engine.training.validate import Score

LOSSES: dict[str, type[Loss]] = {
    kind.__name__: kind
    for kind in (
        losses.CrossEntropy, losses.Focal, losses.Dice, losses.SupervisedContrastive, losses.SquaredError,
        losses.AbsoluteError, losses.Huber, losses.Distillation, losses.RegressionDistillation,
    )
}  # fmt: skip

AUGMENTATION = TypeAdapter(Augmentation)


@dataclass(frozen=True)
class FitJob:
    """The folder of one training."""

    folder: Path

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    @property
    def events(self) -> Path:
        return self.folder / "events.jsonl"

    @property
    def log(self) -> Path:
        return self.folder / "log.txt"

    @property
    def stop(self) -> Path:
        return self.folder / "stop"

    def begin(self, spec: DistributedSpec) -> None:
        """Say in which processes, and clear away what an earlier attempt said; its checkpoints stay."""
        leftovers = [self.events, self.log, self.stop, self.folder / "report.json", *failure_files(self.folder)]
        for path in leftovers:
            path.unlink(missing_ok=True)
        write_json(self.folder / "distributed.json", spec.model_dump())

    def distributed(self) -> DistributedSpec:
        return DistributedSpec.model_validate_json(self._text("distributed.json"))

    def fit(self) -> FitSpec:
        return FitSpec.model_validate_json(self._text("fit.json"))

    def net(self) -> nn.Module:
        """The network before its training, the same in every process."""
        with seeded(self.fit().seed, torch.device("cpu")):
            net = build_net(NetSpec.model_validate_json(self._text("net.json")))
        if (self.folder / "initial.safetensors").exists():
            net.load_state_dict(self._tensors("initial"))
        return net

    def loss(self) -> Loss:
        named = json.loads(self._text("goal.json"))["loss"]
        return loss_of(named["name"], named["options"])

    def score(self) -> Score | None:
        """Of logits or values and targets, greater is better; None for minus the validation loss."""
        name = json.loads(self._text("goal.json"))["score"]
        return None if name is None else score_of(METRICS[name])

    def rows(self) -> tuple[TensorRows, TensorRows | None]:
        """Those to learn from, and those to validate with if there are any."""
        tensors = self._tensors("rows")
        rows = TensorRows(tensors["features"], tensors["target"], tensors.get("weight"), self._augment())
        if "valid_features" not in tensors:
            return rows, None
        valid = TensorRows(tensors["valid_features"], tensors["valid_target"], tensors.get("valid_weight"))
        return rows, valid

    def _augment(self) -> Augmentation | None:
        found = json.loads(self._text("goal.json"))["augment"]
        return None if found is None else AUGMENTATION.validate_python(found)

    def finish(self, weights: Mapping[str, Tensor], report: FitReport) -> None:
        """Write down the result."""
        write_tensors(self.folder / "weights.safetensors", weights)
        write_json(self.folder / "report.json", report.model_dump())

    def weights(self) -> dict[str, Tensor]:
        """The trained weights by the names that the network of `net` gives them, on the CPU."""
        return self._tensors("weights")

    def report(self) -> FitReport | None:
        """How the training went; None as long as it is not through."""
        path = self.folder / "report.json"
        return FitReport.model_validate_json(path.read_bytes()) if path.exists() else None

    def _text(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def _tensors(self, name: str) -> dict[str, Tensor]:
        tensors: dict[str, Tensor] = safetensors.torch.load_file(self.folder / f"{name}.safetensors")
        return tensors


def write_job(
    folder: Path,
    *,
    net: NetSpec,
    fit: FitSpec,
    loss: Loss,
    rows: Rows,
    valid: Rows | None = None,
    score: str | None = None,
    weights: Mapping[str, Tensor] | None = None,
    augment: Augmentation | None = None,
) -> FitJob:
    """Write down a training for `launch`. Rows are taken as they are; `augment` says how they are changed at random.

    Raises:
        BadChoice: `loss` is none of the engine's own, or `score` no metric.
        DiskFull, HomeNotWritable: the folder cannot be written.
    """
    name = type(loss).__name__
    if name not in LOSSES:
        raise BadChoice("loss of a job", name, list(LOSSES))
    if score is not None and score not in METRICS:
        raise BadChoice("metric", score, list(METRICS))
    write_json(folder / "net.json", net.model_dump(mode="json"))
    write_json(folder / "fit.json", fit.model_dump())
    write_json(
        folder / "goal.json",
        {
            "loss": {"name": name, "options": TypeAdapter(type(loss)).dump_python(loss)},
            "score": score,
            "augment": None if augment is None else AUGMENTATION.dump_python(augment, mode="json"),
        },
    )
    write_tensors(folder / "rows.safetensors", {**_tensors_of(rows, ""), **_tensors_of(valid, "valid_")})
    if weights is not None:
        write_tensors(folder / "initial.safetensors", weights)
    return FitJob(folder)


def loss_of(name: str, options: Mapping[str, object]) -> Loss:
    """The loss of that name, its options checked."""
    found: Loss = TypeAdapter(LOSSES[name]).validate_python(dict(options))
    return found


def score_of(metric: Metric) -> Score:
    """A metric of the engine as a score of the loop: of logits (n, k) or values (n,) or (n, 1), greater is better."""

    def score(outputs: Tensor, targets: Tensor) -> float:
        known = targets if targets.ndim == 1 else targets[:, 0]  # beside a teacher's answers, in distillation
        answers = outputs.double().reshape(len(outputs), -1)
        prediction = answers[:, 0] if metric.uses == "values" else answers.softmax(dim=1)
        value = metric_value(metric, known.numpy(), prediction.numpy())
        return value if metric.greater_is_better else -value

    return score


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """A safetensors file, whole or not at all."""
    write_atomic(path, safetensors.torch.save({name: value.contiguous() for name, value in tensors.items()}))


def _tensors_of(rows: Rows | None, prefix: str) -> dict[str, Tensor]:
    if rows is None:
        return {}
    batch = rows.batch(torch.arange(len(rows)))
    (features,) = batch.inputs
    found = {f"{prefix}features": features, f"{prefix}target": batch.target}
    return found if batch.weight is None else {**found, f"{prefix}weight": batch.weight}
