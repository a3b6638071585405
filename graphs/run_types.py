"""What a run is asked and what it answers."""

import math
from typing import Any, ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from agents.budget import Tokens
from agents.plan import Plan
from engine.errors import BadBudget, BadChoice, JobFailed
from tools.arguments import bad_arguments
from tools.data import Kind
from tools.train_spec import check_device
from tools.training import ImportanceRow, TrainingResult, ValidationValue


class RunRequest(BaseModel):
    """A goal in words, the data, and whatever the user wants to fix; the rest is found or decided on the way."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    work: ClassVar[str] = "run"
    """What it asks for, as errors name it."""

    goal: str = Field(description="What the model is for, in words.")
    data: str = Field(description="A file, 'sample:NAME', a database URL with `query`, or the id of a dataset.")
    target: str | None = Field(None, description="Column to predict; found from the goal when left out.")
    metric: str | None = Field(None, description="Metric to choose by; proposed by the model when left out.")
    models: tuple[str, ...] | None = Field(None, description="Candidates; proposed by the model when left out.")
    budget_seconds: float | None = Field(
        60.0,
        description="Wall clock of the training, from the import to the report; none with max_models. What the goal "
        "asks for after that takes its own time, which the plan shows.",
    )
    max_models: int | None = Field(None, ge=1, le=200, description="Train exactly this many candidates; reproducible.")
    seed: int = Field(0, ge=0, description="Seed of split, folds and models.")
    drop: tuple[str, ...] = Field((), description="Columns to leave out.")
    keep: tuple[str, ...] = Field((), description="Columns to use although they give the target away.")
    tuning: bool = Field(True, description="Whether rounds of tuned variants may follow the first.")
    device: str = Field("auto", description="Where networks are trained: auto, cpu, cuda or cuda:N.")
    processes: int = Field(1, ge=1, le=64, description="Processes that train one network together.")
    kinds: dict[str, Kind] = Field(default_factory=dict, description="Kinds of columns that override what is found.")
    split: Literal["auto", "random", "stratified", "time", "group"] = "auto"
    split_column: str | None = None
    test_fraction: float = Field(0.2, ge=0.05, le=0.5)
    delimiter: str | None = None
    encoding: str | None = None
    sheet: str | None = None
    query: str | None = None
    name: str | None = Field(None, description="Name of the model in the registry.")
    defaults: tuple[Literal["budget_seconds", "max_models", "seed"], ...] = Field(
        (), description="Limits that nobody chose, though they are given: the words of the goal may set them."
    )
    approve_all: bool = Field(
        False, description="Run the plan and its steps without asking; a model with a leak is still asked about."
    )
    plan: Plan | None = Field(None, description="A plan made before, to run as it is instead of proposing one.")
    edits: tuple[str, ...] = Field((), description="Words by which the proposed plan is changed before it is shown.")
    price_per_million_tokens: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="What a million tokens of the language model cost; for estimates."
    )

    @model_validator(mode="before")
    @classmethod
    def _counted_or_timed(cls, given: Any) -> Any:  # noqa: ANN401  whatever the caller gave
        """A fixed number of models has no clock, unless one is asked for as well."""
        if isinstance(given, dict) and given.get("max_models") is not None:
            return {"budget_seconds": None, **given}
        return given

    @classmethod
    def of(cls, **values: object) -> Self:
        """The request, checked.

        Raises:
            BadArguments: naming the first value that does not fit.
            BadBudget, BadChoice, DeviceMissing: as `check`.
        """
        try:
            request = cls.model_validate(values)
        except ValidationError as error:
            raise bad_arguments(cls.work, cls, error) from error
        request.check()
        return request

    def check(self) -> None:
        """Refuse what cannot be run, before anything is written.

        Raises:
            BadBudget: less than a second, or no number that a clock can reach.
            BadChoice: neither a budget nor a number of models; no such device.
            DeviceMissing: the device is not there.
        """
        check_device(self.device)
        if self.budget_seconds is not None and not (self.budget_seconds >= 1 and math.isfinite(self.budget_seconds)):
            raise BadBudget(self.budget_seconds)
        if self.budget_seconds is None and self.max_models is None:
            raise BadChoice("limit", "none", ("budget_seconds", "max_models"))


class SummaryMetric(BaseModel):
    """A metric on the sealed test rows with its 95 % interval."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    value: float
    ci: tuple[float, float]


class SummaryRow(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    validation: float | None
    seconds: float


StepState = Literal["done", "declined", "failed", "skipped"]


class StepOutcome(BaseModel):
    """What became of a step after the training. `reason` says why it was not done, `result` is the tool's result."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: str
    tool: str
    state: StepState
    reason: str = ""
    seconds: float = 0.0
    result: dict[str, Any] | None = None


class StepWaiting(BaseModel):
    """A step that waits for a yes. `token` stands for the plan's hash, the step and these arguments, together;
    `leaks` are sentences about what the model was trained on, `failures` about tests that it did not pass, `unasked`
    about what the goal does not ask for in the user's own words: a yes to all covers no step that has any of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: str
    tool: str
    arguments: dict[str, Any]
    why: str
    hash: str
    token: str
    leaks: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    unasked: tuple[str, ...] = ()

    @property
    def concerns(self) -> tuple[str, ...]:
        """All that only a yes to this very step covers."""
        return (*self.leaks, *self.failures, *self.unasked)


class StepDecision(BaseModel):
    """A person's answer to a step; `hash`, `step` and `token` are those that were shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    approve: bool
    hash: str
    step: str
    token: str
    reason: str = ""


class Waiting(BaseModel):
    """What a run waits for: a yes to its plan, or to one step of it. `steps` are those after the training so far."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    plan: Plan
    step: StepWaiting | None = None
    steps: tuple[StepOutcome, ...] = ()


class RunSummary(BaseModel):
    """The result of a run, exactly as `run --json` prints it. `steps` are those after the training; `tokens` are those
    that a language model read and wrote for it, `cost` is None where nobody has said what they cost; both are there
    only where one was asked."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    run_id: str
    dataset_id: str
    model_id: str
    task: str
    target: str
    metric: SummaryMetric
    validation: ValidationValue | None
    baseline: ValidationValue | None
    leaderboard: tuple[SummaryRow, ...]
    importance: tuple[ImportanceRow, ...]
    package: str
    report: str
    seconds: float
    plan: Plan | None = None
    steps: tuple[StepOutcome, ...] = ()
    tokens: Tokens | None = None
    cost: float | None = None

    @model_serializer(mode="wrap")
    def _without_model(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without a word of tokens and cost where no language model was asked."""
        document: dict[str, Any] = whole(self)
        return document if self.tokens is not None else _leaving_out(document, "tokens", "cost")


def _leaving_out(document: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names}


def summary_of(result: TrainingResult, run_id: str, seconds: float) -> RunSummary:
    """The summary of a finished training.

    Raises:
        JobFailed: the training was stopped before it had packaged a model.
    """
    if result.model is None or result.metric is None or result.package is None or result.report is None:
        raise JobFailed(
            f"Run {run_id!r} was stopped before a model was packaged.", "Start a new run, or give it a longer budget."
        )
    return RunSummary(
        run_id=run_id,
        dataset_id=result.dataset,
        model_id=result.model,
        task=result.task,
        target=result.target,
        metric=SummaryMetric(name=result.metric.name, value=result.metric.value, ci=result.metric.ci),
        validation=result.validation,
        baseline=result.baseline,
        leaderboard=tuple(
            SummaryRow(model=row.model, validation=row.validation, seconds=row.seconds) for row in result.leaderboard
        ),
        importance=result.importance,
        package=result.package,
        report=result.report,
        seconds=round(seconds, 3),
    )
