"""The loop: it learns, it does what a hand-written loop does, it ends when it should, and nothing leaks out of it."""

import math
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.errors import TooFewRows
from engine.nets.checkpointing import RepeatedBlock
from engine.training.events import EpochDone, FitBegan, FitEnded, LoopEvent, StepDone
from engine.training.fit import fit
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


class Slow(nn.Module):
    """Takes 120 ms to learn from a row and 40 ms to answer one."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = perceptron()

    def forward(self, inputs: Tensor) -> Tensor:
        time.sleep(0.12 if self.training else 0.04)
        return self.inner(inputs)


def test_time_is_left_for_the_validation() -> None:
    spec = changed(PLAIN, epochs=10_000, seconds=1.0, batch_size=1)
    fit(perceptron(), rows(), cross_entropy, changed(PLAIN, max_steps=1))  # torch loads much at its first step
    report = fit(Slow(), rows(), cross_entropy, spec, valid=rows(9))
    assert (report.ended, len(report.history)) == ("time", 1)
    # 360 ms go into the validation: without time left for it, it would end after 1.36 s or later
    assert report.seconds < 1.3


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
        return cross_entropy(output.put(torch.tensor([0]), torch.tensor([0.5])), target)

    fit(perceptron(), rows(), loss, PLAIN)
    with pytest.raises(RuntimeError, match=r"put.*deterministic"):
        fit(perceptron(), rows(), loss, changed(PLAIN, deterministic=True))
    assert not torch.are_deterministic_algorithms_enabled()


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


class Catching(Alone):
    """Remembers the gradients of the last step, as they were before clipping."""

    def clip(self, model: nn.Module, limit: float) -> Tensor:
        object.__setattr__(self, "caught", [weight.grad.clone() for weight in model.parameters()])
        return super().clip(model, limit)


def first_gradient(rank: int, world: int, size: int) -> list[Tensor]:
    process = Catching(rank, world)
    fit(perceptron(), rows(), cross_entropy, changed(PLAIN, batch_size=size, max_steps=1), parallel=process)
    caught: list[Tensor] = vars(process)["caught"]
    return caught


def test_the_average_over_processes_is_the_gradient_of_the_whole_step() -> None:
    """15 rows of a step, shared by three processes."""
    parts = [first_gradient(rank, 3, 5) for rank in range(3)]
    for *shared, whole in zip(*parts, first_gradient(0, 1, 15), strict=True):
        assert torch.allclose(torch.stack(shared).mean(dim=0), whole, atol=1e-6)


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
