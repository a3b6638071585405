"""Number and pixel steps of feature plans as graphs: float64 as in Python, all columns of a plan at once."""

from collections.abc import Iterable, Sequence

import numpy as np

from engine.features_pixels import PixelStep
from engine.features_steps import BENT_LIMIT, LARGEST, NumberStep
from engine.optimise.graph import Graph

_MOST = float(np.finfo(np.float64).max)


def number_features(graph: Graph, raw: str, known: Sequence[str], steps: Sequence[NumberStep]) -> str:
    """float32 (rows, features of all `steps` in their order) of `raw`, float64 (rows, `known` columns)."""
    cells = _columns(graph, raw, known, [step.column for step in steps])
    flavour = steps[0].flavour
    if flavour == "tree":
        clean = graph.add("Where", _usable(graph, cells), _clipped(graph, cells), graph.doubles([np.nan]))
        return graph.to_float32(clean)
    return _bent(graph, cells, steps) if flavour == "network" else _held(graph, cells, steps)


def pixels(graph: Graph, raw: str, known: Sequence[str], step: PixelStep) -> str:
    """float32 (rows, 1, height, width)."""
    cells = _columns(graph, raw, known, step.columns)
    filled = graph.add("Where", _usable(graph, cells), _clipped(graph, cells), graph.doubles([step.low]))
    scaled = graph.add("Sub", filled, graph.doubles([step.centre]))
    values = graph.to_float32(graph.add("Div", scaled, graph.doubles([step.scale])))
    flat = [name for row in step.places for name in row]
    width = len(step.columns)
    if width < len(flat):
        lowest = np.asarray((step.low - step.centre) / step.scale, dtype=np.float32)
        values = graph.add("Pad", values, graph.whole([0, 1]), graph.constant(lowest), graph.whole([1]))
        place = {name: index for index, name in enumerate(step.columns)} | {"": width}
        values = graph.pick(values, [place[name] for name in flat], width + 1)
    return graph.add("Reshape", values, graph.whole([0, 1, len(step.places), len(step.places[0])]))


def _columns(graph: Graph, raw: str, known: Sequence[str], wanted: Sequence[str]) -> str:
    place = {name: index for index, name in enumerate(known)}
    return graph.pick(raw, [place[name] for name in wanted], len(known))


def _usable(graph: Graph, cells: str) -> str:
    """Whether each cell is neither NaN nor infinite: both are greater than, or unordered with, the largest number."""
    return graph.add("LessOrEqual", graph.add("Abs", cells), graph.doubles([_MOST]))


def _clipped(graph: Graph, cells: str) -> str:
    return graph.add("Clip", cells, graph.doubles([-LARGEST]), graph.doubles([LARGEST]))


def _held(graph: Graph, cells: str, steps: Sequence[NumberStep]) -> str:
    """Linear plans: (max(held - knot, 0) or held - centre) / scale, and the flags of missing cells.

    The clip at LARGEST is left out, since `low` and `high` are narrower.
    """
    usable = _usable(graph, cells)
    filled = graph.add("Where", usable, cells, graph.doubles(_each(step.fill for step in steps)))
    above = graph.add("Max", filled, graph.doubles(_each(step.low for step in steps)))
    held = graph.add("Min", above, graph.doubles(_each(step.high for step in steps)))
    source: list[int] = []
    less: list[float] = []
    least: list[float] = []
    scale: list[float] = []
    for index, step in enumerate(steps):
        source += [index] * (1 + len(step.knots))
        less += [step.centre, *step.knots]
        least += [-np.inf, *[0.0] * len(step.knots)]
        scale += [step.scale] * (1 + len(step.knots))
        if step.missing_flag:
            source, less, least, scale = [*source, len(steps) + index], [*less, 0.0], [*least, 0.0], [*scale, 1.0]
    if any(step.missing_flag for step in steps):
        held = graph.side_by_side([held, graph.to_float64(graph.add("Not", usable))])
    width = 2 * len(steps) if any(step.missing_flag for step in steps) else len(steps)
    moved = graph.add("Sub", graph.pick(held, source, width), graph.doubles(_each(less)))
    if any(step.knots for step in steps):
        moved = graph.add("Max", moved, graph.doubles(_each(least)))
    return graph.to_float32(graph.add("Div", moved, graph.doubles(_each(scale))))


def _bent(graph: Graph, cells: str, steps: Sequence[NumberStep]) -> str:
    """Network plans: d / sqrt(1 + (d / 3)^2) of the distance d from the centre, and the flags of missing cells."""
    usable = _usable(graph, cells)
    filled = graph.add("Where", usable, _clipped(graph, cells), graph.doubles(_each(step.fill for step in steps)))
    moved = graph.add("Sub", filled, graph.doubles(_each(step.centre for step in steps)))
    far = graph.add("Div", moved, graph.doubles(_each(step.scale for step in steps)))
    distance = graph.add("Clip", far, graph.doubles([-BENT_LIMIT]), graph.doubles([BENT_LIMIT]))
    third = graph.add("Div", distance, graph.doubles([3.0]))
    under = graph.add("Sqrt", graph.add("Add", graph.add("Mul", third, third), graph.doubles([1.0])))
    values = graph.to_float32(graph.add("Div", distance, under))
    if not any(step.missing_flag for step in steps):
        return values
    both = graph.side_by_side([values, graph.to_float32(graph.add("Not", usable))])
    source = [
        place
        for index, step in enumerate(steps)
        for place in ([index, len(steps) + index] if step.missing_flag else [index])
    ]
    return graph.pick(both, source, 2 * len(steps))


def _each(values: Iterable[float]) -> list[float]:
    """As a list, of one where all are the same: a scalar is quicker to compute with than a row."""
    found = list(values)
    return found[:1] if len(set(found)) == 1 else found
