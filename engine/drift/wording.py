"""Parts of the sentences that say what was found."""

import numpy as np

from engine.data.cells import clip
from engine.drift.reference import ColumnReference
from engine.figures import figure


def subject(column: ColumnReference) -> str:
    """How a sentence calls a column, as its first word."""
    role = "Column" if column.role == "feature" else column.role.capitalize()
    return f"{role} {clip(column.name)!r}"


def share(value: float) -> str:
    """A share as per cent with three digits that count: 0.00301%, 12.5%, 80%."""
    return f"{figure(float(f'{100 * value:.3g}'))}%"


def of_rows(rows: int, of: int) -> str:
    """A number of rows and their share: 30 of 1,000 rows (3%)."""
    return f"{rows:,} of {of:,} rows ({share(rows / max(of, 1))})"


def day(seconds: float) -> str:
    """The day of a time given in seconds since 1970 in UTC: 2026-03-01."""
    return str(np.datetime64(int(seconds), "s").astype("datetime64[D]"))
