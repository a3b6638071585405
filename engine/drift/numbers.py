"""Numbers and dates of a column: reading their cells, and keeping them as an empirical distribution."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.data.cells import decimal_points, is_number_dtype, parse
from engine.drift.reference import Counts, Floats, Steps, Test
from engine.drift.statistics.steps import from_sorted, weights

BINS = 10
"""Bins between the quantiles of the reference."""

MOST_CATEGORIES = 30
"""Numbers with so few distinct values are compared as categories: KS is conservative under ties."""

LARGEST_TIE = 0.5
"""Share of one value above which numbers are compared as categories."""


@dataclass(frozen=True)
class NumberCells:
    """The cells of one column in their order.

    Attributes:
        values: (n,) NaN where there is no finite value.
        infinite: cells that hold an infinity.
        unreadable: cells that hold something that is no number (or date).
    """

    values: Floats
    infinite: int = 0
    unreadable: int = 0


def read_numbers(cells: pd.Series, *, decimal_comma: bool = False) -> NumberCells:
    """Cells as numbers, by the grammar of `engine.data.cells`; `decimal_comma` reads 1.234,5."""
    if is_number_dtype(cells):
        return _without_infinite(cells.to_numpy(dtype=np.float64, na_value=np.nan))
    found = parse(decimal_points(cells) if decimal_comma else cells, "number")
    return NumberCells(found.values.to_numpy(dtype=np.float64), found.infinite, found.lost)


def read_dates(cells: pd.Series, date_format: str | None = None) -> NumberCells:
    """Cells as seconds since 1970 in UTC; times without a zone are taken as UTC."""
    if isinstance(cells.dtype, pd.ArrowDtype):
        cells = cells.astype(object)
    if not pd.api.types.is_datetime64_any_dtype(cells.dtype):
        found = parse(cells, "datetime", date_format)
        return NumberCells(_seconds(found.values), unreadable=found.lost)
    return NumberCells(_seconds(cells.dt.tz_convert("UTC").dt.tz_localize(None) if _has_zone(cells) else cells))


def ordered(values: Floats) -> Floats:
    """The values that are not NaN, sorted, with 0.0 for -0.0."""
    present = values[~np.isnan(values)]
    present.sort()
    present += 0.0  # -0.0 + 0.0 is 0.0: which of the two stands for both must not depend on the order of the rows
    return present


def weighted_steps(values: Floats, counts: Counts, error: float = 0.0) -> Steps:
    """The distribution of values (m,) in any order, ties allowed, each taken `counts` (m,) times."""
    order = np.argsort(values, kind="stable")
    values, cumulative = values[order], np.cumsum(counts[order])
    last = np.append(np.flatnonzero(values[1:] != values[:-1]), len(values) - 1)
    return Steps(values[last], cumulative[last], error)


def merged_steps(first: Steps, second: Steps) -> Steps:
    """The distribution of the values of both, exactly, where both are exact."""
    values = np.concatenate((first.values, second.values))
    if first.cumulative is None and second.cumulative is None:
        return from_sorted(np.sort(values, kind="stable"))  # by far the quickest for two sorted runs
    return weighted_steps(values, np.concatenate((weights(first), weights(second))))


def edges_of(steps: Steps) -> Floats:
    """(b - 1,) interior edges of up to `BINS` bins of about equal numbers of values, for any new value x.

    x falls into bin `searchsorted(edges, x, side="left")`: bin 0 is x <= edges[0], bin i is edges[i - 1] < x <=
    edges[i], the last is x > edges[-1]. The edges are the deciles (the smallest value v with F(v) >= j / 10), equal
    ones once. Every bin holds values of the reference: an edge at its maximum gives way to the next lower value. A
    constant has no edge.
    """
    if len(steps.values) < 2:
        return np.empty(0)
    ranks = -(-steps.total * np.arange(1, BINS) // BINS)
    places = ranks - 1 if steps.cumulative is None else np.searchsorted(steps.cumulative, ranks)
    edges: Floats = steps.values[np.unique(np.minimum(places, len(steps.values) - 2))]
    return edges


def suited_test(steps: Steps) -> Test:
    """'ks' for numbers of many values, 'chi2' for few values or where one is more than half of all.

    A constant keeps 'ks': it has no categories to count by.
    """
    distinct = len(steps.values)
    if distinct <= 1:
        return "ks"
    largest = 1 if steps.cumulative is None else int(weights(steps).max())
    return "chi2" if distinct <= MOST_CATEGORIES or largest > LARGEST_TIE * steps.total else "ks"


def _without_infinite(values: Floats) -> NumberCells:
    endless = np.isinf(values)
    infinite = int(endless.sum())
    return NumberCells(np.where(endless, np.nan, values) if infinite else values, infinite)


def _has_zone(cells: pd.Series) -> bool:
    return isinstance(cells.dtype, pd.DatetimeTZDtype)


def _seconds(times: pd.Series) -> Floats:
    stamps = times.to_numpy()
    seconds: Floats = (stamps - np.datetime64("1970-01-01")) / np.timedelta64(1, "s")
    return seconds
