"""Plots of a monitor's windows, for inside a page: the levels of its features, and its metric."""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from numpy.typing import NDArray

from engine.drift.levels import Level, highest
from engine.report.drawing import (
    FAINT,
    GREEN,
    INK,
    MAIN,
    ORANGE,
    RED,
    SECOND,
    YELLOW,
    drawing,
    short,
    svg,
)
from engine.report.drift_subject import CheckPoint
from engine.report.words import metric_label

WIDTH = 8.8
"""Of a drawing that fills the page, in inches of 96 pixels."""
MOST_FEATURES = 30
MOST_WINDOWS = 40
MOST_POINTS = 120
LEVEL_COLOURS = {Level.GREEN: GREEN, Level.YELLOW: YELLOW, Level.ORANGE: ORANGE, Level.RED: RED}
_ALARMS = {"ADWIN": "v", "Page-Hinkley": "D", "DDM": "s"}
_MOST_TICKS = 8
_STRIP_GAP = 0.4
_LEAST_SQUARES = 20


def has_performance(checks: Sequence[CheckPoint]) -> bool:
    """Whether `performance_over_time` has anything to draw."""
    return any(check.value is not None or check.estimated is not None for check in checks)


def serious_first(checks: Sequence[CheckPoint]) -> list[str]:
    """The features of `checks`: by their highest level, then how often they were above GREEN, then their effect."""
    names = {name: None for check in checks for name in check.levels}

    def rank(name: str) -> tuple[int, int, float]:
        levels = [check.levels[name] for check in checks if name in check.levels]
        effects = [check.effects.get(name) or 0.0 for check in checks]
        return -highest(levels).rank, -sum(level > Level.GREEN for level in levels), -max(effects)

    return sorted(names, key=rank)


def drift_over_time(key: str, checks: Sequence[CheckPoint]) -> str:
    """Windows from left to right, features from the most serious down, below a strip for each window as a whole.

    The letters Y, O and R say the level without colour; a dash is a feature that was not compared.
    """
    shown = checks[-MOST_WINDOWS:]
    names = serious_first(shown)[:MOST_FEATURES]
    rows: list[list[Level | None]] = [[check.level for check in shown]]
    rows += [[check.levels.get(name) for check in shown] for name in names]
    tops = [0.0, *(1 + _STRIP_GAP + index for index in range(len(names)))]
    with drawing():
        figure = Figure(figsize=(WIDTH, 0.6 + 0.225 * (tops[-1] + 1)), layout="constrained")
        axes = figure.subplots()
        _cells(axes, rows, tops)
        # few windows stay small squares on the left
        across = max(len(shown), _LEAST_SQUARES)
        axes.set(xlim=(0, across), ylim=(tops[-1] + 1, 0))
        axes.set_yticks([top + 0.5 for top in tops], ["the whole", *(short(name, 26) for name in names)])
        _windows(axes, shown, across, 0.5)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        return svg(figure, key)


def performance_over_time(key: str, checks: Sequence[CheckPoint]) -> str:
    """The metric measured on labels with its interval, estimated without (dashed), its baseline and the alarms."""
    shown = checks[-MOST_POINTS:]
    dot = 4.5 if len(shown) <= MOST_WINDOWS else 2.5
    with drawing():
        figure = Figure(figsize=(WIDTH, 3.3), layout="constrained")
        axes = figure.subplots()
        _line(axes, [c.baseline for c in shown], "expected", FAINT, ":", 0)
        _line(axes, [c.estimated for c in shown], "estimated", SECOND, "--", dot)
        _line(axes, [c.value for c in shown], "measured", MAIN, "-", dot)
        low, high = (_floats([c.interval[end] if c.interval else None for c in shown]) for end in (0, 1))
        axes.vlines(np.arange(len(shown)), low, high, color=MAIN, lw=1.2, alpha=0.5)
        _alarms(axes, shown)
        axes.set(xlim=(-0.5, len(shown) - 0.5), ylabel=next((metric_label(c.metric) for c in shown if c.metric), ""))
        _windows(axes, shown, len(shown), 0)
        figure.legend(loc="outside upper left", ncols=6)
        return svg(figure, key)


def _cells(axes: Axes, rows: Sequence[Sequence[Level | None]], tops: Sequence[float]) -> None:
    """Squares of one level are one path and letters are marks: hundreds of cells stay a small drawing."""
    places: dict[Level | None, list[tuple[int, float]]] = {level: [] for level in (*Level, None)}
    for top, row in zip(tops, rows, strict=True):
        for column, level in enumerate(row):
            places[level].append((column, top))
    for level, at in places.items():
        if at and level is not None:
            squares = Path.make_compound_path(*(_square(*place) for place in at))
            axes.add_patch(PathPatch(squares, facecolor=LEVEL_COLOURS[level], lw=0))
        if at and level != Level.GREEN:
            across, down = zip(*((column + 0.5, top + 0.5) for column, top in at), strict=True)
            axes.plot(across, down, ls="", marker=_letter(level[0] if level else "–"), ms=6, mew=0, color=INK)


def _square(left: float, top: float, gap: float = 0.05) -> Path:
    right, bottom = left + 1 - gap, top + 1 - gap
    return Path([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)], closed=True)


def _letter(letter: str) -> Path:
    outline = TextPath((0, 0), letter, size=10)
    box = outline.get_extents()
    return Path(outline.vertices - [(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2], outline.codes)


def _line(axes: Axes, values: Sequence[float | None], label: str, colour: str, dashes: str, dot: float) -> None:
    heights = _floats(values)
    if np.isfinite(heights).any():
        axes.plot(np.arange(len(heights)), heights, dashes, label=label, color=colour, lw=1.7, marker="o", ms=dot)


def _alarms(axes: Axes, checks: Sequence[CheckPoint]) -> None:
    """Each detector has a height of its own at the top, so that two in one window do not cover each other."""
    for height, (detector, mark) in zip((0.97, 0.9, 0.83), _ALARMS.items(), strict=True):
        rang = [index for index, check in enumerate(checks) if detector in check.alarms]
        if rang:
            at = axes.get_xaxis_transform()
            axes.plot(rang, [height] * len(rang), mark, color=INK, ms=5.5, transform=at, label=detector, clip_on=False)
            axes.vlines(rang, 0, 1, color=INK, lw=0.7, ls=(0, (2, 3)), alpha=0.6, transform=at)


def _windows(axes: Axes, checks: Sequence[CheckPoint], across: int, middle: float) -> None:
    """Windows by number and day (or hour); only so many that they can be read where `across` fill the width."""
    every = -(-across // _MOST_TICKS)
    # counted from the newest, which is always named
    named = range((len(checks) - 1) % every, len(checks), every)
    form = "%m-%d" if checks[-1].at - checks[0].at >= timedelta(days=1) else "%H:%M"
    labels = [f"{checks[index].number}\n{checks[index].at.strftime(form)}" for index in named]
    axes.set_xticks([index + middle for index in named], labels)


def _floats(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values], dtype=float)
