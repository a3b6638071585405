"""How results look in a notebook: a line, a table, and the plots of the report."""

import html
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from engine.figures import figure
from graphs.run_types import RunSummary

FIGURE = re.compile(r"<figure\b.*?</figure>", re.DOTALL)
MOST_PLOTS = 6
MOST_ROWS = 8


class RunResult(RunSummary):
    """The summary of a run as Python gets it: a notebook shows its table and plots."""

    def _repr_html_(self) -> str:
        return run_html(self)


def plots_of(report: Path, most: int = MOST_PLOTS) -> list[str]:
    """The plots of a report that was written here, as HTML figures; none where there is no report."""
    if not report.is_file():
        return []
    return FIGURE.findall(report.read_text(encoding="utf-8"))[:most]


def run_html(summary: RunSummary) -> str:
    """A run: its metric with the interval, the leaderboard, the report's plots."""
    metric = summary.metric
    low, high = metric.ci
    measured = f"{html.escape(metric.name)} {figure(metric.value)} on the sealed test rows"
    interval = f"95&nbsp;% interval {figure(low)} to {figure(high)}"
    head = (
        f"<p><b>{html.escape(summary.target)}</b>: {measured} ({interval}), "
        f"model <code>{html.escape(summary.model_id)}</code></p>"
    )
    rows = [
        (row.model, "" if row.validation is None else figure(row.validation), f"{row.seconds:.1f} s")
        for row in summary.leaderboard[:MOST_ROWS]
    ]
    return head + table_html(("model", "validation", "time"), rows) + "".join(plots_of(Path(summary.report)))


def answer_html(text: str, reports: Iterable[Path]) -> str:
    """What was said, as text, and the plots of what was trained meanwhile. Text may come from data: no HTML of it."""
    said = html.escape(text).replace("\n", "<br>")
    return f"<p>{said}</p>" + "".join(plot for report in reports for plot in plots_of(report))


def table_html(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A plain table."""
    head = "".join(f"<th>{html.escape(heading)}</th>" for heading in headings)
    body = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
