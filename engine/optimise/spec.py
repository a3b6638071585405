"""What an optimisation is asked for and what it answers, as JSON-safe frozen records. Loads no torch and no ONNX."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.serving.session_settings import SessionSettings

Preference = Literal["latency", "throughput", "size", "memory", "accuracy"]
Status = Literal["ok", "refused", "failed", "skipped", "not applicable"]

EAGER = "eager"
"""The model as it was trained; what every other variant is compared with."""
BATCHES = (1, 32)
"""Rows asked for at once in the timings."""

VARIANTS: dict[str, str] = {
    EAGER: "the model as it was trained",
    "compile": "networks through torch.compile",
    "bf16": "networks in 16-bit brain floats",
    "onnx": "ONNX Runtime, 32-bit floats, with as much of the feature plan inside as can be",
    "onnx-int8-dynamic": "weights in 8 bits, activations quantised as they come",
    "onnx-int8-static": "weights and activations in 8 bits, ranges from calibration rows",
    "onnx-int8-qat": "as static, after training that knew of the rounding",
    "onnx-int8-weights": "weights of linear layers in 8 bits by blocks, activations rounded by block as they come",
    "pruned": "units that matter least taken out, trained again, ONNX",
    "pruned-int8": "the pruned one with weights and activations in 8 bits",
    "cuda": "networks on the GPU",
    "cuda-bf16": "networks on the GPU, in 16-bit brain floats",
    "cuda-compile": "networks on the GPU, through torch.compile as CUDA graphs",
    "sparse": "small weights set to zero: a smaller file when packed, no faster",
    "student": "a smaller network that learned the model's answers, ONNX",
    "student-int8": "the student with weights and activations in 8 bits",
}
"""All variants by name, in the order in which they are made."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Goal(_Record):
    """What the user wants of the chosen variant.

    `max_drop` is in units of the metric for those between 0 and 1 (f1, accuracy, roc_auc, r2 ...), and a share of the
    original's value for the others (rmse, mae, log_loss), which counts as a hundredth of the target's spread or a log
    loss of .05 at least.
    """

    metric: str
    max_drop: float = Field(0.01, ge=0, le=1)
    max_latency_ms: float | None = Field(None, gt=0, description="Median for one row.")
    max_size_mb: float | None = Field(None, gt=0)
    prefer: Preference = "latency"


class Drop(_Record):
    """How much worse a variant is than the original on the same rows; below 0 it is better.

    `value` and the two-sided 95 % interval `ci` (paired bootstrap over rows) are in the units of `Goal.max_drop`;
    `upper` is the one-sided 95 % bound that the guard goes by, higher where rows are too few to show a loss. `changed`
    is the share of rows whose label differs (None for regression). With `unseen` the original's answers are those of
    models of its kind that had not seen the row (out of fold), for a variant that has not seen it either.
    """

    metric: float
    value: float
    ci: tuple[float, float]
    upper: float
    changed: float | None
    rows: int
    unseen: bool = False
    against: float | None = Field(None, description="The metric of what it is compared with, on the same rows.")


class Parity(_Record):
    """Largest difference between the answers of an exported model and its original on the same real rows.

    `tolerance` is what it must not exceed. For regression both are shares of the target's deviation. `batches` and
    `lengths` (tokens) are those it was checked at.
    """

    largest: float
    tolerance: float
    rows: int
    batches: tuple[int, ...]
    lengths: tuple[int, ...] = ()

    @property
    def held(self) -> bool:
        return self.largest <= self.tolerance


class Timing(_Record):
    """What one variant takes, in a process of its own.

    `latency_ms` and `p95_ms` by batch size are the whole way from rows in the schema's kinds to answers, medians and
    95th percentiles of `rounds` interleaved rounds; `compute_ms` leaves out what is done to the rows before the
    model. `rows_per_second` is at the largest batch. `cold_ms` is from loading the files to the first answer,
    compiling included (`compile_s` says how much of it that was). `peak_mb` is the process's largest resident memory.
    """

    latency_ms: dict[str, float]
    p95_ms: dict[str, float]
    compute_ms: dict[str, float]
    rows_per_second: float
    cold_ms: float
    compile_s: float | None
    peak_mb: float
    rounds: int


class Noise(_Record):
    """The same variant measured twice in one benchmark: how far apart the two medians are, as a share (0.05: 5 %)."""

    share: dict[str, float] = Field(description="By batch size.")

    @property
    def largest(self) -> float:
        return max(self.share.values(), default=0.0)


class Variant(_Record):
    """One row of the table. `why` says what a person should know: why it was refused, what was given up, what it is.

    `folder` is its folder's name below the optimisation's; None when nothing was written. `settings` are those of its
    ONNX Runtime session.
    """

    name: str
    status: Status
    why: str = ""
    drop: Drop | None = None
    parity: Parity | None = None
    timing: Timing | None = None
    size_mb: float | None = None
    settings: SessionSettings | None = None
    folder: str | None = None
    seconds: float = Field(0.0, description="What it took to make.")
    notes: tuple[str, ...] = ()


class Choice(_Record):
    """The variant chosen and why, in a sentence; whether the goal is met, and if not, what comes nearest and its cost.

    `nearest` is a sentence or two; `frontier` names the variants that no other beats in accuracy, latency, rows a
    second, size and memory at once.
    """

    chosen: str
    met: bool
    reason: str
    nearest: str | None = None
    frontier: tuple[str, ...] = ()


class Optimisation(_Record):
    """The whole table, as it is kept beside the package and shown in the report.

    `guard_rows` says on which rows accuracy was compared, in words. `test` is the chosen variant's drop on the sealed
    test rows, looked at once after the choice.
    """

    model_id: str
    goal: Goal
    variants: tuple[Variant, ...]
    choice: Choice
    noise: Noise | None
    guard_rows: str
    test: Drop | None = None
    machine: str = ""
    providers: tuple[str, ...] = ()
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    def variant(self, name: str) -> Variant:
        """Raises: KeyError: not in the table."""
        return next(variant for variant in self.variants if variant.name == name)
