"""The soft Dice loss of masks."""

import torch
from torch import Tensor
from torch.nn import functional

from engine.training.losses_rows import floats, need_rows, row_mean, shape, whole, within


def dice_loss(
    logits: Tensor, codes: Tensor, smoothing: float = 1.0, ignored: int | None = None, weight: Tensor | None = None
) -> Tensor:
    """1 - (2 * sum(p * g) + s) / (sum(p^2) + sum(g^2) + s) (Milletari et al. 2016, section 3; s is `smoothing`).

    `p` are probabilities, `g` the truth as 0 and 1, the sums over the places (pixels) of one mask. N masks, K classes:

    - `logits` (N, ...) or (N, 1, ...) with `codes` (N, ...) of 0 and 1: p is the sigmoid, the foreground counts.
    - `logits` (N, K, ...) with `codes` (N, ...): p is the softmax over K; the mean over the classes.

    A class that a mask neither holds nor is predicted anywhere in it (the most probable, or p >= 0.5 in the first
    form) does not count in that mask; a mask in which none counts has loss 0. Places with the code `ignored` count
    nowhere. A scalar, the mean over the masks of `weight` (N,) times the loss of the mask.

    Raises:
        ValueError: shapes that do not fit, `smoothing` below 0, no masks, codes outside the classes (on the CPU).
    """
    within("smoothing", smoothing, 0.0)
    need_rows(logits)
    answers = floats(logits, "logits")
    binary = logits.shape == codes.shape or logits.shape == (*codes.shape[:1], 1, *codes.shape[1:])
    if binary:
        p, predicted, truth, counted = _foreground(answers, codes, ignored)
    elif logits.ndim == codes.ndim + 1 and logits.shape[:1] + logits.shape[2:] == codes.shape:
        p, predicted, truth, counted = _classes(answers, codes, ignored)
    else:
        raise ValueError(
            f"logits must be (masks, classes, ...) or as codes (masks, ...), got {shape(logits)} and {shape(codes)}"
        )
    return row_mean(_per_mask(p * counted, predicted & counted, truth & counted, smoothing), weight)


def _foreground(logits: Tensor, codes: Tensor, ignored: int | None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Probabilities, prediction, truth and which places count, each (N, 1, places)."""
    known, counted = _known(codes, 2, ignored)
    raw = logits.reshape(len(codes), 1, -1)
    return torch.sigmoid(raw), raw >= 0, known[:, None] == 1, counted[:, None]


def _classes(logits: Tensor, codes: Tensor, ignored: int | None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Probabilities, prediction and truth, each (N, K, places), and which places count (N, 1, places)."""
    classes = logits.shape[1]
    known, counted = _known(codes, classes, ignored)
    raw = logits.reshape(len(codes), classes, -1)
    every = torch.arange(classes, device=logits.device)[:, None]
    return (
        functional.softmax(raw, dim=1),
        raw.argmax(dim=1)[:, None] == every,
        known[:, None] == every,
        counted[:, None],
    )


def _known(codes: Tensor, classes: int, ignored: int | None) -> tuple[Tensor, Tensor]:
    """Codes (N, places), 0 where they are ignored, and where they are not (N, places)."""
    flat = codes.reshape(len(codes), -1)
    counted = torch.ones_like(flat, dtype=torch.bool) if ignored is None else flat != ignored
    return whole(flat * counted, classes), counted


def _per_mask(p: Tensor, predicted: Tensor, truth: Tensor, smoothing: float) -> Tensor:
    """The loss of each mask (N,), from (N, classes, places) in which what does not count is 0."""
    there = (predicted | truth).any(dim=2)
    g = truth.to(p.dtype)
    sizes = (p * p).sum(dim=2) + g.sum(dim=2) + smoothing
    # an absent class of no smoothing may be 0 / 0, whose gradient no later mask would mend
    dice = (2 * (p * g).sum(dim=2) + smoothing) / torch.where(there, sizes, torch.ones_like(sizes))
    missed = torch.where(there, 1 - dice, torch.zeros_like(dice))
    return missed.sum(dim=1) / there.sum(dim=1).clamp(min=1)
