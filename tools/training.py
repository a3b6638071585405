"""Tools that train and judge: estimate, train, evaluate, compare, explain."""

from typing import Literal

from pydantic import Field

from engine.kinds import Task as Task
from tools.spec import Estimate, ToolRequest, ToolResult

FitStatus = Literal["done", "stopped", "skipped", "failed"]


def family_of(candidate: str) -> str:
    """The model family of a candidate or tuned variant: 'lightgbm-t1' is a 'lightgbm'."""
    return candidate.partition("-t")[0]


class TrainingChoices(ToolRequest):
    """What estimate_training and train_model share."""

    dataset: str = Field(description="Dataset id or name.")
    target: str | None = Field(None, description="Column to predict; the one named at import by default.")
    task: Task | None = Field(None, description="Found from the target when left out.")
    metric: str | None = Field(
        None,
        description="roc_auc, average_precision, f1, precision, recall, accuracy, balanced_accuracy, macro_f1, "
        "log_loss, rmse, mae, r2; chosen by task and class balance when left out.",
    )
    models: tuple[str, ...] | None = Field(
        None,
        description="Candidates: linear, forest, lightgbm; network (a neural network over all columns), lstm or "
        "encoder (over a text column), resnet (over an image column). What suits the columns by default; a dummy "
        "baseline is always trained.",
    )
    budget_seconds: float | None = Field(
        60.0, description="Wall-clock limit in seconds; null together with max_models for a fixed amount of work."
    )
    max_models: int | None = Field(
        None, ge=1, le=200, description="Fixed-count mode: train exactly this many candidates; reproducible."
    )
    drop: tuple[str, ...] = Field((), description="Columns to leave out.")
    seed: int = Field(0, ge=0, description="Seed of folds and models.")
    device: str = Field(
        "auto", description="Where networks are trained: auto (a GPU if there is one), cpu, cuda, cuda:N."
    )
    processes: int = Field(
        1, ge=1, le=64, description="Processes that train one network together (data parallel), each with its rows."
    )


class EstimateTrainingRequest(TrainingChoices):
    """Say what a training would cost, before it runs."""


class CandidateEstimate(ToolResult):
    """`seconds` is None for a candidate that the pilot's time was not enough for."""

    model: str
    seconds: float | None


class TrainingEstimate(Estimate):
    """From a timed pilot on a sample of the training rows."""

    dataset: str
    target: str
    task: Task
    metric: str
    validation: str
    rows: int
    features: int
    candidates: tuple[CandidateEstimate, ...]
    notes: tuple[str, ...] = ()


class TrainModelRequest(TrainingChoices):
    """Train candidates within a budget, pick the best by validation, look at the sealed test set once, package it."""

    run: str | None = Field(None, description="Continue this run (finished fits are kept) instead of a new one.")
    trials: int = Field(0, ge=0, le=200, description="Tuned variants of the best model family to add.")
    finish: bool = Field(
        True, description="False: only fit and validate; the sealed test set stays closed and nothing is registered."
    )
    name: str | None = Field(None, description="Name in the registry; dataset name and target by default.")


class MetricValue(ToolResult):
    """A metric on the sealed test rows with its 95 % bootstrap interval."""

    name: str
    value: float
    ci: tuple[float, float]
    rows: int


class ValidationValue(ToolResult):
    """A metric on rows that were not fitted on; `method` e.g. '5-fold' or 'holdout'."""

    name: str
    value: float
    method: str


class LeaderboardRow(ToolResult):
    model: str
    status: FitStatus
    validation: float | None
    seconds: float
    detail: str = ""


class ImportanceRow(ToolResult):
    """Loss of the metric when the column is permuted, on training rows that were held out from the fit."""

    column: str
    importance: float
    deviation: float


class TrainingResult(ToolResult):
    """The result of train_model. Without `finish`, the fields from `model` on are null or empty."""

    run: str
    dataset: str
    target: str
    task: Task
    validation: ValidationValue | None
    baseline: ValidationValue | None
    best: str | None
    leaderboard: tuple[LeaderboardRow, ...]
    seconds: float
    notes: tuple[str, ...] = ()
    cancelled: bool = False
    model: str | None = None
    metric: MetricValue | None = None
    importance: tuple[ImportanceRow, ...] = ()
    package: str | None = None
    report: str | None = None


class DistilModelRequest(ToolRequest):
    """Train a small network, the student, to answer as a registered model, the teacher, does."""

    model: str = Field(description="The teacher: model id or name; any model or ensemble.")
    student: str | None = Field(
        None,
        description="Family of the student: network, lstm, encoder or resnet; what suits the columns when left out.",
    )
    width: int = Field(64, ge=8, le=1024, description="Width of the student's layers: the smaller, the faster.")
    alpha: float = Field(0.5, ge=0, le=1, description="Weight of the teacher's answers beside the labels.")
    softness: float = Field(2.0, ge=0.1, le=20, description="Temperature at which the student hears the teacher.")
    budget_seconds: float = Field(60.0, description="Wall-clock limit in seconds.")
    seed: int = Field(0, ge=0, description="Seed of folds and student.")
    device: str = Field("auto", description="Where the student is trained: auto, cpu, cuda or cuda:N.")
    name: str | None = Field(None, description="Name in the registry; the teacher's name and '-student' by default.")


class MeasuredModel(ToolResult):
    """A model's test metric, its size on disk, and its speed as measured here side by side with the other's.

    `one_row_ms` is the median time of an answer for one row, `many_rows_per_second` that of rows in batches of 256.
    """

    model: str
    kind: str
    metric: MetricValue
    size_mb: float
    one_row_ms: float
    many_rows_per_second: float


class Distillation(ToolResult):
    """Student beside teacher. `kept` is the share of the teacher's gain over the baseline that the student has too
    (None where there is no baseline); `smaller` and `faster` are teacher over student, `agreement` the share of sealed
    rows on which both give the same label (for numbers, the correlation of their answers, None where there is none)."""

    run: str
    teacher: MeasuredModel
    student: MeasuredModel
    kept: float | None
    agreement: float | None
    smaller: float
    faster: float
    verdict: str
    package: str
    report: str
    notes: tuple[str, ...] = ()


class EvaluateModelRequest(ToolRequest):
    """Measure a model on labelled rows: a dataset or file of new rows, or another (counted) look at its sealed test."""

    model: str = Field(description="Model id or name.")
    data: str | None = Field(None, description="Dataset id or file with the target column; the sealed test by default.")


class EvaluationResult(ToolResult):
    model: str
    data: str
    rows: int
    metric: MetricValue
    others: dict[str, float] = Field(default_factory=dict)
    confusion: tuple[tuple[int, ...], ...] = ()
    classes: tuple[str, ...] = ()
    looks: int = Field(description="How often the sealed test set of this dataset has been looked at.")
    notes: tuple[str, ...] = ()


class CompareModelsRequest(ToolRequest):
    """Put models side by side."""

    models: tuple[str, ...] = Field((), description="Model ids or names; the newest ten when left out.")


class ComparisonRow(ToolResult):
    model: str
    name: str
    version: int
    dataset: str
    target: str
    kind: str
    metric: MetricValue
    validation: float | None
    seconds: float
    size_mb: float
    aliases: tuple[str, ...] = ()


class Comparison(ToolResult):
    """`comparable` is False when the models do not share dataset, target and metric; `verdict` says it in words."""

    rows: tuple[ComparisonRow, ...]
    comparable: bool
    best: str | None
    verdict: str


class ExplainModelRequest(ToolRequest):
    """Say which columns a model relies on, by permutation importance."""

    model: str = Field(description="Model id or name.")
    top: int = Field(10, ge=1, le=100, description="How many columns to return.")


class Explanation(ToolResult):
    model: str
    target: str
    metric: str
    rows: int = Field(description="How many held-out training rows it was measured on.")
    importance: tuple[ImportanceRow, ...]
    report: str
