"""Losses of embeddings: pairs (contrastive) and batches with labels (supervised contrastive).

N rows of D numbers. Both return a scalar and raise ValueError, with the shapes, on shapes that do not fit and on an
empty batch. Half-precision embeddings are computed in float32, under autocast too.
"""

import torch
from torch import Tensor

from engine.training.losses_rows import above_zero, floats, need_rows, row_mean, shape, whole


def contrastive_loss(
    left: Tensor, right: Tensor, different: Tensor, margin: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """(1 - Y) * D^2 / 2 + Y * max(0, margin - D)^2 / 2 (Hadsell et al. 2006, equation 4).

    `left` and `right` (N, D) are pairs, D the Euclidean distance of a pair, Y = `different` (N,) 0 for a pair that
    belongs together and 1 for one that does not. The mean over the pairs of `weight` (N,) times the loss of the pair.
    A pair at distance 0 gives no gradient: there is no direction to push it in.

    Raises:
        ValueError: `margin` is not over 0, or a shape does not fit.
    """
    above_zero("margin", margin)
    if left.ndim != 2 or left.shape != right.shape or different.shape != left.shape[:1]:
        raise ValueError(
            "left and right must be (pairs, width) and different (pairs,), "
            f"got {shape(left)}, {shape(right)} and {shape(different)}"
        )
    need_rows(left)
    apart = whole(different, 2) == 1
    gap = floats(left, "embeddings") - floats(right, "embeddings")
    close = gap.square().sum(dim=1) / 2
    far = (margin - _length(gap)).clamp(min=0).square() / 2
    return row_mean(torch.where(apart, far, close), weight)


def supervised_contrastive_loss(
    embeddings: Tensor, labels: Tensor, temperature: float = 0.1, weight: Tensor | None = None
) -> Tensor:
    """-1 / |P(i)| * sum over p in P(i) of log(exp(z_i.z_p / T) / sum over a != i of exp(z_i.z_a / T)).

    That is L_out of Khosla et al. 2020, equation 2. `embeddings` (N, D) are brought to length 1 here (z); `labels`
    (N,) are whole numbers; P(i) are the other rows with the label of row i. The mean, over the rows that have such
    others, of `weight` (N,) times the loss of the row; 0, with a gradient of 0, where no row has. It compares rows
    with each other, so micro-batches do not add up to one large batch. Memory is of the order of N^2.

    Raises:
        ValueError: `temperature` is not over 0, or a shape does not fit.
    """
    above_zero("temperature", temperature)
    if embeddings.ndim != 2 or labels.shape != embeddings.shape[:1]:
        raise ValueError(
            f"embeddings must be (rows, width) and labels (rows,), got {shape(embeddings)} and {shape(labels)}"
        )
    need_rows(labels)
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    positive = (labels[:, None] == labels[None]) & ~itself
    log_p = _log_p(floats(embeddings, "embeddings"), itself, temperature)
    count = positive.sum(dim=1)
    losses = -torch.where(positive, log_p, torch.zeros_like(log_p)).sum(dim=1) / count.clamp(min=1)
    # a mean over the anchors with positives, as a mean over all rows
    return row_mean(losses, weight) * len(labels) / (count > 0).sum().clamp(min=1)


def _log_p(embeddings: Tensor, itself: Tensor, temperature: float) -> Tensor:
    """The logarithm of each row's share of the similarity to every other (N, N); the diagonal means nothing."""
    length = _length(embeddings)[:, None]
    unit = embeddings / torch.where(length > 0, length, torch.ones_like(length))
    # autocast would turn the product to half precision, in which similarities over 0.1 are too coarse
    with torch.autocast(embeddings.device.type, enabled=False):
        similar = unit @ unit.T / temperature
    # the lowest number rather than minus infinity: a batch of one row has nothing else to sum over
    others = similar.masked_fill(itself, torch.finfo(similar.dtype).min)
    return similar - others.logsumexp(dim=1, keepdim=True)


def _length(rows: Tensor) -> Tensor:
    """Euclidean length of each row (N,), with gradient 0 instead of NaN for a row of zeros."""
    squares = rows.square().sum(dim=1)
    nothing = squares == 0
    return torch.where(nothing, torch.zeros_like(squares), torch.where(nothing, 1.0, squares).sqrt())
