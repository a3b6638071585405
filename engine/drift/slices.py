"""Where a model errs most: rows with one value, or in one range, of one column."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.cells import clip
from engine.drift.categories import Spelling, spell, spell_booleans
from engine.drift.reading import Reading, read_values
from engine.drift.reference import ColumnReference, Floats, Steps
from engine.drift.statistics.steps import at_most
from engine.figures import figure

if TYPE_CHECKING:
    from engine.drift.profile import Profile

LEAST_ROWS = 30
MOST_VALUES = 50
"""Categories looked at in a column, the most frequent of the reference first."""
PIECES = 4
ALPHA = 0.05
ROUNDING = 1e-9
"""Means that differ by less than this share of them differ by the order in which they were added up."""


@dataclass(frozen=True)
class Slice:
    """`where` e.g. "Contract = 'Two year'" or 'tenure from 3 to 12'.

    Attributes:
        share, reference_share: of all rows now and in the reference; None where the reference cannot tell.
        error, error_elsewhere: mean error of the rows inside and outside.
        p_value: that the two differ by chance (Welch), corrected for all slices looked at (Benjamini-Hochberg).
    """

    where: str
    rows: int
    share: float
    reference_share: float | None
    error: float
    error_elsewhere: float
    p_value: float


@dataclass(frozen=True)
class _Candidate:
    where: str
    inside: NDArray[np.bool_]
    reference_share: float | None


def worst_slices(frame: pd.DataFrame, error: Floats, profile: "Profile", most: int = 5) -> tuple[Slice, ...]:
    """The slices that explain most of the error: significantly worse than the rest, by excess error times rows.

    Args:
        frame: raw or coerced rows (n), read as the profile declares; columns that it lacks are passed over.
        error: (n,) of each row, e.g. 0 or 1, or an absolute error.
    """
    found = [slice for candidate in _candidates(frame, profile) if (slice := _judged(candidate, error))]
    if not found:
        return ()
    from scipy.stats import false_discovery_control

    adjusted = false_discovery_control([slice.p_value for slice in found])
    worse = [
        replace(slice, p_value=float(p))
        for slice, p in zip(found, adjusted, strict=True)
        if p <= ALPHA and slice.error > slice.error_elsewhere
    ]
    return tuple(sorted(worse, key=lambda slice: -(slice.error - slice.error_elsewhere) * slice.rows)[:most])


def _candidates(frame: pd.DataFrame, profile: "Profile") -> Iterator[_Candidate]:
    for name in profile.of_role("feature"):
        if name not in frame.columns:
            continue
        column, reading = profile.columns[name], profile.readings[name]
        if column.counts is not None and column.kind in {"category", "boolean"}:
            yield from _by_value(frame[name], column, column.counts)
        elif column.kind in {"number", "integer"} and column.steps is not None and column.edges is not None:
            yield from _by_range(frame[name], reading, column, column.steps, column.edges)


def _by_value(cells: pd.Series, column: ColumnReference, counts: Mapping[str, int]) -> Iterator[_Candidate]:
    spelling = spell_booleans(cells)[0] if column.kind == "boolean" else spell(cells)
    for value in list(counts)[:MOST_VALUES]:
        where = f"{clip(column.name)} = {clip(value)!r}"
        yield _Candidate(where, _with_names(spelling, {value}), counts[value] / max(column.present, 1))
    if not column.rest:
        yield _Candidate(f"{clip(column.name)} is new", _with_names(spelling, set(spelling.names) - set(counts)), 0.0)


def _with_names(spelling: Spelling, names: Set[str]) -> NDArray[np.bool_]:
    """Rows (n,) whose cell is one of `names`; no missing cell."""
    return np.array([*(name in names for name in spelling.names), False])[spelling.codes]


def _by_range(
    cells: pd.Series, reading: Reading, column: ColumnReference, steps: Steps, edges: Floats
) -> Iterator[_Candidate]:
    if not len(edges):
        return
    values = read_values(cells, reading).values
    cuts = np.unique(edges[np.linspace(0, len(edges) - 1, PIECES + 1).round().astype(int)[1:-1]])
    below = np.array([0, *at_most(steps, cuts), steps.total]) / steps.total
    bounds = [-np.inf, *cuts.tolist(), np.inf]
    for (low, high), share in zip(pairwise(bounds), np.diff(below).tolist(), strict=True):
        yield _Candidate(_range(clip(column.name), low, high), (values > low) & (values <= high), share)


def _range(name: str, low: float, high: float) -> str:
    if low == -np.inf:
        return f"{name} up to {figure(high)}"
    return f"{name} over {figure(low)}" if high == np.inf else f"{name} over {figure(low)} up to {figure(high)}"


def _judged(candidate: _Candidate, error: Floats) -> Slice | None:
    """The slice with its p-value; None where it or the rest has too few rows."""
    inside, outside = error[candidate.inside], error[~candidate.inside]
    if min(len(inside), len(outside)) < LEAST_ROWS:
        return None
    return Slice(
        where=candidate.where,
        rows=len(inside),
        share=len(inside) / len(error),
        reference_share=candidate.reference_share,
        error=float(inside.mean()),
        error_elsewhere=float(outside.mean()),
        p_value=_welch(inside, outside),
    )


def _welch(one: Floats, other: Floats) -> float:
    """Two-sided p-value of Welch's t-test. SciPy's own warns of every slice in which all answers are equally wrong."""
    from scipy.special import stdtr

    if np.isclose(one.mean(), other.mean(), rtol=ROUNDING, atol=0):
        return 1.0
    variances = [float(values.var(ddof=1)) / len(values) for values in (one, other)]
    total, difference = sum(variances), abs(float(one.mean() - other.mean()))
    if total == 0:
        return 0.0
    parts = zip(variances, (one, other), strict=True)
    freedom = total**2 / sum(variance**2 / (len(values) - 1) for variance, values in parts)
    return float(2 * stdtr(freedom, -difference / total**0.5))
