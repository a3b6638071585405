"""The moving average, worked by hand."""

import pytest
import torch
from torch import nn

from engine.training.ema import Ema


def scalar(value: float) -> nn.Linear:
    model = nn.Linear(1, 1, bias=False)
    set_to(model, value)
    return model


def set_to(model: nn.Linear, value: float) -> None:
    with torch.no_grad():
        model.weight.fill_(value)


def test_the_average_follows_the_weights_by_the_decay() -> None:
    model = scalar(1.0)
    ema = Ema(model, decay=0.15)
    set_to(model, 3.0)
    ema.update()  # d = min(0.15, 2 / 11)
    set_to(model, 5.0)
    ema.update()
    ema.give()
    assert model.weight.item() == pytest.approx(0.15 * (0.15 * 1.0 + 0.85 * 3.0) + 0.85 * 5.0)


def test_the_first_updates_forget_the_beginning() -> None:
    model = scalar(1.0)
    ema = Ema(model, decay=0.999)
    set_to(model, 0.0)
    ema.update()
    ema.update()
    ema.give()
    assert model.weight.item() == pytest.approx(2 / 11 * 3 / 12)


def test_statistics_of_batch_norm_are_averaged_and_counts_are_copied() -> None:
    model = nn.BatchNorm1d(1, momentum=1.0)
    ema = Ema(model, decay=0.1)
    model(torch.tensor([[2.0], [4.0]]))
    ema.update()
    ema.give()
    assert model.running_mean is not None
    assert model.running_mean.item() == pytest.approx(0.9 * 3.0)
    assert model.num_batches_tracked is not None
    assert model.num_batches_tracked.item() == 1


def test_the_model_has_the_average_only_for_a_while() -> None:
    model = scalar(1.0)
    ema = Ema(model, decay=0.5)
    set_to(model, 9.0)
    with ema.in_place():
        assert model.weight.item() == 1.0
    assert model.weight.item() == 9.0
    ema.restart(updates=4)
    assert ema.updates == 4
    with ema.in_place():
        assert model.weight.item() == 9.0
