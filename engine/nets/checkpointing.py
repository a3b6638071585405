"""Activation checkpointing: repeated blocks that keep only their inputs and compute the rest again for the gradient.

Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost".
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


class RepeatedBlock(nn.Module):
    """A block that a network has several of; it can trade time for memory. Subclasses say in `run` what it does."""

    run: Callable[..., Tensor]
    checkpointing = False

    def forward(self, *inputs: Tensor | None) -> Tensor:
        """What `run` gives for the same inputs, of the same shapes; dropout draws the same numbers both times."""
        if not (self.checkpointing and torch.is_grad_enabled()):
            return self.run(*inputs)
        if torch.compiler.is_compiling():  # the compiler does not repeat changes of buffers
            return checkpoint(self.run, *inputs, use_reentrant=False)
        return checkpoint(self.run, *inputs, use_reentrant=False, context_fn=self._contexts)

    def _contexts(self) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _statistics_kept(self)


@contextmanager
def _statistics_kept(block: nn.Module) -> Iterator[None]:
    """Batch norms inside `block` count the rows they see on copies: they have counted them the first time."""
    norms = [norm for norm in block.modules() if isinstance(norm, _BatchNorm)]
    kept = [dict(norm.named_buffers(recurse=False)) for norm in norms]
    for norm in norms:
        _set_buffers(norm, {name: value.clone() for name, value in norm.named_buffers(recurse=False)})
    try:
        yield
    finally:
        for norm, buffers in zip(norms, kept, strict=True):
            _set_buffers(norm, buffers)


def _set_buffers(norm: nn.Module, buffers: Mapping[str, Tensor]) -> None:
    for name, value in buffers.items():
        setattr(norm, name, value)


def checkpoint_blocks(model: nn.Module, on: bool) -> int:
    """Switch activation checkpointing on or off in every repeated block of `model`; the number of such blocks.

    Names of parameters do not change. Outputs and gradients stay what they were; the forward pass of each block is
    done twice.
    """
    blocks = [block for block in model.modules() if isinstance(block, RepeatedBlock)]
    for block in blocks:
        block.checkpointing = on
    return len(blocks)
