"""What a research is about: its data, found or imported, and the column that the question means."""

from typing import Any

from langchain_core.language_models import BaseChatModel

from engine.errors import BadArguments, TargetNeeded
from graphs.calls import use_tool
from graphs.documents import Search
from graphs.events import Emit, Event, ToolFinished, ToolStarted
from graphs.receipts import Receipt
from graphs.research_types import ResearchRequest
from graphs.run_types import RunRequest
from graphs.target import dataset_of
from tools.sources import known_dataset
from tools.workshop import Workshop

Json = dict[str, Any]


def begin(
    workshop: Workshop, model: BaseChatModel, request: ResearchRequest, run: str, search: Search | None, emit: Emit
) -> Json:
    """Dataset, target and model as they are known at the start, with the receipt of an import.

    Raises:
        BadArguments: it is not clear which data is meant, or there is nothing to look into.
        Fixable: the data cannot be read, or has no such column.
    """
    data = request.data or _only_dataset(workshop, search)
    imports = _Imports(emit)
    found = _found(workshop, model, request, data, run, imports) if data is not None else (None, None)
    receipts = [receipt.model_dump(mode="json") for receipt in imports.receipts()]
    return {"dataset": found[0], "target": found[1], "model": request.model, "receipts": receipts}


def _only_dataset(workshop: Workshop, search: Search | None) -> str | None:
    """The dataset that is meant when none is named; None when the documents are all there is."""
    datasets = workshop.datasets.list()
    if len(datasets) == 1:
        return datasets[0].id
    if datasets:
        named = ", ".join(f"{dataset.name} ({dataset.id})" for dataset in datasets[:8])
        raise BadArguments("Which data is the question about?", f"Give `data`; there are: {named}.")
    if search is None:
        raise BadArguments(
            "There is nothing to look into: no data is imported and no documents are indexed.",
            "Give `data`: a file, or a sample such as 'sample:churn'.",
        )
    return None


def _found(
    workshop: Workshop, model: BaseChatModel, request: ResearchRequest, data: str, run: str, imports: "_Imports"
) -> tuple[str, str | None]:
    known = known_dataset(workshop, data)
    wanted = RunRequest(goal=request.question, data=known or data, target=request.target, seed=request.seed)
    try:
        return dataset_of(workshop, model, wanted, run, imports.hear)
    except TargetNeeded:
        # a question about the data alone needs no target
        if known is not None:
            return known, None
        arguments = {"source": data, "seed": request.seed}
        result = use_tool(workshop, "import_dataset", arguments, call=f"{run}/import", emit=imports.hear)
        imported = str(result.model_dump()["dataset"])
        return imported, None


class _Imports:
    """Passes events on, and keeps the calls among them."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._started: dict[str, ToolStarted] = {}
        self._finished: list[ToolFinished] = []

    def hear(self, event: Event) -> None:
        if isinstance(event, ToolStarted):
            self._started[event.call] = event
        elif isinstance(event, ToolFinished) and event.result is not None:
            self._finished.append(event)
        self._emit(event)

    def receipts(self) -> list[Receipt]:
        return [
            Receipt(id=f"r{number}", tool=end.tool, arguments=self._started[end.call].arguments, result=end.result)
            for number, end in enumerate(self._finished, 1)
        ]
