"""Which data a run works on, and which column its goal in words means."""

from collections.abc import Sequence

from langchain_core.language_models import BaseChatModel
from pydantic import BaseModel, ConfigDict, Field

from agents.offline.columns import find_column
from agents.offline.finding import names_something
from agents.offline.reading import read_slots
from engine.data.load import ReadOptions, read_source
from engine.errors import ColumnNotFound, TargetNeeded, did_you_mean
from graphs.calls import use_tool
from graphs.events import Emit
from graphs.proposals import Facts, Question, propose
from graphs.run_types import RunRequest
from tools.data import DatasetSummary
from tools.workshop import Workshop

IMPORT_FIELDS = {
    *("kinds", "split", "split_column", "test_fraction", "seed"),
    *("delimiter", "encoding", "sheet", "query"),
}


class TargetProposal(BaseModel):
    """Which column the goal asks to predict."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str | None = Field(description="The column's exact name; null when the goal does not say it.")
    why: str = Field(description="One sentence of reason.")


def dataset_of(workshop: Workshop, model: BaseChatModel, request: RunRequest, run: str, emit: Emit) -> tuple[str, str]:
    """Import the data and find the target: the ids of a dataset and a column in it.

    Raises:
        TargetNeeded: neither the request, the data nor the goal says what to predict.
        Fixable: the data cannot be read, or the target is not one of its columns.
    """
    if request.data.startswith("ds_"):
        known = workshop.datasets.get(request.data)
        names = known.schema_.names
        if request.target is not None and request.target not in names:
            raise ColumnNotFound(request.target, names)
        answers = [name for name in names if known.schema_.kind(name) != "image"]
        return known.id, request.target or find_target(model, request.goal, answers, emit, known.target)
    target = request.target or _before_import(workshop, model, request, emit)
    arguments = {"source": request.data, "target": target, **request.model_dump(include=IMPORT_FIELDS)}
    summary = use_tool(workshop, "import_dataset", arguments, call=f"{run}/import", show="import_dataset", emit=emit)
    assert isinstance(summary, DatasetSummary)
    if summary.target is None:
        raise TargetNeeded(request.goal, [column.name for column in summary.columns])
    return summary.dataset, summary.target


def _before_import(workshop: Workshop, model: BaseChatModel, request: RunRequest, emit: Emit) -> str | None:
    """The target must be known before the import, because the sealed rows are drawn with a view to it."""
    options = ReadOptions.model_validate(request.model_dump(include={"delimiter", "encoding", "sheet", "query"}))
    table = read_source(request.data, workshop.datasets.limits, options, request.kinds)
    names = [str(name) for name in table.frame.columns if table.kinds.get(str(name)) != "image"]
    return find_target(model, request.goal, names, emit, table.target)


def find_target(model: BaseChatModel, goal: str, columns: Sequence[str], emit: Emit, usual: str | None = None) -> str:
    """The column that `goal` names, or `usual` when it names nothing or there is no other ('classify the images').

    The model is asked when words do not settle it.

    Raises:
        TargetNeeded: the model does not know either.
    """
    said = read_slots(goal, frozenset(column.lower() for column in columns), goal=True)
    named = named_column(goal, columns)
    if named is not None:
        return named
    if usual is not None and (not names_something(said) or list(columns) == [usual]):
        return usual
    proposal = propose(model, WHICH_TARGET, {"goal": goal, "columns": list(columns)}, emit)
    if proposal.column is None:
        raise TargetNeeded(goal, columns)
    return proposal.column


def named_column(goal: str, columns: Sequence[str]) -> str | None:
    """The one column that the words name, e.g. 'Churn' in 'which customers churn'."""
    said = read_slots(goal, frozenset(column.lower() for column in columns), goal=True)
    meant = find_column(said.target, columns).column if said.target else None
    return meant or find_column(goal, columns).column


def _check(proposal: TargetProposal, facts: Facts) -> str | None:
    columns = facts["columns"]
    names = [str(name) for name in columns] if isinstance(columns, list) else []
    if proposal.column is None or proposal.column in names:
        return None
    return f"column: {proposal.column!r} is not in the data. {did_you_mean(proposal.column, names)}".strip()


def _nothing(_: Facts) -> TargetProposal:
    return TargetProposal(column=None, why="No rule can tell.")


WHICH_TARGET = Question("propose_target", TargetProposal, _check, _nothing)
