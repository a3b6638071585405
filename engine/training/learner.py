"""One optimiser step: forward, backward, accumulation, clipping, scaling, average."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.autograd.graph import save_on_cpu

from engine.errors import OutOfMemory
from engine.training.batch_size import BatchSize, is_out_of_memory
from engine.training.ema import Ema
from engine.training.gauge import READ_EVERY, SKIPS_ALLOWED, Gauge
from engine.training.loading import MicroBatch
from engine.training.optimiser import make_optimiser, set_learning_rate
from engine.training.parallel import Parallel
from engine.training.precision import at_least_single, autocast, check_precision, loss_scaler
from engine.training.rewind import Rewind
from engine.training.rows import Batch
from engine.training.spec import FitSpec

Loss: TypeAlias = Callable[[Tensor, Tensor, Tensor | None], Tensor]


class Learner:
    """A model on its device with all that it takes to improve it step by step.

    `model` is what `parallel.wrap` made of it. `gauge` knows losses and norms, `ema` the average of the weights.
    """

    def __init__(self, model: nn.Module, loss: Loss, spec: FitSpec, device: torch.device, parallel: Parallel) -> None:
        check_precision(spec.precision, device)
        self.model = parallel.wrap(model.to(device)).train()
        # sharded tensors on the CPU have no fused kernels
        self.optimiser = make_optimiser(self.model, spec, fused=device.type == "cuda" or parallel.world == 1)
        self.scaler = loss_scaler(spec.precision, device)
        self.ema = None if spec.ema_decay is None else Ema(self.model, spec.ema_decay)
        self.batch_size = BatchSize(spec.batch_size, shared=parallel.world > 1)
        self.gauge = Gauge(
            every=1 if device.type == "cpu" else READ_EVERY,
            allowed=SKIPS_ALLOWED - 1 if spec.precision == "fp16" else 0,
        )
        self._forward: Callable[..., Tensor] = self.model
        self._loss = loss
        self._spec = spec
        self._device = device
        self._parallel = parallel
        self._rewind = Rewind(self.model, device)

    def step(self, micro_batches: Callable[[int], Iterator[MicroBatch]], step: int, rate: float, rows: int) -> None:
        """Improve the weights by the gradient of the mean loss over `rows` rows, in all processes together.

        `micro_batches(size)` gives this process's part of them, at most `size` rows at a time. When memory runs out,
        the step begins again from where it began, with less at a time.

        Raises:
            DivergedError: loss or gradient are not finite; on the CPU before the weights have been changed.
            OutOfMemory: not even one row at a time fits, or the optimiser's own state does not.
        """
        self._rewind.mark()
        loss = self.batch_size.fitting(lambda size: self._backward(micro_batches(size)), self._undo)
        try:
            self._update(loss, step, rate, rows)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            raise OutOfMemory(
                "The state of the optimiser does not fit into memory beside the weights and their gradients.",
                "Take optimiser 'sgd', a smaller model, or several processes that share it (strategy 'fsdp').",
            ) from error

    def compile(self, micro_batches: Callable[[int], Iterator[MicroBatch]]) -> str:
        """Compile the forward pass by trying it on a batch (nothing is learned); in words what came of it."""
        began = time.monotonic()
        self._rewind.mark()
        self._forward = torch.compile(self.model)
        try:
            self.batch_size.fitting(lambda size: self._backward(islice(micro_batches(size), 1)), self._undo)
        except torch._dynamo.exc.TorchDynamoException as error:
            self._forward = self.model
            return f"The model is not compiled: {_first_line(error)}."
        finally:
            self._undo()
        return f"Compiling the model took {time.monotonic() - began:.1f} s."

    def averaged(self) -> AbstractContextManager[None]:
        """Within, the model has the averages of its weights, if they are kept."""
        return nullcontext() if self.ema is None else self.ema.in_place()

    def _backward(self, micro_batches: Iterable[MicroBatch]) -> Tensor:
        """Gradients of the mean loss over the rows of the step, and that loss, over all processes."""
        losses = []
        for micro in micro_batches:
            with self._parallel.exchanging(self.model, micro.last):
                part = self._mean_loss(micro.batch)
                part = part if micro.share == 1.0 else part * micro.share
                # processes average their gradients, and the step wants their sum
                world = self._parallel.world
                self.scaler.scale(part if world == 1 else part * world).backward()
            losses.append(part.detach())
        return self._parallel.total(losses[0] if len(losses) == 1 else torch.stack(losses).sum())

    def _mean_loss(self, batch: Batch) -> Tensor:
        with self._keeping(), autocast(self._spec.precision, self._device):
            output = self._forward(*batch.inputs)
        return self._loss(at_least_single(output), batch.target, batch.weight)

    def _keeping(self) -> AbstractContextManager[None]:
        """Where the activations wait for the backward pass."""
        if not self._spec.offload_activations:
            return nullcontext()
        offload: AbstractContextManager[None] = save_on_cpu(pin_memory=self._device.type == "cuda")
        return offload

    def _update(self, loss: Tensor, step: int, rate: float, rows: int) -> None:
        set_learning_rate(self.optimiser, rate)
        self.scaler.unscale_(self.optimiser)
        norm = self._parallel.clip(self.model, self._spec.clip_norm or torch.inf)
        self.gauge.note(step, rate, rows, loss, norm)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.optimiser.zero_grad(set_to_none=True)
        if self.ema is not None:
            self.ema.update()

    def _undo(self) -> None:
        self.optimiser.zero_grad(set_to_none=True)
        self._rewind.back()


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0].rstrip(".")
