"""Streaming metrics of predicted classes: all are functions of the confusion counts (K, K), true class first.

`update(output, target)` takes codes `target` (N,) or, for masks, (N, ...), and as `output` one of:

- floating-point (N, K, ...): the class with the largest score, logits or probabilities;
- floating-point of the target's shape, or (N, 1): probabilities of class 1 of two, predicted from 0.5 on;
- whole numbers of the target's shape: predicted codes.
"""

from abc import ABC, abstractmethod
from typing import Literal

import torch
from torch import Tensor

from engine.training.metrics_state import Summed, check_at_least, shape, whole_codes

Average = Literal["macro", "weighted"]


class Confusion(Summed):
    """Counts of (true class, predicted class); `compute` gives them as (K, K) int64."""

    def __init__(self, classes: int) -> None:
        """Raises ValueError when there are fewer than two classes."""
        check_at_least("classes", classes, 2)
        super().__init__({"counts": classes * classes})
        self.classes = classes

    def update(self, output: Tensor, target: Tensor) -> None:
        predicted = _predicted(output.detach(), target, self.classes).to(target.device)
        true = whole_codes(target)
        known = (true >= 0) & (true < self.classes) & (predicted >= 0) & (predicted < self.classes)
        self._add("counts", true * self.classes + predicted, known)

    def compute(self) -> Tensor:
        counts = self._read("counts", f"codes must be within 0 .. {self.classes - 1}")
        return counts.reshape(self.classes, self.classes)


class Accuracy(Confusion):
    """The share of rows whose predicted class is the true one; NaN of no rows."""

    def compute(self) -> Tensor:
        counts = super().compute().double()
        return counts.trace() / counts.sum()


class _ByClass(Confusion, ABC):
    """A ratio for each class, (K,), or its mean.

    A class without denominator has 0 (scikit-learn's zero_division=0). 'macro' is the mean over the classes that
    are in the truth or predicted, 'weighted' that over all, weighted by their true rows: both as scikit-learn's.
    NaN of no rows.
    """

    def __init__(self, classes: int, average: Average | None = None) -> None:
        super().__init__(classes)
        self.average = average

    def compute(self) -> Tensor:
        counts = super().compute().double()
        true, predicted = counts.sum(dim=1), counts.sum(dim=0)
        above, below = self._ratio(counts.diagonal(), predicted, true)
        values = torch.where(below > 0, above / below, torch.zeros_like(below))
        if self.average is None:
            return values if counts.any() else torch.full_like(values, torch.nan)
        weights = true if self.average == "weighted" else ((true + predicted) > 0).double()
        return (values * weights).sum() / weights.sum()

    @abstractmethod
    def _ratio(self, hits: Tensor, predicted: Tensor, true: Tensor) -> tuple[Tensor, Tensor]:
        """Numerator and denominator by class, from the hits and the rows predicted and true of it."""


class Precision(_ByClass):
    """Of the rows predicted to be of a class, the share that are."""

    def _ratio(self, hits: Tensor, predicted: Tensor, true: Tensor) -> tuple[Tensor, Tensor]:
        return hits, predicted


class Recall(_ByClass):
    """Of the rows of a class, the share predicted to be."""

    def _ratio(self, hits: Tensor, predicted: Tensor, true: Tensor) -> tuple[Tensor, Tensor]:
        return hits, true


class F1(_ByClass):
    """The harmonic mean of precision and recall."""

    def _ratio(self, hits: Tensor, predicted: Tensor, true: Tensor) -> tuple[Tensor, Tensor]:
        return 2 * hits, predicted + true


class IoU(_ByClass):
    """Intersection over union (Jaccard): of the rows of a class or predicted to be, the share that are both."""

    def _ratio(self, hits: Tensor, predicted: Tensor, true: Tensor) -> tuple[Tensor, Tensor]:
        return hits, predicted + true - hits


def _predicted(output: Tensor, target: Tensor, classes: int) -> Tensor:
    """Predicted codes, flat."""
    if output.shape == target.shape:
        if not output.is_floating_point():
            return output.reshape(-1).long()
        if classes == 2:
            return (output.reshape(-1) >= 0.5).long()
    floating = output.is_floating_point() and output.ndim == target.ndim + 1
    if floating and output.shape[:1] + output.shape[2:] == target.shape:
        if output.shape[1] == classes == 2:
            # a tie is class 1, as a probability of 0.5 is
            return (output[:, 1] >= output[:, 0]).reshape(-1).long()
        if output.shape[1] == classes:
            return output.argmax(dim=1).reshape(-1)
        if output.shape[1] == 1 and classes == 2:
            return (output[:, 0] >= 0.5).reshape(-1).long()
    raise ValueError(
        f"the output must be scores (rows, {classes}, ...) or codes or, of two classes, probabilities as the target "
        f"{shape(target)}; got {output.dtype} {shape(output)}"
    )
