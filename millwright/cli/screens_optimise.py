"""Optimisations, exports and benchmarks as tables and sentences."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType

from engine.figures import figure
from millwright.cli.screens import notes, sentences, table

if TYPE_CHECKING:
    from tools.optimise import Benchmark, ExportedModel, OptimisedModel, VariantRow

LONGEST_WHY = 76


def optimisation(found: "OptimisedModel") -> RenderableType:
    """The table, the choice, and what it was chosen by."""
    goal = found.goal
    head = f"{found.source}: {goal.metric} may get worse by {figure(goal.max_drop)}, compared on {found.guard_rows}."
    rows = table(
        (
            "variant",
            "status",
            f">{goal.metric}",
            ">original",
            ">worse by",
            ">1 row ms",
            ">p95",
            ">32 rows ms",
            ">faster",
            ">MB",
            ">memory MB",
            ">parity",
        ),
        (_row(row, found) for row in found.variants),
    )
    return Group(
        sentences(head, ""),
        rows,
        sentences(""),
        *(sentences(f"{row.name}: {row.why}") for row in found.variants if row.why and _told(row, found)),
        sentences("", found.reason, found.nearest, _tested(found), found.split or None, _measured(found)),
        notes(found.notes),
        sentences(
            f"Model: {found.model} ({found.name} version {found.version})",
            f"Package: {found.package}",
            f"Report: {found.report}",
        ),
    )


def _row(row: "VariantRow", found: "OptimisedModel") -> tuple[object, ...]:
    mark = " *" if row.name == found.chosen else ""
    eager = next((other.latency_ms.get("1") for other in found.variants if other.name == "eager"), None)
    one = row.latency_ms.get("1")
    return (
        f"{row.name}{mark}",
        row.status,
        row.metric,
        row.against,
        row.drop,
        one,
        row.p95_ms.get("1"),
        row.latency_ms.get("32"),
        eager / one if eager and one else None,
        row.size_mb,
        None if row.peak_mb is None else round(row.peak_mb),
        row.parity,
    )


def _told(row: "VariantRow", found: "OptimisedModel") -> bool:
    """What was chosen is explained, and what was not good."""
    return row.status != "ok" or row.name == found.chosen


def _tested(found: "OptimisedModel") -> str | None:
    if found.test_drop is None:
        return None
    what = "falls by" if found.test_drop >= 0 else "rises by"
    return f"On the sealed test rows {found.goal.metric} {what} {figure(abs(found.test_drop))}."


def _measured(found: "OptimisedModel") -> str:
    return f"Measured on {found.machine}; {_noise(found.noise)}"


def _noise(noise: Mapping[str, float]) -> str:
    if not noise:
        return "how much two measurements of the same model differ is not known."
    return f"two measurements of the same model differed by {max(noise.values()):.0%}."


def exported(found: "ExportedModel") -> RenderableType:
    """Where the file lies, and how it is fed."""
    inputs = table(
        ("input", "what", "columns"), ((entry.name, entry.what, ", ".join(entry.columns)) for entry in found.inputs)
    )
    return Group(
        sentences(
            f"Wrote {found.out} ({figure(found.size_mb)} MB), exported by {', '.join(found.exporters)}.",
            f"On {found.rows:,} rows, real and spoilt ones, its answers differ by {figure(found.parity)} at most "
            f"({figure(found.tolerance)} is allowed)."
            if found.rows
            else "It is the file of the registered model, byte for byte.",
            "",
        ),
        inputs,
        sentences("", f"Output: {found.output}.", found.split or "The graph takes raw rows whole."),
        notes(found.notes),
    )


def benchmark(found: "Benchmark") -> RenderableType:
    """Models side by side."""
    rows = table(
        ("model", "kind", ">1 row ms", ">p95", ">32 rows ms", ">rows/s", ">cold start ms", ">memory MB", ">MB"),
        (
            (
                row.model, row.kind, row.latency_ms.get("1"), row.p95_ms.get("1"), row.latency_ms.get("32"),
                round(row.rows_per_second), round(row.cold_ms), round(row.peak_mb), row.size_mb,
            )
            for row in found.rows
        ),
    )  # fmt: skip
    return Group(
        rows,
        sentences(""),
        *(sentences(f"{model}: {why}") for model, why in found.failed.items()),
        sentences(found.verdict, f"Measured on {found.machine}; {_noise(found.noise)}"),
    )
