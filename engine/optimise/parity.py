"""Whether an exported model answers as its original does: on real rows and on spoilt ones, at several batch sizes.

Exporters fix sizes and take short cuts without a word, so nothing but answers counts as evidence. The batches are
those at which that was seen: one row, which some graphs reshape wrongly, and sizes that no example had.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.optimise.errors import ExportFailed
from engine.optimise.spec import Parity
from engine.serving.runtime import Floats, OnnxRuntime, Runtime, load_runtime
from engine.serving.session import SESSION_ERRORS

BATCHES = (1, 3, 7, 33)
TOLERANCE = 2e-5
"""Both compute in float32, with a relative rounding error of 6e-8 a sum: over a hundred layers or a thousand trees
that is 1e-5 at the worst, and mostly 1e-7. What an export gets wrong (a fixed size, another approximation of an
activation, a threshold that is rounded) is 1e-4 and more."""
PIECES = 16
"""Batches of each size but the largest."""
AT_ONCE = 256
HUGE = (np.inf, -np.inf, 1e300, -1e300, 1e25, -0.0)
LARGE = 2**53 - 1
DATES = ("1700-02-28 23:59:59.999999", "2000-02-29 00:00:00", "2262-01-01 12:30:00")
UNSEEN = "zz never seen"


@dataclass
class _Seen:
    """How far a candidate was from what was wanted, and how long its texts were."""

    runtime: Runtime
    largest: float = 0.0
    lengths: set[int] = field(default_factory=set)

    def compare(self, rows: pd.DataFrame, wanted: Floats, unit: Floats) -> None:
        prepared = self.runtime.prepare(rows)
        try:
            answer = self.runtime.compute(prepared)
        except SESSION_ERRORS as error:
            raise ExportFailed(f"The exported model fails on {len(rows)} row(s): {error}") from error
        if answer.shape != wanted.shape:
            raise ExportFailed(f"For {len(rows)} row(s) the exported model answers {answer.shape}, not {wanted.shape}.")
        if not np.isfinite(answer).all():
            raise ExportFailed(f"For {len(rows)} row(s) the exported model answers what is no number.")
        self.largest = max(self.largest, float((np.abs(answer - wanted) / unit).max()))
        if isinstance(self.runtime, OnnxRuntime):
            tokens = [entry.name for entry in self.runtime.inputs if entry.kind == "tokens"]
            self.lengths |= {int(prepared[name].shape[1]) for name in tokens}


def check_parity(
    candidate: Runtime | Path, original: Runtime, rows: pd.DataFrame, *, regression: bool, scale: float
) -> Parity:
    """Compare answers on `rows` (in the schema's kinds) and on spoilt copies, at all BATCHES.

    For regression, differences are shares of `scale`, the target's deviation, or of the answer's distance from the
    median answer where that is more, since rounding errors grow with it. `rows` of the record are all that were
    answered, spoilt ones included, each counted once.

    Raises:
        ExportFailed: an answer is no number or has another shape, or the model fails.
    """
    return _compared(candidate, original, [rows, spoilt(rows)], scale if regression else None)


def measure_difference(
    candidate: Runtime | Path, original: Runtime, rows: pd.DataFrame, *, regression: bool, scale: float
) -> Parity:
    """As `check_parity` on real rows only, for variants that are meant to differ (8 bits, pruned, a student).

    Raises:
        ExportFailed: as `check_parity`.
    """
    return _compared(candidate, original, [rows], scale if regression else None)


def require_parity(parity: Parity) -> Parity:
    """The same record.

    Raises:
        ExportFailed: the difference is larger than its tolerance.
    """
    if not parity.held:
        raise ExportFailed(
            f"The exported model does not answer as the original does: by up to {parity.largest:.2g} otherwise on "
            f"{parity.rows} rows, where {parity.tolerance:.2g} is allowed."
        )
    return parity


def spoilt(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows like the first ones, with what real data has too seldom to be found in a sample: each cell of each kind
    missing, numbers infinite and huge, categories never seen, days at the ends of the calendar, longer and shorter
    texts. The dtypes are kept.
    """
    base = rows.head(8).reset_index(drop=True)
    parts = [_all_missing(base.head(1)), _some_missing(base)]
    parts += [_numbers(base.head(1), value) for value in HUGE]
    parts += [_dates(base.head(1), date) for date in DATES]
    parts += [_texts(base.head(2), how) for how in ("unseen", "longer", "first word")]
    return pd.concat(parts, ignore_index=True).astype(rows.dtypes.to_dict())


def _missing(cells: pd.Series, where: NDArray[np.bool_]) -> pd.Series:
    return cells.mask(pd.Series(where, index=cells.index))


def _all_missing(base: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({name: _missing(base[name], np.ones(len(base), dtype=bool)) for name in base.columns})


def _some_missing(base: pd.DataFrame) -> pd.DataFrame:
    """Every third cell, so that each column has one that is there and one that is not."""
    rows = np.arange(len(base))
    return pd.DataFrame(
        {name: _missing(base[name], rows % 3 == place % 3) for place, name in enumerate(base.columns)},
        index=base.index,
    )


def _numbers(base: pd.DataFrame, value: float) -> pd.DataFrame:
    """All numbers `value`; whole numbers as large as float64 tells apart, booleans the sign."""
    changed: dict[str, pd.Series] = {}
    for name in base.columns:
        cells = base[name]
        if pd.api.types.is_bool_dtype(cells.dtype):
            changed[name] = pd.Series(value > 0, index=base.index).astype(cells.dtype)
        elif pd.api.types.is_integer_dtype(cells.dtype):
            changed[name] = pd.Series(LARGE if value > 0 else -LARGE, index=base.index).astype(cells.dtype)
        elif pd.api.types.is_float_dtype(cells.dtype):
            changed[name] = pd.Series(value, index=base.index).astype(cells.dtype)
    return _with(base, changed)


def _dates(base: pd.DataFrame, moment: str) -> pd.DataFrame:
    columns = [name for name in base.columns if pd.api.types.is_datetime64_any_dtype(base[name].dtype)]
    return _with(
        base, {name: pd.Series(pd.Timestamp(moment), index=base.index).astype(base[name].dtype) for name in columns}
    )


def _texts(base: pd.DataFrame, how: str) -> pd.DataFrame:
    changed: dict[str, pd.Series] = {}
    for name in base.columns:
        cells = base[name]
        if not isinstance(cells.dtype, pd.StringDtype):
            continue
        if how == "unseen":
            found = pd.Series(UNSEEN, index=base.index)
        elif how == "longer":
            found = cells + (" " + cells) + (" " + cells)
        else:
            found = cells.str.split(n=1).str[0]
        changed[name] = found.astype(cells.dtype)
    return _with(base, changed)


def _with(base: pd.DataFrame, changed: Mapping[str, pd.Series]) -> pd.DataFrame:
    """`base.assign`, for columns of any name: one called 'self' would be taken for something else."""
    found = base.copy()
    for name, cells in changed.items():
        found[name] = cells
    return found


def _compared(
    candidate: Runtime | Path, original: Runtime, parts: Sequence[pd.DataFrame], scale: float | None
) -> Parity:
    runtime = load_runtime(candidate) if isinstance(candidate, Path) else candidate
    if not len(parts[0]):
        raise ExportFailed("There are no rows to compare the exported model with its original on.")
    seen, wanted = _Seen(runtime), [_answers(original, rows) for rows in parts]
    middle = float(np.median(wanted[0]))
    for rows, right in zip(parts, wanted, strict=True):
        unit = np.ones_like(right) if scale is None else np.maximum(scale or 1.0, np.abs(right - middle))
        for batch in BATCHES:
            for places in _pieces(len(rows), batch):
                seen.compare(rows.iloc[places], right[places], unit[places])
    return Parity(
        largest=seen.largest,
        tolerance=TOLERANCE,
        rows=sum(len(rows) for rows in parts),
        batches=BATCHES,
        lengths=tuple(sorted(seen.lengths)),
    )


def _answers(runtime: Runtime, rows: pd.DataFrame) -> Floats:
    return np.concatenate(
        [runtime.answer(rows.iloc[start : start + AT_ONCE]) for start in range(0, len(rows), AT_ONCE)]
    )


def _pieces(rows: int, batch: int) -> list[NDArray[np.int64]]:
    """Places of rows, exactly `batch` at a time: PIECES of them evenly spread; the largest batches reach all rows."""
    most = -(-rows // batch)
    starts = np.arange(most) if batch == max(BATCHES) else np.unique(np.linspace(0, most - 1, PIECES).astype(int))
    return [(start * batch + np.arange(batch)) % rows for start in starts]
