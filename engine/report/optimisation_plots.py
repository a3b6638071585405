"""Plots of an optimisation as SVG: what is lost against what is gained, how long answers take, how large files are.

`optimisation_plots` gives files of their own, for a chat; the others give drawings for inside a page, with a `key` that
keeps ids apart, or None where there is nothing to draw.
"""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from engine.optimise.pareto import ONE_ROW
from engine.optimise.spec import BATCHES, Optimisation, Variant
from engine.optimise.wording import amount, is_absolute
from engine.report.drawing import FAINT, INK, MAIN, PAPER, PLAIN, SECOND, drawing, short, svg
from engine.report.drift_plots import standalone
from engine.report.words import metric_label, number

_WIDTH = 7.4
_NAME = 24
_FAR = 4.0
"""Where a drop is more than so many times what is allowed, large ones are squeezed."""
_LIFTS = (7, -14, 18, -25, 29, -36, 40, -47)
"""Where a name may stand, in points above its dot: the first place that is free."""
_LETTER, _LINE = 4.7, 10.0
"""About the width of a letter and the height of a line of a name, in points."""


def optimisation_plots(optimisation: Optimisation) -> dict[str, str]:
    """SVG files by what they show ('trade-off', 'latency', 'size'); what was not measured is left out."""
    drawers: dict[str, Callable[[str, Optimisation], str | None]] = {
        "trade-off": trade_off,
        "latency": latencies,
        "size": sizes,
    }
    drawn = {name: draw(name, optimisation) for name, draw in drawers.items()}
    return {name: standalone(found) for name, found in drawn.items() if found is not None}


def trade_off(key: str, optimisation: Optimisation) -> str | None:
    """The drop of the metric against the latency for one row, with the guard's line; the frontier is ringed."""
    shown = [(one, *point) for one in optimisation.variants if (point := _point(one)) is not None]
    if not shown:
        return None
    goal, choice = optimisation.goal, optimisation.choice
    with drawing():
        figure = Figure(figsize=(_WIDTH, 4.2), layout="constrained")
        axes = figure.subplots()
        axes.axhline(goal.max_drop, color=SECOND, lw=1.2, ls=(0, (4, 3)), label=f"allowed: {amount(goal.max_drop)}")
        if goal.max_latency_ms is not None:
            within = f"asked for: {amount(goal.max_latency_ms)} ms"
            axes.axvline(goal.max_latency_ms, color=FAINT, lw=1.2, ls=(0, (1, 2)), label=within)
        _scatter(axes, shown, choice.chosen, choice.frontier)
        _scales(axes, shown, goal.max_drop)
        _name(axes, shown)
        unit = "" if is_absolute(goal.metric) else ", share of its value"
        lost = "lost" if is_absolute(goal.metric) else "added"
        axes.set(xlabel="milliseconds for one row (median)", ylabel=f"{metric_label(goal.metric)} {lost}{unit}")
        figure.legend(loc="outside upper left", ncols=3, fontsize=8.5)
        return svg(figure, key)


def latencies(key: str, optimisation: Optimisation) -> str | None:
    """Medians as bars and 95th percentiles as marks, for each batch size."""
    shown = [one for one in optimisation.variants if one.timing is not None]
    if not shown:
        return None
    with drawing():
        figure = Figure(figsize=(_WIDTH, 0.95 + 0.31 * len(shown)), layout="constrained")
        panes = figure.subplots(1, len(BATCHES), sharey=True)
        for axes, batch in zip(panes, map(str, BATCHES), strict=True):
            medians = [one.timing.latency_ms.get(batch, np.nan) if one.timing else np.nan for one in shown]
            worst = [one.timing.p95_ms.get(batch, np.nan) if one.timing else np.nan for one in shown]
            _bars(axes, shown, medians, optimisation.choice.chosen, worst)
            axes.set(xlabel="milliseconds", title="one row" if batch == ONE_ROW else f"{batch} rows at once")
        return svg(figure, key)


def sizes(key: str, optimisation: Optimisation) -> str | None:
    """Megabytes on disk as bars."""
    shown = [one for one in optimisation.variants if one.size_mb is not None]
    if not shown:
        return None
    with drawing():
        figure = Figure(figsize=(_WIDTH, 0.6 + 0.31 * len(shown)), layout="constrained")
        axes = figure.subplots()
        _bars(axes, shown, [one.size_mb or 0.0 for one in shown], optimisation.choice.chosen)
        axes.set_xlabel("megabytes on disk")
        return svg(figure, key)


def _point(variant: Variant) -> tuple[float, float] | None:
    """Latency for one row in ms, and the drop."""
    if variant.timing is None or variant.drop is None or ONE_ROW not in variant.timing.latency_ms:
        return None
    return variant.timing.latency_ms[ONE_ROW], variant.drop.value


def _scatter(axes: Axes, shown: Sequence[tuple[Variant, float, float]], chosen: str, frontier: Sequence[str]) -> None:
    for one, x, y in shown:
        low, high = one.drop.ci if one.drop else (y, y)
        axes.plot((x, x), (low, high), color=PLAIN, lw=1.4, zorder=1)
    kinds = (
        ("holds the guard", MAIN, [(x, y) for one, x, y in shown if one.status == "ok" and one.name != chosen]),
        ("refused", PLAIN, [(x, y) for one, x, y in shown if one.status != "ok" and one.name != chosen]),
        ("chosen", SECOND, [(x, y) for one, x, y in shown if one.name == chosen]),
    )
    for label, colour, points in kinds:
        if points:
            across, up = zip(*points, strict=True)
            axes.scatter(across, up, s=46, color=colour, lw=0, label=label, zorder=3)
    ringed = [(x, y) for one, x, y in shown if one.name in frontier]
    if ringed:
        across, up = zip(*ringed, strict=True)
        axes.scatter(across, up, s=120, facecolors="none", edgecolors=INK, lw=1, label="on the frontier", zorder=2)


def _name(axes: Axes, shown: Sequence[tuple[Variant, float, float]]) -> None:
    """Names beside their dots, out of each other's way."""
    axes.get_xlim(), axes.get_ylim()
    places = axes.transData.transform([(x, y) for _, x, y in shown]) * 72 / axes.figure.dpi
    taken = [(x - 4, x + 4, y - 4, y + 4) for x, y in places]
    for (one, *dot), (x, y) in zip(shown, places, strict=True):
        half = _LETTER * len(short(one.name, _NAME)) / 2
        boxes = [(lift, (x - half, x + half, y + lift, y + lift + _LINE)) for lift in _LIFTS]
        lift, box = next((found for found in boxes if not any(_overlap(found[1], other) for other in taken)), boxes[0])
        taken.append(box)
        line = {"arrowstyle": "-", "color": FAINT, "lw": 0.6} if lift not in _LIFTS[:2] else None
        axes.annotate(
            short(one.name, _NAME), (dot[0], dot[1]), (0, lift), textcoords="offset points", ha="center",
            fontsize=8, color=INK, arrowprops=line,
        )  # fmt: skip


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[1] and other[0] < one[1] and one[2] < other[3] and other[2] < one[3]


def _scales(axes: Axes, shown: Sequence[tuple[Variant, float, float]], allowed: float) -> None:
    """A logarithmic scale of times, and one of drops that is squeezed where some are many times what is allowed."""
    plain = FuncFormatter(lambda value, _: number(float(value)))
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(plain)
    axes.xaxis.set_minor_formatter(NullFormatter())
    ends = [end for one, _, _ in shown if one.drop for end in one.drop.ci]
    if allowed > 0 and max(map(abs, ends)) > _FAR * allowed:
        axes.set_yscale("symlog", linthresh=allowed * 2, linscale=1.5)
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(plain)
    axes.margins(x=0.14, y=0.16)


def _bars(
    axes: Axes, shown: Sequence[Variant], values: Sequence[float], chosen: str, worst: Sequence[float] | None = None
) -> None:
    """Horizontal bars, the first on top, the chosen one in colour, refused ones pale; `worst` are marked."""
    rows = np.arange(len(shown))
    colours = [SECOND if one.name == chosen else MAIN if one.status == "ok" else PLAIN for one in shown]
    axes.barh(rows, values, height=0.62, color=colours)
    tips = (
        list(values) if worst is None else [np.nanmax([value, top]) for value, top in zip(values, worst, strict=True)]
    )
    for row, (value, tip) in enumerate(zip(values, tips, strict=True)):
        if worst is not None and np.isfinite(tip):
            axes.plot((value, tip), (row, row), color=FAINT, lw=1)
            axes.plot(tip, row, marker="|", color=FAINT, ms=8)
        if np.isfinite(value):
            axes.annotate(
                number(float(f"{value:.3g}")), (tip, row), (5, 0), textcoords="offset points", va="center", fontsize=8.5
            )
    axes.set_yticks(rows, [short(one.name, _NAME) for one in shown])
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.margins(x=0.16)
    axes.set_xlim(left=0)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.set_facecolor(PAPER)
