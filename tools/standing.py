"""How a monitored model stands: by its newest window, and by the newest whose true values have come."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.drift.levels import Level, highest

if TYPE_CHECKING:
    from engine.monitoring.records import Check, Retraining

BY_LABELS = frozenset({"performance_drop", "importance_change", "error_stream"})


def level_now(checks: "Sequence[Check]") -> Level:
    """The level of the newest window or, if higher, the one that labels showed when the same model was last measured.

    Labels come late: a window that has none yet does not say that what older labels showed is over.

    Args:
        checks: of a monitor, the newest at the end.
    """
    measured = last_measured(checks)
    if not checks:
        return Level.GREEN
    return checks[-1].level if measured is None else max(checks[-1].level, shown_by_labels(measured))


def last_measured(checks: "Sequence[Check]") -> "Check | None":
    """The newest check of the model that answered last which had enough labels to measure it."""
    return next((one for one in reversed(checks) if one.performance and one.model_id == checks[-1].model_id), None)


def shown_by_labels(check: "Check") -> Level:
    """The highest level of what only labels can show: the metric, the errors, the target, what the model leans on."""
    targets = {column.name for column in check.report.columns.values() if column.role == "target"}
    found = (one for one in check.report.findings if one.code in BY_LABELS or one.column in targets)
    return highest([Level.GREEN, *(one.level for one in found)])


def of_present(checks: "Sequence[Check]", retrainings: "Sequence[Retraining]") -> "Sequence[Check]":
    """Without the windows of a champion that the last retraining replaced: they say nothing of the one in its place."""
    if not retrainings or retrainings[-1].state != "promoted":
        return checks
    return [check for check in checks if check.model_id != retrainings[-1].champion]
