"""Jobs: list, start, status, cancel."""

import secrets
from typing import Annotated

from fastapi import APIRouter, Header, Query
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import WorkshopDep
from tools.catalogue import invoke, start_job
from tools.job_tools import JobList
from tools.workshop import JobStatus

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])


class JobIn(BaseModel):
    """A tool to run as a job, and its arguments."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tool: str = Field(description="Name of a tool that runs as a job, e.g. 'train_model'.")
    arguments: dict[str, object] = Field(description="The tool's arguments.")


@router.get("", response_model=JobList)
def list_jobs(workshop: WorkshopDep, limit: Annotated[int, Query(ge=1, le=500)] = 20) -> object:
    """The newest jobs."""
    return invoke(workshop, "list_jobs", {"limit": limit})


@router.post("", status_code=202)
def start(body: JobIn, workshop: WorkshopDep, idempotency_key: Annotated[str | None, Header()] = None) -> JobStatus:
    """Start a job; the same Idempotency-Key again finds the job that it started."""
    call = f"http/{idempotency_key or secrets.token_hex(12)}"
    return workshop.jobs.status(start_job(workshop, body.tool, body.arguments, call))


@router.get("/{job}")
def job_status(job: str, workshop: WorkshopDep) -> JobStatus:
    """Where a job stands, with its result when it is done."""
    return workshop.jobs.status(job)


@router.post("/{job}/cancel", status_code=202)
def cancel_job(job: str, workshop: WorkshopDep) -> JobStatus:
    """Ask a job to stop; it keeps the best so far."""
    return workshop.jobs.cancel(job)
