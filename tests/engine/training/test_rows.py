"""Rows, the order they come in, and how a step is shared out."""

from itertools import chain

import pytest
import torch

from engine.training.loading import Loader
from engine.training.rows import AugmentedRows, Batch, TensorRows
from engine.training.sampler import Sampler
from tests.engine.training.small import noise, rows


class Squares:
    """Rows that are computed when they are asked for."""

    def __len__(self) -> int:
        return 7

    def batch(self, index: torch.Tensor) -> Batch:
        return Batch((index.float(),), index.float() ** 2)


def test_a_batch_has_the_rows_of_its_index() -> None:
    table = TensorRows((torch.arange(6.0), torch.arange(6) * 10), torch.arange(6) * 100, torch.arange(6.0) / 10)
    batch = table.batch(torch.tensor([4, 1]))
    assert [tensor.tolist() for tensor in batch.inputs] == [[4.0, 1.0], [40, 10]]
    assert batch.target.tolist() == [400, 100]
    assert batch.weight is not None
    assert batch.weight.tolist() == pytest.approx([0.4, 0.1])


def test_tensors_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match=r"as many rows; they have \[4, 5\]"):
        TensorRows(torch.zeros(5, 2), torch.zeros(4))


@pytest.mark.parametrize(("count", "per_step"), [(50, 12), (48, 12), (49, 12), (5, 12), (1, 4), (13, 1), (14, 3)])
@pytest.mark.parametrize("world", [1, 3])
def test_the_steps_of_an_epoch_take_every_row_once(count: int, per_step: int, world: int) -> None:
    samplers = [Sampler(count, per_step, 0, rank, world) for rank in range(world)]
    parts = [part for sampler in samplers for step in range(sampler.steps) for part in sampler.parts(step, 2)]
    taken = chain.from_iterable(range(part.start, part.stop) for part in parts if part.share)
    assert sorted(taken) == list(range(count))


@pytest.mark.parametrize("world", [1, 3])
def test_the_shares_of_a_step_are_its_rows_and_add_up_to_one(world: int) -> None:
    samplers = [Sampler(50, 12, 0, rank, world) for rank in range(world)]
    for step in range(samplers[0].steps):
        parts = [part for sampler in samplers for part in sampler.parts(step, 4)]
        assert sum(part.share for part in parts) == pytest.approx(1.0, abs=1e-12)
        size = samplers[0].step_rows(step)
        assert all(part.share in (0.0, pytest.approx((part.stop - part.start) / size)) for part in parts)
        assert max(part.stop - part.start for part in parts) <= 4


def test_every_process_has_as_many_parts_and_one_without_rows_has_no_share() -> None:
    processes = [Sampler(10, 8, 0, rank, world=4).parts(1, 2) for rank in range(4)]
    assert Sampler(10, 8, 0, world=4).steps == 1  # two rows are too few for a step of four processes
    assert {len(parts) for parts in processes} == {0} or all(parts[-1].last for parts in processes)
    few = [Sampler(3, 8, 0, rank, world=4).parts(0, 2) for rank in range(4)]
    assert [[(part.stop - part.start, part.share, part.last) for part in parts] for parts in few] == [
        [(1, 0.0, True)], [(1, 1 / 3, True)], [(1, 1 / 3, True)], [(1, 1 / 3, True)],
    ]  # fmt: skip


def test_a_single_row_left_over_joins_the_step_before() -> None:
    sampler = Sampler(rows=65, per_step=32, seed=0)
    assert [sampler.step_rows(step) for step in range(sampler.steps)] == [32, 33]
    assert [part.stop - part.start for part in sampler.parts(1, 32)] == [16, 17]


def test_the_order_follows_from_seed_and_epoch_alone() -> None:
    one, same, other = Sampler(30, 4, seed=1), Sampler(30, 9, seed=1, rank=1, world=2), Sampler(30, 4, seed=2)
    assert torch.equal(one.order(3), same.order(3))
    assert not torch.equal(one.order(3), one.order(4))
    assert not torch.equal(one.order(3), other.order(3))
    assert sorted(one.order(3).tolist()) == list(range(30))


def test_the_loader_gives_the_rows_of_the_sampler() -> None:
    sampler = Sampler(7, 4, seed=3)
    loader = Loader(Squares(), sampler, torch.device("cpu"))
    steps = [list(loader.step(2, step, 3)) for step in range(sampler.steps)]
    assert [[len(micro.batch) for micro in step] for step in steps] == [[2, 2], [3]]
    seen = torch.cat([micro.batch.inputs[0] for step in steps for micro in step])
    assert torch.equal(seen, sampler.order(2).float())
    assert torch.equal(torch.cat([micro.batch.target for step in steps for micro in step]), seen**2)


def test_augmentation_is_the_same_again_and_new_in_another_epoch() -> None:
    table = rows(12, noisy=True)
    sampler = Sampler(12, 12, seed=3)

    def seen(epoch: int) -> torch.Tensor:
        (micro,) = Loader(table, sampler, torch.device("cpu")).step(epoch, 0, 12)
        return micro.batch.inputs[0] - table.batch(sampler.order(epoch)).inputs[0]

    assert isinstance(table, AugmentedRows)
    assert torch.equal(seen(0), seen(0))
    assert not torch.allclose(seen(0), seen(1), atol=1e-3)
    assert 0.02 < float(seen(0).std()) < 0.3


def test_rows_that_are_only_looked_at_are_not_augmented() -> None:
    inputs = torch.randn(5, 2)
    table = TensorRows(inputs, torch.zeros(5), augment=noise)
    assert torch.equal(table.batch(torch.arange(5)).inputs[0], inputs)
