"""Losses of class codes: cross entropy with label smoothing, focal, and distillation from a teacher.

Shapes: N rows, K classes. Each function returns a scalar, the mean over the rows of `weight` (N,) times the loss of
the row. All raise ValueError, with the shapes, on shapes that do not fit, on weights that are not (N,), on an empty
batch and on codes outside the classes (the last on the CPU only).
"""

import torch
from torch import Tensor
from torch.nn import functional

from engine.training.losses_rows import (
    Values,
    above_zero,
    floats,
    need_rows,
    per_class,
    row_mean,
    shape,
    whole,
    within,
)


def label_smoothing_loss(
    logits: Tensor,
    codes: Tensor,
    smoothing: float = 0.1,
    class_weights: Values | None = None,
    weight: Tensor | None = None,
) -> Tensor:
    """Cross entropy against (1 - e) * one_hot + e / K, with e = `smoothing` (Szegedy et al. 2016, section 7).

    `logits` (N, K), `codes` (N,). `class_weights` (K,) weigh each term of the sum over classes, as in torch. The
    losses of the rows are torch's; their mean is torch's too unless there are class weights, where torch divides by
    the sum of the weights of the rows' classes instead of by N.

    Raises:
        ValueError: `smoothing` is not 0 .. 1, or a shape does not fit.
    """
    within("smoothing", smoothing, 0.0, 1.0)
    logits, codes = _checked(logits, codes)
    if class_weights is None and weight is None:
        # the same mean in one step, which is half the time for small batches
        return functional.cross_entropy(logits, codes, label_smoothing=smoothing)
    weights = None if class_weights is None else per_class(class_weights, logits.shape[1], logits, "class_weights")
    losses = functional.cross_entropy(logits, codes, weight=weights, label_smoothing=smoothing, reduction="none")
    return row_mean(losses, weight)


def focal_loss(
    logits: Tensor,
    codes: Tensor,
    gamma: float = 2.0,
    alpha: Values | float | None = None,
    weight: Tensor | None = None,
) -> Tensor:
    """-alpha_t * (1 - p_t)^gamma * log(p_t), p_t the probability of the true class (Lin et al. 2017, equation 5).

    `logits` (N, K) with `codes` (N,) go through a softmax; `logits` (N,) or (N, 1) are those of class 1 of two, and
    go through a sigmoid. `alpha` holds one number a class; in the two-class form a single number is that of class 1
    and 1 less it that of class 0, as in the paper. With gamma 0 and no alpha this is cross entropy.

    Raises:
        ValueError: `gamma` is below 0, or a shape does not fit.
    """
    within("gamma", gamma, 0.0)
    sigmoid = logits.ndim == 1 or logits.shape[1:] == (1,)
    log_p, codes = _sigmoid_log_p(logits, codes) if sigmoid else _softmax_log_p(logits, codes)
    # expm1 keeps 1 - p exact near 0; the floor keeps the slope of its power finite there for gamma under 1
    wrong = (-torch.expm1(log_p)).clamp(min=torch.finfo(log_p.dtype).tiny)
    losses = -(wrong**gamma) * log_p
    if alpha is not None:
        classes = 2 if sigmoid else logits.shape[1]
        losses = losses * per_class(_alphas(alpha, sigmoid), classes, log_p, "alpha")[codes]
    return row_mean(losses, weight)


def distillation_loss(
    logits: Tensor,
    codes: Tensor,
    *,
    teacher_logits: Tensor | None = None,
    teacher_probabilities: Tensor | None = None,
    temperature: float = 2.0,
    alpha: float = 0.5,
    weight: Tensor | None = None,
) -> Tensor:
    """(1 - alpha) * cross entropy with the codes + alpha * T^2 * KL(teacher, student) (Hinton et al. 2015, section 2).

    Both distributions of the soft part are softened by the temperature T; T^2 keeps its gradient of the same size
    for every T. The divergence is the paper's cross entropy less the teacher's entropy, which no weight of the
    student moves: a student equal to its teacher has a soft part of 0. `logits` (N, K) are the student's, `codes`
    (N,); the teacher's logits or probabilities are (N, K), and get no gradient. Probabilities p are softened as
    p^(1/T), rescaled to sum to 1, which is what softening the logits behind them gives; 0 and 1 are allowed.

    Raises:
        ValueError: not exactly one of the two teachers, `temperature` not over 0, `alpha` not 0 .. 1, a bad shape.
    """
    above_zero("temperature", temperature)
    within("alpha", alpha, 0.0, 1.0)
    logits, codes = _checked(logits, codes)
    soft = functional.softmax(_teacher(teacher_logits, teacher_probabilities, logits) / temperature, dim=1)
    divergence = functional.kl_div(functional.log_softmax(logits / temperature, dim=1), soft, reduction="none").sum(
        dim=1
    )
    hard = functional.cross_entropy(logits, codes, reduction="none")
    return row_mean((1 - alpha) * hard + alpha * temperature**2 * divergence, weight)


def _checked(logits: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
    if logits.ndim != 2 or codes.shape != logits.shape[:1]:
        raise ValueError(f"logits must be (rows, classes) and codes (rows,), got {shape(logits)} and {shape(codes)}")
    need_rows(codes)
    return floats(logits, "logits"), whole(codes, logits.shape[1])


def _softmax_log_p(logits: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
    logits, codes = _checked(logits, codes)
    return -functional.cross_entropy(logits, codes, reduction="none"), codes


def _sigmoid_log_p(logits: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
    if codes.shape not in (logits.shape, logits.shape[:1]):
        raise ValueError(f"codes must be (rows,) for logits {shape(logits)}, got {shape(codes)}")
    need_rows(codes)
    codes = whole(codes, 2).reshape(-1)
    raw = floats(logits, "logits").reshape(-1)
    return functional.logsigmoid(torch.where(codes == 1, raw, -raw)), codes


def _alphas(alpha: Values | float, sigmoid: bool) -> Values:
    if not isinstance(alpha, int | float):
        return alpha
    if not sigmoid:
        raise ValueError(f"alpha must be one number for each class, got the single number {alpha!r}")
    return (1 - alpha, alpha)


def _teacher(logits: Tensor | None, probabilities: Tensor | None, student: Tensor) -> Tensor:
    """The teacher's logits (N, K), up to a constant in each row; minus infinity for a probability of 0."""
    given = [one for one in (logits, probabilities) if one is not None]
    if len(given) != 1:
        raise ValueError(f"give the teacher's logits or its probabilities, one of the two; got {len(given)}")
    if given[0].shape != student.shape:
        raise ValueError(f"the teacher's answers must be {shape(student)} as the student's, got {shape(given[0])}")
    known = floats(given[0].detach(), "the teacher's answers").to(student.dtype)
    return known if probabilities is None else known.log()
