"""The bins that both distributions of a column are counted in: for PSI, for Jensen-Shannon, and to be drawn."""

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from engine.data.cells import clip
from engine.drift.found import Overlay
from engine.drift.reference import Counts, Floats, Steps
from engine.drift.statistics.steps import at_most
from engine.drift.wording import day
from engine.figures import figure

_MOST_CATEGORIES = 20


@dataclass(frozen=True)
class NumberBins:
    """Rows of both sides in the bins x <= edges[0], edges[i - 1] < x <= edges[i], x > edges[-1]."""

    edges: Floats
    reference: Counts
    current: Counts


def number_bins(edges: Floats, reference: Steps, current: Steps) -> NumberBins:
    """Count both sides. A constant reference, which has no edge, gets a bin of its own value between two others."""
    if not len(edges):
        only = float(reference.values[0])
        # below the lowest double there is only minus infinity, which is no edge
        edges = np.array([max(math.nextafter(only, -math.inf), -sys.float_info.max), only])
    return NumberBins(edges, _counted(edges, reference), _counted(edges, current))


def _counted(edges: Floats, steps: Steps) -> Counts:
    return np.diff(at_most(steps, edges), prepend=0, append=steps.total)


def number_overlay(bins: NumberBins, dates: bool) -> Overlay:
    """Shares by bin; `dates` are seconds since 1970 in UTC and written as days."""
    names = [day(edge) if dates else figure(float(edge)) for edge in bins.edges]
    between = [f"{low} to {high}" if low != high else high for low, high in pairwise(names)]
    constant = len(names) == 2 and names[0] == names[1]
    return Overlay(
        labels=(f"< {names[0]}" if constant else f"<= {names[0]}", *between, f"> {names[-1]}"),
        reference=_shares(bins.reference),
        current=_shares(bins.current),
        edges=tuple(bins.edges.tolist()),
    )


def category_overlay(reference: Mapping[str, int], rest: int, current: Mapping[str, int]) -> Overlay:
    """Shares of the categories that are most frequent on either side; 'other' are all the rest."""
    n, m = sum(reference.values()) + rest, sum(current.values())
    weight = {name: max(reference.get(name, 0) / n, current.get(name, 0) / m) for name in {*reference, *current}}
    shown = sorted(weight, key=lambda name: (-weight[name], name))
    if len(shown) > _MOST_CATEGORIES or rest:
        shown = shown[: _MOST_CATEGORIES - 1]
    ours, theirs = ([side.get(name, 0) for name in shown] for side in (reference, current))
    others = [n - sum(ours), m - sum(theirs)]
    labels = [clip(name) for name in shown]
    if any(others):
        labels, ours, theirs = [*labels, "other"], [*ours, others[0]], [*theirs, others[1]]
    return Overlay(labels=tuple(labels), reference=_shares(np.array(ours)), current=_shares(np.array(theirs)))


def _shares(counts: Counts) -> tuple[float, ...]:
    return tuple((counts / max(int(counts.sum()), 1)).tolist())
