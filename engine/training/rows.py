"""The rows that a network learns from, by batches."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

import torch
from torch import Tensor

Inputs: TypeAlias = tuple[Tensor, ...]
Augment: TypeAlias = Callable[[Inputs, torch.Generator], Inputs]


@dataclass(frozen=True)
class Batch:
    """Some rows: `inputs` are the model's arguments, each (rows, ...), `target` (rows, ...), `weight` (rows,)."""

    inputs: Inputs
    target: Tensor
    weight: Tensor | None = None

    def __len__(self) -> int:
        return len(self.target)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All there are."""
        return (*self.inputs, self.target) if self.weight is None else (*self.inputs, self.target, self.weight)

    def each(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        """The batch with every tensor changed."""
        weight = None if self.weight is None else change(self.weight)
        return Batch(tuple(change(tensor) for tensor in self.inputs), change(self.target), weight)


class Rows(Protocol):
    """Any source of rows. `index` (n,) holds places from 0 to `len` - 1, in any order."""

    def __len__(self) -> int: ...

    def batch(self, index: Tensor) -> Batch: ...


@runtime_checkable
class AugmentedRows(Rows, Protocol):
    """Rows that are changed at random each time they are learned from; never when they are only looked at.

    All randomness has to come from `generator` (on the CPU): it follows from the seed and from which rows are asked
    for, so that a training that was interrupted sees the same rows again.
    """

    def augmented(self, index: Tensor, generator: torch.Generator) -> Batch: ...


class TensorRows:
    """Rows that lie in memory as tensors. `augment` changes the inputs of a batch, in training only."""

    def __init__(
        self,
        inputs: Tensor | Sequence[Tensor],
        target: Tensor,
        weight: Tensor | None = None,
        augment: Augment | None = None,
    ) -> None:
        """Raises ValueError when the tensors differ in their number of rows."""
        whole = Batch((inputs,) if isinstance(inputs, Tensor) else tuple(inputs), target, weight)
        lengths = {len(tensor) for tensor in whole.tensors}
        if len(lengths) > 1:
            raise ValueError(f"Inputs, target and weight must have as many rows; they have {sorted(lengths)}.")
        self._whole = whole
        self._augment = augment

    def __len__(self) -> int:
        return len(self._whole)

    def batch(self, index: Tensor) -> Batch:
        return self._whole.each(lambda tensor: tensor.index_select(0, index.to(tensor.device)))

    def augmented(self, index: Tensor, generator: torch.Generator) -> Batch:
        batch = self.batch(index)
        if self._augment is None:
            return batch
        return Batch(self._augment(batch.inputs, generator), batch.target, batch.weight)
