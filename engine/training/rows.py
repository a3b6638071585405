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

    All randomness has to follow from `seed`, which follows from the training's own and from the place of the rows in
    it, so that a training that was interrupted sees the same rows again.
    """

    def augmented(self, index: Tensor, seed: int) -> Batch: ...


class TensorRows:
    """Rows that lie as tensors on one device, in the machine's memory as a rule.

    `augment` changes the inputs of a batch, in training only; it draws from the generator (of the CPU) that it gets.
    """

    def __init__(
        self,
        inputs: Tensor | Sequence[Tensor],
        target: Tensor,
        weight: Tensor | None = None,
        augment: Augment | None = None,
    ) -> None:
        """Raises ValueError when the tensors differ in their number of rows, or in their device."""
        whole = Batch((inputs,) if isinstance(inputs, Tensor) else tuple(inputs), target, weight)
        lengths = {len(tensor) for tensor in whole.tensors}
        if len(lengths) > 1:
            raise ValueError(f"Inputs, target and weight must have as many rows; they have {sorted(lengths)}.")
        if len({tensor.device for tensor in whole.tensors}) > 1:
            raise ValueError("Inputs, target and weight must be on the same device.")
        self._whole = whole
        self._augment = augment

    def __len__(self) -> int:
        return len(self._whole)

    def batch(self, index: Tensor) -> Batch:
        place = index.to(self._whole.target.device)
        return self._whole.each(lambda tensor: tensor.index_select(0, place))

    def augmented(self, index: Tensor, seed: int) -> Batch:
        batch = self.batch(index)
        if self._augment is None:
            return batch
        draw = torch.Generator().manual_seed(seed)
        return Batch(self._augment(batch.inputs, draw), batch.target, batch.weight)
