"""What a training needs in memory: worked by hand, measured, and changed until it fits."""

import pytest
import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from engine.nets.checkpointing import RepeatedBlock
from engine.training.fit import fit
from engine.training.memory import MemoryPlan, plan_memory
from engine.training.rows import Batch
from engine.training.spec import FitSpec
from tests.engine.training.small import cross_entropy, perceptron, rows

FLOAT = 4
# perceptron: 5 -> 8 -> 2
WEIGHTS = (5 * 8 + 8 + 8 * 2 + 2) * FLOAT
# of each row, the input, what tanh gives, and the answer wait for the backward pass
ROW = (5 + 8 + 2) * FLOAT
# and the gradient of what tanh gives comes in and goes out
PASSING = 2 * 8 * FLOAT
EACH = ROW + PASSING
SPEC = FitSpec(batch_size=64)


class Block(RepeatedBlock):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(16, 64), nn.Tanh(), nn.Linear(64, 16), nn.Tanh())

    def run(self, inputs: Tensor) -> Tensor:
        return inputs + self.layers(inputs)


def deep(blocks: int = 4) -> nn.Sequential:
    return nn.Sequential(*(Block() for _ in range(blocks)))


def sample(width: int, count: int = 3) -> Batch:
    return Batch((torch.randn(count, width),), torch.zeros(count, dtype=torch.long))


def plan(model: nn.Module, spec: FitSpec = SPEC, available: int = 10**12, width: int = 16) -> MemoryPlan:
    return plan_memory(model, sample(width), spec, available=available)


def kinds(found: MemoryPlan) -> list[str]:
    return [change.kind for change in found.changes]


def test_a_perceptron_is_worked_by_hand() -> None:
    found = plan(perceptron(), width=5)
    assert (found.parameters, found.gradients, found.optimiser, found.average) == (WEIGHTS, WEIGHTS, 2 * WEIGHTS, 0)
    assert found.activations == 64 * ROW
    assert found.passing == 64 * PASSING
    assert found.total == 4 * WEIGHTS + 64 * EACH
    assert found.fits
    assert found.changes == ()
    assert found.spec == SPEC


def test_a_sample_that_is_a_part_of_many_rows_counts_by_itself() -> None:
    many = sample(5, count=1000)
    found = plan_memory(perceptron(), many.each(lambda tensor: tensor[:3]), SPEC, available=10**12)
    assert found.activations == 64 * ROW


def test_sgd_has_one_moment_and_an_average_is_as_large_as_the_weights() -> None:
    model = perceptron(norm=True)
    found = plan(model, FitSpec(optimiser="sgd", ema_decay=0.9), width=5)
    learned = WEIGHTS + 2 * 8 * FLOAT
    assert (found.gradients, found.optimiser) == (learned, learned)
    assert found.parameters == found.average == learned + 2 * 8 * FLOAT + 8  # mean, variance, a count


def test_weights_that_are_not_learned_have_no_gradient() -> None:
    model = perceptron()
    model[0].requires_grad_(False)
    found = plan(model, width=5)
    assert found.gradients == (8 * 2 + 2) * FLOAT
    assert found.parameters == WEIGHTS


@pytest.mark.parametrize("model", [perceptron(norm=True, dropout=0.5, inputs=16), deep()], ids=["norm", "blocks"])
def test_the_estimate_for_many_rows_is_what_many_rows_keep(model: nn.Module) -> None:
    kept: dict[int, Tensor] = {}
    own = {tensor.data_ptr() for tensor in (*model.parameters(), *model.buffers())}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        keep(model(torch.randn(64, 16)))
    measured = sum(tensor.untyped_storage().nbytes() for address, tensor in kept.items() if address not in own)
    assert plan(model).activations == measured


def test_the_model_is_left_as_it_was() -> None:
    model = perceptron(norm=True, dropout=0.5).eval()
    model[0].train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.get_rng_state()
    given = sample(5)
    torch.set_rng_state(random)
    plan_memory(model, given, SPEC, available=1)
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert [module.training for module in model] == [True, False, False, False, False]


def test_fewer_rows_at_a_time_come_first_and_a_step_sees_as_many() -> None:
    spec = FitSpec(batch_size=60, accumulate=2)
    found = plan(perceptron(), spec, available=round((4 * WEIGHTS + 20 * EACH) / 0.9) + 1, width=5)
    assert kinds(found) == ["accumulation"]
    assert (found.spec.batch_size, found.spec.accumulate) == (15, 8)
    assert found.fits
    assert found.total == found.changes[-1].total == 4 * WEIGHTS + 15 * EACH


def test_changes_are_tried_in_order_and_each_saves_memory() -> None:
    model, wide = deep(), FitSpec(batch_size=64)
    fixed = 4 * sum(weight.numel() for weight in model.parameters()) * FLOAT
    found = plan(model, wide, available=fixed)
    assert kinds(found) == ["accumulation", "checkpointing", "bf16"]
    assert not found.fits
    assert (found.spec.batch_size, found.spec.accumulate) == (1, 64)
    assert (found.spec.checkpoint_activations, found.spec.precision) == (True, "bf16")
    totals = [plan(model, wide).total, *(change.total for change in found.changes[:2])]
    assert totals == sorted(totals, reverse=True)


def test_checkpointing_lets_more_rows_in_again() -> None:
    """One row fits with nothing to spare when all is kept; checkpointed, several do."""
    model, short = deep(8), 1
    one_row = plan(model, FitSpec(batch_size=1))
    found = plan(model, available=int(one_row.total / 0.9) - short)
    assert kinds(found) == ["accumulation", "checkpointing"]
    assert found.fits
    assert found.spec.batch_size > 1
    assert found.spec.batch_size * found.spec.accumulate == 64


def test_checkpointing_keeps_the_inputs_of_blocks_and_one_block_at_a_time() -> None:
    found = plan(deep(), FitSpec(batch_size=10, checkpoint_activations=True))
    inputs_and_answer = 10 * 5 * 16 * FLOAT
    inside = 10 * (64 + 16) * FLOAT
    assert found.activations == pytest.approx(inputs_and_answer + inside, rel=0.25)
    assert found.activations < plan(deep(), FitSpec(batch_size=10)).activations / 1.5


def test_offload_is_for_devices_with_a_memory_of_their_own() -> None:
    on_cuda = plan_memory(deep(), sample(16), FitSpec(precision="fp16"), available=1, device="cuda")
    assert kinds(on_cuda) == ["accumulation", "checkpointing", "offload"]
    assert on_cuda.spec.offload_activations
    assert "offload" not in kinds(plan(deep(), available=1))


def test_a_model_without_blocks_is_not_checkpointed() -> None:
    assert kinds(plan(perceptron(), available=1, width=5)) == ["accumulation", "bf16"]


def test_the_plan_speaks_in_words() -> None:
    words = plan(perceptron(), available=1, width=5).in_words()
    assert words.startswith(
        "Gradients are accumulated over smaller batches (1 row at a time, 64 times for a step: 1.2 KiB)."
    )
    assert "The training needs about" in words
    assert "That does not fit, and there is nothing more to switch on: 0.0 KiB are free." in words
    assert "average" not in words
    assert "That fits: 931.3 GiB are free." in plan(perceptron(), width=5).in_words()


def test_what_is_free_is_measured_when_not_given() -> None:
    found = plan_memory(perceptron(), sample(5), SPEC)
    assert found.available > 2**20
    assert found.fits


def test_a_training_by_the_changed_spec_runs() -> None:
    spec = FitSpec(batch_size=16, epochs=1)
    found = plan_memory(perceptron(), sample(5), spec, available=round((4 * WEIGHTS + 4 * EACH) / 0.9) + 1)
    report = fit(perceptron(), rows(), cross_entropy, found.spec)
    assert (report.batch_size, report.accumulate, report.steps) == (4, 4, 4)
