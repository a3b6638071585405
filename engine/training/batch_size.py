"""The batch size that fits: halved whenever memory runs out."""

import gc
from collections.abc import Callable
from typing import TypeVar

import torch

from engine.errors import OutOfMemory

Result = TypeVar("Result")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on a device or in the machine.

    torch has no type for the failure of its CPU allocator, so that one can only be told by its words.
    """
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


class BatchSize:
    """At most how many rows go through the model at a time. `shared`: with other processes, which cannot start over."""

    def __init__(self, size: int, shared: bool = False) -> None:
        self.size = size
        self._shared = shared

    def fitting(self, attempt: Callable[[int], Result], undo: Callable[[], None]) -> Result:
        """What `attempt(size)` gives; when memory runs out, `undo`, halve the size and attempt again.

        Raises:
            OutOfMemory: one row is too much; or other processes take part, who are in the middle of theirs.
        """
        while True:
            try:
                return attempt(self.size)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                self._halve(error)
            # only here the error is gone, and with it the tensors that its traceback held
            undo()
            free_memory()

    def _halve(self, error: BaseException) -> None:
        if self.size == 1:
            raise OutOfMemory(
                "Not even one row at a time fits into memory.",
                "Switch on checkpoint_activations or offload_activations, use precision 'bf16', "
                "shorten the rows, or take a smaller model.",
            ) from error
        if self._shared:
            raise OutOfMemory(
                f"{self.size} rows at a time do not fit into the memory of one of the processes.",
                f"Start again with batch_size {self.size // 2} and twice the accumulate.",
            ) from error
        self.size //= 2


def free_memory() -> None:
    """Give back what nothing refers to any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
