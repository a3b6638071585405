"""One column of the reference: from its cells, and from two parts of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from engine.drift import sketch
from engine.drift.categories import Ranking, merge_rankings, rank
from engine.drift.found import ColumnKind, Role
from engine.drift.numbers import edges_of, merged_steps, suited_test
from engine.drift.reading import VECTORS, Reading, of_vectors, read_column, read_vectors
from engine.drift.reference import ColumnReference, CurrentColumn, Floats, Steps, Test
from engine.drift.sketch import Compact
from engine.drift.statistics.steps import from_sorted
from engine.drift.vectors import SAMPLE, Vectors, lowest

Form = Literal["exact", "sketch"]

_TESTS: Mapping[ColumnKind, Test] = {
    "category": "chi2",
    "boolean": "chi2",
    "datetime": "rates",
    "identifier": "rates",
    "text": "domain_classifier",
    "image": "domain_classifier",
    "embedding": "mmd",
}
"""By kind; that of numbers depends on how many values there are (`suited_test`)."""


@dataclass(frozen=True)
class Part:
    """A column of the reference with what it takes to merge it.

    Attributes:
        sketch: the serialised sketch that `column.steps` are taken from, if they are.
        keys: (s,) random keys of the rows of `column.sample`, ascending.
    """

    column: ColumnReference
    sketch: bytes | None = None
    keys: Floats | None = None


def fit_column(name: str, cells: pd.Series, reading: Reading, role: Role, form: Form, keys: Floats) -> Part:
    """What is kept of a column; `keys` (n,) are random, one a row."""
    if reading.kind in VECTORS:
        found = read_vectors(cells, reading, keys)
        head = _head(name, reading.kind, role, of_vectors(found, len(cells)))
        return _completed(head, sample=found.vectors, keys=keys[found.places])
    current = read_column(cells, reading)
    return _completed(
        _head(name, reading.kind, role, current),
        None if current.values is None else _in_form(from_sorted(current.values), form),
        None if current.counts is None else rank(current.counts),
    )


def merge_columns(first: Part, second: Part, form: Form) -> Part:
    """What is kept of the rows of both; the tests are chosen and the bins cut anew."""
    one, other = first.column, second.column
    head = replace(
        one,
        rows=one.rows + other.rows,
        missing=one.missing + other.missing,
        infinite=one.infinite + other.infinite,
    )
    sample, keys = _merged_samples(first, second)
    return _completed(head, _merged_steps(first, second, form), _merged_rankings(one, other), sample, keys)


def sketches_of(parts: Mapping[str, Part]) -> dict[str, bytes]:
    """Of the columns that have one."""
    return {name: part.sketch for name, part in parts.items() if part.sketch is not None}


def keys_of(parts: Mapping[str, Part]) -> dict[str, Floats]:
    """Of the columns that have some."""
    return {name: part.keys for name, part in parts.items() if part.keys is not None}


def _head(name: str, kind: ColumnKind, role: Role, current: CurrentColumn) -> ColumnReference:
    return ColumnReference(name, kind, role, current.rows, current.missing, current.infinite, test="none")


def _completed(
    head: ColumnReference,
    numbers: Compact | None = None,
    ranking: Ranking | None = None,
    sample: Vectors | None = None,
    keys: Floats | None = None,
) -> Part:
    steps = None if numbers is None else numbers.steps
    column = replace(
        head,
        test=suited_test(steps) if steps is not None and head.kind != "datetime" else _TESTS[head.kind],
        steps=steps,
        edges=None if steps is None else edges_of(steps),
        counts=None if ranking is None else ranking.counts,
        rest=0 if ranking is None else ranking.rest,
        once=0 if ranking is None else ranking.once,
        sample=sample,
    )
    return Part(column, None if numbers is None else numbers.sketch, keys)


def _in_form(steps: Steps, form: Form) -> Compact:
    return sketch.compact(steps) if form == "sketch" else Compact(steps)


def _merged_steps(first: Part, second: Part, form: Form) -> Compact | None:
    one, other = first.column.steps, second.column.steps
    if one is None or other is None:
        return None
    if form == "exact":
        return Compact(merged_steps(one, other))
    return sketch.merge(Compact(one, first.sketch), Compact(other, second.sketch))


def _merged_rankings(one: ColumnReference, other: ColumnReference) -> Ranking | None:
    if one.counts is None or other.counts is None:
        return None
    return merge_rankings(Ranking(one.counts, one.rest, one.once), Ranking(other.counts, other.rest, other.once))


def _merged_samples(first: Part, second: Part) -> tuple[Vectors | None, Floats | None]:
    if first.column.sample is None or second.column.sample is None or first.keys is None or second.keys is None:
        return None, None
    keys = np.concatenate((first.keys, second.keys))
    kept = lowest(keys, SAMPLE)
    return np.concatenate((first.column.sample, second.column.sample))[kept], keys[kept]
