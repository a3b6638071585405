"""Plots of drift as SVG: a column then and now, shares side by side, and whatever is shown alone in a chat.

`plot_*` give a file of its own; the others give a drawing for inside a page, in the colours of its style, with a `key`
that keeps ids apart.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from engine.drift.found import ColumnDrift, Overlay
from engine.drift.levels import Level
from engine.drift.policy import Thresholds
from engine.errors import BadArguments
from engine.report.drawing import FAINT, INK, MAIN, PLAIN, drawing, in_tags, short, svg
from engine.report.drift_subject import CheckPoint
from engine.report.drift_time_plots import LEVEL_COLOURS, WIDTH, drift_over_time, has_performance, performance_over_time
from engine.report.words import number

_HERE = Path(__file__).parent
_MOST_CATEGORIES = 10
_LEAST_EDGES = 3
_MOST_EDGES = 5
_MOST_DATES = 3
_MARGINS = {"left": 0.11, "right": 0.98, "bottom": 0.12, "top": 0.86}
_DAY = 86_400.0


def plot_overlay(column: ColumnDrift) -> str:
    """A column in the reference and now, as an SVG file.

    Raises:
        BadArguments: the column has no distribution to draw.
    """
    if column.overlay is None or not column.overlay.labels:
        raise BadArguments(
            f"Column {column.name!r} has no distribution to draw (kind {column.kind}).",
            "Numbers, dates and categories with values on both sides have one.",
        )
    return standalone(overlay("overlay", column, column.overlay, legend=True))


def plot_drift_over_time(checks: Sequence[CheckPoint]) -> str:
    """Levels of the features, window by window, as an SVG file.

    Raises:
        BadArguments: there is no window yet.
    """
    if not checks:
        raise BadArguments("No window was checked yet, so there is no drift over time.", "Check the monitor first.")
    return standalone(drift_over_time("drift", checks))


def plot_performance_over_time(checks: Sequence[CheckPoint]) -> str:
    """The metric, window by window, as an SVG file.

    Raises:
        BadArguments: no window has a measured or estimated metric.
    """
    if not has_performance(checks):
        raise BadArguments("No window has a measured or estimated metric yet.", "Log labels, then check the monitor.")
    return standalone(performance_over_time("performance", checks))


def standalone(drawn: str) -> str:
    """An inline drawing as a file of its own: fixed colours on their own ground, whatever the viewer is set to."""
    palette = _palette()
    head, rest = drawn.split(">", 1)
    width, height = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', head).groups()  # type: ignore[union-attr]
    size = f'width="{float(width) * 4 / 3:.0f}" height="{float(height) * 4 / 3:.0f}"'
    head = re.sub(r'style="max-width:[^"]*"', size, head)
    ground = '<rect width="100%" height="100%" fill="var(--paper)"/>'
    return in_tags(
        lambda tag: re.sub(r"var\(--([\w-]+)\)", lambda name: palette[name[1]], tag), f"{head}>{ground}{rest}"
    )


def style_sheets() -> list[str]:
    """The style of a page with drift in it: that of all reports, and what is added to it."""
    return [(_HERE / name).read_text(encoding="utf-8") for name in ("style.css", "drift.css")]


def overlay(key: str, column: ColumnDrift, found: Overlay, *, legend: bool = False) -> str:
    """Both distributions of a column over the same bins: numbers as steps, categories and few bins as pairs."""
    stepped = len(found.edges) == len(found.labels) - 1 >= _LEAST_EDGES
    height = 2.1 if stepped else 0.7 + 0.32 * max(2, min(_MOST_CATEGORIES, len(found.labels)))
    with drawing():
        # measuring the text takes half of the time, and only names of categories and the legend need it
        measured: Literal["constrained"] | None = "constrained" if legend or not stepped else None
        figure = Figure(figsize=(4.5, height + 0.25 * legend), layout=measured)
        axes = figure.subplots(gridspec_kw=None if measured else _MARGINS)
        if stepped:
            _steps(axes, found, dates=column.kind == "datetime")
        else:
            _pairs(axes, *_fewer(found))
        axes.set_title(short(column.name, 28))
        _badge(axes, column.level)
        if legend:
            figure.legend(loc="outside lower left", ncols=2)
        return svg(figure, key)


def paired_shares(key: str, names: Sequence[str], then: Sequence[float], now: Sequence[float]) -> str:
    """Two shares for each name, the first name on top."""
    with drawing():
        figure = Figure(figsize=(WIDTH, 0.8 + 0.36 * len(names)), layout="constrained")
        axes = figure.subplots()
        _pairs(axes, names, then, now, most=34)
        figure.legend(loc="outside lower left", ncols=2)
        return svg(figure, key)


def gauge(key: str, value: float, interval: tuple[float, float] | None, thresholds: Thresholds) -> str:
    """A ROC AUC with its interval over the zones of the levels; 0.5 is guessing."""
    start = min(0.45, value, *(interval or ()))
    ends = (start, thresholds.yellow, thresholds.orange, thresholds.red, 1.0)
    with drawing():
        figure = Figure(figsize=(WIDTH, 0.95), layout="constrained")
        axes = figure.subplots()
        for level, low, high in zip(Level, ends[:-1], ends[1:], strict=True):
            axes.barh(0, max(0.0, high - low), left=low, height=1, color=LEVEL_COLOURS[level], lw=0)
            if high - low > 0.08:
                axes.text((low + high) / 2, -0.75, level, ha="center", va="center", fontsize=8, color=FAINT)
        if interval:
            axes.plot(interval, (0, 0), color=INK, lw=2, marker="|", ms=10, mew=2)
        axes.plot(value, 0, "o", color=INK, ms=7)
        axes.set(xlim=(start, 1), ylim=(-1, 0.55), yticks=())
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        return svg(figure, key)


def _steps(axes: Axes, found: Overlay, *, dates: bool) -> None:
    """Bins have equal widths here, whatever they span: the outer ones are open, and in the bins of equal shares that
    most references have, any change of shape shows as a departure from a flat line."""
    ends = np.arange(len(found.labels) + 1)
    axes.stairs(found.reference, ends, fill=True, color=PLAIN, alpha=0.75, label="reference")
    axes.stairs(found.current, ends, baseline=None, color=MAIN, lw=2, label="now")
    named = _spread(len(found.edges), _MOST_DATES if dates else _MOST_EDGES)
    texts = _days(found.edges) if dates else [number(edge) for edge in found.edges]
    axes.set_xticks([index + 1 for index in named], [texts[index] for index in named])
    axes.set(xlim=(0, len(found.labels)), ylim=(0, None))
    axes.yaxis.set_major_formatter(_percent)
    axes.grid(visible=False, axis="x")


def _pairs(axes: Axes, names: Sequence[str], then: Sequence[float], now: Sequence[float], *, most: int = 18) -> None:
    rows = np.arange(len(names))
    axes.barh(rows - 0.19, then, height=0.36, color=PLAIN, label="reference")
    axes.barh(rows + 0.19, now, height=0.36, color=MAIN, label="now")
    axes.set_yticks(rows, [short(name, most) for name in names])
    axes.set(xlim=(0, None), ylim=(len(names) - 0.4, -0.6))
    axes.xaxis.set_major_formatter(_percent)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)


def _fewer(found: Overlay) -> tuple[list[str], list[float], list[float]]:
    """The categories with the largest shares on either side; the rest of many joins the last, 'other'."""
    triples = list(zip(found.labels, found.reference, found.current, strict=True))
    if len(triples) > _MOST_CATEGORIES:
        last = triples.pop() if triples[-1][0] == "other" else ("other", 0.0, 0.0)
        triples.sort(key=lambda triple: -max(triple[1:]))
        rest = [last, *triples[_MOST_CATEGORIES - 1 :]]
        others = ("other", sum(then for _, then, _ in rest), sum(now for _, _, now in rest))
        triples = [*triples[: _MOST_CATEGORIES - 1], others]
    names, then, now = zip(*triples, strict=True)
    return list(names), list(then), list(now)


def _spread(size: int, most: int) -> list[int]:
    """At most so many indices, evenly spread, that their labels fit beside each other."""
    return sorted({round(place) for place in np.linspace(0, size - 1, min(size, most))})


def _percent(share: float, _position: float) -> str:
    return f"{100 * share:g}%"


def _days(seconds: Sequence[float]) -> list[str]:
    times = np.asarray(seconds).astype("datetime64[s]")
    if max(seconds) - min(seconds) >= _DAY:
        return [str(day) for day in np.datetime_as_string(times, unit="D")]
    return [str(minute)[5:].replace("T", " ") for minute in np.datetime_as_string(times, unit="m")]


def _badge(axes: Axes, level: Level) -> None:
    box = {"boxstyle": "round,pad=0.35", "facecolor": LEVEL_COLOURS[level], "edgecolor": "none"}
    axes.annotate(
        level, (1, 1), (-4, 6), xycoords="axes fraction", textcoords="offset points", ha="right", fontsize=8, bbox=box
    )


def _palette() -> dict[str, str]:
    """The colours of the light page, by name; those of print and dark come later in a sheet and are left out."""
    return {
        name: value
        for sheet in style_sheets()
        for name, value in re.findall(r"--([\w-]+): (#\w+)", sheet.split("@")[0])
    }
