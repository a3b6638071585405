"""Which data a run works on, and which column its goal in words means."""

import re
from collections.abc import Sequence

from langchain_core.language_models import BaseChatModel
from pydantic import BaseModel, ConfigDict, Field

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
_VERBS = re.compile(r"\b(predict|forecast|estimate|classify|model|explain|guess|detect)\w*\b", re.IGNORECASE)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SHORTEST_STEM, _LONGEST_ENDING = 4, 3


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
        return known.id, request.target or known.target or find_target(model, request.goal, names, emit)
    target = request.target or _before_import(workshop, model, request, emit)
    arguments = {"source": request.data, "target": target, **request.model_dump(include=IMPORT_FIELDS)}
    summary = use_tool(workshop, "import_dataset", arguments, call=f"{run}/import", show="import_dataset", emit=emit)
    assert isinstance(summary, DatasetSummary)
    if summary.target is None:
        raise TargetNeeded(request.goal, [column.name for column in summary.columns])
    return summary.dataset, summary.target


def _before_import(workshop: Workshop, model: BaseChatModel, request: RunRequest, emit: Emit) -> str | None:
    """The target must be known before the import, because the sealed rows are drawn with a view to it."""
    if request.data.startswith("sample:"):
        return None  # a sample brings its own
    options = ReadOptions.model_validate(request.model_dump(include={"delimiter", "encoding", "sheet", "query"}))
    names = [str(name) for name in read_source(request.data, workshop.datasets.limits, options).frame.columns]
    return find_target(model, request.goal, names, emit)


def find_target(model: BaseChatModel, goal: str, columns: Sequence[str], emit: Emit) -> str:
    """The column that `goal` names; the model is asked when the words alone do not settle it.

    Raises:
        TargetNeeded: the model does not know either.
    """
    named = named_column(goal, columns)
    if named is not None:
        return named
    proposal = propose(model, WHICH_TARGET, {"goal": goal, "columns": list(columns)}, emit)
    if proposal.column is None:
        raise TargetNeeded(goal, columns)
    return proposal.column


def named_column(goal: str, columns: Sequence[str]) -> str | None:
    """The one column that the words name: 'which customers churn' names 'Churn', but so does no other column.

    Of several, the one right behind a verb such as 'predict' is meant: 'predict price from area' names 'price'.
    """
    found = {column: place for column in columns if (place := _place(goal, column)) is not None}
    if len(found) <= 1:
        return next(iter(found), None)
    verb = _VERBS.search(goal)
    if verb is None:
        return None
    start = len(_words(goal[: verb.end()]))
    close = [column for column, place in found.items() if 0 <= place - start <= 1]
    return close[0] if len(close) == 1 else None


def _place(goal: str, column: str) -> int | None:
    """Number of the word of `goal` where the column's name begins, or None."""
    said, name = _words(goal), _words(column)
    if not name:
        return None
    for place in range(len(said) - len(name) + 1):
        if all(_same(a, b) for a, b in zip(said[place:], name, strict=False)):
            return place
    return None


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def _same(said: str, name: str) -> bool:
    """Equal, or the name with an ending: 'churned' for 'churn', 'prices' for 'price'."""
    if said == name:
        return True
    stem = name.rstrip("e")
    return len(name) >= _SHORTEST_STEM and said.startswith(stem) and len(said) - len(name) <= _LONGEST_ENDING


def _check(proposal: TargetProposal, facts: Facts) -> str | None:
    columns = facts["columns"]
    names = [str(name) for name in columns] if isinstance(columns, list) else []
    if proposal.column is None or proposal.column in names:
        return None
    return f"column: {proposal.column!r} is not in the data. {did_you_mean(proposal.column, names)}".strip()


def _nothing(_: Facts) -> TargetProposal:
    return TargetProposal(column=None, why="No rule can tell.")


WHICH_TARGET = Question("propose_target", TargetProposal, _check, _nothing)
