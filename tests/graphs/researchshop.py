"""The small workshop with the tools that a research asks besides: which models there are, and what they rely on."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.errors import BadChoice
from rag.answer import Answer, Citation
from rag.retrieve import Hit
from rag.tool import SearchDocumentsResult
from tests.graphs.smallshop import TOOLS, kill_here, note, small_workshop
from tools.inline import InlineJobs
from tools.models import ListModelsRequest, ModelList, ModelSummary
from tools.spec import ToolSpec
from tools.training import ExplainModelRequest, Explanation, ImportanceRow, MetricValue
from tools.workshop import Workshop

SENTENCE = "Customers on a contract of 24 months leave least."


def list_models(workshop: Workshop, _: ListModelsRequest) -> ModelList:
    kill_here(workshop.home, "list")
    models = sorted((workshop.home / "models").glob("mdl_*"))
    return ModelList(models=tuple(_summary(path) for path in models))


def _summary(path: Path) -> ModelSummary:
    return ModelSummary(
        model=path.name,
        name="small",
        version=1,
        aliases=(),
        dataset="ds_small",
        target="y",
        task="regression",
        kind="lightgbm",
        metric=MetricValue(name="rmse", value=0.25, ci=(0.2, 0.3), rows=10),
        created="2026-01-01T00:00:00",
        package=str(path),
    )


def explain_model(workshop: Workshop, request: ExplainModelRequest) -> Explanation:
    kill_here(workshop.home, "explain")
    if not (workshop.home / "models" / request.model).exists():
        raise BadChoice("model", request.model, ())
    note(workshop, f"explain {request.model}")
    importance = (
        ImportanceRow(column="a", importance=1.25, deviation=0.1),
        ImportanceRow(column="b", importance=0.5, deviation=0.4),
    )
    return Explanation(model=request.model, target="y", metric="rmse", rows=30, importance=importance, report="r.html")


def _spec(of: ToolSpec, name: str, request: Any, result: Any, function: Any) -> ToolSpec:
    return replace(of, name=name, request=request, result=result, function=function, description=request.__doc__)


RESEARCH_TOOLS: Mapping[str, ToolSpec] = {
    **TOOLS,
    "list_models": _spec(TOOLS["add"], "list_models", ListModelsRequest, ModelList, list_models),
    "explain_model": _spec(TOOLS["add"], "explain_model", ExplainModelRequest, Explanation, explain_model),
}


def research_workshop(home: Path) -> Workshop:
    """The workshop of a research."""
    small = small_workshop(home)
    return replace(small, tools=RESEARCH_TOOLS, jobs=InlineJobs(home, lambda: research_workshop(home)))


def documents(question: str) -> SearchDocumentsResult:
    """What a search over one document finds, whatever is asked."""
    citation = Citation(doc="guide.md", title="Guide", path=(), start=0, end=len(SENTENCE), quote=SENTENCE)
    hit = Hit(doc="guide.md", title="Guide", path=(), start=0, end=len(SENTENCE), text=SENTENCE, score=1.0)
    answer = Answer(question=question, found=True, confidence=0.9, text=f"“{SENTENCE}” [1]", citations=(citation,))
    return SearchDocumentsResult(hits=(hit,), answer=answer)
