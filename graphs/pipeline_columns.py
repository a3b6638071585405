"""Preprocessing decided: which columns are left out and which get another kind, each with its reason.

Everything is read from the profile of the training rows. What the user asked for goes before every rule.
"""

from collections.abc import Iterable, Iterator

from engine.data.cells import clip
from engine.errors import BadArguments, ColumnNotFound
from engine.kinds import Kind
from graphs.pipeline_types import ColumnDecision, PipelineRequest, Setup
from tools.data import ColumnProfile, DatasetProfile

NEARLY_EMPTY = 0.95
"""Share of missing cells from which on a column is left out."""
FEW_TEXTS = 30
FEW_TEXTS_SHARE = 0.05
"""A text column with no more different values than this, and than this share of the rows, is a category."""
MANY_VALUES = 20
MANY_VALUES_SHARE = 0.5
"""A category with more different values than both names rows instead of describing them."""


def leaks_of(profile: DatasetProfile) -> tuple[str, ...]:
    """The columns that the profile names as leaks, each once."""
    return tuple(dict.fromkeys(leak.column for leak in profile.leaks))


def kinds_of(profile: DatasetProfile, request: PipelineRequest) -> tuple[ColumnDecision, ...]:
    """Kinds that differ from what the import found: those asked for, and texts that are categories."""
    asked = tuple(
        ColumnDecision(column=name, action="change kind", kind=kind, why="asked for", asked=True)
        for name, kind in request.kinds.items()
    )
    if not request.clean or request.data.startswith("ds_"):
        return asked
    free = (column for column in profile.columns if column.name not in {*request.kinds, profile.target})
    return (*asked, *(found for column in free if (found := _corrected(column, profile.rows)) is not None))


def _corrected(column: ColumnProfile, rows: int) -> ColumnDecision | None:
    few = column.distinct <= min(FEW_TEXTS, FEW_TEXTS_SHARE * rows)
    if column.kind != "text" or not few or column.distinct < 2:
        return None
    why = f"a text with only {column.distinct} different values in {rows:,} rows is a category"
    return ColumnDecision(column=column.name, action="change kind", kind="category", why=why)


def kinds_in(decisions: Iterable[ColumnDecision]) -> dict[str, Kind]:
    """The kinds that these decisions ask for."""
    return {found.column: found.kind for found in decisions if found.kind is not None}


def columns_of(profile: DatasetProfile, request: PipelineRequest, setup: Setup) -> tuple[ColumnDecision, ...]:
    """Which columns are left out, and which stay although a rule speaks against them.

    Raises:
        ColumnNotFound: a column that is to be left out or kept is not there.
        BadArguments: the target is to be left out.
    """
    names = [column.name for column in profile.columns]
    for name in (*request.drop, *request.keep):
        if name not in names:
            raise ColumnNotFound(name, names)
    if profile.target in request.drop:
        raise BadArguments(f"Column {profile.target!r} is the target and cannot be left out.", "Name another column.")
    return tuple(_decided(profile, request, setup))


def _decided(profile: DatasetProfile, request: PipelineRequest, setup: Setup) -> Iterator[ColumnDecision]:
    leaks = set(leaks_of(profile)) if request.clean else set()
    for column in profile.columns:
        name = column.name
        if name == profile.target:
            continue
        rule = _rule(column, profile.rows, leaks) if request.clean else None
        if name in request.drop:
            yield ColumnDecision(column=name, action="leave out", why="asked for", asked=True)
        elif name in request.keep:
            yield _kept(column, rule)
        elif name in setup.left_out:
            yield ColumnDecision(column=name, action="leave out", why=setup.left_out[name])
        elif rule is not None and name in setup.restored:
            yield ColumnDecision(column=name, action="keep", why=f"taken in again, although {rule.why}")
        elif rule is not None:
            yield rule


def _kept(column: ColumnProfile, rule: ColumnDecision | None) -> ColumnDecision:
    against = f"; {rule.why}" if rule is not None else ""
    if column.kind == "identifier":
        against = "; identifiers are never learned from: give it another kind, and it will be"
    return ColumnDecision(column=column.name, action="keep", why=f"asked for{against}", asked=True)


def _rule(column: ColumnProfile, rows: int, leaks: set[str]) -> ColumnDecision | None:
    """Leave the column out, if it is better left out."""
    present = rows - column.missing
    out = ColumnDecision(column=column.name, action="leave out", why="it has no value in any row")
    if present == 0:
        return out
    if column.distinct <= 1 and not column.missing:
        return out.model_copy(update={"why": "it has the same value in every row"})
    if column.kind == "identifier":
        return out.model_copy(update={"why": "it names rows and says nothing about new ones"})
    if column.name in leaks:
        return out.model_copy(update={"why": "the profile names it as a leak: it gives the target away"})
    doubtful = out.model_copy(update={"may_help": True})
    if column.missing_share >= NEARLY_EMPTY:
        return doubtful.model_copy(update={"why": f"it is missing in {column.missing_share:.1%} of the rows"})
    many = column.distinct > MANY_VALUES and column.distinct > MANY_VALUES_SHARE * present
    if column.kind == "category" and many:
        why = f"it has {column.distinct:,} different values in {present:,} rows, so it names rows"
        return doubtful.model_copy(update={"why": why})
    return None


def left_out(decisions: Iterable[ColumnDecision]) -> tuple[str, ...]:
    """The columns that these decisions leave out."""
    return tuple(found.column for found in decisions if found.action == "leave out")


def in_words(decisions: Iterable[ColumnDecision], told: Iterable[ColumnDecision] = ()) -> str:
    """The decisions, a line each, without those that were told before."""
    known = {(found.column, found.action) for found in told}
    return "".join(
        f"  {clip(found.column)}: {found.action}{f' to {found.kind}' if found.kind else ''} ({found.why})\n"
        for found in decisions
        if (found.column, found.action) not in known
    )
