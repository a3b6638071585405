"""What a pipeline is asked, what it decides on the way, and what it answers."""

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.errors import BadArguments, BadChoice
from graphs.run_types import RunRequest, SummaryMetric, SummaryRow
from tools.data import Kind
from tools.training import ImportanceRow, Task, ValidationValue

CheckName = Literal["beats_baseline", "min_score", "no_leak"]
Action = Literal["drop", "restore", "other_models", "more_time", "more_trials", "stop"]


class _Plain(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Checks(_Plain):
    """What the validation of an attempt demands; all of it must hold."""

    beats_baseline: bool = Field(True, description="Better than the dummy baseline by more than the gain's own noise.")
    min_score: float | None = Field(
        None,
        allow_inf_nan=False,
        description="Least validation score in the metric's units; the most where lower is better.",
    )
    no_leak: bool = Field(True, description="No column is left that the profile names as a leak.")


class PipelineRequest(RunRequest):
    """Data, a target, and what validation demands. `budget_seconds` is for all attempts, `max_models` for each."""

    work: ClassVar[str] = "pipeline"

    goal: str = Field("", description="What the model is for, in words; may name target, metric, models and columns.")
    task: Task | None = Field(None, description="binary, multiclass or regression; found from the target by default.")
    attempts: int = Field(3, ge=1, le=10, description="How often preprocessing and training may be tried.")
    checks: Checks = Field(Checks(), description="What validation demands.")
    keep: tuple[str, ...] = Field((), description="Columns to learn from whatever preprocessing finds.")
    clean: bool = Field(True, description="Leave out useless and leaking columns at once, not only for a failed check.")
    keep_best: bool = Field(False, description="Package the best attempt even when no attempt passes.")

    def check(self) -> None:
        """Refuse what cannot be run, before anything is written.

        Raises:
            BadBudget, DeviceMissing: as that of a run.
            BadArguments: a column is to be kept and left out; kinds for data that has its kinds already.
            BadChoice: no such metric, model or device; no limit.
        """
        from engine.families import check_families
        from engine.metrics import METRICS, metric_name

        super().check()
        both = sorted(set(self.keep) & set(self.drop))
        if both:
            raise BadArguments(f"Column {both[0]!r} is to be kept and to be left out.", "Name it in one of the two.")
        if self.kinds and self.data.startswith("ds_"):
            raise BadArguments(
                f"The kinds of dataset {self.data} were fixed when it was imported.", "Give its source as data instead."
            )
        if self.metric is not None and metric_name(self.metric) not in METRICS:
            raise BadChoice("metric", self.metric, list(METRICS))
        if self.models is not None:
            check_families(self.models)


class ColumnDecision(_Plain):
    """What becomes of one column, and why. `asked` says that the user decided it, `may_help` that what is left out
    might have been of use."""

    column: str
    action: Literal["leave out", "keep", "change kind"]
    why: str
    asked: bool = False
    may_help: bool = False
    kind: Kind | None = None


class RetryProposal(_Plain):
    """What the next attempt changes, with the reason in one sentence."""

    action: Action = Field(description="One of the actions in `legal`.")
    columns: tuple[str, ...] = Field((), description="For drop and restore: columns from those that `legal` names.")
    models: tuple[str, ...] = Field((), description="For other_models: families from those that `legal` names.")
    trials: int = Field(0, ge=0, description="For more_trials: how many tuned variants, at most what `legal` says.")
    why: str = Field(description="One sentence of reason.")


class Setup(_Plain):
    """What an attempt does differently from what the request alone would give; it grows from attempt to attempt."""

    left_out: dict[str, str] = Field(default_factory=dict, description="Columns a retry leaves out, with the reason.")
    restored: tuple[str, ...] = Field((), description="Columns a retry takes in again.")
    models: tuple[str, ...] | None = None
    trials_before: int = 0
    trials: int = 0
    longer: bool = Field(False, description="All of the time that is left, instead of a share.")


class Prepared(_Plain):
    """The outcome of preprocessing: what is trained on. `leaks` are all columns that the profile names as leaks."""

    dataset: str
    decisions: tuple[ColumnDecision, ...]
    drop: tuple[str, ...]
    leaks: tuple[str, ...]
    setup: Setup
    change: RetryProposal | None = Field(None, description="Why this attempt differs from the one before.")


class Gain(_Plain):
    """By how much the best candidate is better than the baseline on the validation rows, with a 95 % interval from
    resampled rows; in the metric's units, positive is better."""

    value: float
    low: float
    high: float


class CheckResult(_Plain):
    name: CheckName
    passed: bool
    why: str


class Attempt(_Plain):
    """One attempt: what was preprocessed, trained and scored, and what failed. `run` keeps its fits."""

    number: int
    prepared: Prepared
    run: str
    task: Task
    metric: str | None
    score: float | None
    baseline: float | None
    gain: Gain | None
    best: str | None
    leaderboard: tuple[SummaryRow, ...]
    taken_over: int = Field(description="Fits that were taken over from an earlier attempt or run, not made again.")
    checks: tuple[CheckResult, ...]
    cut: bool = Field(False, description="Some candidates were stopped or skipped for lack of time.")
    cancelled: bool = False
    seconds: float

    @property
    def failed(self) -> tuple[CheckResult, ...]:
        """The checks that do not hold."""
        return tuple(check for check in self.checks if not check.passed)

    @property
    def passed(self) -> bool:
        return not self.failed


class Branch(_Plain):
    """Where a run began in another one. `changes` are the fields of the request that differ."""

    run: str
    checkpoint: str
    checkpoint_id: str
    changes: dict[str, object]


class Checkpoint(_Plain):
    """A named place of a run: when it was kept, what is in it, and what follows."""

    run: str
    name: str
    when: str
    holds: str
    next: str | None
    checkpoint_id: str


class CheckpointList(_Plain):
    """The checkpoints of a run, oldest first."""

    run: str
    branch: Branch | None
    checkpoints: tuple[Checkpoint, ...]


class PipelineSummary(_Plain):
    """The result of a pipeline. Where no attempt passed, `state` is 'failed' and, unless the best attempt was to be
    kept, the fields from `model_id` on are null or empty; `best_attempt` came nearest."""

    run_id: str
    branch: Branch | None
    state: Literal["passed", "failed"]
    why: str
    advice: tuple[str, ...] = Field((), description="How to go on.")
    dataset_id: str
    target: str
    task: Task
    attempts: tuple[Attempt, ...]
    best_attempt: int
    checkpoints: tuple[str, ...]
    validation: ValidationValue | None
    baseline: ValidationValue | None
    model_id: str | None = None
    metric: SummaryMetric | None = None
    importance: tuple[ImportanceRow, ...] = ()
    package: str | None = None
    report: str | None = None
    seconds: float
