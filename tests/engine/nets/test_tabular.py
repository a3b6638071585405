"""The network for tables, with numbers, categories or both."""

import math

import pytest
import torch
from torch import nn

from engine.nets.tabular import NumberEmbedding, TabularNet, category_width

LEVELS = (3, 100, 7)


def rows(numbers: int, categories: int, count: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    codes = torch.stack([torch.randint(0, size, (count,)) for size in LEVELS], dim=1)
    return torch.randn(count, numbers), codes[:, :categories]


@pytest.mark.parametrize("embedding", [0, 8])
@pytest.mark.parametrize(("numbers", "categories"), [(4, 3), (0, 3), (4, 0), (1, 1)])
def test_any_mix_of_columns_gives_one_vector_a_row(numbers: int, categories: int, embedding: int) -> None:
    net = TabularNet(numbers, LEVELS[:categories], width=16, depth=2, embedding=embedding)
    output = net(*rows(numbers, categories))
    assert output.shape == (6, net.features)
    output.sum().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())


@pytest.mark.parametrize(("levels", "width"), [(2, 2), (10, 6), (100, 21), (1000, 50), (100_000, 50)])
def test_the_width_of_a_category_grows_slowly(levels: int, width: int) -> None:
    assert category_width(levels) == width


def test_numbers_are_embedded_as_the_paper_says() -> None:
    net = NumberEmbedding(2, 3)
    output = net(torch.tensor([[0.5, -2.0]])).unflatten(1, (2, 3))
    for index, number in enumerate((0.5, -2.0)):
        angles = [2 * math.pi * c * number for c in net.frequencies[index].tolist()]
        waves = torch.tensor([math.sin(a) for a in angles] + [math.cos(a) for a in angles])
        torch.testing.assert_close(output[0, index], torch.relu(net.linear(waves)))


def test_every_column_matters() -> None:
    net, (numbers, codes) = TabularNet(2, LEVELS, width=16, depth=1).eval(), rows(2, 3)
    plain = net(numbers, codes)
    for column in range(2):
        assert not torch.allclose(net(numbers + torch.eye(2)[column], codes), plain)
    for column, levels in enumerate(LEVELS):
        moved = codes.clone()
        moved[:, column] = (moved[:, column] + 1) % levels
        assert not torch.allclose(net(numbers, moved), plain)


def test_huge_numbers_give_finite_outputs_and_gradients() -> None:
    net = TabularNet(2, (), width=16, depth=2)
    net(torch.tensor([[1e6, -1e6], [0.0, 0.0]]), torch.empty(2, 0, dtype=torch.int64)).sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in net.parameters())


def test_dropout_changes_outputs_in_training_only() -> None:
    net, batch = TabularNet(2, LEVELS, width=16, depth=2, dropout=0.5), rows(2, 3)
    assert not torch.allclose(net.train()(*batch), net(*batch))
    torch.testing.assert_close(net.eval()(*batch), net(*batch))


def test_without_blocks_it_is_an_embedding_and_a_linear_layer() -> None:
    net = TabularNet(2, (), width=16, depth=0, embedding=0)
    assert [type(part) for part in net.children()] == [nn.ModuleList, nn.Linear, nn.Sequential, nn.Sequential]
    assert len(net.blocks) == 0
