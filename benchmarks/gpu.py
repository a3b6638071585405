"""What each feature of the training loop costs and saves: rows per second, memory and arithmetic, as ratios.

An encoder over tokens and a ResNet over images train on made-up rows: with every feature off (the base), with each
feature on by itself, and in the same loop written by hand, plain and with Lightning Fabric or accelerate where these
are installed. All take turns in each round, the base at its beginning and its end: what its second line shows
besides a ratio of 1 is noise. The first steps of a turn, in which kernels are chosen and compiled, are not counted.

Of Millwright only `engine.nets` and `engine.training` are loaded, so a machine needs this repository, Python 3.11 or
newer, torch 2.11 or newer, numpy, pydantic, psutil and safetensors. On a CPU, seconds are those of work in one thread.

    PYTHONPATH=. python benchmarks/gpu.py [--size full] [--only encoder] [--seconds 6] [--rounds 3] [--no-compile]

ratio       rows/s of the line by rows/s of the engine's loop in fp32, or for the loops by hand in the same precision,
            with no other feature on; the median of the rounds and half of their range
peak        most memory that tensors took on the device after the warm-up; not measured on the CPU
reckoned    what the memory plan says beforehand
TFLOP/s     from the operations of matrix products and convolutions in one forward and backward pass; those that
            activation checkpointing does a second time are not counted
of ceiling  TFLOP/s by that of the fastest of a few square matrix products in the same precision; not a limit on CPUs
            without arithmetic in bf16 and fp16, where neither is fast
"""

import argparse
import importlib.util
import json
import math
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import AdamW, Optimizer
from torch.utils.benchmark import Timer, timer
from torch.utils.flop_counter import FlopCounterMode

from engine.errors import MillwrightError, OutOfMemory
from engine.nets.encoder import Encoder, PooledEncoder
from engine.nets.resnet import ResNet
from engine.training.batch_size import free_memory, is_out_of_memory
from engine.training.device import choose_device, describe_device
from engine.training.fit import fit
from engine.training.losses import CrossEntropy
from engine.training.memory import plan_memory
from engine.training.precision import autocast, has_bf16
from engine.training.rows import TensorRows
from engine.training.spec import FitSpec, Precision

KINDS = {"fp32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
CLASSES = 8
STEPS_AN_EPOCH = 32
WARM_UP = 3
BASE, AGAIN = "base", "base again"
ENCODER = {
    "small": {"vocabulary": 256, "width": 32, "heads": 4, "layers": 2, "hidden": 128, "longest": 32},
    "full": {"vocabulary": 8192, "width": 512, "heads": 8, "layers": 8, "hidden": 2048, "longest": 256},
}
RESNET = {"small": ((8, 16, 32), (1, 1, 1)), "full": ((64, 128, 256, 512), (2, 2, 2, 2))}
SIDE, TEXTS, IMAGES = {"small": 16, "full": 64}, {"small": 16, "full": 64}, {"small": 16, "full": 256}


@dataclass(frozen=True)
class Case:
    """A model and its rows, `batch` of them in an optimiser step. `single` is what it computes fp32 in."""

    name: str
    model: Callable[[], nn.Module]
    inputs: Tensor
    target: Tensor
    batch: int
    single: str


class Stopwatch:
    """Times the optimiser steps after the warm-up until `limit` seconds are over; `peak` is in bytes."""

    def __init__(self, device: torch.device, limit: float) -> None:
        self.steps = -1
        self.seconds = math.nan
        self.peak: int | None = None
        self._device = device
        # a CPU may have other work to do, which is no part of the training
        self._clock = time.perf_counter if device.type == "cuda" else time.process_time
        self._limit = limit
        self._began = math.inf

    def over(self) -> bool:
        """Asked before every step: whether the time is over, with at least one step in it."""
        self.steps += 1
        if self.steps == WARM_UP:
            self._wait()
            if self._device.type == "cuda":
                torch.cuda.reset_peak_memory_stats(self._device)
            self._began = self._clock()
        if self.steps <= WARM_UP or self._clock() - self._began < self._limit:
            return False
        self._wait()
        self.seconds = self._clock() - self._began
        if self._device.type == "cuda":
            self.peak = torch.cuda.max_memory_allocated(self._device)
        return True

    def _wait(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)


@dataclass(frozen=True)
class Turn:
    """How a way to train did in one round, `rows_per_second` nan if it failed. `peak` is in bytes."""

    rows_per_second: float = math.nan
    peak: int | None = None
    note: str = ""


@dataclass(frozen=True)
class Line:
    """A line of the table; None where there is nothing to say. `spread` is half of the ratio's range; memory in MiB."""

    name: str
    note: str
    rows_per_second: float | None = None
    ratio: float | None = None
    spread: float | None = None
    peak: float | None = None
    reckoned: float | None = None
    tflops: float | None = None
    of_ceiling: float | None = None


def cases(size: str, device: torch.device) -> list[Case]:
    """The encoder and the ResNet, with random rows that follow from a fixed seed."""
    draw, shape, side = torch.Generator().manual_seed(0), ENCODER[size], SIDE[size]
    tokens = torch.randint(1, shape["vocabulary"], (TEXTS[size] * STEPS_AN_EPOCH, shape["longest"]), generator=draw)
    pixels = torch.randn(IMAGES[size] * STEPS_AN_EPOCH, 3, side, side, generator=draw)
    classes = [torch.randint(0, CLASSES, (len(rows),), generator=draw) for rows in (tokens, pixels)]
    # torch lets convolutions, but not matrix products, use TF32 unless it is told otherwise
    single = "tf32" if device.type == "cuda" else "fp32"
    return [
        Case("encoder", lambda: classifier(PooledEncoder(Encoder(**shape))), tokens, classes[0], TEXTS[size], "fp32"),
        Case("resnet", lambda: classifier(ResNet(3, *RESNET[size])), pixels, classes[1], IMAGES[size], single),
    ]


def classifier(net: nn.Module) -> nn.Module:
    return nn.Sequential(net, nn.Linear(net.features, CLASSES))


@dataclass(frozen=True)
class Kit:
    """What a loop by hand needs; `autocast` is the precision that the loop itself, not the model, sees to."""

    model: nn.Module
    optimiser: Optimizer
    backward: Callable[[Tensor], object] = torch.Tensor.backward
    autocast: Precision = "fp32"


Prepare: TypeAlias = Callable[[nn.Module, Optimizer, Precision, torch.device], Kit]


def ways(case: Case) -> dict[str, FitSpec | Prepare]:
    """All ways to train, in the order of their turns: the engine's loop by a spec, or a loop by hand."""
    # so many epochs that the rate never gets far in its warm-up, and nothing can diverge
    base = FitSpec(epochs=10**6, batch_size=case.batch, clip_norm=None)
    features: dict[str, dict[str, object]] = {
        "bf16": {"precision": "bf16"},
        "fp16": {"precision": "fp16"},
        "compile": {"compile": True},
        "checkpointing": {"checkpoint_activations": True},
        "offload": {"offload_activations": True},
        "accumulation": {"accumulate": 4, "batch_size": case.batch // 4},
        "ema": {"ema_decay": 0.999},
        "deterministic": {"deterministic": True},
        "clip": {"clip_norm": 1.0},
    }
    ours = {name: base.model_copy(update=changes) for name, changes in features.items()}
    return {BASE: base, **ours, "plain loop": plain, "Lightning Fabric": fabric, "accelerate": accelerate, AGAIN: base}


def train(way: FitSpec | Prepare, case: Case, device: torch.device, watch: Stopwatch) -> str:
    """Train until the time is over; what there is to say of it."""
    if isinstance(way, FitSpec):
        rows = TensorRows(case.inputs, case.target)
        report = fit(case.model(), rows, CrossEntropy(), way, device=device, stop=watch.over)
        return " ".join(report.notes)
    by_hand(way, case, device, watch)
    return f"in {usual_precision(device)}"


def usual_precision(device: torch.device) -> Precision:
    """What people train in on such a device, and the loops by hand here."""
    return "bf16" if device.type == "cuda" and has_bf16(device) else "fp32"


def by_hand(prepare: Prepare, case: Case, device: torch.device, watch: Stopwatch) -> None:
    """A loop without a gradient norm, events, or care for anything that could go wrong."""
    model = case.model().to(device).train()
    optimiser = AdamW(model.parameters(), lr=1e-4, fused=True)
    kit = prepare(model, optimiser, usual_precision(device), device)
    for inputs, target in batches(case, device, watch):
        with autocast(kit.autocast, device):
            loss = functional.cross_entropy(kit.model(inputs), target)
        kit.backward(loss)
        kit.optimiser.step()
        kit.optimiser.zero_grad(set_to_none=True)


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
    return Kit(model, optimiser, autocast=precision)


def fabric(model: nn.Module, optimiser: Optimizer, precision: Precision, device: torch.device) -> Kit:
    wanted = "32-true" if precision == "fp32" else f"{precision}-mixed"
    library = first_of("lightning.fabric", "lightning_fabric")
    made = library.Fabric(accelerator=device.type, devices=1, precision=wanted)
    model, optimiser = made.setup(model, optimiser)
    return Kit(model, optimiser, made.backward)


def accelerate(model: nn.Module, optimiser: Optimizer, precision: Precision, device: torch.device) -> Kit:
    wanted = "no" if precision == "fp32" else precision
    made = first_of("accelerate").Accelerator(mixed_precision=wanted, cpu=device.type == "cpu")
    model, optimiser = made.prepare(model, optimiser)
    return Kit(model, optimiser, made.backward)


def first_of(*names: str) -> ModuleType:
    """The first of these modules that is installed; raises ModuleNotFoundError when none is."""
    there = [name for name in names if importlib.util.find_spec(name.partition(".")[0]) is not None]
    return importlib.import_module((there or names)[0])


def measured(case: Case, device: torch.device, asked: argparse.Namespace) -> dict[str, list[Turn]]:
    """The turns of all ways to train, by name."""
    turns: dict[str, list[Turn]] = {}
    take_turn(ways(case)[BASE], case, device, 0.0)  # what is loaded at its first use is no cost of a step
    for _ in range(asked.rounds):
        for name, way in ways(case).items():
            own = turns.setdefault(name, [])
            if name == "compile" and not asked.compile:
                own.append(Turn(note="left out (--compile)"))
            elif not any(math.isnan(turn.rows_per_second) for turn in own):
                own.append(take_turn(way, case, device, asked.seconds / asked.rounds))
    return turns


def take_turn(way: FitSpec | Prepare, case: Case, device: torch.device, seconds: float) -> Turn:
    """Train from the same weights; an error is what there is to say of this way, and not the end."""
    if device.type == "cuda":
        free_memory()
    torch.manual_seed(0)
    watch = Stopwatch(device, seconds)
    try:
        note = train(way, case, device, watch)
    except ModuleNotFoundError:
        return Turn(note="not installed")
    except (RuntimeError, MemoryError, MillwrightError) as error:
        no_memory = isinstance(error, OutOfMemory) or is_out_of_memory(error)
        return Turn(note="out of memory" if no_memory else str(error).partition("\n")[0][:100])
    return Turn((watch.steps - WARM_UP) * case.batch / watch.seconds, watch.peak, note)


def lines(
    case: Case, turns: dict[str, list[Turn]], device: torch.device, gflop: float, ceilings: dict[str, float]
) -> Iterator[Line]:
    """The medians of the turns, and what the memory plan says."""
    few = TensorRows(case.inputs, case.target).batch(torch.arange(4))
    for name, way in ways(case).items():
        own = turns[name]
        if math.isnan(own[-1].rows_per_second):
            yield Line(name, own[-1].note)
            continue
        spec = way if isinstance(way, FitSpec) else None
        precision = usual_precision(device) if spec is None else spec.precision
        reference = precision if spec is None and precision != "fp32" else BASE
        rate = statistics.median(turn.rows_per_second for turn in own)
        tflops, compared = gflop * rate / 1000, ratios(own, turns[reference])
        plan = (
            None
            if spec is None
            else plan_memory(case.model().to(device), few, spec, available=sys.maxsize, device=device)
        )
        yield Line(
            name=name,
            note=own[0].note,
            rows_per_second=rate,
            ratio=statistics.median(compared) if compared else None,
            spread=(max(compared) - min(compared)) / 2 if compared else None,
            peak=None if own[0].peak is None else max(turn.peak or 0 for turn in own) / 2**20,
            reckoned=None if plan is None else plan.total / 2**20,
            tflops=tflops,
            of_ceiling=tflops / ceilings[case.single if precision == "fp32" else precision],
        )


def ratios(turns: Sequence[Turn], reference: Sequence[Turn]) -> list[float]:
    """Of speeds, round by round, so that a machine that grows busy slows both alike; none if either has failed."""
    both = zip(turns, reference, strict=False)  # one that failed takes no more turns
    found = [own.rows_per_second / other.rows_per_second for own, other in both]
    return [] if math.isnan(sum(found)) else found


def gflop_per_row(case: Case) -> float:
    """Counted on tensors without content, where attention is made of matrix products that can be counted."""
    model = case.model().to("meta").train()
    with FlopCounterMode(display=False) as counter:
        functional.cross_entropy(model(case.inputs[:2].to("meta")), case.target[:2].to("meta")).backward()
    return float(counter.get_total_flops()) / 2 / 1e9


def ceiling(kind: str, device: torch.device) -> float:
    """TFLOP/s of the fastest of a few square matrix products; larger ones are left out where one takes long."""
    torch.set_float32_matmul_precision("high" if kind == "tf32" else "highest")
    best, seconds = 0.0, 0.0
    for size in (4096, 8192, 16384) if device.type == "cuda" else (128, 256, 512, 1024):
        if seconds < 0.02:
            matrix = torch.randn(size, size, device=device).to(KINDS[kind])
            watch = timer if device.type == "cuda" else time.process_time
            product = Timer("matrix @ matrix", globals={"matrix": matrix}, timer=watch)
            seconds = product.blocked_autorange(min_run_time=0.1).median
            best = max(best, 2 * size**3 / seconds / 1e12)
    torch.set_float32_matmul_precision("highest")
    return best


def show(found: Sequence[Line]) -> None:
    print(f"{'':17}{'rows/s':>9}{'ratio':>17}{'peak MiB':>10}{'reckoned':>10}{'TFLOP/s':>9}{'of ceiling':>12}")
    for row in found:
        wide = None if row.ratio is None else f"{row.ratio:.3f} +-{row.spread:.3f}"
        cells = (
            (row.rows_per_second, 9, ".0f"), (wide, 17, ""), (row.peak, 10, ".0f"),
            (row.reckoned, 10, ".1f"), (row.tflops, 9, ".3g"), (row.of_ceiling, 12, ".1%"),
        )  # fmt: skip
        filled = "".join(f"{'-' if value is None else format(value, kind):>{width}}" for value, width, kind in cells)
        print(f"{row.name:17}{filled}  {row.note}".rstrip(), flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--size", choices=list(ENCODER), help="full on CUDA, else small")
    parser.add_argument("--only", choices=["encoder", "resnet"], help="one of the two models")
    parser.add_argument("--seconds", type=float, help="of each variant, in all rounds: 6 on CUDA, else 1.2")
    parser.add_argument("--rounds", type=int, default=3, help="turns that each variant takes")
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, help="on CUDA unless refused, else not")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    return parser.parse_args()


def main() -> None:
    # read by CUDA's matrix products before the first of them; without it they are not deterministic
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    asked, began = arguments(), time.perf_counter()
    device = choose_device(asked.device)
    cuda = device.type == "cuda"
    asked.size = asked.size or ("full" if cuda else "small")
    asked.seconds = asked.seconds or (6.0 if cuda else 1.2)
    asked.compile = cuda if asked.compile is None else asked.compile
    if not cuda:
        torch.set_num_threads(1)
    used = "" if cuda else " (one used)"
    about = f"{describe_device(device)}{used}, torch {torch.__version__}, size {asked.size}, {asked.rounds} rounds"
    ceilings = {kind: ceiling(kind, device) for kind in KINDS if cuda or kind != "tf32"}
    print(f"{about}\nmatrix products:", ", ".join(f"{kind} {best:.3g} TFLOP/s" for kind, best in ceilings.items()))
    tables = {}
    for case in (case for case in cases(asked.size, device) if asked.only in (None, case.name)):
        gflop, weights = gflop_per_row(case), sum(weight.numel() for weight in case.model().parameters())
        print(f"\n{case.name}: {weights:,} weights, {gflop:.3g} GFLOP a row, {case.batch} rows a step", flush=True)
        tables[case.name] = list(lines(case, measured(case, device, asked), device, gflop, ceilings))
        show(tables[case.name])
    print(f"\n{time.perf_counter() - began:.0f} s in all; load {os.getloadavg()[0]:.1f}")
    if asked.json is not None:
        rows = {name: [asdict(row) for row in table] for name, table in tables.items()}
        asked.json.write_text(json.dumps({"about": about, "tflops": ceilings, **rows}, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
