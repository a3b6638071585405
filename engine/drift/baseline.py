"""What performance drift keeps of the reference: predictions that were made on rows the models had not seen, how much
each column lowered the loss of each row, and a model of the loss.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from engine.errors import BadArguments
from engine.kinds import Task
from engine.metrics import Floats, Metric, Target, score

MOST_ROWS = 5_000
TWO_SIDED = 1.959963984540054
"""Standard deviations from the middle to either end of a normal distribution's central 95 %."""


@dataclass(frozen=True)
class Baseline:
    """The value that later ones are held against, e.g. that of the sealed test rows, with its 95 % interval."""

    value: float
    interval: tuple[float, float]

    def __post_init__(self) -> None:
        """Raises: BadArguments: the value is no number."""
        if not np.isfinite(self.value):
            raise BadArguments("A baseline has to be a number.", "Leave it out where the metric has no value.")

    @property
    def deviation(self) -> float:
        """Its standard error, as far as the interval tells; 0 where the interval is not known."""
        width = self.interval[1] - self.interval[0]
        return max(0.0, width / (2 * TWO_SIDED)) if np.isfinite(width) else 0.0


class LossModel(BaseModel):
    """A model of the loss of a row, fitted on out-of-fold predictions (see `engine.drift.estimate_loss`).

    texts       one LightGBM model string for each part of the rows that was left out; their mean is the answer
    squared     whether the loss is the squared error and not the absolute one
    scale       mean or, if squared, root-mean-square error of the rows fitted on: losses are told in multiples of it
                (of its square)
    noise       standard deviation of a row's loss over the answer for it
    width       how many features it takes, the prediction being the last
    encoding    how a frame becomes the other features, as JSON values (`FeaturePlan.to_json`); {} if the caller knows
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    texts: tuple[str, ...]
    squared: bool
    scale: float
    noise: float
    width: int
    encoding: dict[str, object] = {}


class _Packed(BaseModel):
    """The part of a reference that is JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    task: Task
    classes: tuple[str, ...]
    threshold: float
    columns: tuple[str, ...]
    loss_model: LossModel | None


@dataclass(frozen=True, eq=False)
class PerformanceReference:
    """Everything kept of the reference for performance drift.

    Attributes:
        metric: name of the metric that the model is judged by; `threshold` that of its binary labels.
        truth: (n,) encoded target of at most 5,000 rows, float64 for regression, int64 class codes otherwise.
        prediction: (n,) or (n, classes) float64, by models that were not fitted on those rows.
        contributions: (r, d) float32, see `engine.drift.importance`; None where not measured.
        columns: the d column names of the contributions.
    """

    metric: str
    task: Task
    classes: tuple[str, ...]
    threshold: float
    truth: Target
    prediction: Floats
    contributions: NDArray[np.float32] | None = None
    columns: tuple[str, ...] = ()
    loss_model: LossModel | None = None

    def value(self, metric: Metric) -> float:
        """A metric of the kept rows; NaN where it has none."""
        return score(metric, self.truth, self.prediction, self.threshold) if len(self.truth) else float("nan")

    def pack(self) -> tuple[dict[str, object], dict[str, NDArray[np.generic]]]:
        """A JSON-safe dictionary and the arrays, from which `unpack` makes an equal reference, bit by bit."""
        head = _Packed(
            metric=self.metric, task=self.task, classes=self.classes, threshold=self.threshold, columns=self.columns,
            loss_model=self.loss_model,
        )  # fmt: skip
        arrays: dict[str, NDArray[np.generic]] = {"truth": self.truth, "prediction": self.prediction}
        if self.contributions is not None:
            arrays["contributions"] = self.contributions
        return head.model_dump(mode="json"), arrays

    @classmethod
    def unpack(cls, head: Mapping[str, object], arrays: Mapping[str, NDArray[np.generic]]) -> "PerformanceReference":
        """What `pack` gave.

        Raises:
            ValueError: the dictionary (pydantic.ValidationError) or an array is not what `pack` gave.
            KeyError: an array is missing.
        """
        packed = _Packed.model_validate(head)
        contributions = arrays.get("contributions")
        found = cls(
            metric=packed.metric, task=packed.task, classes=packed.classes, threshold=packed.threshold,
            truth=_target(arrays["truth"], packed.task),
            prediction=np.asarray(arrays["prediction"], dtype=np.float64),
            contributions=None if contributions is None else np.asarray(contributions, dtype=np.float32),
            columns=packed.columns, loss_model=packed.loss_model,
        )  # fmt: skip
        found._check()
        return found

    def _check(self) -> None:
        rows = len(self.truth)
        expected = (rows,) if self.task == "regression" else (rows, len(self.classes))
        if self.prediction.shape != expected:
            raise ValueError(f"predictions of shape {self.prediction.shape} where {expected} belongs")
        if self.contributions is not None and self.contributions.shape[1:] != (len(self.columns),):
            raise ValueError(f"contributions of shape {self.contributions.shape} for {len(self.columns)} column(s)")


def reference_rows(truth: Target, prediction: Floats, task: Task, seed: int) -> tuple[Target, Floats]:
    """At most 5,000 labelled rows with a prediction, in their order, of the types that a reference keeps."""
    prediction = np.asarray(prediction, dtype=np.float64)
    usable = np.flatnonzero(known(truth, task) & finite(prediction))
    kept = np.sort(np.random.default_rng([seed, 11]).permutation(usable)[:MOST_ROWS])
    return _target(truth, task)[kept], prediction[kept]


def known(truth: Target, task: Task) -> NDArray[np.bool_]:
    """Rows (n,) whose target is known: no NaN, no code -1."""
    return np.asarray(np.isfinite(truth) if task == "regression" else truth >= 0, dtype=np.bool_)


def finite(prediction: Floats) -> NDArray[np.bool_]:
    """Rows (n,) whose prediction is a number throughout."""
    return np.asarray(np.isfinite(prediction).all(axis=tuple(range(1, prediction.ndim))), dtype=np.bool_)


def _target(truth: NDArray[np.generic], task: Task) -> Target:
    if task == "regression":
        return np.asarray(truth, dtype=np.float64)
    return np.asarray(truth, dtype=np.int64)
