"""Tools over durable jobs: status, cancel, list."""

from pydantic import Field

from tools.spec import ToolRequest, ToolResult


class JobStatusRequest(ToolRequest):
    """Where one job stands."""

    job: str = Field(description="Job id.")


class CancelJobRequest(ToolRequest):
    """Stop a job; a training keeps the best model so far."""

    job: str = Field(description="Job id.")


class ListJobsRequest(ToolRequest):
    """The newest jobs."""

    limit: int = Field(20, ge=1, le=500, description="How many.")


class JobInfo(ToolResult):
    """`state`: queued, running, cancelling, done, cancelled or failed."""

    job: str
    tool: str
    state: str
    created: str
    updated: str
    summary: str
    error: str | None = None


class JobList(ToolResult):
    jobs: tuple[JobInfo, ...]
