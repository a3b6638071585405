"""Plots of a report as inline SVG: plain numbers in, a string out."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from engine.report.drawing import FAINT, MAIN, PLAIN, SECOND, drawing, short, svg
from engine.report.words import number

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
    with drawing():
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
        axes.set_yticks(rows, [short(name) for name in names])
        axes.invert_yaxis()
        axes.margins(x=0.12)
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(label)
        return svg(figure, key)


def roc_and_pr(key: str, roc: Points, pr: Points, base_rate: float) -> str:
    """ROC (false positive rate, true positive rate) beside precision-recall (recall, precision)."""
    with drawing():
        figure = Figure(figsize=(7.4, 3.5), layout="constrained")
        left, right = figure.subplots(1, 2)
        _curve(left, roc, "ROC", "false positive rate", "true positive rate")
        left.plot([0, 1], [0, 1], color=FAINT, lw=1, ls=(0, (4, 3)))
        _curve(right, pr, "Precision and recall", "recall", "precision")
        right.axhline(base_rate, color=FAINT, lw=1, ls=(0, (4, 3)))
        return svg(figure, key)


def confusion(key: str, matrix: Sequence[Sequence[int]], classes: Sequence[str]) -> str:
    """Counts by true (rows) and predicted (columns) class; colour is the share of the true class."""
    counts = np.asarray(matrix)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = len(classes)
    with drawing():
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
        axes.set_xticks(ticks, [short(n, 14) for n in classes], rotation=0 if upright else 35, ha="center")
        axes.set_yticks(ticks, [short(name, 14) for name in classes])
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        return svg(figure, key)


def calibration(key: str, bins: Sequence[tuple[float, float, int]]) -> str:
    """Reliability: mean predicted probability, observed share, rows; the dots' area follows the rows."""
    predicted, observed, rows = (np.asarray(column, dtype=float) for column in zip(*bins, strict=True))
    with drawing():
        figure = Figure(figsize=(3.9, 3.5), layout="constrained")
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=FAINT, lw=1, ls=(0, (4, 3)))
        axes.plot(predicted, observed, color=MAIN, lw=1.6)
        axes.scatter(predicted, observed, s=14 + 110 * rows / rows.max(), color=MAIN, alpha=0.75, lw=0)
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="predicted probability", ylabel="observed share")
        return svg(figure, key)


def predicted_and_residuals(key: str, true: Sequence[float], predicted: Sequence[float]) -> str:
    """Predicted against true values, beside residuals (true - predicted) against predicted values."""
    y, p = np.asarray(true, dtype=float), np.asarray(predicted, dtype=float)
    with drawing():
        figure = Figure(figsize=(7.4, 3.5), layout="constrained")
        left, right = figure.subplots(1, 2)
        ends = [float(min(y.min(), p.min())), float(max(y.max(), p.max()))]
        left.plot(ends, ends, color=FAINT, lw=1, ls=(0, (4, 3)))
        left.scatter(y, p, s=11, color=MAIN, alpha=0.45, lw=0)
        left.set(xlabel="true", ylabel="predicted", title="Predicted and true")
        right.axhline(0, color=FAINT, lw=1, ls=(0, (4, 3)))
        right.scatter(p, y - p, s=11, color=MAIN, alpha=0.45, lw=0)
        right.set(xlabel="predicted", ylabel="true - predicted", title="Residuals")
        return svg(figure, key)


def learning_curves(key: str, curves: Sequence[tuple[str, Sequence[tuple[float, float | None]]]]) -> str:
    """Loss after each pass over the rows, for each named network: on the rows fitted on (grey) and those held out."""
    with drawing():
        figure = Figure(figsize=(7.4, 2.6 * -(-len(curves) // 2) + 0.3), layout="constrained")
        across = min(2, len(curves))
        panes = figure.subplots(-(-len(curves) // across), across, squeeze=False).flatten()
        for axes, (name, points) in zip(panes, curves, strict=False):
            epochs = np.arange(1, len(points) + 1)
            axes.plot(epochs, [loss for loss, _ in points], color=FAINT, lw=1.4, label="fitted on")
            if points[0][1] is not None:
                axes.plot(epochs, [loss for _, loss in points], color=MAIN, lw=1.8, label="held out")
            axes.set(xlabel="passes over the rows", ylabel="loss", title=short(name, 24))
            axes.legend()
        for axes in panes[len(curves) :]:
            axes.set_visible(False)
        return svg(figure, key)


def _curve(axes: Axes, points: Points, title: str, x: str, y: str) -> None:
    # recall starts at the first true positive: draw the step from the axis to it
    across, up = zip((0.0, points[0][1]), *points, strict=True)
    axes.fill_between(across, up, color=MAIN, alpha=0.10, lw=0)
    axes.plot(across, up, color=MAIN, lw=1.8)
    axes.set(xlim=(-0.01, 1.01), ylim=(0, 1.03), xlabel=x, ylabel=y, title=title)
