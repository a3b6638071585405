"""The research team and the code chain as tools, so that a conversation, a crew or a program can call them."""

from typing import Any

from langchain_core.language_models import BaseChatModel
from langgraph.checkpoint.base import BaseCheckpointSaver
from pydantic import Field

from engine.progress import Watch
from graphs.chains import CodeAnswer, code_chain
from graphs.documents import Search, search_of
from graphs.research_types import ResearchRequest, ResearchSummary
from graphs.researches import resume_research, start_research, unfinished
from graphs.within import as_progress
from tools.spec import Estimate, ToolRequest, ToolSpec
from tools.workshop import Workshop


class WriteCodeRequest(ToolRequest):
    """Write a program for a task."""

    task: str = Field(max_length=2_000, description="What the program is to do, in words.")
    data: str | None = Field(None, description="A file, 'sample:NAME', or a dataset's id or name.")


def research_tools(
    model: BaseChatModel, saver: BaseCheckpointSaver[Any], search: Search | None = None
) -> dict[str, ToolSpec]:
    """`research` and `write_code`, by `model`; without `search` the documents of the home are searched, if any are."""

    def research(workshop: Workshop, request: ResearchRequest, watch: Watch) -> ResearchSummary:
        documents, emit = search or search_of(workshop.home), as_progress(watch)
        cut_off = unfinished(workshop, saver, request)
        if cut_off is not None:
            return resume_research(workshop, model, saver, cut_off, search=documents, emit=emit)
        return start_research(workshop, model, saver, request, search=documents, emit=emit)

    def write_code(workshop: Workshop, request: WriteCodeRequest) -> CodeAnswer:
        return code_chain(workshop, model).invoke({"task": request.task, "data": request.data})

    specs = (
        ToolSpec(
            name="research",
            description="Have a small team look into a question about data and models: a researcher profiles the data, "
            "finds or trains a model, explains and judges it and searches the indexed documents; a coder writes what "
            "was done as a script and a notebook; a reviewer checks every figure of the report against the results. "
            "Returns the findings with the receipts they rest on and where report, script and notebook lie. For one "
            "simple step call its own tool instead.",
            request=ResearchRequest,
            result=ResearchSummary,
            function=research,
            effect="compute",
            estimate=_estimate,
            watched=True,
        ),
        ToolSpec(
            name="write_code",
            description="Write a Python program that does a task by Millwright's tools, and explain it. The program is "
            "checked (it compiles and calls only tools that exist, with arguments that fit) and not run.",
            request=WriteCodeRequest,
            result=CodeAnswer,
            function=write_code,
            effect="compute",
            estimate=lambda workshop, request: Estimate(seconds=2.0, memory_mb=0.0),
        ),
    )
    return {spec.name: spec for spec in specs}


def _estimate(_: Workshop, request: ResearchRequest) -> Estimate:
    """The budget, after which nothing new is begun."""
    return Estimate(seconds=request.budget_seconds, memory_mb=0.0)
