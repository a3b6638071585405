"""Streaming calibration error."""

import torch
from torch import Tensor

from engine.training.metrics_curves import class_scores, is_probability
from engine.training.metrics_state import Summed, check_at_least, whole_codes


class CalibrationError(Summed):
    """Expected calibration error: sum over bins of |B| / n * |accuracy(B) - confidence(B)| (Guo et al. 2017, eq. 3).

    `update(output, target)` takes codes `target` (N,) and probabilities `output` (N, K), or of two classes also (N,)
    or (N, 1), of class 1. The confidence of a row is its largest probability, and it is right when that is the true
    class's. The bins are `bins` equal widths of 0 .. 1, each holding its upper end. NaN of no rows.
    """

    def __init__(self, classes: int, bins: int = 15) -> None:
        """Raises ValueError when there are fewer than two classes, or no bin."""
        check_at_least("classes", classes, 2)
        check_at_least("bins", bins, 1)
        super().__init__({"rows": bins, "right": bins, "confidence": bins}, {"confidence": torch.float64})
        self.classes = classes
        self.bins = bins

    def update(self, output: Tensor, target: Tensor) -> None:
        scores = class_scores(output.detach(), target, self.classes).to(target.device)
        codes = whole_codes(target)
        confidence, predicted = _most_probable(scores)
        taken = (codes >= 0) & (codes < self.classes) & is_probability(scores).all(dim=1)
        # k / bins is the nearest number to each end, which sums of a step are not
        ends = torch.arange(1, self.bins, dtype=torch.float64, device=codes.device) / self.bins
        place = torch.bucketize(confidence, ends)
        self._add("rows", place, taken)
        self._add("right", place, taken, predicted == codes)
        self._add("confidence", place, taken, confidence)

    def compute(self) -> Tensor:
        what = f"codes within 0 .. {self.classes - 1} and probabilities within 0 .. 1"
        rows = self._read("rows", what)
        gaps = self._sums["right"].cpu()[:-1] - self._sums["confidence"].cpu()[:-1]
        return gaps.abs().sum() / rows.sum()


def _most_probable(scores: Tensor) -> tuple[Tensor, Tensor]:
    """The largest probability of each row, float64, and its class."""
    if scores.shape[1] > 1:
        confidence, predicted = scores.double().max(dim=1)
        return confidence, predicted
    positive = scores[:, 0].double()
    return torch.maximum(positive, 1 - positive), (positive >= 0.5).long()
