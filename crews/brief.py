"""What a crew is asked for and what it answers. Plain data: reading it loads no CrewAI."""

import math
from typing import Literal

from pydantic import Field, ValidationError

from engine.errors import BadBudget, BadChoice
from engine.kinds import Task
from tools.arguments import bad_arguments
from tools.spec import ToolRequest, ToolResult

CREWS = ("development",)
Process = Literal["sequential", "hierarchical"]
DEFAULT_BUDGET = 60.0


class Demands(ToolRequest):
    """What the user requires of the model; each is checked by test_model, and nothing else is required."""

    metric: str | None = Field(None, description="Metric of `min_score`, e.g. roc_auc; the model's own by default.")
    min_score: float | None = Field(
        None, description="Worst value of the metric that will do: at least this, for errors and losses at most this."
    )
    max_latency_ms: float | None = Field(None, gt=0, description="Most milliseconds for one row (median).")
    max_size_mb: float | None = Field(None, gt=0, description="Most megabytes of what answers.")
    max_slice_drop: float | None = Field(
        None, ge=0, description="How much worse than the others a group of rows may be, in units of the metric."
    )
    must_beat_baseline: bool = Field(False, description="Whether it must beat a constant answer beyond doubt.")

    @property
    def given(self) -> dict[str, object]:
        """What is required, by name, as test_model takes it."""
        return self.model_dump(exclude_none=True, exclude_defaults=True)


class CrewRequest(ToolRequest):
    """Have a crew of agents work on a dataset: analyse it, train and tune a model, test it, plan its deployment."""

    crew: str = Field("development", description="Which crew; there is one: development.")
    data: str = Field(description="A file, 'sample:NAME', or the id or name of a dataset.")
    target: str = Field(description="Column to predict.")
    goal: str = Field(
        "", description="What the user wants, in words; requirements in it are checked by the QA Engineer."
    )
    process: Process = Field(
        "sequential",
        description="sequential: one task after the other. hierarchical: a manager delegates, checks and sends back.",
    )
    task: Task | None = Field(
        None, description="Found from the target when left out; regression where a metric of numbers is asked for."
    )
    budget_seconds: float | None = Field(
        DEFAULT_BUDGET,
        description="Seconds for training and tuning; analysis and tests come on top. Null together with max_models.",
    )
    max_models: int | None = Field(None, ge=1, le=200, description="Train exactly this many candidates; reproducible.")
    models: tuple[str, ...] | None = Field(None, description="Candidates; recommended by the analysis when left out.")
    drop: tuple[str, ...] = Field((), description="Columns to leave out.")
    seed: int = Field(0, ge=0, description="Seed of split, folds and models.")
    name: str | None = Field(None, description="Name of the model in the registry.")
    demands: Demands = Field(default_factory=Demands, description="What is required of the model.")

    @classmethod
    def of(cls, **values: object) -> "CrewRequest":
        """The request, checked.

        Raises:
            BadArguments: naming the first value that does not fit.
            BadChoice: no such crew; neither a budget nor a number of models.
            BadBudget: too short to train anything.
        """
        try:
            request = cls.model_validate(values)
        except ValidationError as error:
            raise bad_arguments("crew", cls, error) from error
        request.check()
        return request

    def check(self) -> None:
        """Refuse what cannot be done, before anything is written.

        Raises:
            BadChoice, BadBudget: as `of`.
        """
        if self.crew not in CREWS:
            raise BadChoice("crew", self.crew, CREWS)
        if self.budget_seconds is None and self.max_models is None:
            raise BadChoice("limit", "none", ("budget_seconds", "max_models"))
        if self.budget_seconds is not None and not (self.budget_seconds >= 1 and math.isfinite(self.budget_seconds)):
            raise BadBudget(self.budget_seconds)


class Brief(ToolRequest):
    """The request as the agents get it: over an imported dataset, with the requirements found in the goal."""

    run: str
    dataset: str
    target: str
    goal: str
    process: Process
    task: Task | None
    budget_seconds: float | None
    max_models: int | None
    models: tuple[str, ...] | None
    drop: tuple[str, ...]
    seed: int
    name: str | None
    demands: Demands


class TaskOutcome(ToolResult):
    """What one task came to. `output` are the agent's words with unfounded figures struck; files are in `artifacts`."""

    name: str
    agent: str
    output: str
    artifacts: tuple[str, ...] = ()


class Review(ToolResult):
    """One judgement of the manager (or, with none, of the crew itself) on what came back from a task."""

    task: str
    verdict: Literal["accepted", "sent back"]
    why: str = ""


class Tokens(ToolResult):
    """What the language model was asked: `counted` says whether the endpoint reported the numbers or they are estimated
    from the length of the text. Agents that follow rules use none."""

    calls: int = 0
    prompt: int = 0
    completion: int = 0
    counted: bool = True


class CrewReport(ToolResult):
    """The result of a crew, exactly as `crew --json` prints it."""

    model_id: str
    tasks: tuple[TaskOutcome, ...]
    report: str
    seconds: float
    run: str
    process: Process
    dataset: str
    target: str
    reviews: tuple[Review, ...] = ()
    struck: tuple[str, ...] = Field((), description="Figures of the agents that no tool result holds.")
    missing: tuple[str, ...] = Field((), description="What a task was to do and did not.")
    turns: int = Field(0, description="How often an agent was asked what to do next, by rule or by a language model.")
    tokens: Tokens = Field(default_factory=Tokens)
    cost: float | None = Field(None, description="What they cost, where it is known what a token costs.")
