"""What a training needs in memory, reckoned before it starts, and what to change when that is more than there is."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import psutil
import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from engine.nets.checkpointing import checkpoint_blocks
from engine.training.precision import autocast, has_bf16
from engine.training.rewind import Rewind
from engine.training.rows import Batch
from engine.training.spec import FitSpec, Precision

# the rest is for what is not reckoned: the workspace of kernels, fragmentation
USABLE = 0.9
MOMENTS = {"adamw": 2, "sgd": 1}

Kind: TypeAlias = Literal["accumulation", "checkpointing", "bf16", "offload"]
KINDS: tuple[Kind, ...] = ("accumulation", "checkpointing", "bf16", "offload")
WORDS: dict[Kind, str] = {
    "accumulation": "Gradients are accumulated over smaller batches",
    "checkpointing": "Activations of repeated blocks are computed a second time instead of kept",
    "bf16": "Activations are in bfloat16",
    "offload": "Activations wait in main memory for the backward pass",
}


class MemoryChange(BaseModel):
    """One thing that was switched on, in words, and the bytes that are needed with it and with those before."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    sentence: str
    total: int


class MemoryPlan(BaseModel):
    """Bytes that each process needs for a training by `spec`; it `fits` into nine tenths of what is `available`.

    `gradients` and `optimiser` are of the weights that are learned, `average` is their moving average. `activations`
    are what the forward pass of one micro-batch leaves for the backward pass, its inputs among them; `passing` are
    the two gradients of activations, one coming and one going, that are there at a time. `changes` were made one after
    the other until it fitted; `spec` has all of them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    parameters: int
    gradients: int
    optimiser: int
    average: int
    activations: int
    passing: int
    total: int
    available: int
    fits: bool
    changes: tuple[MemoryChange, ...]
    spec: FitSpec

    def in_words(self) -> str:
        """A few sentences for people."""
        named = {
            "weights": self.parameters,
            "gradients": self.gradients,
            "optimiser": self.optimiser,
            "average": self.average,
            f"activations of {_rows(self.spec.batch_size)}": self.activations,
            "their gradients": self.passing,
        }
        parts = ", ".join(f"{name} {_in_words(size)}" for name, size in named.items() if size)
        verdict = "That fits" if self.fits else "That does not fit, and there is nothing more to switch on"
        return " ".join(
            [
                *(change.sentence for change in self.changes),
                f"The training needs about {_in_words(self.total)}: {parts}.",
                f"{verdict}: {_in_words(self.available)} are free.",
            ]
        )


def plan_memory(
    model: nn.Module, batch: Batch, spec: FitSpec, *, available: int | None = None, device: str | torch.device = "cpu"
) -> MemoryPlan:
    """Reckon what training `model` by `spec` on `device` takes; when it does not fit, change the spec until it does.

    Tried in this order, each with those before: fewer rows at a time (a step still sees the same rows), activation
    checkpointing, bf16, activations in main memory (CUDA only). Activations are measured: the model answers `batch`
    where it is now, once alone and once twice over, and is left as it was. That several processes share weights
    (fsdp) is not reckoned with.

    Args:
        batch: rows like those to come; the longest ones where lengths differ.
        available: bytes; when None, what is free on the device now, and what the model itself takes there.
    """
    place = torch.device(device)
    need = _Need(model, batch)
    limit = _free(model, place) if available is None else available
    wished, changes = spec, list[MemoryChange]()
    for kind in KINDS:
        if need.total(spec) <= USABLE * limit:
            break
        changed = _with(kind, spec, need.blocks, place)
        if changed is not None:
            spec = _with_most_rows(changed, wished, need, USABLE * limit)
            changes.append(_change(kind, spec, need.total(spec)))
    return need.plan(spec, limit, tuple(changes))


def _with(kind: Kind, spec: FitSpec, blocks: int, device: torch.device) -> FitSpec | None:
    """`spec` with one thing more; None where it is so already or would change nothing."""
    match kind:
        case "accumulation":
            return spec if spec.batch_size > 1 else None
        case "checkpointing":
            useful = blocks > 0 and not spec.checkpoint_activations
            return spec.model_copy(update={"checkpoint_activations": True}) if useful else None
        case "bf16":
            useful = spec.precision == "fp32" and has_bf16(device)
            return spec.model_copy(update={"precision": "bf16"}) if useful else None
        case "offload":
            useful = device.type == "cuda" and not spec.offload_activations
            return spec.model_copy(update={"offload_activations": True}) if useful else None


def _with_most_rows(spec: FitSpec, wished: FitSpec, need: "_Need", limit: float) -> FitSpec:
    """As many rows at a time as fit, or one; a step sees exactly as many rows as was wished."""
    step = wished.batch_size * wished.accumulate
    size = wished.batch_size
    while True:
        tried = spec.model_copy(update={"batch_size": size, "accumulate": step // size})
        if size == 1 or need.total(tried) <= limit:
            return tried
        size = next(smaller for smaller in range(size // 2, 0, -1) if step % smaller == 0)


def _change(kind: Kind, spec: FitSpec, total: int) -> MemoryChange:
    rows = f"{_rows(spec.batch_size)} at a time, {spec.accumulate} times for a step"
    return MemoryChange(kind=kind, sentence=f"{WORDS[kind]} ({rows}: {_in_words(total)}).", total=total)


@dataclass(frozen=True)
class _Line:
    """Bytes that grow with the rows."""

    fixed: float
    per_row: float

    def at(self, rows: int) -> int:
        return round(self.fixed + self.per_row * rows)


@dataclass(frozen=True)
class _Activations:
    """All that is kept for the backward pass, and the largest single tensor of it."""

    kept: _Line
    largest: _Line


@dataclass
class _Need:
    """What one model takes under any spec."""

    model: nn.Module
    batch: Batch
    blocks: int = field(init=False)
    _measured: dict[tuple[Precision, bool], _Activations] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.blocks = checkpoint_blocks(self.model, False)

    def total(self, spec: FitSpec) -> int:
        return self.plan(spec, 0, ()).total

    def plan(self, spec: FitSpec, available: int, changes: tuple[MemoryChange, ...]) -> MemoryPlan:
        learned = sum(_size(weight) for weight in self.model.parameters() if weight.requires_grad)
        held = _held(self.model)
        parts = {
            "parameters": held,
            "gradients": learned,
            "optimiser": MOMENTS[spec.optimiser] * learned,
            "average": held if spec.ema_decay is not None else 0,
            "activations": self._activations(spec),
            "passing": 2 * self._measure(spec.precision, spec.checkpoint_activations).largest.at(spec.batch_size),
        }
        total = sum(parts.values())
        fits = total <= USABLE * available
        return MemoryPlan(**parts, total=total, available=available, fits=fits, changes=changes, spec=spec)

    def _activations(self, spec: FitSpec) -> int:
        found = self._measure(spec.precision, spec.checkpoint_activations)
        waiting = (found.largest if spec.offload_activations else found.kept).at(spec.batch_size)
        if not (spec.checkpoint_activations and self.blocks):
            return waiting
        # in the backward pass, one block at a time has all of its activations again
        again = self._measure(spec.precision, False).kept.at(spec.batch_size) - found.kept.at(spec.batch_size)
        return waiting + again // self.blocks

    def _measure(self, precision: Precision, checkpointing: bool) -> _Activations:
        key = (precision, checkpointing)
        if key not in self._measured:
            with _as_in_training(self.model, checkpointing) as device:
                # copies: a part of a larger tensor would count with all of its memory
                once = self.batch.each(lambda tensor: tensor.to(device, copy=True).contiguous())
                twice = once.each(lambda tensor: torch.cat([tensor, tensor]))
                sizes = [sorted(_saved(self.model, batch, precision, device)) for batch in (once, twice)]
            rows = len(self.batch)
            self._measured[key] = _Activations(
                _line(rows, sum(sizes[0]), sum(sizes[1])), _line(rows, sizes[0][-1], sizes[1][-1])
            )
        return self._measured[key]


def _line(rows: int, once: int, twice: int) -> _Line:
    """Through the bytes of `rows` rows and of twice as many."""
    return _Line(fixed=2 * once - twice, per_row=(twice - once) / rows)


def _saved(model: nn.Module, batch: Batch, precision: Precision, device: torch.device) -> list[int]:
    """Bytes of each piece of memory that a forward pass keeps for the backward pass, without the model's own."""
    own = {tensor.untyped_storage().data_ptr() for tensor in (*model.parameters(), *model.buffers())}
    found: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            found[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor), autocast(precision, device):
        # the answer itself is kept too, for the loss; and holding it keeps all the others
        output = model(*batch.inputs)
        keep(output)
    return list(found.values())


@contextmanager
def _as_in_training(model: nn.Module, checkpointing: bool) -> Iterator[torch.device]:
    """The device of the model; afterwards its modes, its buffers and the random generators are as they were."""
    device = next(model.parameters()).device
    modes = {module: module.training for module in model.modules()}
    before = Rewind(model, device)
    model.train()
    checkpoint_blocks(model, checkpointing)
    try:
        yield device
    finally:
        checkpoint_blocks(model, False)
        before.back()
        for module, mode in modes.items():
            module.training = mode


def _free(model: nn.Module, device: torch.device) -> int:
    there: int = sum(
        _size(tensor) for tensor in (*model.parameters(), *model.buffers()) if tensor.device.type == device.type
    )
    if device.type != "cuda":
        return int(psutil.virtual_memory().available) + there
    cached: int = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return int(torch.cuda.mem_get_info(device)[0]) + cached + there


def _held(model: nn.Module) -> int:
    return sum(_size(tensor) for tensor in (*model.parameters(), *model.buffers()))


def _size(tensor: Tensor) -> int:
    return int(tensor.numel() * tensor.element_size())


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def _in_words(size: int) -> str:
    if size >= 2**30:
        return f"{size / 2**30:.1f} GiB"
    return f"{size / 2**20:.1f} MiB" if size >= 2**20 else f"{size / 2**10:.1f} KiB"
