"""All checks of a model, in the order of what matters, within a time."""

import time
from collections.abc import Callable, Iterable, Sequence

from engine.errors import MillwrightError
from engine.progress import Control, Note, StageStarted
from engine.qa import answers, cells, slices, tables
from engine.qa.check import Check, Finding, failed, skipped
from engine.qa.subject import Subject

CheckSpec = tuple[str, str, Callable[[Subject], Finding]]
"""Its id, its name, and what is done."""
NOBODY = Control()

CHECKS: Sequence[CheckSpec] = (
    ("probabilities", "Valid probabilities", answers.probabilities),
    ("varied_answers", "Answers differ", answers.varied),
    ("baseline", "Better than a constant answer", answers.baseline),
    ("missing_values", "Missing values", cells.missing_values),
    ("unseen_categories", "Categories never seen", cells.unseen_categories),
    ("extreme_numbers", "Extreme and negative numbers", cells.extreme_numbers),
    ("wrong_types", "Cells of a wrong type", cells.wrong_types),
    ("odd_dates", "Odd dates", cells.odd_dates),
    ("odd_texts", "Odd texts", cells.odd_texts),
    ("odd_images", "Odd images", cells.odd_images),
    ("column_order", "Order of columns", tables.column_order),
    ("extra_columns", "Columns it does not know", tables.extra_columns),
    ("missing_columns", "Columns left out", tables.missing_columns),
    ("one_row", "One row as in a batch", tables.one_row_as_many),
    ("repeatable", "Same rows twice", tables.same_twice),
    ("duplicates", "Duplicate rows", tables.duplicates),
    ("row_order", "Order of rows", tables.row_order),
    ("identifiers", "Identifiers do not matter", tables.identifiers),
    ("empty_input", "No rows", tables.empty_input),
    ("leaks", "One column that tells all", answers.leaks),
    ("worst_slice", "Worst group of rows", slices.worst_slice),
    ("calibration", "Calibration", answers.calibration),
    ("latency", "Latency of one row", answers.latency),
    ("large_batch", "Large batch", tables.large_batch),
)


def run_checks(
    subject: Subject, specs: Iterable[CheckSpec] = CHECKS, *, end: float | None = None, control: Control = NOBODY
) -> list[Check]:
    """Every check in turn; those for which there is no time, or that come after a cancel, are skipped by name.

    Args:
        end: of the time, on `time.monotonic`.
    """
    found = []
    for id_, name, function in specs:
        if control.cancelled():
            finding = skipped("Cancelled.")
        elif end is not None and time.monotonic() >= end:
            finding = skipped("There was no time left for it.")
        else:
            control.watch(StageStarted(stage="check", detail=name))
            finding = attempted(function, subject)
            if finding.status in {"failed", "warned"}:
                control.watch(Note(text=f"{name}: {finding.detail}"))
        found.append(Check(id=id_, name=name, **finding.model_dump()))
    return found


def attempted(function: Callable[[Subject], Finding], subject: Subject) -> Finding:
    """What a check finds; a model that fails in the middle of it has failed it."""
    try:
        return function(subject)
    except MillwrightError as error:
        return failed(f"It refuses plain training rows: {error.sentence}")
    except Exception as error:  # a model may fail in any way: that is what is looked for
        return failed(f"It crashes ({type(error).__name__}: {str(error)[:200]}).")
