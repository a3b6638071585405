"""What a pipeline answers, for people: its attempts, what came out, its checkpoints, and what to do next."""

from typing import TYPE_CHECKING

from rich.console import Console

from millwright.cli.screens import interval, sentences, table
from millwright.cli.screens_run import from_here

if TYPE_CHECKING:
    from graphs.pipeline_types import Attempt, CheckpointList, PipelineSummary


def show(summary: "PipelineSummary", console: Console) -> None:
    """Print the attempts, the test metric and paths where there is a model, and the next commands."""
    name = summary.validation.name if summary.validation else "validation"
    rows = (
        (attempt.number, _change(attempt), attempt.best, attempt.score, attempt.baseline, _checks(attempt))
        for attempt in summary.attempts
    )
    console.print(sentences("", "Attempts"))
    console.print(table((">", "what was changed", "best", f">{name}", ">baseline", "checks"), rows))
    console.print(sentences("", summary.why))
    if summary.metric is not None and summary.model_id is not None and summary.package and summary.report:
        metric = interval(summary.metric.name, summary.metric.value, summary.metric.ci)
        console.print(
            sentences(
                "",
                f"On the sealed test rows: {metric}",
                f"Model    {summary.model_id} in {from_here(summary.package)}",
                f"Report   {from_here(summary.report)}",
            )
        )
    console.print(
        sentences(
            f"Run      {summary.run_id}, {summary.seconds:.1f} s", "", "Next", *(f"  {line}" for line in _next(summary))
        )
    )


def show_checkpoints(found: "CheckpointList", console: Console) -> None:
    """Print the checkpoints of a run, and from where it branches."""
    if found.branch is not None:
        console.print(sentences(f"{found.run} branches from {found.branch.run}:{found.branch.checkpoint}.", ""))
    rows = (
        (
            f"{found.run}:{checkpoint.name}",
            checkpoint.when[:19].replace("T", " "),
            checkpoint.holds,
            checkpoint.next or "",
        )
        for checkpoint in found.checkpoints
    )
    console.print(table(("checkpoint", "when (UTC)", "what is in it", "next"), rows))


def _change(attempt: "Attempt") -> str:
    change = attempt.prepared.change
    if change is None:
        return "-" if attempt.number == 1 else "as asked"
    named = ", ".join((*change.columns, *change.models)) or (str(change.trials) if change.trials else "")
    return f"{change.action.replace('_', ' ')} {named}".strip()


def _checks(attempt: "Attempt") -> str:
    return "passed" if attempt.passed else f"failed: {', '.join(check.name for check in attempt.failed)}"


def _next(summary: "PipelineSummary") -> tuple[str, ...]:
    if summary.state == "failed":
        return summary.advice
    return (
        f"millwright predict --model {summary.model_id} --data NEW_ROWS.csv --out predictions.csv",
        f"millwright models promote {summary.model_id}",
        f"millwright pipeline checkpoints {summary.run_id}",
    )
