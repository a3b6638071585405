"""The learning rate of every step."""

import math

from engine.training.spec import FitSpec


def learning_rate(spec: FitSpec, step: int, total: int, elapsed: float = 0.0) -> float:
    """The rate of the step after `step` others, of `total` that are planned, `elapsed` seconds into the training.

    The training is as far as its steps or its time are, whichever is further, so that the schedule ends when the first
    of them does. The rate rises in a line over the warm-up and reaches `spec.learning_rate` with its last step; then
    it stays, falls in a line, or falls by half a cosine (Loshchilov and Hutter 2017, eq. 5, one cycle to zero). The
    rate falls to zero only after the last step.
    """
    late = 0.0 if spec.seconds is None else min(1.0, elapsed / spec.seconds)
    behind, through = max(step / total, late), max((step + 1) / total, late)
    if through <= spec.warmup:
        return spec.learning_rate * through / spec.warmup
    fallen = max(0.0, (behind - spec.warmup) / (1.0 - spec.warmup))
    return spec.learning_rate * _remaining(spec.schedule, fallen)


def _remaining(schedule: str, fallen: float) -> float:
    if schedule == "constant":
        return 1.0
    return 1.0 - fallen if schedule == "linear" else 0.5 * (1.0 + math.cos(math.pi * fallen))
