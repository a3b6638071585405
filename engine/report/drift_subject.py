"""What a drift report is told: the comparison itself, and what the monitor around it knows. Plain frozen data."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from engine.drift.found import DriftReport
from engine.drift.levels import Level
from engine.drift.policy import ActionName, Policy


def in_utc(at: datetime) -> datetime:
    """The same moment in UTC, which is what a time without a zone is taken for."""
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


Moment = Annotated[datetime, AfterValidator(in_utc)]


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CheckPoint(_Told):
    """One window of a monitor's past. Dictionaries are by feature; `alarms` names the detectors that rang in it.

    `value` was measured on labels (`interval` at 95 %), `estimated` is without them; both are of `metric`.
    """

    number: int
    at: Moment
    level: Level
    metric: str | None = None
    value: float | None = None
    interval: tuple[float, float] | None = None
    estimated: float | None = None
    baseline: float | None = None
    levels: dict[str, Level] = {}
    effects: dict[str, float | None] = {}
    alarms: tuple[str, ...] = ()


class NextAction(_Told):
    """What the policy asks for, and until when; None for no date."""

    name: ActionName
    due: Moment | None = None


class Advice(_Told):
    """Whether to retrain, and why."""

    retrain: bool
    reasons: tuple[str, ...] = ()


class WorstSlice(_Told):
    """Rows on which the model does badly, e.g. those where 'contract = two years'; `error` is there and elsewhere."""

    where: str
    rows: int | None = None
    share: float | None = None
    error: float | None = None
    error_elsewhere: float | None = None


class PastRetraining(_Told):
    """A retraining and how it ended."""

    at: Moment
    state: str
    sentence: str = ""


class PastAlert(_Told):
    """What was told, and who looks after it."""

    at: Moment
    level: Level
    sentence: str
    acknowledged_by: str | None = None


class DriftSubject(_Told):
    """A monitored model at its newest window, or two tables compared once (then there is no monitor).

    `at` is when the comparison was made. What is None or empty is left out of the page.
    """

    at: Moment
    report: DriftReport
    monitor: str | None = None
    model_id: str | None = None
    model_name: str | None = None
    policy: Policy = Policy()
    action: NextAction | None = None
    advice: Advice | None = None
    slices: tuple[WorstSlice, ...] = ()
    retrainings: tuple[PastRetraining, ...] = ()
    alerts: tuple[PastAlert, ...] = ()
