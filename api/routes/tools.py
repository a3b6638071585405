"""Tools: what there is, and calls of those that only read."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from api.dependencies import WorkshopDep
from engine.errors import ApprovalNeeded, NotFound
from tools.catalogue import invoke
from tools.spec import Effect, ToolSpec
from tools.workshop import Workshop

router = APIRouter(prefix="/v1/tools", tags=["tools"])


class ToolOut(BaseModel):
    """One tool. `arguments` is the JSON schema of its request."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str
    effect: Effect
    job: bool
    arguments: dict[str, object]


@router.get("")
def list_tools(workshop: WorkshopDep) -> list[ToolOut]:
    """All tools, with the schema of their arguments."""
    return [_described(spec) for spec in workshop.tools.values()]


@router.post("/{tool}")
def call_tool(tool: str, arguments: dict[str, object], workshop: WorkshopDep) -> dict[str, object]:
    """Call a tool that only reads."""
    _only_reads(workshop, tool)
    return invoke(workshop, tool, arguments).model_dump(mode="json")


def _described(spec: ToolSpec) -> ToolOut:
    schema = spec.request.model_json_schema()
    return ToolOut(name=spec.name, description=spec.description, effect=spec.effect, job=spec.job, arguments=schema)


def _only_reads(workshop: Workshop, tool: str) -> None:
    spec = workshop.tools.get(tool)
    if spec is None:
        raise NotFound("tool", tool, list(workshop.tools))
    if spec.effect != "read" or spec.job:
        raise ApprovalNeeded(
            f"The tool {tool!r} does more than read.",
            "Ask for it in a session; what runs as a job is started with POST /v1/jobs.",
        )
