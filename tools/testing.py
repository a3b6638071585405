"""test_model: what is asked of a model beside its metric, and what was found."""

from pydantic import ConfigDict, Field

from engine.qa.check import Check as Check
from tools.spec import ToolRequest, ToolResult


class Demands(ToolRequest):
    """What the user requires of the model; nothing that is left out is required."""

    model_config = ConfigDict(allow_inf_nan=False)

    metric: str | None = Field(
        None, description="Metric of `min_score` and `max_slice_drop`, e.g. roc_auc; the model's own by default."
    )
    min_score: float | None = Field(
        None, description="Worst value of the metric that will do: at least this, for errors and losses at most this."
    )
    max_latency_ms: float | None = Field(None, gt=0, description="Most milliseconds for one row (median).")
    max_size_mb: float | None = Field(None, gt=0, description="Most megabytes of what answers.")
    max_slice_drop: float | None = Field(
        None,
        ge=0,
        description="How much worse a group of rows (one value of one column) may be than the others, in units of the "
        "metric; for errors and losses as a share.",
    )
    must_beat_baseline: bool = Field(False, description="Whether it must beat a constant answer beyond doubt.")


class ModelTestRequest(Demands):
    """Try a registered model on edge cases and hold it against requirements."""

    model: str = Field(description="Model id or name; 'name@champion' for an alias.")
    seconds: float = Field(30.0, ge=1, le=3600, description="Most seconds; checks without time are skipped and named.")
    seed: int = Field(0, ge=0, description="Seed of the rows that are drawn and of the intervals.")


class ModelTest(ToolResult):
    """How a model did. `passed`: no check and no requirement failed, and every requirement could be judged; `warned`
    ones are for a person to look at."""

    model: str
    name: str
    passed: bool
    checks: tuple[Check, ...]
    requirements: tuple[Check, ...]
    rows: int = Field(description="Training rows that the checks were made on; the sealed test rows are never read.")
    seconds: float
    summary: str
    created: str
    file: str = Field(description="Where this result is kept, as JSON.")
