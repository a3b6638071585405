"""Networks by torch: one net over all columns, with a trunk for each kind of column that its family names.

A class is learned by cross entropy, a number (centred and scaled) by squared or absolute error. Afterwards the logits
are divided by a temperature found on the validation rows, since networks are too sure of themselves (Guo et al. 2017).
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from engine.families import NETWORKS as FAMILIES
from engine.features import Matrix
from engine.files import write_atomic, write_json
from engine.models.base import Floats, NoTimeError, Params, Setting, Target
from engine.models.network_fit import Fitting, Start
from engine.nets.mixed import MixedNet, build_net
from engine.nets.spec import NetSpec
from engine.training.spec import FitReport

AT_ONCE = 1024
TEMPERATURES = (0.7, 4.0)


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
        return _fitted(Fitting(self.name, features, y, params, setting))

    def load(self, folder: Path) -> Network:
        """Read what `Network.save` wrote."""
        record: dict[str, Any] = json.loads((folder / "network.json").read_text(encoding="utf-8"))
        spec = NetSpec.model_validate(record.pop("spec"))
        net = build_net(spec)
        net.load_state_dict(load_tensors((folder / "network.safetensors").read_bytes()))
        return Network(spec=spec, net=net.eval(), **record)


NETWORKS = {name: Family(name) for name in FAMILIES}


def train_on(network: Network, features: Matrix, y: Target, params: Params, setting: Setting) -> Network:
    """Train a fitted network on from its weights, whatever the widths of its layers. Its net is changed by that.

    `y` are codes into the network's own outputs. `params` are as for a fit; those that say what to build do not count.
    Without validation rows the temperature stays what it was.

    Raises:
        NoTimeError, LossNotFinite, OutOfMemory, DeviceMissing: as `Family.fit`.
    """
    if setting.deadline.over():
        raise NoTimeError("no step was through")
    start = Start(network.net, network.spec, network.centre, network.scale)
    kept: Params = {"temperature": network.temperature}
    return _fitted(Fitting(network.kind, features, y, kept | params, setting, start))


def _fitted(fitting: Fitting) -> Network:
    net, report = fitting.run()
    if report.steps == 0:
        raise NoTimeError("no step was through")
    setting = fitting.setting
    fitted = Network(
        kind=fitting.kind,
        spec=fitting.spec,
        net=net.cpu().eval(),
        regression=setting.regression,
        epochs=_worth_repeating(report),
        centre=fitting.centre,
        scale=fitting.scale,
    )
    if setting.regression:
        return fitted
    return replace(fitted, temperature=_temperature(fitted, fitting.params, setting))


def warm_up() -> None:
    """Load what the first fit would load: torch's optimisers bring its compiler with them, which takes seconds."""
    torch.optim.AdamW([torch.zeros(1, requires_grad=True)])


def _worth_repeating(report: FitReport) -> int:
    """Passes for a later fit on all rows: up to the best where patience ended the fit, else as many as there were."""
    best = report.best_epoch if report.ended == "patience" else None
    return best or max(1, report.epochs)


def _temperature(fitted: Network, params: Params, setting: Setting) -> float:
    """That of the validation rows; that of the folds for a refit, which has none."""
    if setting.valid is None:
        return float(params.get("temperature", 1.0))
    return best_temperature(fitted.outputs(setting.valid[0]), setting.valid[1])


def best_temperature(outputs: Floats, y: Target) -> float:
    """What to divide logits (n, classes) by so that their log loss on codes (n,) is least, from 0.7 to 4."""
    codes = y.astype(np.int64)

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(outputs / np.exp(log_temperature), axis=1)
        return -float(scaled[np.arange(len(codes)), codes].mean())

    low, high = np.log(TEMPERATURES)
    return float(np.exp(minimize_scalar(loss, bounds=(low, high), method="bounded").x))
