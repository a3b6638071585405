"""A model cut into stages, one process each: activations go forward from stage to stage, their gradients back.

GPipe (Huang et al. 2019): a batch is cut into micro-batches, so that the stages work at the same time on different
ones; gradients add up over them, and one step follows. torch.distributed.pipelining has schedules for this, but they
compute the loss themselves and want equal micro-batches, where the loop here calls `backward` itself and ends an
epoch with a smaller batch. So the way through the stages is one function to autograd.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

from engine.errors import OutOfMemory
from engine.training.batch_size import is_out_of_memory
from engine.training.distributed.group import Group

_DTYPES = (torch.float32, torch.float64, torch.bfloat16, torch.float16)
_MOST_DIMS = 8


@contextmanager
def _never_tried_again() -> Iterator[None]:
    """One stage alone cannot take a step back and do less at a time: the others are in the middle of theirs."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemory(
            "The rows of a batch do not fit into the memory of one of the stages.",
            "Start again with a smaller batch_size, with more micro_batches, or with more processes.",
        ) from error


@dataclass(frozen=True)
class Passed:
    """A micro-batch that went through a stage: what came in (None in the first stage) and what went out."""

    hidden: Tensor | None
    out: Tensor


class Stage(nn.Module):
    """This process's links of a chain (see `cutting`). Called with the same inputs (N, ...) in every process.

    Every process gets the whole model's output, and has to take part in the backward pass from it. Batch
    normalisation works on micro-batches. Dropout draws other numbers than a model that is not cut.
    """

    def __init__(self, links: Sequence[nn.Module], group: Group, micro_batches: int) -> None:
        super().__init__()
        self.links = nn.ModuleList(links)
        self._group = group
        self._micro_batches = micro_batches
        # gives autograd a reason to come by in the backward pass: the inputs need no gradient
        self._anchor = torch.zeros((), requires_grad=True)

    def forward(self, inputs: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            output: Tensor = _Through.apply(self._anchor, self, inputs)
            return output
        return self.through(inputs)[0]

    @_never_tried_again()
    def through(self, inputs: Tensor) -> tuple[Tensor, list[Passed]]:
        """The model's output, and what this stage needs for `back`.

        Raises:
            OutOfMemory: also where one process would try again with fewer rows.
        """
        sent: list[dist.Work] = []
        passed = [self._micro_batch(part, sent) for part in inputs.tensor_split(min(self._micro_batches, len(inputs)))]
        for work in sent:
            work.wait()
        output = torch.cat([each.out.detach() for each in passed]) if self._last else None
        return self._told_to_all(output), passed

    @_never_tried_again()
    def back(self, gradient: Tensor, passed: Sequence[Passed]) -> None:
        """Add this stage's gradients to those of its parameters, from that of the model's output.

        Raises:
            OutOfMemory: as `through`.
        """
        sent: list[dist.Work] = []
        pieces = gradient.split([len(each.out) for each in passed]) if self._last else [None] * len(passed)
        for each, piece in zip(reversed(passed), reversed(pieces), strict=True):
            wanted = self._received_like(each.out) if piece is None else piece
            if each.out.requires_grad:
                torch.autograd.backward(each.out, wanted)
            if each.hidden is not None:
                came = each.hidden.grad if each.hidden.grad is not None else torch.zeros_like(each.hidden)
                sent.append(dist.isend(came.contiguous(), self._group.rank - 1))
        for work in sent:
            work.wait()

    @property
    def _last(self) -> bool:
        return self._group.rank == self._group.world - 1

    def _micro_batch(self, part: Tensor, sent: list[dist.Work]) -> Passed:
        hidden = None if self._group.rank == 0 else self._received()
        out = part if hidden is None else hidden
        for link in self.links:
            out = link(out, part)
        if not self._last:
            sent += self._sent(out.detach().contiguous())
        return Passed(hidden, out)

    def _sent(self, out: Tensor) -> list[dist.Work]:
        following = self._group.rank + 1
        return [dist.isend(_header(out), following), dist.isend(out, following)]

    def _received(self) -> Tensor:
        header = torch.empty(_MOST_DIMS + 2, dtype=torch.int64)
        dist.recv(header, self._group.rank - 1)
        hidden = _empty(header, self._group.device)
        dist.recv(hidden, self._group.rank - 1)
        return hidden.requires_grad_(torch.is_grad_enabled())

    def _received_like(self, out: Tensor) -> Tensor:
        gradient = torch.empty_like(out, memory_format=torch.contiguous_format)
        dist.recv(gradient, self._group.rank + 1)
        return gradient

    def _told_to_all(self, output: Tensor | None) -> Tensor:
        header = torch.empty(_MOST_DIMS + 2, dtype=torch.int64) if output is None else _header(output)
        dist.broadcast(header, self._group.world - 1)
        told = _empty(header, self._group.device) if output is None else output
        dist.broadcast(told, self._group.world - 1)
        return told


class _Through(torch.autograd.Function):
    """The way through all stages, as one step of autograd's graph."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, anchor: Tensor, stage: Stage, inputs: Tensor) -> Tensor:
        with torch.enable_grad():
            output, ctx.passed = stage.through(inputs)
        ctx.stage = stage
        return output

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, gradient: Tensor) -> tuple[None, None, None]:
        ctx.stage.back(gradient, ctx.passed)
        ctx.passed = []
        return None, None, None


def _header(tensor: Tensor) -> Tensor:
    """Type and shape of a tensor, for a process that does not know them: int64 (10,)."""
    shape = [*tensor.shape, *[0] * (_MOST_DIMS - tensor.ndim)]
    return torch.tensor([_DTYPES.index(tensor.dtype), tensor.ndim, *shape])


def _empty(header: Tensor, device: torch.device) -> Tensor:
    dtype, ndim, *shape = header.tolist()
    return torch.empty(shape[:ndim], dtype=_DTYPES[dtype], device=device)
