"""All tools by name, and the one way to call them that CLI, graphs, HTTP and adapters share."""

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING

from engine.errors import NotFound
from engine.progress import Watch, silent
from engine.redaction import redacted, scrub
from tools import (
    alerting,
    calculating,
    data_tools,
    deciding,
    deploying_plan,
    distilling,
    drift_checks,
    exporting,
    job_functions,
    judging,
    label_log,
    modelling,
    optimising,
    registered,
    remembering,
    retraining,
    testing_models,
    tracing,
    watching,
)
from tools import tracing_names as names
from tools.arguments import parse_request
from tools.audit import audited
from tools.jobs import job_id
from tools.spec import ToolRequest, ToolResult, ToolSpec

if TYPE_CHECKING:
    from tools.workshop import Workshop

FLOORS = (
    *(data_tools, modelling, distilling, optimising, exporting, judging, registered),
    *(drift_checks, watching, label_log, deciding, retraining, alerting, job_functions),
    *(testing_models, deploying_plan, remembering, calculating),
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
    with _without_secrets():
        spec, request = _asked(workshop, name, arguments)
        with _span(name, call_id, request) as span, audited(workshop, spec, request, call_id) as told:
            result = _answer(workshop, spec, request, call_id, watch)
            told(result)
            if tracing.keeps_content():
                span.tell({names.TOOL_RESULT: _kept(result)})
            return result


def start_job(workshop: "Workshop", name: str, arguments: Mapping[str, object], call_id: str | None = None) -> str:
    """Start a job tool without waiting and return the job's id.

    Raises:
        NotFound: no such tool, or it does not run as a job.
        BadArguments, MillwrightError: as `invoke`, as far as it is known before the job runs.
    """
    with _without_secrets():
        spec, request = _asked(workshop, name, arguments)
        if not spec.job:
            jobs = [tool.name for tool in workshop.tools.values() if tool.job]
            raise NotFound("tool", name, jobs, hint=f"{name} answers at once; these run as jobs: {', '.join(jobs)}.")
        if spec.check is not None:
            spec.check(workshop, request)
        job = job_id(call_id)
        workshop.jobs.start(name, request, job)
        return job


def _answer(
    workshop: "Workshop", spec: ToolSpec, request: ToolRequest, call_id: str | None, watch: Watch
) -> ToolResult:
    if spec.watched:
        return spec.function(workshop, request, watch)
    if not spec.job:
        return spec.function(workshop, request)
    if spec.check is not None:
        spec.check(workshop, request)
    return spec.result.model_validate(workshop.jobs.run(spec.name, request, job_id(call_id), watch))


def _span(name: str, call: str | None, request: ToolRequest) -> AbstractContextManager[tracing.Told]:
    arguments = _kept(request) if tracing.keeps_content() else None
    told = {names.OPERATION: names.EXECUTE_TOOL, names.TOOL: name, names.TOOL_CALL: call}
    return tracing.span(f"{names.EXECUTE_TOOL} {name}", {**told, names.TOOL_ARGUMENTS: arguments})


def _kept(value: ToolRequest | ToolResult) -> str:
    return json.dumps(redacted(value.model_dump(mode="json")), ensure_ascii=False)


@contextmanager
def _without_secrets() -> Iterator[None]:
    """What a tool raises is told to models, to people and to logs, and kept by graphs, wherever it was called from."""
    try:
        yield
    except Exception as error:  # it goes on as it came
        scrub(error)
        raise


def _asked(workshop: "Workshop", name: str, arguments: Mapping[str, object]) -> tuple[ToolSpec, ToolRequest]:
    spec = workshop.tools.get(name)
    if spec is None:
        raise NotFound("tool", name, list(workshop.tools))
    return spec, parse_request(spec, arguments)
