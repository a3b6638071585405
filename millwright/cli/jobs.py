"""`millwright jobs`: the durable jobs of this home."""

from typing import Annotated

import typer

from millwright.cli.opening import call, opened
from millwright.cli.options import Json
from millwright.cli.reply import Reply

app = typer.Typer(help="List, show and cancel jobs.", no_args_is_help=True)
Job = Annotated[str, typer.Argument(metavar="JOB", help="Job id.")]


@app.command("list")
def list_(limit: Annotated[int, typer.Option(min=1, max=500, help="How many.")] = 20, json: Json = False) -> Reply:
    """List the newest jobs."""
    from millwright.cli import screens
    from tools.job_tools import JobList

    with opened() as workshop:
        found = call(workshop, "list_jobs", JobList, limit=limit)
    return Reply(found, lambda console: console.print(screens.jobs(found)), json)


@app.command("show")
def show(job: Job, json: Json = False) -> Reply:
    """Say where one job stands."""
    return _one("job_status", job, json)


@app.command("cancel")
def cancel(job: Job, json: Json = False) -> Reply:
    """Stop a job; a training keeps the best model so far."""
    return _one("cancel_job", job, json)


def _one(tool: str, job: str, json: bool) -> Reply:
    from millwright.cli import screens
    from tools.job_tools import JobInfo

    with opened() as workshop:
        found = call(workshop, tool, JobInfo, job=job)
    return Reply(found, lambda console: console.print(screens.job(found)), json)
