"""Tools that make a model smaller and faster: what they are asked for and what they answer."""

from typing import Literal

from pydantic import Field

from tools.spec import ToolRequest, ToolResult

Preference = Literal["latency", "throughput", "size", "memory", "accuracy"]
VariantStatus = Literal["ok", "refused", "failed", "skipped", "not applicable"]


class OptimiseModelRequest(ToolRequest):
    """Make every variant of a model, compare them, choose by the goal, package and register what was chosen."""

    model: str = Field(description="Model id or name; one that was trained here.")
    max_latency_ms: float | None = Field(None, gt=0, description="Longest median time of an answer for one row.")
    max_drop: float = Field(
        0.01,
        ge=0,
        le=1,
        description="The most that may be lost: in units of the metric for f1, accuracy, roc_auc and the like, as a "
        "share of its value for rmse, mae and log_loss. 0.01 is one percentage point of f1.",
    )
    max_size_mb: float | None = Field(None, gt=0, description="Largest size on disk.")
    metric: str | None = Field(None, description="Metric of the guard; that of the model's test when left out.")
    prefer: Preference = Field("latency", description="What to make best among those that meet the goal.")
    variants: tuple[str, ...] = Field(
        (),
        description="Variants to make, all by default: compile, bf16, onnx-int8-dynamic, onnx-int8-static, "
        "onnx-int8-qat, onnx-int8-weights, pruned, pruned-int8, sparse, student, student-int8. eager and onnx always "
        "are.",
    )
    calibration: str | None = Field(
        None,
        description="Dataset id or file with rows to take the ranges of int8 from; a sample of the training rows by "
        "default. Refused when it is unlike the training rows.",
    )
    budget_seconds: float = Field(
        240.0,
        description="Seconds for making and measuring: no variant is begun later, but each that was made takes a few "
        "seconds to be measured, whatever the budget.",
    )
    seed: int = Field(0, ge=0, description="Seed of samples and trainings.")
    name: str | None = Field(None, description="Name in the registry; a new version of the model's own by default.")


class GoalShown(ToolResult):
    """What was asked for."""

    metric: str
    max_drop: float
    max_latency_ms: float | None
    max_size_mb: float | None
    prefer: Preference


class VariantRow(ToolResult):
    """One line of the table.

    `metric` is on the validation rows, `against` the original's there, `drop` how much worse it is and `drop_ci` its
    95 % interval
    (a share for rmse, mae and log_loss). With `unseen` the drop is against answers of models of the original's kind
    that had not seen the rows, as the variant has not. `latency_ms` and `p95_ms` are from typed rows to the answers by
    batch size, `compute_ms` without what Python does to the rows. `parity` is the largest difference between its
    answers and the original's (for regression in deviations of the target). None where nothing was measured.
    """

    name: str
    status: VariantStatus
    why: str
    metric: float | None = None
    against: float | None = None
    drop: float | None = None
    drop_ci: tuple[float, float] | None = None
    unseen: bool = False
    latency_ms: dict[str, float | None] = Field(default_factory=dict)
    p95_ms: dict[str, float | None] = Field(default_factory=dict)
    compute_ms: dict[str, float | None] = Field(default_factory=dict)
    rows_per_second: float | None = None
    size_mb: float | None = None
    peak_mb: float | None = None
    cold_ms: float | None = None
    compile_s: float | None = None
    parity: float | None = None
    threads: int | None = None


class OptimisedModel(ToolResult):
    """The whole table and the choice.

    `met` says whether the goal is met; `nearest` what comes nearest if not. `model`, version `version` of `name`, is
    the registered model: the original where that was chosen. `test_drop` is the chosen variant's drop on the sealed
    test rows. `noise` is how far apart two measurements of the same variant were, as a share.
    """

    source: str
    model: str
    name: str
    version: int
    chosen: str
    met: bool
    reason: str
    nearest: str | None
    goal: GoalShown
    variants: tuple[VariantRow, ...]
    frontier: tuple[str, ...] = ()
    guard_rows: str
    test_drop: float | None = None
    noise: dict[str, float] = Field(default_factory=dict)
    machine: str
    split: str = Field("", description="What the chosen ONNX model leaves to Python, in words.")
    package: str
    report: str
    plots: dict[str, str] = Field(default_factory=dict, description="SVG files: trade-off, latency, size.")
    seconds: float
    notes: tuple[str, ...] = ()


class ShowOptimisationRequest(ToolRequest):
    """The table of an optimisation that was done before."""

    model: str = Field(description="Model id or name: the optimised model, or the one that it was made from.")


class ExportModelRequest(ToolRequest):
    """Write a model as one ONNX file that answers as it does."""

    model: str = Field(description="Model id or name.")
    out: str | None = Field(
        None, description="File to write, ending in .onnx; in the home's folder 'exports' when left out."
    )
    overwrite: bool = Field(False, description="Whether a file that is there may be replaced.")


class ModelInput(ToolResult):
    """An input of the ONNX file: what to give, in which order of columns."""

    name: str
    what: str
    columns: tuple[str, ...]


class ExportedModel(ToolResult):
    """`parity` is the largest difference of its answers on `rows` real rows; `split` says what is left to Python."""

    model: str
    out: str
    size_mb: float
    exporters: tuple[str, ...]
    inputs: tuple[ModelInput, ...]
    output: str
    split: str
    parity: float
    tolerance: float
    rows: int
    notes: tuple[str, ...] = ()


class BenchmarkModelsRequest(ToolRequest):
    """Measure how fast models answer, side by side."""

    models: tuple[str, ...] = Field(min_length=1, max_length=12, description="Model ids or names.")
    seconds: float = Field(20.0, ge=1, le=600, description="Wall-clock limit in seconds.")


class BenchmarkRow(ToolResult):
    """A model's medians and 95th percentiles in a process of its own."""

    model: str
    kind: str
    latency_ms: dict[str, float]
    p95_ms: dict[str, float]
    rows_per_second: float
    cold_ms: float
    peak_mb: float
    size_mb: float


class Benchmark(ToolResult):
    """`failed` says by model why there is no row; `noise` as in optimise_model."""

    rows: tuple[BenchmarkRow, ...]
    failed: dict[str, str] = Field(default_factory=dict)
    noise: dict[str, float] = Field(default_factory=dict)
    machine: str
    verdict: str
