"""Looking after jobs: status, cancel, list."""

from typing import TYPE_CHECKING

from engine.figures import figure
from engine.progress import FitFinished
from tools.job_tools import CancelJobRequest, JobInfo, JobList, JobStatusRequest, ListJobsRequest
from tools.jobs import ENDED, Failure, Outcome, summary_of
from tools.spec import ToolSpec, costs_nothing

if TYPE_CHECKING:
    from tools.workshop import JobStatus, Workshop


def job_status(workshop: "Workshop", request: JobStatusRequest) -> JobInfo:
    """Raises: NotFound: no such job."""
    return info(workshop, workshop.jobs.status(request.job))


def cancel_job(workshop: "Workshop", request: CancelJobRequest) -> JobInfo:
    """Ask a job to stop. A job that is over stays as it is.

    Raises:
        NotFound: no such job.
    """
    status = workshop.jobs.status(request.job)
    return info(workshop, status if status.state in ENDED else workshop.jobs.cancel(request.job))


def list_jobs(workshop: "Workshop", request: ListJobsRequest) -> JobList:
    return JobList(jobs=tuple(info(workshop, status) for status in workshop.jobs.list(request.limit)))


def info(workshop: "Workshop", status: "JobStatus") -> JobInfo:
    """A job's state in one line, with the fits so far while it runs."""
    return JobInfo(
        job=status.job,
        tool=status.tool,
        state=status.state,
        created=status.created.isoformat(timespec="seconds"),
        updated=status.updated.isoformat(timespec="seconds"),
        summary=_summary(workshop, status),
        error=status.error,
    )


def _summary(workshop: "Workshop", status: "JobStatus") -> str:
    if status.state in ENDED:
        failure = Failure(code=status.error_code or "", sentence=status.error) if status.error else None
        return summary_of(status.tool, status.request, Outcome(result=status.result, failure=failure))
    head = summary_of(status.tool, status.request, None)
    fits = [event for event in workshop.jobs.progress(status.job) if isinstance(event, FitFinished)]
    if not fits:
        return head
    shown = ", ".join(
        f"{fit.model} {fit.metric} {figure(fit.validation)}"
        if fit.validation is not None
        else f"{fit.model} {fit.status}"
        for fit in fits
    )
    return f"{head}: {len(fits)} fit(s) through: {shown}"


TOOLS = (
    ToolSpec(
        name="job_status",
        description="Say where one job stands (queued, running, cancelling, done, cancelled, failed), which fits are "
        "through, and its result or error when it is over.",
        request=JobStatusRequest,
        result=JobInfo,
        function=job_status,
        effect="read",
        estimate=costs_nothing,
    ),
    ToolSpec(
        name="cancel_job",
        description="Stop a job within about two seconds. A training keeps its best model so far, judges and registers "
        "it. A job that is over stays as it is.",
        request=CancelJobRequest,
        result=JobInfo,
        function=cancel_job,
        effect="compute",
        estimate=costs_nothing,
    ),
    ToolSpec(
        name="list_jobs",
        description="List the newest jobs with their states. Use it to find a job's id, or to see what is running.",
        request=ListJobsRequest,
        result=JobList,
        function=list_jobs,
        effect="read",
        estimate=costs_nothing,
    ),
)
