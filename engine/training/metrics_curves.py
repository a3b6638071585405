"""Streaming ROC AUC and average precision, exact or in bins.

`update(output, target)` takes codes `target` (N,) and scores `output` that are comparable across rows, such as
probabilities (logits of two or more classes are not): (N, K), or of two classes also (N,) or (N, 1), of class 1.
With more than two classes the value is the mean, over the classes that are in the truth, of one against the rest.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor
from torch.nn import functional

from engine.training.metrics_state import Kept, Summed, check_at_least, shape, whole_codes

SLACK = 1e-3
"""How far outside 0 .. 1 a probability may lie by rounding."""


class _Curve(Kept, ABC):
    """The exact value. It keeps every score (see `Kept`) and sorts them when it is computed."""

    def __init__(self, classes: int) -> None:
        """Raises ValueError when there are fewer than two classes."""
        check_at_least("classes", classes, 2)
        super().__init__(_columns(classes))
        self.classes = classes

    def update(self, output: Tensor, target: Tensor) -> None:
        self._keep(class_scores(output, target, self.classes), whole_codes(target))

    def compute(self) -> Tensor:
        state = self.state()
        scores, codes = state["scores"], state["codes"]
        outside = codes[(codes < 0) | (codes >= self.classes)]
        if len(outside):
            raise ValueError(f"codes must be within 0 .. {self.classes - 1}, got {int(outside[0])}")
        if scores.isnan().any():
            return torch.tensor(torch.nan, dtype=torch.float64, device=scores.device)
        positive = [1] if self._columns == 1 else range(self.classes)
        steps = [_steps(scores[:, column], codes == code) for column, code in enumerate(positive)]
        return torch.stack([self._value(true, false) for true, false in steps]).nanmean()

    @abstractmethod
    def _value(self, true: Tensor, false: Tensor) -> Tensor:
        """The value, from how many positives and negatives score at least each threshold, highest first."""


class RocAuc(_Curve):
    """Area under the ROC curve: the chance that a positive row scores over a negative one, a tie counting half.

    NaN where only one class was seen. The area is summed in whole numbers, so it is exact.
    """

    def _value(self, true: Tensor, false: Tensor) -> Tensor:
        return _roc_auc(true, false)


class AveragePrecision(_Curve):
    """The sum over thresholds of precision times gained recall, scikit-learn's; NaN where no positive was seen."""

    def _value(self, true: Tensor, false: Tensor) -> Tensor:
        return _average_precision(true, false)


class _Binned(Summed, ABC):
    """The value with scores, which must be probabilities, rounded to `bins` equal widths: 16 * C * bins bytes.

    `error_bound` says from the same counts how far the exact value can be away at most.
    """

    def __init__(self, classes: int, bins: int = 8192) -> None:
        """Raises ValueError when there are fewer than two classes or bins."""
        check_at_least("classes", classes, 2)
        check_at_least("bins", bins, 2)
        super().__init__({"counts": 2 * _columns(classes) * bins})
        self.classes = classes
        self.bins = bins

    def update(self, output: Tensor, target: Tensor) -> None:
        scores = class_scores(output.detach(), target, self.classes).to(target.device)
        codes = whole_codes(target)[:, None]
        columns = torch.arange(_columns(self.classes), device=target.device)
        positive = codes == (columns + 1 if len(columns) == 1 else columns)
        known = (codes >= 0) & (codes < self.classes) & is_probability(scores)
        bin_ = (scores.float() * self.bins).long().clamp(0, self.bins - 1)
        place = (positive.long() * len(columns) + columns) * self.bins + bin_
        self._add("counts", place.reshape(-1), known.reshape(-1))

    def compute(self) -> Tensor:
        positives, negatives = self._by_bin()
        return self._value(positives.cumsum(1), negatives.cumsum(1)).nanmean()

    def error_bound(self) -> Tensor:
        """The exact value over the same rows is within this of `compute`; NaN where that is."""
        positives, negatives = self._by_bin()
        return self._bound(positives, negatives).nanmean()

    def _by_bin(self) -> tuple[Tensor, Tensor]:
        """Positives and negatives in each bin, each (columns, bins), highest scores first."""
        counts = self._read("counts", f"codes within 0 .. {self.classes - 1} and probabilities within 0 .. 1")
        negatives, positives = counts.reshape(2, -1, self.bins).flip(2)
        return positives, negatives

    @abstractmethod
    def _value(self, true: Tensor, false: Tensor) -> Tensor:
        """As `_Curve._value`, for each column."""

    @abstractmethod
    def _bound(self, positives: Tensor, negatives: Tensor) -> Tensor:
        """`error_bound` of each column."""


class BinnedRocAuc(_Binned):
    """`RocAuc` of rounded scores."""

    def _value(self, true: Tensor, false: Tensor) -> Tensor:
        return _roc_auc(true, false)

    def _bound(self, positives: Tensor, negatives: Tensor) -> Tensor:
        """A pair within one bin counts half and should count something from 0 to 1."""
        pairs = positives.sum(dim=1) * negatives.sum(dim=1)
        return (positives * negatives).sum(dim=1).double() / (2 * pairs)


class BinnedAveragePrecision(_Binned):
    """`AveragePrecision` of rounded scores."""

    def _value(self, true: Tensor, false: Tensor) -> Tensor:
        return _average_precision(true, false)

    def _bound(self, positives: Tensor, negatives: Tensor) -> Tensor:
        """From the worst and the best order within each bin.

        After T positives and F negatives in higher bins, the i-th of p positives that share a bin with n negatives
        has a precision of at least (T + i) / (T + i + F + n) and at most (T + p) / (T + p + F).
        """
        p, upto = positives.double(), positives.cumsum(1).double()
        below = negatives.cumsum(1).double()
        above = below - negatives
        # sum over i of (T + i) / (T + i + c) = p - c * (digamma(T + p + c + 1) - digamma(T + c + 1))
        low = p - below * (torch.digamma(upto + below + 1) - torch.digamma(upto - p + below + 1))
        high = p * upto / (upto + above).clamp(min=1)
        value = self._value(positives.cumsum(1), negatives.cumsum(1))
        total = p.sum(dim=1)
        return torch.maximum(high.sum(dim=1) / total - value, value - low.sum(dim=1) / total)


def class_scores(output: Tensor, target: Tensor, classes: int) -> Tensor:
    """The scores (N, C): of class 1 alone when there are two classes (C = 1), else of each (C = K).

    Raises:
        ValueError: shapes that do not fit, or scores that are whole numbers.
    """
    rows = target.shape
    if len(rows) == 1 and output.is_floating_point():
        if output.shape == (*rows, classes):
            return output[:, 1:] if classes == 2 else output
        if classes == 2 and output.shape in (rows, (*rows, 1)):
            return output.reshape(-1, 1)
    raise ValueError(
        f"scores must be floating-point (rows, {classes}) or, of two classes, (rows,), and the target (rows,); "
        f"got {output.dtype} {shape(output)} and {shape(target)}"
    )


def is_probability(scores: Tensor) -> Tensor:
    """Which scores lie within 0 .. 1, give or take rounding; NaN does not."""
    return (scores >= -SLACK) & (scores <= 1 + SLACK)


def _columns(classes: int) -> int:
    return 1 if classes == 2 else classes


def _steps(scores: Tensor, hits: Tensor) -> tuple[Tensor, Tensor]:
    """How many hits and misses score at least each distinct score, highest first; (thresholds,) int64 each."""
    order = scores.argsort(descending=True)
    ranked = scores[order]
    ends = torch.ones_like(hits)
    ends[:-1] = ranked[1:] != ranked[:-1]
    true = hits[order].long().cumsum(0)[ends]
    return true, torch.arange(1, len(hits) + 1, device=hits.device)[ends] - true


def _roc_auc(true: Tensor, false: Tensor) -> Tensor:
    """Along the last dimension, by the trapezoidal rule."""
    true, false = functional.pad(true, (1, 0)), functional.pad(false, (1, 0))
    twice = (false.diff() * (true[..., 1:] + true[..., :-1])).sum(dim=-1)
    return twice.double() / (2 * true[..., -1] * false[..., -1])


def _average_precision(true: Tensor, false: Tensor) -> Tensor:
    """Along the last dimension."""
    precision = true.double() / (true + false).clamp(min=1)
    padded = functional.pad(true, (1, 0))
    return (precision * padded.diff()).sum(dim=-1) / padded[..., -1]
