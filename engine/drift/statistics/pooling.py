"""Bins that are full enough for a chi-squared test: rare categories and neighbouring values taken together.

What is taken together is decided by the sums of the two samples alone. Under no change, given the sums, how each
divides between the samples is pure chance, so that the choice cannot favour a difference. To choose by the reference's
own counts would: the categories that are rare in it are partly those that it drew too seldom, and any other sample has
more of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.drift.reference import Counts, Floats, Steps
from engine.drift.statistics.steps import weights
from engine.drift.statistics.unseen import well_named

LEAST_EXPECTED = 5
"""Rows to be expected in the smaller sample, in each bin."""
_LEAST_NAMED = 100
"""Rows of a category from which on its share is known well enough although rarer ones have no name."""
_MOST_OF_VALUES = 100


@dataclass(frozen=True)
class Bins:
    """Rows of the reference and of the current sample, by bin.

    `rare`: the last bin expects too few rows for chi-squared. All that is rare is in it, and were it joined to a
    frequent one, a rare value that became a frequent one would be out of sight.
    """

    reference: Counts
    current: Counts
    rare: bool = False


def category_bins(reference: Mapping[str, int], rest: int, current: Mapping[str, int]) -> Bins:
    """A bin for each frequent category; rare ones share bins with others about as frequent.

    `rest` rows of the reference are of categories that `reference` does not name, and nobody knows which. Current rows
    of unnamed categories are set against them as one, together with rare named ones: to have a name among many about
    as frequent, a category must have been drawn more often than it is.
    """
    named = well_named(reference, rest, _LEAST_NAMED)
    names = set(named) | set(current) if not rest else set(named)
    pairs = [(named.get(name, 0), current.get(name, 0), name) for name in names]
    if rest:
        ours = rest + sum(reference.values()) - sum(named.values())
        pairs.append((ours, sum(rows for name, rows in current.items() if name not in named), ""))
    # among equally frequent ones by name: any order that looks at one side only would favour a difference
    pairs.sort(key=lambda pair: (-pair[0] - pair[1], pair[2]))
    counts = np.array([pair[:2] for pair in pairs], dtype=np.int64).reshape(-1, 2)
    return _pooled(counts[:, 0], counts[:, 1], LEAST_EXPECTED)


def value_bins(reference: Steps, current: Steps) -> Bins:
    """A bin for each frequent value; neighbouring rare values share one. At most about 100 bins."""
    values = np.union1d(reference.values, current.values)
    ours, theirs = _rows_of(reference, values), _rows_of(current, values)
    least = max(LEAST_EXPECTED, min(reference.total, current.total) / _MOST_OF_VALUES)
    frequent = ours + theirs >= least * _rows_for_one(ours, theirs)
    order = np.concatenate([np.flatnonzero(frequent), np.flatnonzero(~frequent)])
    return _pooled(ours[order], theirs[order], least)


def _rows_of(steps: Steps, values: Floats) -> Counts:
    rows = np.zeros(len(values), dtype=np.int64)
    rows[np.searchsorted(values, steps.values)] = weights(steps)
    return rows


def _rows_for_one(reference: Counts, current: Counts) -> float:
    """How many rows of both samples go with one row of the smaller."""
    n, m = int(reference.sum()), int(current.sum())
    return (n + m) / min(n, m)


def _pooled(reference: Counts, current: Counts, least: float) -> Bins:
    """Runs of neighbours, frequent ones first, each as short as lets it expect `least` rows in the smaller sample."""
    total, for_one = reference + current, _rows_for_one(reference, current)
    starts = _runs(np.cumsum(total), least * for_one)
    rare = len(starts) > 1 and total[starts[-1] :].sum() < LEAST_EXPECTED * for_one
    if rare and starts[-1] - starts[-2] > 1:
        starts, rare = starts[:-1], False
    return Bins(np.add.reduceat(reference, starts), np.add.reduceat(current, starts), bool(rare))


def _runs(cumulative: Counts, least: float) -> list[int]:
    """Where each run begins; all but the last sum up to `least`."""
    starts, before = [0], 0
    while True:
        stop = int(np.searchsorted(cumulative, before + least, side="left")) + 1
        if stop >= len(cumulative):
            return starts
        starts.append(stop)
        before = int(cumulative[stop - 1])
