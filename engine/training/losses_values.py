"""Losses of numbers: squared, absolute and Huber errors, and distillation from a teacher's numbers.

`values` and `target` are (N,) or (N, 1), each in its own way. Each function returns a scalar, the mean over the rows
of `weight` (N,) times the loss of the row. All raise ValueError, with the shapes, on other shapes, on weights that
are not (N,), and on an empty batch.
"""

from torch import Tensor
from torch.nn import functional

from engine.training.losses_rows import above_zero, floats, need_rows, row_mean, shape, within


def squared_error_loss(values: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """(value - target)^2."""
    return row_mean((_flat(values) - _like(target, values)) ** 2, weight)


def absolute_error_loss(values: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """|value - target|."""
    return row_mean((_flat(values) - _like(target, values)).abs(), weight)


def huber_loss(values: Tensor, target: Tensor, delta: float = 1.0, weight: Tensor | None = None) -> Tensor:
    """e^2 / 2 where the error |e| is at most `delta`, else delta * (|e| - delta / 2) (Huber 1964).

    Raises:
        ValueError: `delta` is not over 0, or a shape does not fit.
    """
    above_zero("delta", delta)
    return row_mean(functional.huber_loss(_flat(values), _like(target, values), reduction="none", delta=delta), weight)


def regression_distillation_loss(
    values: Tensor, target: Tensor, teacher: Tensor, alpha: float = 0.5, weight: Tensor | None = None
) -> Tensor:
    """(1 - alpha) * (value - target)^2 + alpha * (value - teacher)^2; `teacher` gets no gradient.

    Raises:
        ValueError: `alpha` is not 0 .. 1, or a shape does not fit.
    """
    within("alpha", alpha, 0.0, 1.0)
    flat = _flat(values)
    hard = (flat - _like(target, values)) ** 2
    soft = (flat - _like(teacher.detach(), values)) ** 2
    return row_mean((1 - alpha) * hard + alpha * soft, weight)


def _flat(values: Tensor) -> Tensor:
    if values.ndim not in (1, 2) or values.shape[1:] not in ((), (1,)):
        raise ValueError(f"values must be (rows,) or (rows, 1), got {shape(values)}")
    need_rows(values)
    return floats(values, "values").reshape(-1)


def _like(target: Tensor, values: Tensor) -> Tensor:
    """The target, flat: without this (N, 1) against (N,) would broadcast to (N, N) unseen."""
    if target.shape[:1] != values.shape[:1] or target.shape[1:] not in ((), (1,)):
        raise ValueError(f"the target must be one number a row for values {shape(values)}, got {shape(target)}")
    return target.reshape(-1).to(floats(values, "values").dtype)
