"""A training that diverges: found out before the weights are changed, and told from fp16's normal overflows."""

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from engine.errors import LossNotFinite
from engine.training.checkpoint import load
from engine.training.fit import fit
from engine.training.gauge import DivergedError, Gauge
from engine.training.spec import FitSpec
from tests.engine.training.small import cross_entropy, largest_difference, perceptron, rows

FP16 = FitSpec(epochs=9, batch_size=12, learning_rate=0.05, precision="fp16")
STEADY = FitSpec(epochs=2, batch_size=12, learning_rate=0.05, schedule="constant", warmup=0.0)


def test_fp16_goes_on_after_steps_whose_gradients_overflow() -> None:
    model = perceptron()
    report = fit(model, rows(), lambda *batch: 300 * cross_entropy(*batch), FP16)
    assert report.steps == 36 + 9
    assert largest_difference(model.state_dict(), perceptron().state_dict()) > 0.01


def test_fp16_ends_when_every_step_overflows() -> None:
    model = perceptron()
    with pytest.raises(LossNotFinite, match=r"step 20 .*precision 'bf16' or 'fp32'"):
        fit(model, rows(), lambda *batch: 1e30 * cross_entropy(*batch), FP16)
    assert largest_difference(model.state_dict(), perceptron().state_dict()) == 0.0


class Poisoned:
    """A loss that is not a number from its call `since` on, or has such a gradient."""

    def __init__(self, since: int, gradient_only: bool = False) -> None:
        self.left, self.gradient_only = since, gradient_only

    def __call__(self, output: Tensor, target: Tensor, weight: Tensor | None) -> Tensor:
        self.left -= 1
        loss = cross_entropy(output, target)
        if self.left > 0:
            return loss
        # sqrt has an infinite slope at 0
        return loss + (output * 0).sqrt().mean() if self.gradient_only else loss * math.nan


@pytest.mark.parametrize("gradient_only", [False, True], ids=["loss", "gradient"])
@pytest.mark.parametrize("clip_norm", [None, 1.0])
def test_a_loss_that_is_not_finite_ends_it_before_the_weights_change(
    tmp_path: Path, gradient_only: bool, clip_norm: float | None
) -> None:
    model, spec = perceptron(), STEADY.model_copy(update={"clip_norm": clip_norm})
    with pytest.raises(LossNotFinite, match=r"step 8 \(learning rate 0.05\).*Try a learning rate of 0.005") as raised:
        fit(model, rows(), Poisoned(8, gradient_only), spec, checkpoints=tmp_path)
    good = load(tmp_path)
    assert raised.value.checkpoint == good.place == tmp_path / "step-00000005"
    assert good.checkpoint is not None
    assert all(value.isfinite().all() for value in good.checkpoint.model.values())
    assert all(value.isfinite().all() for value in model.state_dict().values())


def test_a_gauge_that_reads_seldom_still_names_the_first_bad_step() -> None:
    gauge = Gauge(every=4, allowed=0)
    losses = [1.0, 2.0, math.inf, 3.0]
    for step, loss in enumerate(losses[:3], start=1):
        gauge.note(step, step / 10, 5, torch.tensor(loss), torch.tensor(1.0))
        assert gauge.loss is None
    with pytest.raises(DivergedError) as raised:
        gauge.note(4, 0.4, 5, torch.tensor(3.0), torch.tensor(1.0))
    assert (raised.value.step, raised.value.learning_rate, gauge.loss_sum) == (3, 0.3, 15.0)
