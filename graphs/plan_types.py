"""What the tools over plans are asked and what they answer."""

from pydantic import Field

from agents.plan import Finding, LeftOut, PlanRow, PlanState
from agents.plan_edit import FieldEdit
from graphs.run_types import StepOutcome, StepWaiting, SummaryMetric
from tools.spec import ToolRequest, ToolResult


class MakePlanRequest(ToolRequest):
    """Plan a whole job from a goal in words, before anything is trained."""

    goal: str = Field(
        min_length=1, description="What is wanted, in words, e.g. 'predict churn, answer in 5 ms, promote it'."
    )
    data: str = Field(description="Dataset id or name, a file, or 'sample:NAME'.")
    target: str | None = Field(None, description="Column to predict; found from the goal when left out.")
    metric: str | None = Field(None, description="Metric to choose by; the usual one for the task by default.")
    models: tuple[str, ...] | None = Field(None, description="Candidates; what suits the columns by default.")
    budget_seconds: float | None = Field(60.0, description="Wall clock of the training; none with max_models.")
    max_models: int | None = Field(None, ge=1, le=200, description="Train exactly this many candidates instead.")
    drop: tuple[str, ...] = Field((), description="Columns to leave out.")
    keep: tuple[str, ...] = Field((), description="Columns to use although they give the target away.")
    seed: int = Field(0, ge=0, description="Seed of split, folds and models.")


class EditPlanRequest(ToolRequest):
    """Change a plan that does not run yet. It gets a new hash, and an approval of the old one is worth nothing."""

    plan: str = Field(description="Plan id, e.g. 'plan_1b2d4e3f9a0c'.")
    words: str | None = Field(None, description="The change in words, e.g. 'use recall instead', \"don't promote\".")
    edits: tuple[FieldEdit, ...] = Field((), description="Or field by field.")


class ShowPlanRequest(ToolRequest):
    """Show a plan as it is now, with what it waits for."""

    plan: str = Field(description="Plan id.")


class RunPlanRequest(ToolRequest):
    """Carry out a plan, as it was shown. Needs approval, which is good for this hash alone."""

    plan: str = Field(description="Plan id.")
    hash: str = Field(description="Hash of the plan as it was shown; an older one is refused.")


class ApproveStepRequest(ToolRequest):
    """Say yes or no to one step of a running plan, and go on. Needs approval."""

    plan: str = Field(description="Plan id.")
    step: str = Field(description="Id of the step that waits.")
    hash: str = Field(description="Hash of the plan.")
    token: str = Field(description="Token of the step that waits, as it was shown with its arguments.")
    approve: bool = Field(description="True to run the step, false to go on without it.")
    reason: str = Field("", description="Why not.")


class PlanShown(ToolResult):
    """A plan. `waits_for` is the step that asks for a yes; before it runs, the plan itself does (state 'proposed')."""

    plan: str
    run: str
    goal: str
    state: PlanState
    hash: str
    rows: tuple[PlanRow, ...]
    mermaid: str
    seconds: float | None = Field(description="Of all steps together, as far as they are known.")
    memory_mb: float | None = Field(description="The most that one step is expected to need.")
    tokens: int | None
    money: float | None
    findings: tuple[Finding, ...]
    left_out: tuple[LeftOut, ...] = Field((), description="What the goal asks for and no step does: tell the user.")
    changes: tuple[str, ...] = ()
    hashes: tuple[str, ...] = Field(description="Of all contents it has had, the present one last.")
    waits_for: StepWaiting | None = None
    reason: str = Field("", description="Why it failed, for a plan that did; edit it, or run it again.")


class PlanRun(ToolResult):
    """How far a plan is. The fields of the model are null until there is one; `steps` are those after the training."""

    plan: str
    run: str
    state: PlanState
    hash: str
    model: str | None = None
    metric: SummaryMetric | None = None
    report: str | None = None
    seconds: float | None = None
    steps: tuple[StepOutcome, ...] = ()
    left_out: tuple[LeftOut, ...] = Field((), description="What the goal asks for and no step does: tell the user.")
    waits_for: StepWaiting | None = None
