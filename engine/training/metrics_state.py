"""How a streaming metric keeps what it has seen: sums of fixed size, or every score.

Updating never reads a value, so it does not wait for an accelerator; that is why a code outside the classes is only
counted there, and named when the metric is computed.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal, Protocol, Self

import torch
from torch import Tensor

Joined = Literal["sum", "concatenate"]


class Streaming(Protocol):
    """A metric over rows that come in batches, on the device they come on. Any cut into batches gives the same value.

    `joined` says how the states of several processes become one: each tensor summed, or concatenated along its first
    dimension. Loading the joined state (or merging one metric into another) is as if one metric had seen all rows.
    """

    joined: ClassVar[Joined]

    def update(self, output: Tensor, target: Tensor) -> None:
        """Take in a batch. `output` and `target` as the metric says; both may be on any device.

        Raises:
            ValueError: shapes that do not fit, naming them.
        """
        ...

    def compute(self) -> Tensor:
        """The value over all rows so far, float64: a scalar or (classes,). NaN where it has none.

        Raises:
            ValueError: codes outside the classes, or scores outside what the metric takes, were met.
        """
        ...

    def state(self) -> dict[str, Tensor]:
        """A copy of what is kept, to be joined with that of other processes."""
        ...

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a state, one's own or a joined one.

        Raises:
            ValueError: it is not of such a metric.
        """
        ...

    def merge(self, other: Self) -> None:
        """Take in all that `other` has seen.

        Raises:
            ValueError: `other` is another metric or has other classes or bins.
        """
        ...


class Summed:
    """A metric that keeps counts and sums, whose size does not grow with the rows.

    Each is a flat tensor whose last place counts the rows that the metric could not take in.
    """

    joined: ClassVar[Joined] = "sum"

    def __init__(self, sizes: Mapping[str, int], dtypes: Mapping[str, torch.dtype] | None = None) -> None:
        """`sizes` are without the last place; int64 unless `dtypes` says otherwise."""
        # made in inference mode, they could not be added to outside it
        with torch.inference_mode(False):
            self._sums = {
                name: torch.zeros(size + 1, dtype=(dtypes or {}).get(name, torch.int64)) for name, size in sizes.items()
            }

    def state(self) -> dict[str, Tensor]:
        return {name: value.clone() for name, value in self._sums.items()}

    def load(self, state: Mapping[str, Tensor]) -> None:
        self._check(state)
        with torch.inference_mode(False):
            self._sums = {name: state[name].to(mine.dtype, copy=True) for name, mine in self._sums.items()}

    def merge(self, other: Self) -> None:
        _check_same_type(self, other)
        theirs = other.state()
        self._check(theirs)
        for name, mine in self._sums.items():
            mine += theirs[name].to(mine.device)

    def _check(self, state: Mapping[str, Tensor]) -> None:
        wanted = {name: shape(value) for name, value in self._sums.items()}
        found = {name: shape(value) for name, value in state.items()}
        if found != wanted:
            raise ValueError(f"the state must hold {wanted}, got {found}")

    def _add(self, name: str, place: Tensor, taken: Tensor, amount: Tensor | None = None) -> None:
        """Add `amount` (1 if None) at each `place`; where not `taken`, at the last place. All are flat, (n,)."""
        mine = self._at(name, place.device)
        values = torch.ones_like(place) if amount is None else amount
        # bincount would read its largest value first
        mine.scatter_add_(0, torch.where(taken, place, len(mine) - 1), values.to(mine.dtype))

    def _at(self, name: str, device: torch.device) -> Tensor:
        if self._sums[name].device != device:
            with torch.inference_mode(False):
                self._sums[name] = self._sums[name].to(device, non_blocking=True)
        return self._sums[name]

    def _read(self, name: str, what: str) -> Tensor:
        """The sums without the last place, on the CPU.

        Raises:
            ValueError: rows that could not be taken in were met; `what` says what they should have been.
        """
        sums = self._sums[name].cpu()
        if sums[-1]:
            raise ValueError(f"{int(sums[-1])} values were not as the metric needs them: {what}")
        return sums[:-1]


class Kept:
    """A metric that keeps every score: for N rows of C columns, N * (C * bytes of a score + 4) bytes."""

    joined: ClassVar[Joined] = "concatenate"

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._scores: list[Tensor] = []
        self._codes: list[Tensor] = []

    def state(self) -> dict[str, Tensor]:
        return {
            "scores": torch.cat(self._scores) if self._scores else torch.zeros(0, self._columns),
            "codes": torch.cat(self._codes) if self._codes else torch.zeros(0, dtype=torch.int32),
        }

    def load(self, state: Mapping[str, Tensor]) -> None:
        self._check(state)
        self._scores, self._codes = [state["scores"].clone()], [state["codes"].clone()]

    def merge(self, other: Self) -> None:
        _check_same_type(self, other)
        theirs = other.state()
        self._check(theirs)
        self._keep(theirs["scores"], theirs["codes"])

    def _check(self, state: Mapping[str, Tensor]) -> None:
        found = {name: shape(value) for name, value in state.items()}
        rows = found.get("codes", ())
        if len(rows) != 1 or found != {"scores": (*rows, self._columns), "codes": rows}:
            raise ValueError(f"the state must hold scores (rows, {self._columns}) and codes (rows,), got {found}")

    def _keep(self, scores: Tensor, codes: Tensor) -> None:
        """Copies, since the caller may fill the same memory with the next batch."""
        device = self._scores[0].device if self._scores else scores.device
        self._scores.append(scores.detach().to(device, copy=True))
        self._codes.append(codes.to(device, torch.int32, copy=True))


def whole_codes(target: Tensor) -> Tensor:
    """The target's codes, flat and int64.

    Raises:
        ValueError: they are not whole numbers.
    """
    if target.is_floating_point():
        raise ValueError(f"the target must be class codes, whole numbers, got {target.dtype}")
    return target.reshape(-1).long()


def check_at_least(name: str, value: int, least: int) -> None:
    """Raises ValueError when a setting is too small."""
    if value < least:
        raise ValueError(f"{name} must be {least} or more, got {value}")


def shape(values: Tensor) -> tuple[int, ...]:
    """The shape as plain numbers, to be read in a message."""
    return tuple(values.shape)


def _check_same_type(mine: object, other: object) -> None:
    if type(mine) is not type(other):
        raise ValueError(f"a {type(mine).__name__} cannot take in a {type(other).__name__}")
