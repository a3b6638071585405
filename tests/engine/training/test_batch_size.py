"""The batch size that fits, and steps that begin again when memory runs out."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from engine.errors import OutOfMemory
from engine.training.batch_size import BatchSize, is_out_of_memory
from engine.training.events import BatchReduced, LoopEvent
from engine.training.fit import fit
from engine.training.parallel import Alone
from engine.training.spec import FitReport, FitSpec
from tests.engine.training.small import Weights, cross_entropy, perceptron, rows

SPEC = FitSpec(epochs=2, batch_size=8, learning_rate=0.05, seed=3)


class Full(torch.autograd.Function):
    """Runs out of memory in the backward pass."""

    @staticmethod
    def forward(context: object, tensor: Tensor) -> Tensor:
        return tensor.clone()

    @staticmethod
    def backward(context: object, gradient: Tensor) -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory.")


class Narrow(nn.Module):
    """A model with dropout and batch norm that has memory for `most` rows at a time, from its call `since` on."""

    def __init__(self, most: int, since: int = 1, in_machine: bool = False, norm: bool = True) -> None:
        super().__init__()
        self.inner = perceptron(dropout=0.3, norm=norm)
        self.most, self.since, self.in_machine = most, since, in_machine
        self.calls = 0

    def forward(self, inputs: Tensor) -> Tensor:
        self.calls += 1
        output = self.inner(inputs)
        if len(inputs) <= self.most or self.calls < self.since:
            return output
        if self.in_machine:
            torch.empty(1 << 50)
        return Full.apply(output)


def trained(model: nn.Module, spec: FitSpec, told: list[LoopEvent] | None = None) -> tuple[Weights, FitReport]:
    listener = (lambda _: None) if told is None else told.append
    report = fit(model, rows(34), cross_entropy, spec, listener=listener)
    return {name: value.clone() for name, value in model.state_dict().items()}, report


def same(one: Weights, other: Weights) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def test_the_size_is_halved_until_it_fits() -> None:
    size, undone, tried = BatchSize(20), [], []

    def attempt(rows: int) -> str:
        tried.append(rows)
        if rows > 3:
            raise MemoryError
        return "done"

    assert size.fitting(attempt, lambda: undone.append(True)) == "done"
    assert (tried, len(undone), size.size) == ([20, 10, 5, 2], 3, 2)


def test_other_errors_are_not_taken_for_a_lack_of_memory() -> None:
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))

    def attempt(rows: int) -> None:
        raise RuntimeError("something else")

    with pytest.raises(RuntimeError, match="something else"):
        BatchSize(4).fitting(attempt, lambda: None)


@pytest.mark.parametrize("in_machine", [False, True], ids=["device", "machine"])
def test_a_training_that_ran_out_of_memory_equals_one_with_smaller_batches(in_machine: bool) -> None:
    told: list[LoopEvent] = []
    reduced, report = trained(Narrow(most=2, in_machine=in_machine), SPEC, told)
    smaller, _ = trained(Narrow(most=2), SPEC.model_copy(update={"batch_size": 2, "accumulate": 4}))
    assert same(reduced, smaller)
    assert (report.batch_size, report.accumulate, report.steps) == (2, 4, 10)
    assert [event for event in told if isinstance(event, BatchReduced)] == [BatchReduced(2, 4)]
    assert report.notes == ("Memory ran out with 8 rows at a time, so it went on with 2.",)


def test_a_step_begins_again_when_memory_runs_out_in_its_middle() -> None:
    spec = SPEC.model_copy(update={"accumulate": 3})
    reduced, _ = trained(Narrow(most=4, since=3), spec)
    smaller, _ = trained(Narrow(most=4), spec.model_copy(update={"batch_size": 4, "accumulate": 6}))
    assert same(reduced, smaller)


def test_a_resumed_training_keeps_the_size_that_fitted(tmp_path: Path) -> None:
    fit(Narrow(most=4), rows(34), cross_entropy, SPEC, checkpoints=tmp_path, stop=iter([False, True]).__next__)
    model = Narrow(most=4)
    report = fit(model, rows(34), cross_entropy, SPEC, checkpoints=tmp_path)
    assert report.batch_size == 4
    smaller, _ = trained(Narrow(most=4), SPEC.model_copy(update={"batch_size": 4, "accumulate": 2}))
    assert same(model.state_dict(), smaller)


def test_validation_may_need_smaller_batches_too() -> None:
    model = Narrow(most=3, since=6, in_machine=True)
    report = fit(model, rows(16), cross_entropy, SPEC, valid=rows(11, seed=9))
    assert report.batch_size == 2
    assert report.best_score is not None


def test_not_even_one_row_is_an_error_with_what_to_try() -> None:
    with pytest.raises(OutOfMemory, match=r"Not even one row .* checkpoint_activations"):
        trained(Narrow(most=0, norm=False), SPEC)


def test_several_processes_cannot_start_a_step_again() -> None:
    with pytest.raises(OutOfMemory, match="Start again with batch_size 4 and twice the accumulate"):
        fit(Narrow(most=4), rows(34), cross_entropy, SPEC, parallel=Alone(rank=0, world=2))
