"""What the store behind monitors keeps and gives back. Plain frozen data, readable without a numeric library."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, model_validator

from engine.drift.found import DriftReport
from engine.drift.levels import Level
from engine.drift.policy import ActionName

Name = Annotated[str, Field(min_length=1, max_length=250, pattern=r"^[^\x00-\x1f\x7f]+$")]
Cron = Annotated[str, Field(pattern=r"^\S+( +\S+){4,5}$")]
RetrainMode = Literal["ask", "never"]
RetrainingState = Literal["running", "won", "lost", "failed", "promoted", "declined", "rolled_back"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WindowSpec(_Record):
    """How the logged rows are cut into windows: every `rows` rows, or every `hours` hours.

    A time window with fewer than `least_rows` rows is merged into the next one; windows by rows are always full.
    """

    rows: int | None = Field(None, ge=20)
    hours: float | None = Field(None, gt=0, le=366 * 24)
    least_rows: int = Field(50, ge=1)

    @model_validator(mode="after")
    def _one_of_both(self) -> "WindowSpec":
        if (self.rows is None) == (self.hours is None):
            raise ValueError("a window has a number of rows or of hours, and not both")
        return self


class MonitorChange(_Record):
    """What may be changed of a monitor; what is not given stays. The window stays as it was made, since the windows
    that were cut already would no longer join with those to come."""

    reference: Name | None = None
    schedule: Cron | None = None
    paused: bool | None = None
    retrain: RetrainMode | None = None


class Monitor(_Record):
    """A watch on the champion of a registered name.

    Attributes:
        id: 'mon_' and 12 hexadecimal digits.
        name: its name, no other monitor of the home has it.
        model: the registered name whose champion answers, e.g. 'churn-Churn'.
        reference: id of the model whose profile the windows are compared with.
        schedule: when it is looked for windows to check, as cron (5 fields, or 6 with seconds first); None for only
            when asked.
        retrain: 'ask' proposes a retraining when the policy says so.
    """

    id: str = Field(pattern=r"^mon_[0-9a-f]{12}$")
    name: Name
    model: Name
    reference: Name
    window: WindowSpec
    schedule: Cron | None = None
    created: AwareDatetime
    paused: bool = False
    retrain: RetrainMode = "ask"


class Logged(_Record):
    """Ids of the rows as logged, in their order; `repeated` are those that the log held already (or that came twice
    in the call): of them, what was logged first stays."""

    ids: tuple[str, ...]
    repeated: tuple[str, ...] = ()


class Counts(_Record):
    """Rows of a monitor: logged, of these with a label by now, and of these in a complete window."""

    logged: int
    labelled: int
    in_windows: int


class LabelsFound(_Record):
    """How many distinct ids of a call have a logged row (`joined`), have none yet (`unknown`, with `examples`; kept
    until it comes) and had another label before (`changed`)."""

    joined: int
    unknown: int
    examples: tuple[str, ...]
    changed: int


class Window(_Record):
    """Rows of a monitor that are checked together.

    Attributes:
        number: from 1, in order.
        first: the lowest position of its rows in the log (from 0).
        last: one above the highest position that it or a window before it holds.
        begins: of a time window where the one before it ends; else the time of its earliest row.
        ends: of a time window the first moment after it; else the time of its latest row.
        rows: how many rows it has; this and all of the above never change.
        labelled: how many of them have a label by now.
    """

    monitor: str
    number: int
    first: int
    last: int
    begins: datetime
    ends: datetime
    rows: int
    labelled: int


class PerformanceSummary(_Record):
    """The metric of a window on its labelled rows against the baseline; None where it has no value."""

    metric: str
    value: float | None = Field(allow_inf_nan=False)
    baseline: float | None = Field(allow_inf_nan=False)
    greater_is_better: bool
    labelled: int = Field(ge=0)


class Check(_Record):
    """What was found in a window. `at` is when it was checked first, `revised` when it was last checked anew."""

    monitor: str
    window: int = Field(ge=1)
    model_id: str
    at: AwareDatetime
    level: Level
    report: DriftReport
    performance: PerformanceSummary | None = None
    findings: int = Field(ge=0)
    action: ActionName
    revised: AwareDatetime | None = None

    @property
    def labelled(self) -> int:
        """On how many labelled rows the metric was measured; 0 when it was not."""
        return self.performance.labelled if self.performance else 0


class Retraining(_Record):
    """A retraining that a window led to.

    state       'running', then 'won' (better than the champion, waits for approval), 'lost' or 'failed'; one that won
                is 'promoted' or 'declined', and one that was promoted may be 'rolled_back'
    job         id of the job that does the work
    ended       when it came to its present state, None while it runs or waits
    verdict     how challenger and champion compare
    """

    id: str
    monitor: str
    window: int
    state: RetrainingState
    champion: str
    begun: datetime
    job: str | None = None
    challenger: str | None = None
    ended: datetime | None = None
    verdict: dict[str, JsonValue] | None = None


class Begun(_Record):
    """The retraining in flight; `new` is False when it was begun before."""

    retraining: Retraining
    new: bool
