"""A small thing to learn for each kind of network, and networks that have learned it."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import softmax

from engine.features import Matrix
from engine.features_layout import Layout, NumberBlock
from engine.models.base import Deadline, Floats, Params, Setting, Target
from engine.models.model import fit_model
from engine.models.network import Network
from engine.progress import Control

WIDE: Layout = (NumberBlock(column="n", start=0, width=6),)
ROWS = 480


@dataclass(frozen=True)
class Lesson:
    """The first 320 rows are learned from, 80 end the training, 80 are for the test."""

    network: Network
    features: Matrix
    y: Target

    @property
    def train(self) -> tuple[Matrix, Target]:
        return self.features[:320], self.y[:320]

    @property
    def valid(self) -> tuple[Matrix, Target]:
        return self.features[320:400], self.y[320:400]

    @property
    def teacher(self) -> Floats:
        return self.network.predict(self.features[:320])

    def loss(self, network: Network) -> float:
        """Mean log loss or squared error on the last rows."""
        said, y = network.predict(self.features[400:]), self.y[400:]
        if network.regression:
            return float(np.mean((said - y) ** 2))
        return float(-np.log(said[np.arange(len(y)), y]).mean())


@cache
def learned(task: str = "multiclass") -> Lesson:
    """Classes, or values around 1000, that depend on the numbers in a bent way."""
    rng = np.random.default_rng(4)
    features = rng.normal(size=(ROWS, 6)).astype(np.float32)
    scores = 4 * np.stack([features[:, 0] * features[:, 1], features[:, 2], np.abs(features[:, 3]) - 1], axis=1)
    y = 1000 + 20 * scores[:, 1] if task == "regression" else softmax(scores, axis=1).argmax(axis=1)
    classes = 0 if task == "regression" else 3
    setting = Setting(
        "regression" if task == "regression" else "multiclass", classes, Deadline(Control()), seed=1, layout=WIDE,
        device="cpu", valid=(features[320:400], y[320:400]),
    )  # fmt: skip
    params: Params = {"epochs": 30, "width": 24}
    inner = fit_model("network", features[:320], y[:320], params, setting).inner
    assert isinstance(inner, Network)
    return Lesson(inner, features, y)
