"""The tool that starts a crew: from a conversation, over MCP, or by workshop.call. Importing this loads no CrewAI."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from crews.brief import CrewReport, CrewRequest
from engine.progress import Watch
from tools.spec import Estimate, ToolSpec

if TYPE_CHECKING:
    from tools.workshop import Workshop

Start = Callable[[CrewRequest, Watch], CrewReport]
"""Runs a crew to its end in a process of its own, telling its course; given by the composition root."""
STARTING_S = 15.0
"""Importing CrewAI, testing the model, writing the pages."""
MEMORY_MB = 600.0


def crew_tools(start: Start) -> dict[str, ToolSpec]:
    """The tools that `start` stands behind."""

    def run_crew(workshop: "Workshop", request: CrewRequest, watch: Watch) -> CrewReport:
        request.check()
        return start(request, watch)

    spec = ToolSpec(
        name="run_crew",
        description="Have a crew of agents work on a dataset: a Data Scientist analyses it and recommends models, an "
        "ML Engineer trains and tunes one, a QA Engineer tests it on edge cases and against the user's requirements, "
        "an MLOps Engineer plans its deployment with monitoring, A/B test and rollback. Nothing is deployed. Returns "
        "the model's id, what each of them wrote, and where their reports lie. A crew with the same request that was "
        "cut off is gone on with.",
        request=CrewRequest,
        result=CrewReport,
        function=run_crew,
        effect="compute",
        estimate=_estimate,
        watched=True,
    )
    return {spec.name: spec}


def _estimate(_: "Workshop", request: CrewRequest) -> Estimate:
    return Estimate(seconds=STARTING_S + (request.budget_seconds or 0.0), memory_mb=MEMORY_MB)
