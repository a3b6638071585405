"""Which data a run works on, and which column its goal in words means."""

from collections.abc import Callable, Mapping, Sequence

import pandas as pd
from langchain_core.language_models import BaseChatModel
from pydantic import BaseModel, ConfigDict, Field

from agents.offline.columns import (
    EXAMPLES,
    Match,
    besides_examples,
    classifies_examples,
    find_column,
    named_exactly,
    usual_target,
)
from agents.offline.finding import bare, names_something
from agents.offline.reading import read_slots
from agents.offline.slots import Slots, unquoted
from engine.data.guess import guess
from engine.data.load import ReadOptions, read_source
from engine.errors import ColumnNotFound, TargetNeeded
from engine.naming import did_you_mean
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

KindOf = Callable[[str], str]
"""The kind of a column, by its name."""
_EXAMPLES = frozenset({"image", "text"})
"""Kinds that are learnt from and never predicted, but for a text that is called the target."""
_JUDGED_ROWS = 2_000


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
        kind_of = known.schema_.kind
        return known.id, request.target or find_target(model, request.goal, names, emit, known.target, kind_of)
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
    names = [str(name) for name in table.frame.columns]
    kind_of = _judged(table.frame, {**table.kinds, **request.kinds})
    return find_target(model, request.goal, names, emit, table.target, kind_of)


def _judged(frame: pd.DataFrame, told: Mapping[str, str]) -> KindOf:
    """Kinds before the import, from the first rows, of those columns that are asked about."""
    return lambda name: told.get(name) or guess(frame[name].head(_JUDGED_ROWS)).kind


def _any_kind(_: str) -> str:
    return ""


def find_target(
    model: BaseChatModel,
    goal: str,
    columns: Sequence[str],
    emit: Emit,
    usual: str | None = None,
    kind_of: KindOf = _any_kind,
) -> str:
    """The column that `goal` names, or `usual` when it names nothing or there is no other ('classify the images').

    A column that the goal leaves out is none that it asks for. The model is asked when words do not settle it.

    Raises:
        TargetNeeded: the model does not know either.
    """
    columns = _not_left_out(goal, columns)
    named, left = _named_answer(goal, columns, kind_of)
    if named is not None:
        return named
    examples = len(left) < len(columns) or classifies_examples(goal)
    nothing = not names_something(_said(goal, columns), " ".join(EXAMPLES) if examples else "")
    if usual is not None and (nothing or left == [usual]):
        return usual
    only = usual_target(left) if examples and nothing else None
    if only is not None:
        return only
    proposal = propose(model, WHICH_TARGET, {"goal": goal, "columns": left}, emit)
    if proposal.column is None:
        raise TargetNeeded(goal, columns)
    return proposal.column


def _named_answer(goal: str, columns: Sequence[str], kind_of: KindOf) -> tuple[str | None, list[str]]:
    """The column that the words name and that can be an answer, and all columns that can.

    'classify the messages' names the column of the messages, and asks for another.
    """
    left = besides_examples(goal, columns)
    while True:
        match = _meant(goal, left)
        examples = [name for name in match.near if kind_of(name) in _EXAMPLES]
        if not examples or len(examples) == len(left) or _said(goal, left).target_form == "named":
            return match.column, left
        left = [name for name in left if name not in examples]


def named_column(goal: str, columns: Sequence[str]) -> str | None:
    """The one column that the words name, e.g. 'Churn' in 'which customers churn'."""
    return _meant(goal, _not_left_out(goal, columns)).column


def _not_left_out(goal: str, columns: Sequence[str]) -> Sequence[str]:
    gone = {named_exactly(words, columns) for words in _said(goal, columns).drop}
    return [column for column in columns if column not in gone] or columns


def _meant(goal: str, columns: Sequence[str]) -> Match:
    said = _said(goal, columns)
    meant = find_column(said.target, columns) if said.target else Match(None)
    # what is left out is said of other columns than the one to predict
    words = bare(unquoted(said.rest, said)) if said.drop else goal
    return meant if meant.column else find_column(words, columns)


def _said(goal: str, columns: Sequence[str]) -> Slots:
    return read_slots(goal, frozenset(column.lower() for column in columns), goal=True)


def _check(proposal: TargetProposal, facts: Facts) -> str | None:
    columns = facts["columns"]
    names = [str(name) for name in columns] if isinstance(columns, list) else []
    if proposal.column is None or proposal.column in names:
        return None
    return f"column: {proposal.column!r} is not in the data. {did_you_mean(proposal.column, names)}".strip()


def _nothing(_: Facts) -> TargetProposal:
    return TargetProposal(column=None, why="No rule can tell.")


WHICH_TARGET = Question("propose_target", TargetProposal, _check, _nothing)
