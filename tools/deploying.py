"""plan_deployment: how a model would be served, watched, tried out and taken back."""

from typing import Literal

from pydantic import Field

from tools.spec import ToolRequest, ToolResult


class DeploymentPlanRequest(ToolRequest):
    """Plan a deployment from what is recorded of the model. Nothing is deployed."""

    model: str = Field(description="Model id or name; 'name@champion' for an alias.")
    rows_per_day: float = Field(1000.0, gt=0, le=1e12, description="Rows to predict on a day, as expected.")
    detect: float | None = Field(
        None,
        ge=1e-6,
        allow_inf_nan=False,
        description="Difference that an A/B test must see: of the share of right answers for classes (0.02 is two "
        "points), of the mean absolute error for numbers. By default .02, or a tenth of the error.",
    )
    share: float = Field(0.5, gt=0, lt=1, description="Share of the rows that the new model answers in the A/B test.")
    power: float = Field(0.8, gt=0.5, lt=1, description="Chance of seeing a difference that is there.")
    alpha: float = Field(0.05, gt=0, lt=0.5, description="Chance of seeing one that is not there.")
    looks: int = Field(1, ge=1, le=5, description="How often the A/B test is looked at, the end included.")


class ServedFile(ToolResult):
    path: str
    size_mb: float


class ServingPlan(ToolResult):
    """How it is served: `files` are those of the package, `needs` the libraries, columns and memory."""

    package: str
    size_mb: float
    files: tuple[ServedFile, ...]
    needs: tuple[str, ...]
    commands: tuple[str, ...]


class MonitoringPlan(ToolResult):
    """How it is watched. `window_rows` is what a check waits for; `checks_per_day` follows from the rows of a day."""

    window_rows: int
    checks_per_day: float
    hours_between_checks: float
    rules: tuple[str, ...] = Field(description="What counts as drift, and what is done then, from the policy.")
    alarms: tuple[str, ...] = Field(description="Who hears of which level.")
    approvals: tuple[str, ...] = Field(description="What a person has to approve.")
    commands: tuple[str, ...]


class TrialPlan(ToolResult):
    """The A/B test. `rows_a` are answered by the model in use, `rows_b` by the new one; `bounds` are the z values that
    stop it at each look, `method` how they were made."""

    measure: Literal["share of right answers", "mean absolute error"]
    expected: float = Field(description="Of the model, on rows that it had not seen.")
    deviation: float | None = Field(description="Of the absolute errors, for numbers.")
    detect: float
    share: float
    rows_a: int
    rows_b: int
    days: float
    bounds: tuple[float, ...]
    method: str
    stop_rules: tuple[str, ...]
    commands: tuple[str, ...] = ()
    note: str


class RollbackPlan(ToolResult):
    when: tuple[str, ...]
    commands: tuple[str, ...]
    back_to: str | None = Field(description="Model id that is champion now, if any.")


class DeploymentPlan(ToolResult):
    """The plan in full; `trial` is None where it cannot be worked out, and `risks` say why. `file` is the note."""

    model: str
    name: str
    version: int
    serving: ServingPlan
    monitoring: MonitoringPlan
    trial: TrialPlan | None
    rollback: RollbackPlan
    risks: tuple[str, ...]
    summary: str
    file: str
