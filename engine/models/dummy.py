"""The baseline that ignores the features: class shares, or the mean (the median for absolute error)."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from engine.features import Matrix
from engine.files import write_json
from engine.models.base import Floats, Params, Setting, Target


@dataclass(frozen=True)
class Dummy:
    """`values`: one number for regression, one share a class otherwise."""

    kind: ClassVar[str] = "dummy"
    values: tuple[float, ...]
    regression: bool

    @property
    def chosen(self) -> Params:
        return {}

    def predict(self, features: Matrix) -> Floats:
        rows = int(features.shape[0])
        return np.full(rows, self.values[0]) if self.regression else np.tile(np.array(self.values), (rows, 1))

    def thinned(self, parts: int) -> "Dummy":
        """All of it: it is small."""
        return self

    def save(self, folder: Path) -> None:
        write_json(folder / "dummy.json", {"values": self.values, "regression": self.regression})


def fit(features: Matrix, y: Target, params: Params, setting: Setting) -> Dummy:
    """Fit in one pass; never stops early."""
    if setting.regression:
        centre = np.median(y) if params.get("loss") == "absolute" else np.mean(y)
        return Dummy((float(centre),), True)
    counts = np.bincount(y.astype(np.int64), minlength=setting.classes)
    return Dummy(tuple(float(share) for share in counts / counts.sum()), False)


def load(folder: Path) -> Dummy:
    """Read what `save` wrote."""
    data = json.loads((folder / "dummy.json").read_text(encoding="utf-8"))
    return Dummy(tuple(data["values"]), data["regression"])
