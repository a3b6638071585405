"""What a training run is asked for and what it answers, as JSON-safe frozen records."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.metrics import METRICS, Metric
from engine.models.base import Params
from engine.tasks import Task


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StudentSpec(_Record):
    """How a student learns from a teacher: `alpha` is the weight of the teacher's answers, `softness` the temperature.

    `teacher` names the model whose answers they are, for the record.
    """

    teacher: str
    width: int = Field(64, ge=1)
    alpha: float = Field(0.5, ge=0, le=1)
    softness: float = Field(2.0, gt=0)

    @property
    def params(self) -> Params:
        """As a network's parameters."""
        return {"width": self.width, "alpha": self.alpha, "softness": self.softness}


class TrainSpec(_Record):
    """What to train. With `max_models` the clock is ignored and the same seed gives the same predictions.

    `order_column` makes validation rows later than training rows; `group_column` keeps each group on one side.
    """

    target: str
    task: Task | None = None
    metric: str | None = None
    models: tuple[str, ...] | None = None
    budget_seconds: float | None = None
    max_models: int | None = Field(None, ge=1)
    drop: tuple[str, ...] = ()
    seed: int = 0
    threads: int = Field(1, ge=1)
    device: str = "auto"
    processes: int = Field(1, ge=1, description="Processes that one network is trained in.")
    order_column: str | None = None
    group_column: str | None = None
    student: StudentSpec | None = None

    @property
    def fixed(self) -> bool:
        """Whether the amount of work is fixed instead of the time."""
        return self.max_models is not None or self.budget_seconds is None


class Preparation(_Record):
    """The decisions made before the first fit. `rows` are those used; `candidates` name the dummy first."""

    target: str
    task: Task
    metric: str
    validation_method: str
    folds: int
    features: tuple[str, ...]
    dropped: dict[str, str]
    classes: tuple[str, ...]
    rows: int
    candidates: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def chosen_metric(self) -> Metric:
        return METRICS[self.metric]


class FitOutcome(_Record):
    """How one candidate went. `validation` is its score on rows it was not fitted on, None if it has none.

    `seconds` is the whole fit, `fold_seconds` its folds; `covered` is the share of validation rows with a prediction.
    `params` are what it was given and what fitting chose; `notes` what a person should know of how it was fitted.
    `curve` holds the loss on the rows fitted on and on those held out after each pass of a network over its first fold.
    """

    model: str
    status: Literal["done", "stopped", "skipped", "failed"]
    validation: float | None
    seconds: float
    detail: str = ""
    params: Params = {}
    fold_seconds: tuple[float, ...] = ()
    covered: float = 0.0
    notes: tuple[str, ...] = ()
    curve: tuple[tuple[float, float | None], ...] = ()


class MemberRef(_Record):
    """One fitted model of a selection: its share of the blend and the folder that `load_member` reads."""

    name: str
    weight: float
    folder: Path


class Selection(_Record):
    """The model to package: a weighted mean of members' predictions.

    `name` is the candidate's, or 'ensemble'. `threshold` is the least probability of the positive class that counts
    as positive (binary tasks). `considered` names the candidates that were through by
    then. `validation` and `baseline` (the dummy) are in the metric's units.
    """

    name: str
    members: tuple[MemberRef, ...]
    metric: str
    validation: float | None
    baseline: float | None
    threshold: float = 0.5
    notes: tuple[str, ...] = ()
    considered: tuple[str, ...] = ()
