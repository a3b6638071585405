"""From the engine's report to what a tool tells of it in short."""

from pathlib import Path

from engine.drift.found import DriftReport
from engine.drift.levels import Level
from engine.files import write_json
from tools.drift import DriftedColumn, DriftFound, PerformanceFigure

MOST_COLUMNS = 20
MOST_FINDINGS = 12


def kept(report: DriftReport, path: Path) -> Path:
    """Write the whole report as JSON; returns the path."""
    write_json(path, report.to_dict())
    return path


def in_short(report: DriftReport, full: Path, page: Path) -> DriftFound:
    """The drifted columns and the findings that count, most serious first."""
    return DriftFound(
        level=report.level,
        rows=report.rows,
        reference_rows=report.reference_rows,
        columns=drifted_columns(report),
        findings=tuple(finding.sentence for finding in report.findings[:MOST_FINDINGS]),
        performance=performance_of(report),
        full=str(full),
        report=str(page),
    )


def drifted_columns(report: DriftReport) -> tuple[DriftedColumn, ...]:
    found = [column for column in report.columns.values() if column.level > Level.GREEN]
    found.sort(key=lambda column: (-column.level.rank, -(column.effect or 0.0)))
    return tuple(
        DriftedColumn(
            column=column.name, level=column.level, test=column.test, effect=column.effect, psi=column.psi,
            p=column.p_adjusted,
        )
        for column in found[:MOST_COLUMNS]
    )  # fmt: skip


def performance_of(report: DriftReport) -> tuple[PerformanceFigure, ...]:
    return tuple(
        PerformanceFigure(
            source=one.source, metric=one.metric, value=one.value, baseline=one.baseline, drop=one.drop, rows=one.rows,
            level=one.level,
        )
        for one in report.performance
    )  # fmt: skip
