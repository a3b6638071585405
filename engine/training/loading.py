"""From rows to batches on the device; on CUDA one batch ahead, copied while the one before is worked on."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from engine.training.rows import AugmentedRows, Batch, Rows
from engine.training.sampler import Part, Sampler
from engine.training.seeding import derived_seed


@dataclass(frozen=True)
class MicroBatch:
    """A batch on the device, with its share of the step's rows."""

    batch: Batch
    share: float
    last: bool


class Loader:
    """Gives the micro-batches of any step; steps that follow each other are loaded ahead."""

    def __init__(self, rows: Rows, sampler: Sampler, device: torch.device) -> None:
        self._rows = rows
        # looked up once: to ask a protocol takes as long as a small layer
        self._augmented = rows.augmented if isinstance(rows, AugmentedRows) else None
        self._sampler = sampler
        self._device = device
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None
        self._ahead: tuple[int, Part, Batch] | None = None
        self._order: tuple[int, Tensor] | None = None

    def step(self, epoch: int, step: int, batch_size: int) -> Iterator[MicroBatch]:
        """This process's micro-batches of one optimiser step, of at most `batch_size` rows each."""
        parts: list[Part | None] = [*self._sampler.parts(step, batch_size)]
        more = self._stream is not None and step + 1 < self._sampler.steps
        following = self._sampler.parts(step + 1, batch_size)[0] if more else None
        for part, after in pairwise([*parts, following]):
            assert part is not None
            batch = self._take(epoch, part)
            if self._stream is not None and after is not None:
                self._ahead = (epoch, after, self._load(epoch, after))
            yield MicroBatch(batch, part.share, part.last)

    def _take(self, epoch: int, part: Part) -> Batch:
        ahead, self._ahead = self._ahead, None
        batch = ahead[2] if ahead is not None and ahead[:2] == (epoch, part) else self._load(epoch, part)
        if self._stream is not None:
            _handed_over(batch, self._stream, self._device)
        return batch

    def _load(self, epoch: int, part: Part) -> Batch:
        index = self._epoch_order(epoch)[part.start : part.stop]
        if self._augmented is None:
            batch = self._rows.batch(index)
        else:
            batch = self._augmented(index, derived_seed(self._sampler.seed, epoch, part.start))
        if self._stream is None:
            return on_device(batch, self._device)
        with torch.cuda.stream(self._stream):
            return on_device(batch, self._device)

    def _epoch_order(self, epoch: int) -> Tensor:
        if self._order is None or self._order[0] != epoch:
            self._order = (epoch, self._sampler.order(epoch))
        return self._order[1]


def on_device(batch: Batch, device: torch.device) -> Batch:
    """The batch on `device`; to CUDA through pinned memory, without waiting for the copy."""
    if device.type != "cuda":
        return batch if all(tensor.device == device for tensor in batch.tensors) else batch.each(lambda t: t.to(device))
    return batch.each(lambda tensor: _pinned(tensor).to(device, non_blocking=True))


def _pinned(tensor: Tensor) -> Tensor:
    return tensor.pin_memory() if tensor.device.type == "cpu" else tensor


def _handed_over(batch: Batch, stream: torch.cuda.Stream, device: torch.device) -> None:
    """Let the stream that computes wait for the copy, and the memory not be reused before it is through."""
    current = torch.cuda.current_stream(device)
    current.wait_stream(stream)
    for tensor in batch.tensors:
        tensor.record_stream(current)
