"""Where a model errs most: rows with one value, or in one range, of one column."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.cells import clip
from engine.drift.reference import ColumnReference, Floats
from engine.figures import figure

if TYPE_CHECKING:
    from engine.drift.profile import Profile

LEAST_ROWS = 30
MOST_VALUES = 50
"""Categories looked at in a column, the most frequent of the reference first."""
PIECES = 4
ALPHA = 0.05


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
        frame: (n) rows in the kinds of the profile; columns that it lacks are passed over.
        error: (n,) of each row, e.g. 0 or 1, or an absolute error.
    """
    found = [slice for candidate in _candidates(frame, profile.columns) if (slice := _judged(candidate, error))]
    if not found:
        return ()
    from scipy.stats import false_discovery_control

    adjusted = false_discovery_control([slice.p_value for slice in found])
    worse = [
        Slice(**{**slice.__dict__, "p_value": float(p)})
        for slice, p in zip(found, adjusted, strict=True)
        if p <= ALPHA and slice.error > slice.error_elsewhere
    ]
    return tuple(sorted(worse, key=lambda slice: -(slice.error - slice.error_elsewhere) * slice.rows)[:most])


def _candidates(frame: pd.DataFrame, columns: Mapping[str, ColumnReference]) -> Iterator[_Candidate]:
    for name, column in columns.items():
        if column.role != "feature" or name not in frame.columns:
            continue
        if column.counts is not None and column.kind in {"category", "boolean"}:
            yield from _by_value(frame[name], column)
        elif column.kind in {"number", "integer"} and column.edges is not None and len(column.edges):
            yield from _by_range(frame[name], column)


def _by_value(cells: pd.Series, column: ColumnReference) -> Iterator[_Candidate]:
    assert column.counts is not None
    text = cells.astype(str)
    for value in list(column.counts)[:MOST_VALUES]:
        share = column.counts[value] / max(column.present, 1)
        yield _Candidate(f"{clip(column.name)} = {clip(value)!r}", (text == value).to_numpy(dtype=np.bool_), share)
    unseen = cells.notna() & ~text.isin(list(column.counts))
    if not column.rest:
        yield _Candidate(f"{clip(column.name)} is new", unseen.to_numpy(dtype=np.bool_), 0.0)


def _by_range(cells: pd.Series, column: ColumnReference) -> Iterator[_Candidate]:
    values = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    assert column.edges is not None
    cuts = np.unique(column.edges[np.linspace(0, len(column.edges) - 1, PIECES + 1).round().astype(int)[1:-1]])
    bounds = [-np.inf, *cuts.tolist(), np.inf]
    for low, high in pairwise(bounds):
        inside = (values > low) & (values <= high)
        yield _Candidate(_range(clip(column.name), low, high), inside, None)


def _range(name: str, low: float, high: float) -> str:
    if low == -np.inf:
        return f"{name} up to {figure(high)}"
    return f"{name} over {figure(low)}" if high == np.inf else f"{name} over {figure(low)} up to {figure(high)}"


def _judged(candidate: _Candidate, error: Floats) -> Slice | None:
    """The slice with its p-value; None where it or the rest has too few rows."""
    from scipy.stats import ttest_ind

    inside, outside = error[candidate.inside], error[~candidate.inside]
    if min(len(inside), len(outside)) < LEAST_ROWS:
        return None
    if np.ptp(inside) == 0 and np.ptp(outside) == 0:
        p = 0.0 if inside[0] != outside[0] else 1.0
    else:
        p = float(ttest_ind(inside, outside, equal_var=False).pvalue)
    return Slice(
        where=candidate.where,
        rows=len(inside),
        share=len(inside) / len(error),
        reference_share=candidate.reference_share,
        error=float(inside.mean()),
        error_elsewhere=float(outside.mean()),
        p_value=p,
    )
