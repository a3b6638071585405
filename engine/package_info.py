"""What a package's `model.json` holds. Plain data: reading it loads no model and no numeric library."""

from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.kinds import Task


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class InputColumn(_Part):
    """A column that `predict` needs; `known` lists the categories seen in training, for notes about new ones."""

    name: str
    kind: str
    date_format: str | None = None
    decimal_comma: bool = False
    known: tuple[str, ...] | None = None


class MemberEntry(_Part):
    """One fitted model of the package: its folder below `members/`, and its share of the average (they sum to 1)."""

    name: str
    weight: float
    folder: str


class TestMetric(_Part):
    """The metric on the sealed test rows with its 95 % bootstrap interval; None where it has no value.

    `others` are further metrics of the same predictions.
    """

    name: str
    value: float | None
    ci: tuple[float | None, float | None]
    rows: int
    greater_is_better: bool
    others: dict[str, float | None] = Field(default_factory=dict)


class ValidationScore(_Part):
    """The metric on training rows that were held out from the fit; `method` e.g. '5-fold'."""

    name: str
    value: float
    method: str


class BoardRow(_Part):
    model: str
    status: Literal["done", "stopped", "skipped", "failed"]
    validation: float | None
    seconds: float
    detail: str = ""
    curve: tuple[tuple[float, float | None], ...] = Field(
        (), description="Loss on the rows fitted on and on those held out after each pass of a network over the rows."
    )


class ImportanceEntry(_Part):
    """Loss of the metric when the column is permuted, and its standard deviation over repeats."""

    column: str
    importance: float
    deviation: float


class OptimisedEntry(_Part):
    """What an optimised package was made from, and how.

    `variant` is a name of `engine.optimise.spec.VARIANTS`; `drop` is how much worse it is on the sealed test rows than
    the model it was made from (below 0: better), in the units of `max_drop`.
    """

    model: str
    variant: str
    max_drop: float
    drop: float | None
    split: str = Field("", description="What an ONNX model leaves to Python, in words.")


class Lineage(_Part):
    """Where the model comes from: enough to train it again."""

    dataset: str
    dataset_name: str
    source: str
    content_hash: str
    rows: int
    train_rows: int
    test_rows: int
    split_method: str
    split_column: str | None
    split_fraction: float
    split_seed: int
    split_notes: tuple[str, ...]
    seed: int
    spec: dict[str, object]
    libraries: dict[str, str]


class PackageInfo(_Part):
    """A model package. `kind` names what was chosen, e.g. 'lightgbm' or 'ensemble'."""

    format: Literal[1] = 1
    model_id: str
    run_id: str
    created: datetime
    kind: str
    task: Task
    target: str
    target_kind: str
    target_decimal_comma: bool = False
    classes: tuple[str, ...]
    threshold: float
    columns: tuple[InputColumn, ...]
    members: tuple[MemberEntry, ...] = Field(min_length=1)
    metric: TestMetric
    validation: ValidationScore | None
    baseline: ValidationScore | None
    leaderboard: tuple[BoardRow, ...]
    importance: tuple[ImportanceEntry, ...]
    importance_rows: int | None = Field(None, description="How many held-out rows the importance was measured on.")
    dropped: dict[str, str]
    notes: tuple[str, ...]
    seconds: float | None
    lineage: Lineage
    optimised: OptimisedEntry | None = None
    files: dict[str, str] = Field(description="SHA-256 of every other file of the folder, by its relative path.")


class PackageFiles:
    """Where things lie in a package folder."""

    INFO = "model.json"
    PROFILE = "profile.json"
    REFERENCE = "drift.profile"
    EVALUATION = "evaluation.json"
    CARD = "card.md"
    REPORT = "report.html"
    MEMBERS = Path("members")
    RUNTIME = "runtime.json"
    ONNX = "model.onnx"
    PACKED = "model.onnx.gz"
    OPTIMISATION = "optimisation.json"
    OPTIMISATION_PAGE = "optimisation.html"
