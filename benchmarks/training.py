"""What the training loop costs beside a loop written by hand: CPU seconds of the same training, as a ratio.

Both train the same model from the same weights on the same number of rows, with the same optimiser, clipping and
schedule, on one thread. The loop by hand does nothing else: no events, no check of the gradient, no checkpoints, no
early stopping, no memory that runs out. In each round it runs twice, and what it differs from itself is the noise.

    python benchmarks/training.py [--rounds 25] [--steps 60]
"""

import argparse
import math
import os
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.training.fit import fit
from engine.training.optimiser import make_optimiser
from engine.training.rows import TensorRows
from engine.training.spec import FitSpec

BATCH = 128


@dataclass(frozen=True)
class Case:
    """A model to train, and its rows."""

    name: str
    model: Callable[[], nn.Module]
    inputs: Tensor
    target: Tensor


class Encoder(nn.Module):
    """Two layers of torch's encoder over sequences (rows, 16, 64), and a mean."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(64, 4, 128, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(64, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.layers(inputs).mean(dim=1))


def perceptron(width: int) -> nn.Module:
    return nn.Sequential(
        nn.Linear(32, width), nn.ReLU(), nn.Dropout(0.1), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 3)
    )


def cases(steps: int) -> list[Case]:
    """Models from one that hardly computes anything to one that does."""
    rows = BATCH * steps // 4
    table, target = torch.randn(rows, 32), torch.randint(0, 3, (rows,))
    sequences = torch.randn(rows, 16, 64)
    return [
        Case("perceptron of 64", lambda: perceptron(64), table, target),
        Case("perceptron of 512", lambda: perceptron(512), table, target),
        Case("encoder of 2 layers", Encoder, sequences, target),
    ]


def cross_entropy(output: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    return functional.cross_entropy(output, target)


def by_hand(model: nn.Module, case: Case, spec: FitSpec) -> None:
    """The same training: AdamW, clipping to a norm of 1, cosine with warm-up, the mean loss of each epoch."""
    optimiser = make_optimiser(model, spec, fused=True)
    rows = len(case.target)
    total, step = spec.epochs * math.ceil(rows / BATCH), 0
    model.train()
    for _ in range(spec.epochs):
        order, summed = torch.randperm(rows), 0.0
        for start in range(0, rows, BATCH):
            index = order[start : start + BATCH]
            loss = cross_entropy(model(case.inputs[index]), case.target[index])
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for group in optimiser.param_groups:
                group["lr"] = _rate(spec, step / total)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
            summed += loss.item() * len(index)
            step += 1
        if not math.isfinite(summed):
            raise SystemExit("the loop by hand diverged")


def _rate(spec: FitSpec, progress: float) -> float:
    if progress < spec.warmup:
        return spec.learning_rate * progress / spec.warmup
    fallen = (progress - spec.warmup) / (1 - spec.warmup)
    return spec.learning_rate * 0.5 * (1 + math.cos(math.pi * fallen))


def ours(model: nn.Module, case: Case, spec: FitSpec) -> None:
    fit(model, TensorRows(case.inputs, case.target), cross_entropy, spec)


def seconds(train: Callable[[nn.Module, Case, FitSpec], None], case: Case, spec: FitSpec) -> float:
    """CPU seconds of one training from the same weights."""
    torch.manual_seed(0)
    model = case.model()
    start = time.process_time()
    train(model, case, spec)
    return time.process_time() - start


def compared(case: Case, spec: FitSpec, rounds: int) -> str:
    """A line of the table. The loop by hand runs twice in each round, to show by how much it differs from itself."""
    runners = {"by hand": by_hand, "ours": ours, "again": by_hand}
    for train in runners.values():
        seconds(train, case, spec)  # what is loaded at its first use is no cost of a step
    steps = spec.epochs * len(case.target) / BATCH
    times: dict[str, list[float]] = {name: [] for name in runners}
    for _ in range(rounds):
        # in any order, since a machine that grows busy slows down what comes last
        for name in random.sample(list(runners), len(runners)):
            times[name].append(1e6 * seconds(runners[name], case, spec) / steps)
    least = {name: min(some) for name, some in times.items()}
    middle = {name: statistics.median(some) for name, some in times.items()}
    return f"{case.name:20}" + "".join(
        f"   {found['by hand']:6.0f} us  {found['ours']:6.0f} us  {found['ours'] / found['by hand']:.3f}"
        f" ({found['again'] / found['by hand']:.3f})"
        for found in (least, middle)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=25, help="rounds; by hand, ours and by hand again within each")
    parser.add_argument("--steps", type=int, default=60, help="optimiser steps of a training, a multiple of 4")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    spec = FitSpec(epochs=4, batch_size=BATCH)
    print(f"{asked.steps} steps of {BATCH} rows, {asked.rounds} rounds; load {os.getloadavg()[0]:.1f}\n")
    print("a step                  shortest: by hand, ours, ratio (noise)     median: by hand, ours, ratio (noise)")
    for case in cases(asked.steps):
        print(compared(case, spec, asked.rounds), flush=True)


if __name__ == "__main__":
    main()
