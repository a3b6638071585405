"""All tools by name, and the one way to call them that CLI, graphs, HTTP and adapters share."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from engine.errors import NotFound
from engine.progress import Watch, silent
from tools import (
    alerting,
    data_tools,
    deciding,
    distilling,
    drift_checks,
    job_functions,
    judging,
    label_log,
    modelling,
    registered,
    retraining,
    watching,
)
from tools.arguments import parse_request
from tools.jobs import job_id
from tools.spec import ToolRequest, ToolResult, ToolSpec

if TYPE_CHECKING:
    from tools.workshop import Workshop

FLOORS = (
    *(data_tools, modelling, distilling, judging, registered),
    *(drift_checks, watching, label_log, deciding, retraining, alerting, job_functions),
)
CATALOGUE: Mapping[str, ToolSpec] = MappingProxyType({spec.name: spec for floor in FLOORS for spec in floor.TOOLS})


def invoke(
    workshop: "Workshop",
    name: str,
    arguments: Mapping[str, object],
    *,
    call_id: str | None = None,
    watch: Watch = silent,
) -> ToolResult:
    """Call a tool by name. A job tool runs as the job of `call_id`: the same call finds the same job again.

    Raises:
        NotFound: no such tool.
        BadArguments: the arguments do not fit; says which and how.
        MillwrightError: what the tool raises.
    """
    spec, request = _asked(workshop, name, arguments)
    if not spec.job:
        return spec.function(workshop, request)
    if spec.check is not None:
        spec.check(workshop, request)
    return spec.result.model_validate(workshop.jobs.run(name, request, job_id(call_id), watch))


def start_job(workshop: "Workshop", name: str, arguments: Mapping[str, object], call_id: str | None = None) -> str:
    """Start a job tool without waiting and return the job's id.

    Raises:
        NotFound: no such tool, or it does not run as a job.
        BadArguments, MillwrightError: as `invoke`, as far as it is known before the job runs.
    """
    spec, request = _asked(workshop, name, arguments)
    if not spec.job:
        jobs = [tool.name for tool in workshop.tools.values() if tool.job]
        raise NotFound("tool", name, jobs, hint=f"{name} answers at once; these run as jobs: {', '.join(jobs)}.")
    if spec.check is not None:
        spec.check(workshop, request)
    job = job_id(call_id)
    workshop.jobs.start(name, request, job)
    return job


def _asked(workshop: "Workshop", name: str, arguments: Mapping[str, object]) -> tuple[ToolSpec, ToolRequest]:
    spec = workshop.tools.get(name)
    if spec is None:
        raise NotFound("tool", name, list(workshop.tools))
    return spec, parse_request(spec, arguments)
