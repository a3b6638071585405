"""What a comparison finds. Plain frozen data, JSON-safe: no NaN, no infinity, readable without a numeric library."""

import json
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from engine.drift.levels import Level
from engine.kinds import Kind, Task

Role = Literal["feature", "target", "prediction"]
ColumnKind = Kind | Literal["embedding"]
FindingCode = Literal[
    "drift",  # the shape changed
    "missing_rate",
    "infinite_rate",
    "unseen_categories",
    "unreadable_cells",  # cells that are not of the declared kind
    "missing_column",
    "extra_column",
    "retyped_column",  # most cells are not of the declared kind
    "constant_column",
    "all_missing",
    "no_rows",
    "too_few_rows",  # nothing can be told from so few
    "not_tested",  # e.g. an identifier
    "time_moved_on",  # datetimes beyond those of the reference
    "multivariate",
    "prediction_drift",
    "target_drift",
    "performance_drop",
    "estimated_drop",
    "error_stream",
    "importance_change",
]


class _Found(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")


class Finding(_Found):
    """One thing worth telling, with the figures that the sentence names."""

    code: FindingCode
    level: Level
    sentence: str
    column: str | None = None
    figures: dict[str, float | None] = {}


class Overlay(_Found):
    """Both distributions over the same bins, as shares of the present values, for a plot.

    `labels` name the bins ('< 3.2', '3.2 to 4', ... or categories); `edges` are the interior edges of numeric bins.
    """

    labels: tuple[str, ...]
    reference: tuple[float, ...]
    current: tuple[float, ...]
    edges: tuple[float, ...] = ()


class ColumnDrift(_Found):
    """One column compared. `statistic`, `p_value` and `effect` are those of `test`; `p_adjusted` is corrected for all
    tests of the report (Benjamini-Hochberg); each is None where nothing could be tested.

    test        'ks' (numbers: D; effect is D corrected for chance), 'chi2' (categories, integers with few values and
                tied numbers; effect is Cramer's V corrected), 'domain_classifier' (text, images: AUC), 'mmd'
                (embeddings), 'rates' (only missing values are compared), 'none'
    psi         population stability index on the reference's bins, smoothed, not corrected
    metrics     further figures by name: psi_corrected, psi_p_value, ks, wasserstein (in units of the reference),
                wasserstein_effect (winsorised, in robust standard deviations), jensen_shannon, cramers_v,
                missing_rate, reference_missing_rate, infinite_rate, unseen_rate, ...
    """

    name: str
    kind: ColumnKind
    role: Role = "feature"
    test: str = "none"
    statistic: float | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    effect: float | None = None
    psi: float | None = None
    level: Level = Level.GREEN
    rows: int = 0
    reference_rows: int = 0
    metrics: dict[str, float | None] = {}
    findings: tuple[Finding, ...] = ()
    overlay: Overlay | None = None


class MultivariateDrift(_Found):
    """All columns together: can a classifier tell current rows from reference rows, and do they lie off the
    reference's principal components?

    `auc` with its 95 % interval; `reconstruction` is the KS distance of the reconstruction errors. `columns` are those
    that the classifier leans on most, with their shares.
    """

    auc: float | None
    interval: tuple[float, float] | None
    p_value: float | None
    reconstruction: float | None
    reconstruction_p_value: float | None
    rows: int
    reference_rows: int
    level: Level
    columns: tuple[tuple[str, float], ...] = ()


class PerformanceDrift(_Found):
    """The metric now against its baseline. `source` says whether it was measured on labels or estimated without.

    `drop` is relative to the baseline and positive when things got worse; `interval` and `drop_interval` are at 95 %.
    """

    source: Literal["labels", "estimated"]
    metric: str
    value: float | None
    interval: tuple[float, float] | None
    baseline: float | None
    drop: float | None
    drop_interval: tuple[float, float] | None
    p_value: float | None
    rows: int
    level: Level
    method: str = ""
    notes: tuple[str, ...] = ()


class StreamAlarm(_Found):
    """A detector on the stream of errors: at which of `rows` rows (from 0) it rang first, None if it did not."""

    detector: Literal["ADWIN", "Page-Hinkley", "DDM"]
    first: int | None
    rows: int
    at: datetime | None = None


class ImportanceDrift(_Found):
    """Importance of the columns now and then, as shares: half the sum of their absolute differences (total variation),
    and how often chance alone gives as much (permutation)."""

    change: float | None
    p_value: float | None
    reference: dict[str, float] = {}
    current: dict[str, float] = {}
    rows: int = 0
    level: Level = Level.GREEN


class DriftReport(_Found):
    """Everything found when `rows` current rows were compared with a reference of `reference_rows`.

    `columns` holds features, the target where it came along, and the prediction under 'prediction' (role
    'prediction'). `level` is the highest of all findings; `findings` are those above GREEN or of note, serious first.
    """

    level: Level
    rows: int
    reference_rows: int
    task: Task | None = None
    columns: dict[str, ColumnDrift]
    findings: tuple[Finding, ...] = ()
    multivariate: MultivariateDrift | None = None
    performance: tuple[PerformanceDrift, ...] = ()
    streams: tuple[StreamAlarm, ...] = ()
    importance: ImportanceDrift | None = None

    def to_dict(self) -> dict[str, object]:
        """The report as JSON values: no NaN, no infinity."""
        # a dump in Python's own values would keep both
        values: dict[str, object] = json.loads(self.model_dump_json())
        return values

    @property
    def drifted(self) -> tuple[str, ...]:
        """Features at YELLOW or higher, the most serious first."""
        found = [c for c in self.columns.values() if c.role == "feature" and c.level > Level.GREEN]
        return tuple(c.name for c in sorted(found, key=lambda c: (-c.level.rank, -(c.effect or 0.0))))
