"""The last screen of a run or a training: what came out, how good it is, where it lies, what to do next."""

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from millwright.cli.screens import importance, interval, sentences, table

if TYPE_CHECKING:
    from graphs.run_types import RunSummary

MOST_IMPORTANT = 3


def show(summary: "RunSummary", console: Console) -> None:
    """Print leaderboard, test metric, most important columns, paths and the next commands."""
    console.print(sentences("", f"Leaderboard ({_validation(summary)})"))
    console.print(leaderboard(summary))
    metric = interval(summary.metric.name, summary.metric.value, summary.metric.ci)
    console.print(sentences("", f"On the sealed test rows: {metric}", "", "Most important columns"))
    console.print(importance(summary.importance[:MOST_IMPORTANT]))
    console.print(
        sentences(
            "",
            f"Model    {summary.model_id} in {from_here(summary.package)}",
            f"Report   {from_here(summary.report)}",
            f"Run      {summary.run_id}, {summary.seconds:.1f} s",
            "",
            "Next",
            f"  millwright predict --model {summary.model_id} --data NEW_ROWS.csv --out predictions.csv",
            f"  millwright explain --model {summary.model_id}",
            f"  millwright models promote {summary.model_id}",
        )
    )


def from_here(path: str) -> str:
    """The path as it is shortest to type in this folder."""
    found, here = Path(path), Path.cwd()
    return str(found.relative_to(here)) if found.is_relative_to(here) else path


def leaderboard(summary: "RunSummary") -> object:
    """The candidates, best first; the baseline is the dummy that every model has to beat."""
    name = summary.validation.name if summary.validation else "validation"
    rows = (
        (row.model + (" (baseline)" if row.model == "dummy" else ""), row.validation, f"{row.seconds:.1f}")
        for row in summary.leaderboard
    )
    return table(("model", f">{name}", ">seconds"), rows)


def _validation(summary: "RunSummary") -> str:
    return f"validated by {summary.validation.method}" if summary.validation else "not validated"
