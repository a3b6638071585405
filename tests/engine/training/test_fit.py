"""The loop: it learns, it does what a hand-written loop does, it ends when it should, and nothing leaks out of it."""

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.errors import LossNotFinite, TooFewRows
from engine.nets.checkpointing import RepeatedBlock
from engine.training.checkpoint import load
from engine.training.events import EpochDone, FitBegan, FitEnded, LoopEvent, StepDone
from engine.training.fit import fit
from engine.training.gauge import DivergedError, Gauge
from engine.training.parallel import Alone
from engine.training.rows import TensorRows
from engine.training.spec import FitReport, FitSpec
from tests.engine.training.small import (
    FULL,
    StopAfter,
    Weights,
    cross_entropy,
    full_training,
    largest_difference,
    perceptron,
    rows,
    squared,
)

PLAIN = FitSpec(epochs=2, batch_size=12, learning_rate=0.05, seed=7)


def trained(spec: FitSpec, model: nn.Module | None = None, weighted: bool = False) -> Weights:
    model = model or perceptron()
    fit(model, rows(weighted=weighted), cross_entropy, spec)
    return {name: value.clone() for name, value in model.state_dict().items()}


def changed(spec: FitSpec, **change: object) -> FitSpec:
    return FitSpec.model_validate(spec.model_dump() | change)


def accuracy(output: Tensor, target: Tensor) -> float:
    return float((output.argmax(1) == target).float().mean())


def test_it_learns() -> None:
    model, told = perceptron(), list[LoopEvent]()
    report = fit(
        model, rows(400), cross_entropy, FitSpec(epochs=20, learning_rate=0.03, batch_size=16),
        valid=rows(100, seed=2), score=accuracy, listener=told.append,
    )  # fmt: skip
    assert report.best_score is not None
    assert report.best_score > 0.9
    assert report.history[-1].loss < report.history[0].loss / 2
    assert report.ended == "done"
    assert (report.epochs, report.steps, len(report.history)) == (20, 500, 20)
    assert not model.training


def test_it_does_what_a_loop_written_by_hand_does() -> None:
    """Warm-up, decay of matrices alone, clipping and cosine, step by step with torch's own."""
    spec = changed(PLAIN, clip_norm=0.3, weight_decay=0.1, epochs=1, warmup=0.25)
    inputs, target = torch.randn(48, 5), torch.randint(0, 2, (48,))
    model, by_hand, seen = perceptron(), perceptron(), list[Tensor]()
    keep = TensorRows(inputs, target, augment=lambda given, _: (seen.append(given[0]) or given[0],))
    fit(model, keep, cross_entropy, spec)
    matrices, vectors = [by_hand[0].weight, by_hand[3].weight], [by_hand[0].bias, by_hand[3].bias]
    optimiser = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}])
    for batch, rate in zip(seen, (0.05, 0.05, 0.0375, 0.0125), strict=True):
        place = [int((inputs == row).all(dim=1).nonzero()) for row in batch]
        functional.cross_entropy(by_hand(batch), target[place]).backward()
        torch.nn.utils.clip_grad_norm_(by_hand.parameters(), 0.3)
        for group in optimiser.param_groups:
            group["lr"] = rate
        optimiser.step()
        optimiser.zero_grad()
    assert largest_difference(model.state_dict(), by_hand.state_dict()) < 1e-6


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
def test_accumulation_equals_one_large_batch(weighted: bool, optimiser: str) -> None:
    """50 rows in steps of 24: the last group and the last batch are partial ones."""
    whole = trained(changed(PLAIN, batch_size=24, optimiser=optimiser), weighted=weighted)
    for size, accumulate in ((12, 2), (8, 3), (3, 8)):
        spec = changed(PLAIN, batch_size=size, accumulate=accumulate, optimiser=optimiser)
        assert largest_difference(trained(spec, weighted=weighted), whole) < 1e-6


class Blocks(nn.Module):
    """Two repeated blocks with dropout and batch norm."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = Block(0), Block(1)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.second(self.first(inputs))[:, :2]


class Block(RepeatedBlock):
    def __init__(self, seed: int) -> None:
        super().__init__()
        self.layers = perceptron(seed, dropout=0.4, norm=True)
        self.back = nn.Linear(2, 5)
        nn.init.constant_(self.back.weight, 0.3)
        nn.init.zeros_(self.back.bias)

    def run(self, inputs: Tensor) -> Tensor:
        return self.back(self.layers(inputs))


@pytest.mark.parametrize("switch", ["checkpoint_activations", "offload_activations"])
def test_saving_memory_changes_no_weight(switch: str) -> None:
    model = Blocks()
    assert largest_difference(trained(changed(PLAIN, **{switch: True}), model), trained(PLAIN, Blocks())) < 1e-6
    assert not model.first.checkpointing


def test_a_model_without_blocks_says_that_nothing_is_checkpointed() -> None:
    report = fit(perceptron(), rows(), cross_entropy, changed(PLAIN, checkpoint_activations=True))
    assert report.notes == ("The model has no repeated blocks whose activations could be checkpointed.",)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_learns_and_weights_stay_single(precision: str) -> None:
    model, dtypes = perceptron(), set[torch.dtype]()

    def loss(output: Tensor, target: Tensor, weight: Tensor | None) -> Tensor:
        dtypes.add(output.dtype)
        return cross_entropy(output, target)

    model[0].register_forward_hook(lambda module, given, output: dtypes.add(output.dtype))
    report = fit(model, rows(400), loss, changed(PLAIN, precision=precision, epochs=10))
    assert report.history[-1].loss < 0.35 < report.history[0].loss
    assert dtypes == {torch.float32, torch.bfloat16 if precision == "bf16" else torch.float16}
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}


def test_fp16_goes_on_after_steps_whose_gradients_overflow() -> None:
    model = perceptron()
    report = fit(model, rows(), lambda *batch: 300 * cross_entropy(*batch), changed(PLAIN, precision="fp16", epochs=9))
    assert report.steps == 36 + 9
    assert largest_difference(model.state_dict(), perceptron().state_dict()) > 0.01


def test_fp16_ends_when_every_step_overflows() -> None:
    model = perceptron()
    with pytest.raises(LossNotFinite, match=r"step 20 .*precision 'bf16' or 'fp32'"):
        fit(model, rows(), lambda *batch: 1e30 * cross_entropy(*batch), changed(PLAIN, precision="fp16", epochs=9))
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
    model, spec = perceptron(), changed(PLAIN, schedule="constant", warmup=0.0, clip_norm=clip_norm)
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


def test_patience_ends_it_and_the_best_weights_are_kept() -> None:
    scores = iter([0.1, 0.5, 0.3, 0.5, 0.4, 0.9])
    seen: list[Weights] = []
    model = perceptron()

    def score(output: Tensor, target: Tensor) -> float:
        seen.append({name: value.clone() for name, value in model.state_dict().items()})
        return next(scores)

    spec = changed(PLAIN, epochs=9, patience=3)
    report = fit(model, rows(), cross_entropy, spec, valid=rows(9, seed=3), score=score)
    assert (report.ended, report.epochs, report.best_epoch, report.best_score) == ("patience", 5, 2, 0.5)
    assert largest_difference(model.state_dict(), seen[1]) == 0.0
    assert largest_difference(model.state_dict(), seen[4]) > 0.0


def test_a_score_that_is_not_a_number_is_never_the_best() -> None:
    scores = iter([math.nan, 0.2, math.nan])
    report = fit(
        perceptron(), rows(), cross_entropy, changed(PLAIN, epochs=3),
        valid=rows(9), score=lambda output, target: next(scores),
    )  # fmt: skip
    assert (report.best_epoch, [record.score for record in report.history]) == (2, [None, 0.2, None])


def test_without_a_score_the_validation_loss_decides() -> None:
    model, valid = perceptron(), rows(31, seed=3, weighted=True)
    report = fit(model, rows(), cross_entropy, PLAIN, valid=valid)
    batch = valid.batch(torch.arange(31))
    with torch.no_grad():
        loss = float(cross_entropy(model(*batch.inputs), batch.target, batch.weight))
    assert report.best_score == pytest.approx(-loss, abs=1e-6)
    assert report.best_score == max(-record.valid_loss for record in report.history if record.valid_loss is not None)


def test_the_average_is_judged_and_kept() -> None:
    model, judged = perceptron(norm=True), list[Tensor]()

    def score(output: Tensor, target: Tensor) -> float:
        judged.append(output)
        return float(len(judged))

    valid = rows(9, seed=3)
    fit(model, rows(), cross_entropy, changed(PLAIN, ema_decay=0.9), valid=valid, score=score)
    assert torch.allclose(model(*valid.batch(torch.arange(9)).inputs), judged[-1], atol=1e-6)
    plain = trained(PLAIN, perceptron(norm=True))
    without_valid = trained(changed(PLAIN, ema_decay=0.9), perceptron(norm=True))
    assert largest_difference(model.state_dict(), without_valid) == 0.0
    assert largest_difference(model.state_dict(), plain) > 1e-3


def test_time_ends_it_after_a_step_and_what_there_is_is_judged() -> None:
    spec = changed(PLAIN, epochs=10_000, seconds=0.2)
    report = fit(perceptron(), rows(), cross_entropy, spec, valid=rows(9))
    assert report.ended == "time"
    assert 1 <= report.steps < 10_000
    assert report.best_score is not None
    assert report.history[-1].learning_rate < 0.01  # the schedule came to its end


def test_a_validation_that_takes_long_is_left_time_for() -> None:
    class Slow(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = perceptron()

        def forward(self, inputs: Tensor) -> Tensor:
            torch.rand(400_000 if self.training else 200_000).sort()
            return self.inner(inputs)

    spec = changed(PLAIN, epochs=10_000, seconds=1.0, batch_size=1)
    report = fit(Slow(), rows(), cross_entropy, spec, valid=rows(9))
    assert report.ended == "time"
    assert report.best_score is not None


def test_max_steps_end_it_within_an_epoch_and_are_the_schedule() -> None:
    rates: list[float] = []
    spec = changed(PLAIN, epochs=5, max_steps=6, schedule="linear", warmup=0.0)
    report = fit(
        perceptron(), rows(), cross_entropy, spec, valid=rows(9),
        listener=lambda event: rates.append(event.learning_rate) if isinstance(event, StepDone) else None,
    )  # fmt: skip
    assert (report.ended, report.steps, report.epochs) == ("done", 6, 2)
    assert rates == pytest.approx([0.05 * left / 6 for left in (6, 5, 4, 3, 2, 1)])


@pytest.mark.parametrize("steps", [0, 1, 7])
def test_a_wish_to_stop_is_heard_at_every_step(steps: int) -> None:
    report = fit(perceptron(), rows(), cross_entropy, PLAIN, stop=StopAfter(steps))
    assert (report.ended, report.steps) == ("stopped", steps)


def test_the_same_seed_gives_the_same_bits_and_leaves_the_callers_numbers_alone() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one, _ = full_training(spec=changed(FULL, deterministic=True))
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.are_deterministic_algorithms_enabled()
    torch.manual_seed(2)
    again, _ = full_training(spec=changed(FULL, deterministic=True))
    other, _ = full_training(spec=changed(FULL, seed=6))
    assert largest_difference(one, again) == 0.0
    assert largest_difference(one, other) > 0.0


def test_deterministic_refuses_what_has_no_such_algorithm() -> None:
    def loss(output: Tensor, target: Tensor, weight: Tensor | None) -> Tensor:
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.is_deterministic_algorithms_warn_only_enabled()
        return cross_entropy(output, target)

    fit(perceptron(), rows(), loss, changed(PLAIN, deterministic=True))


def test_events_come_in_order() -> None:
    told: list[LoopEvent] = []
    report = fit(perceptron(), rows(), cross_entropy, PLAIN, listener=told.append, valid=rows(9))
    names = [type(event).__name__ for event in told]
    epoch = [*["StepDone"] * 4, "StepDone", "EpochDone"]
    assert names == ["FitBegan", *epoch, *epoch, "FitEnded"]
    assert told[0] == FitBegan(epochs=2, steps=10, rows=50, parameters=66)
    steps = [event for event in told if isinstance(event, StepDone)]
    assert [step.step for step in steps] == list(range(1, 11))
    assert [step.epoch for step in steps] == [1] * 5 + [2] * 5
    epochs = [event for event in told if isinstance(event, EpochDone)]
    assert [event.record for event in epochs] == list(report.history)
    weights = [12, 12, 12, 12, 2]
    mean = sum(step.loss * rows for step, rows in zip(steps[:5], weights, strict=True) if step.loss is not None) / 50
    assert epochs[0].record.loss == pytest.approx(mean)
    assert told[-1] == FitEnded(report)


def test_only_the_first_process_tells() -> None:
    told: list[LoopEvent] = []
    fit(perceptron(), rows(), cross_entropy, PLAIN, parallel=Alone(rank=1, world=2), listener=told.append)
    assert told == []


def test_the_parts_of_several_processes_add_up_to_the_step() -> None:
    """What two processes would average, of a model that is linear in its weights."""
    one = perceptron(inputs=5)
    gradients = [_first_gradient(Alone(rank, 2), 6) for rank in (0, 1)]
    alone = _first_gradient(Alone(), 12)
    assert one is not None
    for first, second, whole in zip(*gradients, alone, strict=True):
        assert torch.allclose((first + second) / 2, whole, atol=1e-6)


def _first_gradient(parallel: Alone, size: int) -> list[Tensor]:
    """Gradients of the first step, caught where they would be clipped."""
    caught: list[Tensor] = []

    class Catching(Alone):
        def clip(self, model: nn.Module, limit: float) -> Tensor:
            caught.extend(weight.grad.clone() for weight in model.parameters())
            return super().clip(model, limit)

    spec = changed(PLAIN, batch_size=size, max_steps=1)
    fit(perceptron(), rows(), cross_entropy, spec, parallel=Catching(parallel.rank, parallel.world))
    return caught


def test_a_regression_by_any_callable_loss() -> None:
    inputs = torch.randn(80, 5)
    spec = changed(PLAIN, epochs=30)
    report = fit(nn.Linear(5, 1), TensorRows(inputs, inputs @ torch.arange(5.0)), squared, spec)
    assert report.history[-1].loss < 0.05


@pytest.mark.parametrize("valid", [False, True])
def test_no_rows_are_an_error(valid: bool) -> None:
    nothing = TensorRows(torch.empty(0, 5), torch.empty(0, dtype=torch.long))
    with pytest.raises(TooFewRows, match="no rows to validate with" if valid else "no rows to train on"):
        fit(perceptron(), rows() if valid else nothing, cross_entropy, PLAIN, valid=nothing)


def test_a_model_with_nothing_to_learn_is_an_error() -> None:
    with pytest.raises(ValueError, match="no weight that is to be learned"):
        fit(perceptron().requires_grad_(False), rows(), cross_entropy, PLAIN)


def test_patience_without_validation_rows_is_ignored_and_said() -> None:
    report = fit(perceptron(), rows(), cross_entropy, changed(PLAIN, patience=1))
    assert (report.ended, report.epochs) == ("done", 2)
    assert report.notes == ("Without validation rows, patience has nothing to go by and is ignored.",)


def test_a_single_row_can_be_trained_on() -> None:
    report: FitReport = fit(perceptron(), rows(1), cross_entropy, PLAIN)
    assert (report.steps, report.epochs) == (2, 2)


@pytest.mark.slow
# torch's compiler, as it is loaded, uses what torch itself advises against
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_compiled_model_learns_the_same() -> None:
    compiled = perceptron()
    report = fit(compiled, rows(), cross_entropy, changed(PLAIN, compile=True))
    assert report.notes[0].startswith("Compiling the model took")
    assert largest_difference(compiled.state_dict(), trained(PLAIN)) < 1e-5


@pytest.mark.slow
def test_without_a_compiler_it_says_so_and_goes_on(tmp_path: Path) -> None:
    script = """
from engine.training.fit import fit
from tests.engine.training.small import FitSpec, cross_entropy, perceptron, rows

report = fit(perceptron(), rows(), cross_entropy, FitSpec(epochs=1, compile=True))
print(report.ended, report.notes[0])
"""
    bare = {"PATH": str(tmp_path), "CXX": str(tmp_path / "none"), "TORCHINDUCTOR_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=Path(__file__).parents[3], capture_output=True, text=True, check=True,
        env={**os.environ, **bare},
    )  # fmt: skip
    assert done.stdout.startswith("done The model is not compiled: InvalidCxxCompiler: No working C++ compiler found")
