"""Losses as the training loop calls them: `loss(output, target, weight)`, a scalar.

A loss of N rows is mean(w_i * l_i): divided by N, not by the sum of the weights w, so that the losses of micro-batches
add up to that of the whole batch in proportion to their rows. The callables here are settings and nothing else (equal
settings, equal loss); the mathematics is in the functions that they call, which can be used as they are.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from engine.training.losses_classes import distillation_loss, focal_loss, label_smoothing_loss
from engine.training.losses_embeddings import contrastive_loss, supervised_contrastive_loss
from engine.training.losses_masks import dice_loss
from engine.training.losses_rows import above_zero, shape, within
from engine.training.losses_values import (
    absolute_error_loss,
    huber_loss,
    regression_distillation_loss,
    squared_error_loss,
)

__all__ = [
    "AbsoluteError",
    "CrossEntropy",
    "Dice",
    "Distillation",
    "Focal",
    "Huber",
    "Loss",
    "RegressionDistillation",
    "SquaredError",
    "SupervisedContrastive",
    "absolute_error_loss",
    "contrastive_loss",
    "dice_loss",
    "distillation_loss",
    "focal_loss",
    "huber_loss",
    "label_smoothing_loss",
    "regression_distillation_loss",
    "squared_error_loss",
    "supervised_contrastive_loss",
]


class Loss(Protocol):
    """A loss of a batch.

    `output` is what the network gave, `target` what was wanted (both with the N rows first), `weight` (N,) counts
    rows more or less. Returns a scalar, mean(w_i * l_i) over the rows, in float32 at least.

    Raises:
        ValueError: shapes that do not fit, or a batch of no rows.
    """

    def __call__(self, output: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor: ...


@dataclass(frozen=True)
class CrossEntropy:
    """Logits (N, K) against codes (N,); see `label_smoothing_loss`."""

    smoothing: float = 0.0
    class_weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        within("smoothing", self.smoothing, 0.0, 1.0)

    def __call__(self, output: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        return label_smoothing_loss(output, target, self.smoothing, self.class_weights, weight)


@dataclass(frozen=True)
class Focal:
    """Logits (N, K), (N,) or (N, 1) against codes (N,); see `focal_loss`. `alpha` is one number a class."""

    gamma: float = 2.0
    alpha: tuple[float, ...] | float | None = None

    def __post_init__(self) -> None:
        within("gamma", self.gamma, 0.0)

    def __call__(self, output: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        return focal_loss(output, target, self.gamma, self.alpha, weight)


@dataclass(frozen=True)
class Dice:
    """Logits (N, K, ...) against masks of codes (N, ...); see `dice_loss`."""

    smoothing: float = 1.0
    ignored: int | None = None

    def __post_init__(self) -> None:
        within("smoothing", self.smoothing, 0.0)

    def __call__(self, output: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        return dice_loss(output, target, self.smoothing, self.ignored, weight)


@dataclass(frozen=True)
class SupervisedContrastive:
    """Embeddings (N, D) against labels (N,); see `supervised_contrastive_loss`. Micro-batches do not add up."""

    temperature: float = 0.1

    def __post_init__(self) -> None:
        above_zero("temperature", self.temperature)

    def __call__(self, output: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        return supervised_contrastive_loss(output, target, self.temperature, weight)


@dataclass(frozen=True)
class SquaredError:
    """Numbers (N,) or (N, 1) against numbers."""

    def __call__(self, output: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        return squared_error_loss(output, target, weight)


@dataclass(frozen=True)
class AbsoluteError:
    """Numbers (N,) or (N, 1) against numbers."""

    def __call__(self, output: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        return absolute_error_loss(output, target, weight)


@dataclass(frozen=True)
class Huber:
    """Numbers (N,) or (N, 1) against numbers; see `huber_loss`."""

    delta: float = 1.0

    def __post_init__(self) -> None:
        above_zero("delta", self.delta)

    def __call__(self, output: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        return huber_loss(output, target, self.delta, weight)


@dataclass(frozen=True)
class Distillation:
    """Logits (N, K) against (N, 1 + K): the code and then the teacher's K probabilities; see `distillation_loss`.

    One matrix goes through shuffling, batching and pinning like any other target. It is float32 or float64, since
    half precision does not hold every code.
    """

    temperature: float = 2.0
    alpha: float = 0.5

    def __post_init__(self) -> None:
        above_zero("temperature", self.temperature)
        within("alpha", self.alpha, 0.0, 1.0)

    def __call__(self, output: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        if output.ndim != 2 or target.shape != (len(output), 1 + output.shape[1]):
            raise ValueError(
                "the target of a distillation must be (rows, 1 + classes): the code, then the teacher's "
                f"probabilities; got {shape(target)} for logits {shape(output)}"
            )
        if target.dtype not in (torch.float32, torch.float64):
            raise ValueError(f"the target of a distillation must be float32 or float64, got {target.dtype}")
        return distillation_loss(
            output,
            target[:, 0].long(),
            teacher_probabilities=target[:, 1:],
            temperature=self.temperature,
            alpha=self.alpha,
            weight=weight,
        )


@dataclass(frozen=True)
class RegressionDistillation:
    """Numbers (N,) or (N, 1) against (N, 2): the number and the teacher's; see `regression_distillation_loss`."""

    alpha: float = 0.5

    def __post_init__(self) -> None:
        within("alpha", self.alpha, 0.0, 1.0)

    def __call__(self, output: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        if target.ndim != 2 or target.shape[1] != 2:
            raise ValueError(f"the target must be (rows, 2): the number and the teacher's; got {shape(target)}")
        return regression_distillation_loss(output, target[:, 0], target[:, 1], self.alpha, weight)
