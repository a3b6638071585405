"""Date steps of feature plans as graphs: the calendar by whole-number arithmetic, so that it is exact.

Years and months follow Hinnant's `civil_from_days` (2013): days are counted from 1 March of the year 0, so that leap
days fall on the end of a year.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from engine.features_steps import DateStep
from engine.optimise.graph import Graph
from engine.serving.runtime_spec import NO_MOMENT

DAY = 86_400_000_000
"""Microseconds."""
HOUR = DAY // 24
CYCLES = {"month": (12.0, range(1, 13)), "weekday": (7.0, range(7)), "hour": (24.0, range(24))}
"""Length of the circle, and the values there are."""
_FARTHEST = 3.0
_MARCH = 719_468
"""Days from 1 March of the year 0 to 1970."""
_FOUR_CENTURIES = 146_097
_THURSDAY = 3
"""The first day of 1970, counted from Monday."""

Part: TypeAlias = tuple[int, str]
"""A step by its place, and what of its dates."""


@dataclass(frozen=True)
class Dates:
    """Graph names over the date columns of a plan's steps: microseconds int64, and whether there is a date."""

    moments: str
    there: str
    steps: tuple[DateStep, ...]


def dates_of(graph: Graph, raw: str, known: Sequence[str], steps: Sequence[DateStep]) -> Dates:
    """The columns of `steps` of `raw`, int64 (rows, `known` columns) with NO_MOMENT for missing."""
    place = {name: index for index, name in enumerate(known)}
    cells = graph.pick(raw, [place[step.column] for step in steps], len(known))
    there = graph.add("Not", graph.add("Equal", cells, graph.whole(NO_MOMENT)))
    return Dates(graph.add("Where", there, cells, graph.whole(0)), there, tuple(steps))


def circles(graph: Graph, dates: Dates, parts: Sequence[Part]) -> str:
    """float32 (rows, 2 * parts): sine and cosine of months, weekdays and hours; both 0 where the date is missing.

    They are looked up, since sines of two libraries may differ in the last place.
    """
    starts: dict[str, int] = {}
    rows = [np.zeros(2)]
    for name, (length, values) in CYCLES.items():
        starts[name] = len(rows) - values.start
        angles = 2 * np.pi * np.asarray(values, dtype=np.float64) / length
        rows += list(np.stack([np.sin(angles), np.cos(angles)], axis=1))
    moved = graph.add("Add", _whole_parts(graph, dates, parts), graph.whole([starts[part] for _, part in parts]))
    places = graph.add("Where", _there(graph, dates, parts), moved, graph.whole(0))
    found = graph.add("Gather", graph.constant(np.stack(rows).astype(np.float32)), places)
    return graph.add("Reshape", found, graph.whole([0, 2 * len(parts)]))


def values(graph: Graph, dates: Dates, parts: Sequence[Part]) -> str:
    """float32 (rows, parts), NaN where the date is missing, for tree plans."""
    return graph.to_float32(_numbers(graph, dates, parts))


def scaled(graph: Graph, dates: Dates, parts: Sequence[Part]) -> str:
    """float32 (rows, parts), within three deviations, 0 where the date is missing."""
    centres = [dates.steps[step].centres[dates.steps[step].parts.index(part)] for step, part in parts]
    scales = [dates.steps[step].scales[dates.steps[step].parts.index(part)] for step, part in parts]
    moved = graph.add("Sub", _numbers(graph, dates, parts), graph.doubles(centres))
    far = graph.add("Div", moved, graph.doubles(scales))
    near = graph.add("Clip", far, graph.doubles([-_FARTHEST]), graph.doubles([_FARTHEST]))
    return graph.to_float32(graph.add("Where", _there(graph, dates, parts), near, graph.doubles([0.0])))


def _numbers(graph: Graph, dates: Dates, parts: Sequence[Part]) -> str:
    """float64 (rows, parts), NaN where the date is missing."""
    whole = [part for part in parts if part[1] != "days"]
    days = [part for part in parts if part[1] == "days"]
    tensors = [graph.to_float64(_whole_parts(graph, dates, whole))] if whole else []
    tensors += [_days(graph, dates, days)] if days else []
    order = [*whole, *days]
    found = graph.pick(graph.side_by_side(tensors), [order.index(part) for part in parts], len(parts))
    return graph.add("Where", _there(graph, dates, parts), found, graph.doubles([np.nan]))


def _there(graph: Graph, dates: Dates, parts: Sequence[Part]) -> str:
    return graph.pick(dates.there, [step for step, _ in parts], len(dates.steps))


def _days(graph: Graph, dates: Dates, parts: Sequence[Part]) -> str:
    """Days since each step's first training row, with their fractions."""
    firsts = [int(np.datetime64(dates.steps[step].first, "us").astype(np.int64)) for step, _ in parts]
    cells = graph.pick(dates.moments, [step for step, _ in parts], len(dates.steps))
    return graph.add("Div", graph.to_float64(graph.add("Sub", cells, graph.whole(firsts))), graph.doubles([DAY]))


def _whole_parts(graph: Graph, dates: Dates, parts: Sequence[Part]) -> str:
    """int64 (rows, parts); each calendar part is computed for all columns at once."""
    names = list(dict.fromkeys(part for _, part in parts))
    many = len(dates.steps)
    every = graph.side_by_side([_calendar(graph, dates.moments, name) for name in names])
    return graph.pick(every, [names.index(part) * many + step for step, part in parts], many * len(names))


def _calendar(graph: Graph, moments: str, part: str) -> str:
    since = graph.add("Mod", moments, graph.whole(DAY))
    if part == "hour":
        return _over(graph, since, HOUR)
    day = _over(graph, graph.add("Sub", moments, since), DAY)
    if part == "weekday":
        return graph.add("Mod", _plus(graph, day, _THURSDAY), graph.whole(7))
    march = _plus(graph, day, _MARCH)
    within = graph.add("Mod", march, graph.whole(_FOUR_CENTURIES))
    year = _year(graph, within)
    month = _month(graph, within, year)
    if part == "month":
        return _plus(graph, graph.add("Mod", _plus(graph, month, 2), graph.whole(12)), 1)
    era = _over(graph, graph.add("Sub", march, within), _FOUR_CENTURIES)
    late = graph.add("Add", year, _over(graph, month, 10))
    return graph.add("Add", late, _times(graph, era, 400))


def _year(graph: Graph, within: str) -> str:
    """Year from March to February, of the four centuries, by day of them."""
    fours, centuries = _over(graph, within, 1460), _over(graph, within, 36_524)
    less = graph.add("Sub", graph.add("Add", graph.add("Sub", within, fours), centuries), _over(graph, within, 146_096))
    return _over(graph, less, 365)


def _month(graph: Graph, within: str, year: str) -> str:
    """Months since March (0 .. 11)."""
    leap = graph.add("Sub", _over(graph, year, 4), _over(graph, year, 100))
    day = graph.add("Sub", within, graph.add("Add", _times(graph, year, 365), leap))
    return _over(graph, _plus(graph, _times(graph, day, 5), 2), 153)


def _plus(graph: Graph, tensor: str, number: int) -> str:
    return graph.add("Add", tensor, graph.whole(number))


def _times(graph: Graph, tensor: str, number: int) -> str:
    return graph.add("Mul", tensor, graph.whole(number))


def _over(graph: Graph, tensor: str, number: int) -> str:
    """Whole-number division of what is never below zero, or is a multiple."""
    return graph.add("Div", tensor, graph.whole(number))
