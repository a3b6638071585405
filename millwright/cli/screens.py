"""Results as tables and sentences for people. Each function returns what `rich` can print."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from engine.figures import figure
from millwright.cli.plain import plain

if TYPE_CHECKING:
    from tools.data import DatasetList, DatasetProfile, DatasetSummary
    from tools.job_tools import JobInfo, JobList
    from tools.models import ModelDetails, ModelList, ModelSummary, Predictions, Promotion
    from tools.training import (
        Comparison,
        Distillation,
        EvaluationResult,
        Explanation,
        ImportanceRow,
        MetricValue,
    )


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], title: str | None = None) -> Table:
    """A plain table; a heading that begins with '>' is right-aligned."""
    made = Table(box=None, pad_edge=False, title=title, title_justify="left", header_style="bold")
    for heading in headings:
        right = heading.startswith(">")
        made.add_column(Text(plain(heading.removeprefix(">"))), justify="right" if right else "left", overflow="fold")
    for row in rows:
        made.add_row(*(Text(cell(value)) for value in row))
    return made


def cell(value: object) -> str:
    """One value as short text."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case float():
            return figure(value)
        case _:
            return plain(str(value))


def sentences(*lines: str | None) -> Text:
    """Lines of plain text, markup and all; None leaves a line out."""
    return Text(plain("\n".join(line for line in lines if line is not None)))


def interval(name: str, value: float, ci: tuple[float, float]) -> str:
    """A metric with its 95 % interval in words."""
    return f"{name} {value:.4f} (95 % interval {ci[0]:.4f} to {ci[1]:.4f})"


def brief(metric: "MetricValue") -> str:
    """A metric with its interval, for a table."""
    return f"{metric.name} {metric.value:.4f} [{metric.ci[0]:.4f}, {metric.ci[1]:.4f}]"


def notes(texts: Sequence[str]) -> RenderableType:
    return Group(*(sentences(f"Note: {text}") for text in texts))


def dataset(found: "DatasetSummary") -> RenderableType:
    head = (
        f"{found.dataset}  {found.name}: {found.rows} rows, {len(found.columns)} columns; "
        f"{found.test_rows} rows sealed for the test ({found.split})"
    )
    columns = table(
        ("column", "kind", ">missing", ">distinct", "why"),
        ((column.name, column.kind, column.missing, column.distinct, column.reason) for column in found.columns),
    )
    return Group(sentences(head, ""), columns, notes(found.notes))


def datasets(found: "DatasetList") -> RenderableType:
    if not found.datasets:
        return sentences("No dataset yet. Import one: millwright data import FILE")
    return table(
        ("dataset", "name", ">rows", ">columns", "target", "split", "source"),
        ((d.dataset, d.name, d.rows, len(d.columns), d.target, d.split, d.source) for d in found.datasets),
    )


def profile(found: "DatasetProfile") -> RenderableType:
    shares = ", ".join(f"{label} {share:.1%}" for label, share in found.class_shares.items())
    head = f"{found.dataset}: {found.rows} training rows" + (f", target {found.target}" if found.target else "")
    columns = table(
        ("column", "kind", ">missing", ">distinct", ">mean", ">min", ">max", ">outliers", ">relation", "most frequent"),
        (
            (c.name, c.kind, f"{c.missing_share:.1%}", c.distinct, c.mean, c.minimum, c.maximum, c.outliers, c.relation,
             ", ".join(f"{value} ({count})" for value, count in c.top[:3]))
            for c in found.columns
        ),
    )  # fmt: skip
    warnings = (f"Warning: {text}" for text in found.warnings)
    return Group(sentences(head, f"Classes: {shares}" if shares else None, ""), columns, sentences("", *warnings))


def importance(rows: "Sequence[ImportanceRow]") -> Table:
    return table(("column", ">importance", ">deviation"), ((row.column, row.importance, row.deviation) for row in rows))


def explanation(found: "Explanation") -> RenderableType:
    head = f"{found.model}: loss of {found.metric} when a column is shuffled ({found.rows} rows not fitted on)"
    return Group(sentences(head, ""), importance(found.importance), sentences("", f"Report: {found.report}"))


def evaluation(found: "EvaluationResult") -> RenderableType:
    metric = interval(found.metric.name, found.metric.value, found.metric.ci)
    others = ", ".join(f"{name} {figure(value)}" for name, value in found.others.items())
    looks = f"The sealed test of this dataset has been looked at {found.looks} time(s)." if found.looks else None
    lines = sentences(f"{found.model} on {found.data} ({found.rows} rows): {metric}", others or None, looks)
    if not found.confusion:
        return Group(lines, notes(found.notes))
    rows = ((label, *counts) for label, counts in zip(found.classes, found.confusion, strict=True))
    matrix = table(("true \\ predicted", *(f">{label}" for label in found.classes)), rows)
    return Group(lines, sentences(""), matrix, notes(found.notes))


def comparison(found: "Comparison") -> RenderableType:
    rows = (
        (row.model, f"{row.name} v{row.version}", row.kind, brief(row.metric),
         row.validation, f"{row.seconds:.1f}", f"{row.size_mb:.2f}", ", ".join(row.aliases))
        for row in found.rows
    )  # fmt: skip
    headings = ("model", "name", "kind", "test (95 % interval)", ">validation", ">seconds", ">MB", "aliases")
    return Group(table(headings, rows), sentences("", found.verdict))


def distillation(found: "Distillation") -> RenderableType:
    rows = (
        (role, row.model, row.kind, brief(row.metric), f"{row.size_mb:.3f}", f"{row.one_row_ms:.2f}",
         f"{row.many_rows_per_second:,.0f}")
        for role, row in (("teacher", found.teacher), ("student", found.student))
    )  # fmt: skip
    headings = ("", "model", "kind", "test (95 % interval)", ">MB", ">ms a row", ">rows/s")
    agree = None if found.agreement is None else f"Agreement of the two on the sealed rows: {found.agreement:.3f} of 1."
    return Group(
        table(headings, rows), sentences("", found.verdict, agree, f"Report: {found.report}"), notes(found.notes)
    )


def models(found: "ModelList") -> RenderableType:
    if not found.models:
        return sentences("No model yet. Train one: millwright run GOAL --data FILE")
    return table(
        ("model", "name", ">version", "target", "kind", "test (95 % interval)", "aliases", "created"),
        (
            (m.model, m.name, m.version, m.target, _kind(m), brief(m.metric),
             ", ".join(m.aliases), m.created)
            for m in found.models
        ),
    )  # fmt: skip


def _kind(found: "ModelSummary") -> str:
    return found.kind if found.variant is None else f"{found.kind}, {found.variant}"


def model(found: "ModelDetails") -> RenderableType:
    summary = found.summary
    lines = sentences(
        f"{summary.model}  {summary.name} version {summary.version} {' '.join(summary.aliases)}".rstrip(),
        f"{summary.task} of {summary.target} on {summary.dataset}, run {found.run}, seed {found.seed}",
        f"Test: {interval(summary.metric.name, summary.metric.value, summary.metric.ci)}; looks: {found.looks}",
        f"Optimised: {summary.variant} of {summary.made_from}" if summary.variant else None,
        f"Baseline (validation): {found.baseline.value:.4f}" if found.baseline else None,
        f"Package: {summary.package}",
        f"Report: {found.report}",
        f"Card: {found.card}",
        "",
    )
    board = table(
        ("model", "status", ">validation", ">seconds"),
        ((row.model, row.status, row.validation, f"{row.seconds:.1f}") for row in found.leaderboard),
    )
    return Group(lines, board, sentences(""), importance(found.importance))


def promotion(found: "Promotion") -> RenderableType:
    before = f" (before: {found.previous})" if found.previous else ""
    return sentences(f"{found.model} is now {found.name}@{found.alias}, version {found.version}{before}.")


def predictions(found: "Predictions") -> RenderableType:
    written = f"{found.rows} rows written to {found.out}" if found.out else f"{found.rows} rows"
    headings = tuple(found.predictions[0]) if found.predictions else ()
    first = table(headings, (tuple(row.values()) for row in found.predictions))
    return Group(first, sentences("", written), notes(found.notes))


def jobs(found: "JobList") -> RenderableType:
    if not found.jobs:
        return sentences("No job yet.")
    return table(
        ("job", "state", "created", "summary"), ((job.job, job.state, job.created, job.summary) for job in found.jobs)
    )


def job(found: "JobInfo") -> RenderableType:
    return sentences(f"{found.job}  {found.state}", found.summary, f"Updated {found.updated}", found.error)
