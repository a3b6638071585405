"""Category steps of feature plans as graphs: each cell is looked up once, whatever number of members reads it.

Columns with few texts share one dictionary. A text's number and its column give a place in a table, and each plan has
tables of its own from places to codes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.features_steps import CategoryStep
from engine.optimise.graph import ML, Graph
from engine.serving.runtime_spec import MISSING

TABLE = 1 << 14
"""Entries (columns times texts) that columns which share a dictionary may have in a table."""


@dataclass(frozen=True)
class Dictionary:
    """Columns that are looked up together, and the texts, of which MISSING is the first; others count as one more."""

    columns: tuple[str, ...]
    texts: tuple[str, ...]

    @property
    def entries(self) -> int:
        """Of one column in a table."""
        return len(self.texts) + 1


@dataclass(frozen=True)
class Categories:
    """All category columns of a package, dictionary by dictionary. `raw` is the input: strings (rows, columns)."""

    raw: str
    dictionaries: tuple[Dictionary, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(name for book in self.dictionaries for name in book.columns)


@dataclass(frozen=True)
class Level:
    """What a step makes of a cell: `known` by text, for a missing one, and for any other."""

    known: Mapping[str, float]
    missing: float
    other: float


def dictionaries(steps: Sequence[CategoryStep]) -> tuple[Dictionary, ...]:
    """Enough for all `steps`, which may be several a column; columns with few texts first."""
    texts: dict[str, dict[str, None]] = {}
    for step in steps:
        texts.setdefault(step.column, {}).update(dict.fromkeys((*step.levels, *(step.frequency or ()))))
    books: list[Dictionary] = []
    columns: list[str] = []
    shared: dict[str, None] = {}
    for name in sorted(texts, key=lambda column: len(texts[column])):
        together = shared | texts[name]
        if columns and (len(columns) + 1) * len(together) > TABLE:
            books.append(Dictionary(tuple(columns), (MISSING, *shared)))
            columns, together = [], texts[name]
        columns.append(name)
        shared = together
    return (*books, Dictionary(tuple(columns), (MISSING, *shared))) if columns else ()


def one_hot(graph: Graph, known: Categories, steps: Sequence[CategoryStep]) -> str:
    """float32 (rows, 0/1 features of all `steps` in their order) for linear plans; at least one feature."""
    codes = _look_up(graph, known, steps, _linear, np.int32)
    source = [index for index, step in enumerate(steps) for _ in range(_bins(step))]
    wanted = [place for step in steps for place in range(_bins(step))]
    cells = graph.pick(codes, source, len(steps))
    return graph.to_float32(graph.add("Equal", cells, graph.constant(np.asarray([wanted], dtype=np.int32))))


def tree_codes(graph: Graph, known: Categories, steps: Sequence[CategoryStep]) -> str:
    """float32 (rows, steps): the level's number, NaN for missing."""
    return _look_up(graph, known, steps, _tree, np.float32)


def network_codes(graph: Graph, known: Categories, steps: Sequence[CategoryStep]) -> str:
    """int64 (rows, steps): 0 missing, 1 rare or unseen, from 2 on the levels."""
    return _look_up(graph, known, steps, _network, np.int64)


def frequencies(graph: Graph, known: Categories, steps: Sequence[CategoryStep]) -> str:
    """float32 (rows, steps) of steps that have a frequency."""
    return _look_up(graph, known, steps, _often, np.float32)


def width_of(step: CategoryStep) -> int:
    """Features of a step without its frequency."""
    return _bins(step) if step.flavour == "linear" else 1


def _bins(step: CategoryStep) -> int:
    return len(step.levels) + step.rare + step.missing_flag


def _places(graph: Graph, known: Categories) -> str:
    """int64 (rows, columns): where each cell lies in a table."""
    parts: list[str] = []
    start = first = 0
    for book in known.dictionaries:
        columns = range(start, start + len(book.columns))
        cells = graph.pick(known.raw, columns, len(known.columns))
        numbers = graph.add(
            "LabelEncoder", cells, domain=ML, keys_strings=list(book.texts),
            values_int64s=list(range(len(book.texts))), default_int64=len(book.texts),
        )  # fmt: skip
        offsets = [first + book.entries * index for index in range(len(book.columns))]
        parts.append(graph.add("Add", numbers, graph.whole(offsets)) if any(offsets) else numbers)
        start, first = columns.stop, first + book.entries * len(book.columns)
    return graph.side_by_side(parts)


def _look_up(
    graph: Graph,
    known: Categories,
    steps: Sequence[CategoryStep],
    level: Callable[[CategoryStep], Level],
    kind: type[np.int32] | type[np.int64] | type[np.float32],
) -> str:
    """What `level` says of each step's cells, (rows, steps), by a table over the columns of all steps."""
    levels = {step.column: level(step) for step in steps}
    parts: list[NDArray[np.float64]] = []
    for book in known.dictionaries:
        for name in book.columns:
            found = levels.get(name)
            row = np.zeros(book.entries) if found is None else _row(found, book)
            parts.append(row)
    place = {name: index for index, name in enumerate(known.columns)}
    chosen = graph.pick(_places(graph, known), [place[step.column] for step in steps], len(known.columns))
    return graph.add("Gather", graph.constant(np.concatenate(parts).astype(kind)), chosen)


def _row(level: Level, book: Dictionary) -> NDArray[np.float64]:
    others = [level.known.get(text, level.other) for text in book.texts[1:]]
    return np.asarray([level.missing, *others, level.other], dtype=np.float64)


def _linear(step: CategoryStep) -> Level:
    rare = len(step.levels) if step.rare else -1
    missing = len(step.levels) + step.rare if step.missing_flag else -1
    return Level({text: place for place, text in enumerate(step.levels)}, missing, rare)


def _tree(step: CategoryStep) -> Level:
    return Level({text: place for place, text in enumerate(step.levels)}, np.nan, len(step.levels))


def _network(step: CategoryStep) -> Level:
    return Level({text: place + 2 for place, text in enumerate(step.levels)}, 0, 1)


def _often(step: CategoryStep) -> Level:
    shares = step.frequency or {}
    top = max(shares.values(), default=1.0)
    return Level({text: share / top for text, share in shares.items()}, 0.0, 0.0)
