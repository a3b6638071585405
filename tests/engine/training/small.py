"""Small models and rows to train them on, and a training that is cut off in the middle."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.training.clock import never
from engine.training.events import Listener, unheard
from engine.training.fit import fit
from engine.training.rows import Inputs, TensorRows
from engine.training.spec import FitReport, FitSpec

Weights = dict[str, Tensor]

# everything that a resume could get wrong: dropout, batch norm, averages, accumulation, augmentation, validation
FULL = FitSpec(
    epochs=3, batch_size=4, accumulate=3, learning_rate=0.02, ema_decay=0.9, checkpoint_every=2, seed=5, patience=3
)


def cross_entropy(output: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    losses = functional.cross_entropy(output, target, reduction="none")
    return losses.mean() if weight is None else (losses * weight).mean()


def squared(output: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    return functional.mse_loss(output[:, 0], target)


def perceptron(seed: int = 0, dropout: float = 0.0, norm: bool = False, inputs: int = 5) -> nn.Sequential:
    """inputs -> 8 -> 2."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layers = [nn.Linear(inputs, 8), *([nn.BatchNorm1d(8)] if norm else []), nn.Tanh(), nn.Dropout(dropout)]
        return nn.Sequential(*layers, nn.Linear(8, 2))


def rows(count: int = 50, seed: int = 1, noisy: bool = False, weighted: bool = False) -> TensorRows:
    """Five numbers, and whether the first two have the same sign."""
    draw = torch.Generator().manual_seed(seed)
    inputs = torch.randn(count, 5, generator=draw)
    target = (inputs[:, 0] * inputs[:, 1] > 0).long()
    weight = torch.rand(count, generator=draw) if weighted else None
    return TensorRows(inputs, target, weight, augment=noise if noisy else None)


def noise(inputs: Inputs, draw: torch.Generator) -> Inputs:
    return (inputs[0] + 0.1 * torch.randn(inputs[0].shape, generator=draw),)


class StopAfter:
    """Asks to stop after so many steps."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0


def full_training(
    checkpoints: Path | None = None,
    spec: FitSpec = FULL,
    stop: Callable[[], bool] = never,
    listener: Listener = unheard,
) -> tuple[Weights, FitReport]:
    """Train the model that has everything; its weights and the report."""
    model = perceptron(dropout=0.3, norm=True)
    report = fit(
        model, rows(noisy=True), cross_entropy, spec,
        valid=rows(20, seed=2), checkpoints=checkpoints, stop=stop, listener=listener,
    )  # fmt: skip
    return model.state_dict(), report


def largest_difference(one: Weights, other: Weights) -> float:
    assert one.keys() == other.keys()
    return max(float((one[name].double() - other[name].double()).abs().max()) for name in one)
