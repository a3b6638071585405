"""Plots of a report as inline SVG: plain numbers in, a string out.

Colours are written as CSS variables, so one drawing suits light, dark and print; text stays text, so the browser's
own font is used and a name from the data can be found, copied, and never be markup. Equal numbers give equal bytes.
"""

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from engine.report.words import number

# stand-ins that no plot uses for anything else; `_as_css` turns each into the variable of the page's style
INK, FAINT, GRID = "#010203", "#010204", "#010205"
MAIN, SECOND, PLAIN, PAPER = "#010206", "#010207", "#010208", "#010209"
_VARIABLES = {
    INK: "var(--ink)",
    FAINT: "var(--faint)",
    GRID: "var(--grid)",
    MAIN: "var(--main)",
    SECOND: "var(--second)",
    PLAIN: "var(--plain)",
    PAPER: "var(--paper)",
}
_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "millwright",
    # a column called "$x_1$" is a name, not a formula
    "text.parse_math": False,
    "axes.unicode_minus": False,
    "font.size": 9.5,
    "text.color": INK,
    "axes.labelcolor": FAINT,
    "axes.edgecolor": GRID,
    "xtick.color": FAINT,
    "ytick.color": INK,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}
Points = Sequence[tuple[float, float]]


def bars(
    key: str,
    names: Sequence[str],
    values: Sequence[float],
    *,
    label: str,
    errors: Sequence[float] | None = None,
    first: bool = True,
) -> str:
    """Horizontal bars, the first on top and (with `first`) in the main colour; `errors` are one deviation each."""
    with _drawing():
        figure = Figure(figsize=(7.4, 0.55 + 0.31 * len(names)), layout="constrained")
        axes = figure.subplots()
        rows = np.arange(len(names))
        colours = [MAIN if row == 0 or not first else PLAIN for row in rows]
        axes.barh(rows, values, height=0.62, color=colours, xerr=errors, error_kw={"ecolor": FAINT, "lw": 1})
        tips = np.asarray(values) + (np.asarray(errors) if errors is not None else 0)
        for row, (value, tip) in enumerate(zip(values, tips, strict=True)):
            axes.annotate(
                number(value), (max(tip, 0), row), (4, 0), textcoords="offset points", va="center", fontsize=8.5
            )
        axes.set_yticks(rows, [_short(name) for name in names])
        axes.invert_yaxis()
        axes.margins(x=0.12)
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(label)
        return _svg(figure, key)


def roc_and_pr(key: str, roc: Points, pr: Points, base_rate: float) -> str:
    """ROC (false positive rate, true positive rate) beside precision-recall (recall, precision)."""
    with _drawing():
        figure = Figure(figsize=(7.4, 3.5), layout="constrained")
        left, right = figure.subplots(1, 2)
        _curve(left, roc, "ROC", "false positive rate", "true positive rate")
        left.plot([0, 1], [0, 1], color=FAINT, lw=1, ls=(0, (4, 3)))
        _curve(right, pr, "Precision and recall", "recall", "precision")
        right.axhline(base_rate, color=FAINT, lw=1, ls=(0, (4, 3)))
        return _svg(figure, key)


def confusion(key: str, matrix: Sequence[Sequence[int]], classes: Sequence[str]) -> str:
    """Counts by true (rows) and predicted (columns) class; colour is the share of the true class."""
    counts = np.asarray(matrix)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = len(classes)
    with _drawing():
        side = min(6.4, 1.5 + 0.62 * size)
        figure = Figure(figsize=(side + 0.8, side), layout="constrained")
        axes = figure.subplots()
        for row in range(size):
            for column in range(size):
                colour = MAIN if row == column else SECOND
                share = float(shares[row, column])
                axes.add_patch(Rectangle((column, row), 1, 1, facecolor=colour, alpha=0.08 + 0.62 * share, lw=0))
                axes.text(column + 0.5, row + 0.5, f"{counts[row, column]:,}", ha="center", va="center", fontsize=8.5)
        axes.set(xlim=(0, size), ylim=(size, 0), xlabel="predicted", ylabel="true", aspect="equal")
        ticks = np.arange(size) + 0.5
        upright = all(len(name) <= 6 for name in classes)
        axes.set_xticks(ticks, [_short(n, 14) for n in classes], rotation=0 if upright else 35, ha="center")
        axes.set_yticks(ticks, [_short(name, 14) for name in classes])
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        return _svg(figure, key)


def calibration(key: str, bins: Sequence[tuple[float, float, int]]) -> str:
    """Reliability: mean predicted probability, observed share, rows; the dots' area follows the rows."""
    predicted, observed, rows = (np.asarray(column, dtype=float) for column in zip(*bins, strict=True))
    with _drawing():
        figure = Figure(figsize=(3.9, 3.5), layout="constrained")
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=FAINT, lw=1, ls=(0, (4, 3)))
        axes.plot(predicted, observed, color=MAIN, lw=1.6)
        axes.scatter(predicted, observed, s=14 + 110 * rows / rows.max(), color=MAIN, alpha=0.75, lw=0)
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="predicted probability", ylabel="observed share")
        return _svg(figure, key)


def predicted_and_residuals(key: str, true: Sequence[float], predicted: Sequence[float]) -> str:
    """Predicted against true values, beside residuals (true - predicted) against predicted values."""
    y, p = np.asarray(true, dtype=float), np.asarray(predicted, dtype=float)
    with _drawing():
        figure = Figure(figsize=(7.4, 3.5), layout="constrained")
        left, right = figure.subplots(1, 2)
        ends = [float(min(y.min(), p.min())), float(max(y.max(), p.max()))]
        left.plot(ends, ends, color=FAINT, lw=1, ls=(0, (4, 3)))
        left.scatter(y, p, s=11, color=MAIN, alpha=0.45, lw=0)
        left.set(xlabel="true", ylabel="predicted", title="Predicted and true")
        right.axhline(0, color=FAINT, lw=1, ls=(0, (4, 3)))
        right.scatter(p, y - p, s=11, color=MAIN, alpha=0.45, lw=0)
        right.set(xlabel="predicted", ylabel="true - predicted", title="Residuals")
        return _svg(figure, key)


def learning_curves(key: str, curves: Sequence[tuple[str, Sequence[tuple[float, float | None]]]]) -> str:
    """Loss after each pass over the rows, for each named network: on the rows fitted on (grey) and those held out."""
    with _drawing():
        figure = Figure(figsize=(7.4, 2.6 * -(-len(curves) // 2) + 0.3), layout="constrained")
        across = min(2, len(curves))
        panes = figure.subplots(-(-len(curves) // across), across, squeeze=False).flatten()
        for axes, (name, points) in zip(panes, curves, strict=False):
            epochs = np.arange(1, len(points) + 1)
            axes.plot(epochs, [loss for loss, _ in points], color=FAINT, lw=1.4, label="fitted on")
            if points[0][1] is not None:
                axes.plot(epochs, [loss for _, loss in points], color=MAIN, lw=1.8, label="held out")
            axes.set(xlabel="passes over the rows", ylabel="loss", title=_short(name, 24))
            axes.legend()
        for axes in panes[len(curves) :]:
            axes.set_visible(False)
        return _svg(figure, key)


def _curve(axes: Axes, points: Points, title: str, x: str, y: str) -> None:
    # recall starts at the first true positive: draw the step from the axis to it
    across, up = zip((0.0, points[0][1]), *points, strict=True)
    axes.fill_between(across, up, color=MAIN, alpha=0.10, lw=0)
    axes.plot(across, up, color=MAIN, lw=1.8)
    axes.set(xlim=(-0.01, 1.01), ylim=(0, 1.03), xlabel=x, ylabel=y, title=title)


@contextmanager
def _drawing() -> Iterator[None]:
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        # the browser draws the text: glyphs that our measuring font lacks do not matter
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def _svg(figure: Figure, key: str) -> str:
    """The drawing without XML header, metadata or fixed size; `key` keeps ids apart on a page with several."""
    out = io.StringIO()
    empty = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    FigureCanvasSVG(figure).print_svg(out, metadata=empty)
    text = out.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(\sid="|href="#|url\(#)', rf"\g<1>{key}-", text)
    head, rest = text.split(">", 1)
    width = float(re.search(r'width="([\d.]+)pt"', head)[1])  # type: ignore[index]
    head = re.sub(r'\s(width|height)="[\d.]+pt"', "", head)
    return _as_css(f'{head} role="img" style="max-width:{width * 4 / 3:.0f}px">{rest}')


def _as_css(text: str) -> str:
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, variable)
    return text


def _short(name: str, most: int = 34) -> str:
    """One printable line that fits beside a plot; control characters, which XML cannot hold, become spaces."""
    line = "".join(character if character.isprintable() else " " for character in name)
    return line if len(line) <= most else f"{line[: most - 1]}…"
