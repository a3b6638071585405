"""What each feature of the training loop costs and saves: rows per second, memory and arithmetic, as ratios.

An encoder over tokens and a ResNet over images train on made-up rows: with every feature off (the base), with each
feature on by itself, and in the same loop written by hand, plain and with Lightning Fabric or accelerate where these
are installed. All take turns in each round, the base at its beginning and its end; by how much these two differ is
the noise. The first steps of a turn, in which kernels are chosen and compiled, are not counted.

Of Millwright only `engine.nets` and `engine.training` are loaded, so a machine needs this repository, Python 3.11 or
newer, torch 2.11 or newer, numpy, pydantic, psutil and safetensors (for --processes, pandas and pyarrow as well):

    PYTHONPATH=. python benchmarks/gpu.py [--size small|full] [--seconds 4] [--rounds 3] [--processes 2] [--json FILE]

ratio       rows/s of the line by rows/s of the engine's loop in the same precision, with no other feature on
peak        most memory that tensors took on the device after the warm-up; not measured on the CPU
reckoned    what the memory plan says beforehand
TFLOP/s     from the operations of matrix products and convolutions in one forward and backward pass; those that
            activation checkpointing does a second time are not counted
of ceiling  TFLOP/s by that of the fastest of a few square matrix products in the same precision
"""

import argparse
import importlib
import importlib.util
import json
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import AdamW, Optimizer
from torch.utils.flop_counter import FlopCounterMode

from engine.errors import MillwrightError, OutOfMemory
from engine.nets.encoder import Encoder, PooledEncoder
from engine.nets.resnet import ResNet
from engine.training.batch_size import free_memory, is_out_of_memory
from engine.training.device import choose_device, describe_device
from engine.training.events import LoopEvent, StepDone
from engine.training.fit import fit
from engine.training.losses import CrossEntropy
from engine.training.memory import plan_memory
from engine.training.precision import autocast, has_bf16
from engine.training.rows import Batch, TensorRows
from engine.training.spec import FitSpec, Precision

Arithmetic: TypeAlias = Literal["fp32", "tf32", "bf16", "fp16"]
KINDS: dict[Arithmetic, torch.dtype] = {
    "fp32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16,
}  # fmt: skip
CLASSES = 8
STEPS_AN_EPOCH = 32
SCALING_STEPS = 100
WARM_UP = 3
RATE = 1e-4
NO_ANSWER = "-"
BASE, AGAIN = "base", "base again"
FEATURES: dict[str, dict[str, object]] = {
    "bf16": {"precision": "bf16"},
    "fp16": {"precision": "fp16"},
    "compile": {"compile": True},
    "checkpointing": {"checkpoint_activations": True},
    "offload": {"offload_activations": True},
    "accumulation": {"accumulate": 4},
    "ema": {"ema_decay": 0.999},
    "deterministic": {"deterministic": True},
    "clip": {"clip_norm": 1.0},
}


@dataclass(frozen=True)
class Sizes:
    """How large models and batches are. `texts` and `images` are rows of an optimiser step."""

    width: int
    heads: int
    layers: int
    length: int
    vocabulary: int
    texts: int
    channels: tuple[int, ...]
    blocks: int
    side: int
    images: int


SIZES = {
    "small": Sizes(32, 4, 2, 32, 256, 16, (8, 16, 32), 1, 16, 16),
    "full": Sizes(512, 8, 8, 256, 8192, 64, (64, 128, 256, 512), 2, 64, 256),
}


@dataclass(frozen=True)
class Case:
    """A model and its rows, `batch` of them in an optimiser step. `single` is what it computes fp32 in."""

    name: str
    model: Callable[[], nn.Module]
    inputs: Tensor
    target: Tensor
    batch: int
    single: Arithmetic

    def spec(self, accumulate: int = 1, **changes: object) -> FitSpec:
        """Every feature off but those that are given; a step has the same rows whatever is accumulated."""
        base = FitSpec(
            epochs=10**6, batch_size=self.batch // accumulate, accumulate=accumulate,
            learning_rate=RATE, schedule="constant", warmup=0.0, clip_norm=None,
        )  # fmt: skip
        return base.model_copy(update=changes)


class Stopwatch:
    """Times the optimiser steps after the warm-up until `limit` seconds are over; `peak` is in bytes."""

    def __init__(self, device: torch.device, limit: float) -> None:
        self.steps = 0
        self.seconds = math.nan
        self.peak: int | None = None
        self._device = device
        self._limit = limit
        self._began = math.inf

    def hear(self, event: LoopEvent) -> None:
        if isinstance(event, StepDone):
            self.step()

    def step(self) -> None:
        """A step is done, or at least handed to the device."""
        self.steps += 1
        if self.steps == WARM_UP:
            self._now()
            if self._device.type == "cuda":
                torch.cuda.reset_peak_memory_stats(self._device)
            self._began = self._now()

    def over(self) -> bool:
        """Whether the time is over, with at least one step in it."""
        if self.steps <= WARM_UP or time.perf_counter() - self._began < self._limit:
            return False
        self.seconds = self._now() - self._began
        if self._device.type == "cuda":
            self.peak = torch.cuda.max_memory_allocated(self._device)
        return True

    def _now(self) -> float:
        synchronise(self._device)
        return time.perf_counter()


Train: TypeAlias = Callable[[Case, torch.device, Stopwatch], tuple[str, ...]]


@dataclass(frozen=True)
class Variant:
    """A way to train, which says what there is to say of it. Its speed is compared with that of `reference`."""

    name: str
    train: Train
    spec: FitSpec | None = None
    precision: Precision = "fp32"
    reference: str = BASE


@dataclass(frozen=True)
class Turn:
    """How a variant did in one round. `peak` is in bytes."""

    rows_per_second: float = math.nan
    peak: int | None = None
    notes: tuple[str, ...] = ()
    failed: bool = False


@dataclass(frozen=True)
class Line:
    """A line of the table; None where there is nothing to say. Memory in MiB."""

    name: str
    note: str
    rows_per_second: float | None = None
    ratio: float | None = None
    peak: float | None = None
    reckoned: float | None = None
    tflops: float | None = None
    of_ceiling: float | None = None


@dataclass(frozen=True)
class Table:
    """What came of one case. `noise` is the median difference between the two turns of the base in a round."""

    case: str
    batch: int
    parameters: int
    gflop_per_row: float
    noise: float | None
    lines: list[Line]


def cases(sizes: Sizes, device: torch.device) -> list[Case]:
    """The encoder and the ResNet, with random rows that follow from fixed seeds."""
    draw = torch.Generator().manual_seed(0)
    tokens = torch.randint(1, sizes.vocabulary, (sizes.texts * STEPS_AN_EPOCH, sizes.length), generator=draw)
    pixels = torch.randn(sizes.images * STEPS_AN_EPOCH, 3, sizes.side, sizes.side, generator=draw)
    classes = [torch.randint(0, CLASSES, (len(rows),), generator=draw) for rows in (tokens, pixels)]
    # torch lets convolutions, but not matrix products, use TF32 unless it is told otherwise
    single: Arithmetic = "tf32" if device.type == "cuda" else "fp32"
    return [
        Case("encoder", partial(encoder, sizes), tokens, classes[0], sizes.texts, "fp32"),
        Case("resnet", partial(resnet, sizes), pixels, classes[1], sizes.images, single),
    ]


def encoder(sizes: Sizes) -> nn.Module:
    net = Encoder(sizes.vocabulary, sizes.width, sizes.heads, sizes.layers, 4 * sizes.width, sizes.length)
    return nn.Sequential(PooledEncoder(net), nn.Linear(sizes.width, CLASSES))


def resnet(sizes: Sizes) -> nn.Module:
    net = ResNet(3, sizes.channels, [sizes.blocks] * len(sizes.channels))
    return nn.Sequential(net, nn.Linear(net.features, CLASSES))


def ours(spec: FitSpec, case: Case, device: torch.device, watch: Stopwatch) -> tuple[str, ...]:
    """The loop of the engine."""
    rows = TensorRows(case.inputs, case.target)
    return fit(
        case.model(), rows, CrossEntropy(), spec, device=device, listener=watch.hear, stop=watch.over
    ).notes  # fmt: skip


@dataclass(frozen=True)
class Kit:
    """What a loop by hand needs; `forward` is the context of its forward pass."""

    model: nn.Module
    optimiser: Optimizer
    backward: Callable[[Tensor], object] = torch.Tensor.backward
    forward: Callable[[], AbstractContextManager[None]] = nullcontext


Prepare: TypeAlias = Callable[[nn.Module, Optimizer, Precision, torch.device], Kit]


def by_hand(
    prepare: Prepare, precision: Precision, case: Case, device: torch.device, watch: Stopwatch
) -> tuple[str, ...]:
    """A loop without a gradient norm, events, or care for anything that could go wrong."""
    model = case.model().to(device).train()
    kit = prepare(model, AdamW(model.parameters(), lr=RATE, fused=True), precision, device)
    for inputs, target in batches(case, device, watch):
        with kit.forward():
            loss = functional.cross_entropy(kit.model(inputs), target)
        kit.backward(loss)
        kit.optimiser.step()
        kit.optimiser.zero_grad(set_to_none=True)
        watch.step()
    return ()


def batches(case: Case, device: torch.device, watch: Stopwatch) -> Iterator[tuple[Tensor, Tensor]]:
    """Rows in random order, through pinned memory to CUDA, until the time is over."""
    while True:
        for index in torch.randperm(len(case.target)).split(case.batch):
            if watch.over():
                return
            yield on_device(case.inputs[index], device), on_device(case.target[index], device)


def on_device(tensor: Tensor, device: torch.device) -> Tensor:
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor


def plain(model: nn.Module, optimiser: Optimizer, precision: Precision, device: torch.device) -> Kit:
    return Kit(model, optimiser, forward=partial(autocast, precision, device))


def fabric(model: nn.Module, optimiser: Optimizer, precision: Precision, device: torch.device) -> Kit:
    wanted = "32-true" if precision == "fp32" else f"{precision}-mixed"
    made = first_of("lightning.fabric", "lightning_fabric").Fabric(
        accelerator=device.type, devices=1, precision=wanted
    )  # fmt: skip
    return Kit(*made.setup(model, optimiser), backward=made.backward)


def accelerate(model: nn.Module, optimiser: Optimizer, precision: Precision, device: torch.device) -> Kit:
    wanted = "no" if precision == "fp32" else precision
    made = first_of("accelerate").Accelerator(mixed_precision=wanted, cpu=device.type == "cpu")
    return Kit(*made.prepare(model, optimiser), backward=made.backward)


def first_of(*names: str) -> ModuleType:
    """The first of these modules that is installed; raises ModuleNotFoundError when none is."""
    there = [name for name in names if importlib.util.find_spec(name.partition(".")[0]) is not None]
    return importlib.import_module((there or names)[0])


def left_out(_case: Case, _device: torch.device, _watch: Stopwatch) -> tuple[str, ...]:
    raise RuntimeError("left out")


def variants(case: Case, device: torch.device, without: Sequence[str]) -> list[Variant]:
    """In the order of their turns; the loops by hand in what people train in on such a device."""
    specs = {BASE: case.spec(), **{name: case.spec(**changes) for name, changes in FEATURES.items()}}
    found = [
        Variant(name, left_out if name in without else partial(ours, spec), spec, spec.precision)
        for name, spec in specs.items()
    ]
    usual: Precision = "bf16" if device.type == "cuda" and has_bf16(device) else "fp32"
    reference = BASE if usual == "fp32" else usual
    others = {"plain loop": plain, "Lightning Fabric": fabric, "accelerate": accelerate}
    return [
        *found,
        *(Variant(f"{name}, {usual}", partial(by_hand, prepare, usual), None, usual, reference)
          for name, prepare in others.items()),
        Variant(AGAIN, partial(ours, specs[BASE])),
    ]  # fmt: skip


def measured(case: Case, device: torch.device, ceilings: dict[Arithmetic, float], asked: argparse.Namespace) -> Table:
    """Let all variants take turns, and put together what came of it."""
    wanted = variants(case, device, asked.without)
    turns: dict[str, list[Turn]] = {variant.name: [] for variant in wanted}
    for _ in range(asked.rounds):
        for variant in wanted:
            if not any(turn.failed for turn in turns[variant.name]):
                turns[variant.name].append(take_turn(variant, case, device, asked.seconds / asked.rounds))
    gflop = gflop_per_row(case)
    noise = [abs(ratio - 1) for ratio in ratios(turns[AGAIN], turns[BASE])]
    return Table(
        case=case.name,
        batch=case.batch,
        parameters=sum(weight.numel() for weight in case.model().parameters()),
        gflop_per_row=gflop,
        noise=statistics.median(noise) if noise else None,
        lines=[line(variant, case, turns, device, gflop, ceilings) for variant in wanted],
    )


def take_turn(variant: Variant, case: Case, device: torch.device, seconds: float) -> Turn:
    """Train from the same weights; an error is what there is to say of the variant, and not the end."""
    free_memory()
    torch.manual_seed(0)
    watch = Stopwatch(device, seconds)
    try:
        notes = variant.train(case, device, watch)
    except ModuleNotFoundError:
        return Turn(notes=("not installed",), failed=True)
    except (RuntimeError, MemoryError, MillwrightError) as error:
        return Turn(notes=(in_short(error),), failed=True)
    return Turn((watch.steps - WARM_UP) * case.batch / watch.seconds, watch.peak, notes)


def in_short(error: BaseException) -> str:
    if isinstance(error, OutOfMemory) or is_out_of_memory(error):
        return "out of memory"
    return (str(error).strip() or type(error).__name__).splitlines()[0][:100]
