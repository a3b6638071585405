"""What a profile says. Plain data: reading one loads no numeric library."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.kinds import Kind, Task


class _Profile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ColumnProfile(_Profile):
    """One column. The numbers are of number and integer columns, `top` (value, count) of the others; of images, whose
    values are of no use to a reader, their sizes: ('8 x 8 grey', 600).

    `outliers` lie more than 1.5 interquartile ranges outside the quartiles; `histogram` counts ten equal bins from
    minimum to maximum; `relation` is the association with the target in [0, 1] (see `engine.data.association`).
    """

    name: str
    kind: Kind
    missing: int
    missing_share: float
    distinct: int
    minimum: float | None = None
    quartiles: tuple[float, float, float] | None = None
    maximum: float | None = None
    mean: float | None = None
    deviation: float | None = None
    outliers: int | None = None
    top: tuple[tuple[str, int], ...] = ()
    histogram: tuple[int, ...] = ()
    relation: float | None = None


class Leak(_Profile):
    """A column that gives the target away, by its values or by where it has none; `strength` is in [0, 1]."""

    column: str
    by: Literal["values", "missing"]
    strength: float
    sentence: str


class FrameProfile(_Profile):
    """The rows given, and no others."""

    rows: int
    columns: tuple[ColumnProfile, ...]
    target: str | None
    task: Task | None
    class_shares: dict[str, float] = Field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    leaks: tuple[Leak, ...] = ()
