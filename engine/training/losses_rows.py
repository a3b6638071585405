"""What the losses share: checks of shapes that need no look at the values, and the mean over rows.

Half-precision inputs are computed in float32. Values on an accelerator are never read, since that waits for the
device; codes outside the classes are therefore named on the CPU only.
"""

import math
from collections.abc import Sequence
from typing import TypeAlias

import torch
from torch import Tensor

Values: TypeAlias = Sequence[float] | Tensor


def floats(values: Tensor, what: str) -> Tensor:
    """The values in float32 at least.

    Raises:
        ValueError: they are whole numbers.
    """
    if not values.is_floating_point():
        raise ValueError(f"{what} must be floating-point numbers, got {values.dtype}")
    return values.float() if values.dtype.itemsize < 4 else values


def whole(codes: Tensor, classes: int) -> Tensor:
    """The codes as int64.

    Raises:
        ValueError: not whole numbers, or (on the CPU) not all within 0 .. classes-1.
    """
    if codes.is_floating_point():
        raise ValueError(f"class codes must be whole numbers, got {codes.dtype}")
    codes = codes.long()
    if codes.is_cpu and codes.numel():
        low, high = (int(end) for end in codes.aminmax())
        if low < 0 or high >= classes:
            raise ValueError(f"class codes must be within 0 .. {classes - 1}, got {low} .. {high}")
    return codes


def need_rows(values: Tensor) -> None:
    """Raises ValueError when the batch is empty: the mean of no rows is no number."""
    if values.ndim == 0 or not len(values):
        raise ValueError(f"a loss needs at least one row, got shape {shape(values)}")


def row_mean(losses: Tensor, weight: Tensor | None) -> Tensor:
    """mean(w_i * l_i) over the N rows: divided by N, not by the sum of weights, so that micro-batches add up.

    Raises:
        ValueError: `weight` is not (N,).
    """
    if weight is None:
        return losses.mean()
    if weight.shape != losses.shape:
        raise ValueError(f"weights must be one a row, {shape(losses)}, got {shape(weight)}")
    return (losses * weight.to(losses.dtype)).mean()


def per_class(values: Values, classes: int, like: Tensor, what: str) -> Tensor:
    """One number a class, (classes,), on the device and with the dtype of `like`.

    Raises:
        ValueError: another number of them.
    """
    row = values if isinstance(values, Tensor) else torch.tensor(tuple(values), dtype=like.dtype)
    if row.shape != (classes,):
        raise ValueError(f"{what} must be one number for each of the {classes} classes, got shape {shape(row)}")
    # not blocking: a copy from ordinary memory that does not wait for what the device is at
    return row.to(like.device, like.dtype, non_blocking=True)


def within(name: str, value: float, low: float, high: float = math.inf) -> None:
    """Raises ValueError when a setting is not a number from `low` to `high`, both included and finite."""
    if not (low <= value <= high and math.isfinite(value)):
        limits = f"{low:g} .. {high:g}" if math.isfinite(high) else f"{low:g} or more"
        raise ValueError(f"{name} must be {limits}, got {value!r}")


def above_zero(name: str, value: float) -> None:
    """Raises ValueError when a setting is not a finite number over 0."""
    if not (value > 0 and math.isfinite(value)):
        raise ValueError(f"{name} must be over 0, got {value!r}")


def shape(values: Tensor) -> tuple[int, ...]:
    """The shape as plain numbers, to be read in a message."""
    return tuple(values.shape)
