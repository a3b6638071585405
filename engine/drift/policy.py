"""What counts as drift and what is to be done about it: a typed policy, kept as YAML beside each monitored model.

A level needs two things at once: a p-value below `alpha` of that level, corrected for the number of tests, and an
effect of at least the metric's threshold for it. Effects are corrected for what chance alone brings at the sizes at
hand (see `engine.drift.statistics`), so one threshold holds for fifty rows and for a million.
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from engine.drift.levels import Level
from engine.errors import BadArguments
from engine.files import write_atomic

ActionName = Literal["go_on", "watch_closer", "prepare_retraining", "roll_back_and_retrain"]
ChannelName = Literal["slack", "email", "pagerduty", "webhook"]
LONGEST_DUE_HOURS = 24 * 366.0


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Thresholds(_Part):
    """Least value of each level; they rise (or stay equal)."""

    yellow: float
    orange: float
    red: float

    @model_validator(mode="after")
    def _rising(self) -> "Thresholds":
        if not 0 <= self.yellow <= self.orange <= self.red:
            raise ValueError("thresholds rise from yellow to red and are not negative")
        return self

    def level(self, value: float) -> Level:
        """The level of a value, by its size alone."""
        reached = [(self.red, Level.RED), (self.orange, Level.ORANGE), (self.yellow, Level.YELLOW)]
        return next((level for least, level in reached if value >= least), Level.GREEN)


class Alpha(_Part):
    """Greatest adjusted p-value that supports each level: the more serious the level, the smaller."""

    yellow: float = Field(0.05, gt=0, lt=1)
    orange: float = Field(0.005, gt=0, lt=1)
    red: float = Field(0.001, gt=0, lt=1)

    @model_validator(mode="after")
    def _falling(self) -> "Alpha":
        if not self.red <= self.orange <= self.yellow:
            raise ValueError("alpha falls from yellow to red")
        return self

    def level(self, p: float) -> Level:
        """The highest level that a p-value supports."""
        supported = [(self.red, Level.RED), (self.orange, Level.ORANGE), (self.yellow, Level.YELLOW)]
        return next((level for most, level in supported if p <= most), Level.GREEN)


class MetricThresholds(_Part):
    """Thresholds by metric. All are effects in [0, 1] but `psi`, which has no upper end."""

    psi: Thresholds = Thresholds(yellow=0.10, orange=0.15, red=0.25)
    ks: Thresholds = Thresholds(yellow=0.05, orange=0.10, red=0.20)
    cramers_v: Thresholds = Thresholds(yellow=0.10, orange=0.15, red=0.25)
    missing_rate: Thresholds = Thresholds(yellow=0.01, orange=0.05, red=0.20)
    infinite_rate: Thresholds = Thresholds(yellow=0.01, orange=0.05, red=0.20)
    unseen_rate: Thresholds = Thresholds(yellow=0.01, orange=0.05, red=0.20)
    domain_auc: Thresholds = Thresholds(yellow=0.60, orange=0.70, red=0.80)
    reconstruction: Thresholds = Thresholds(yellow=0.10, orange=0.20, red=0.40)
    prediction_ks: Thresholds = Thresholds(yellow=0.05, orange=0.10, red=0.20)
    metric_drop: Thresholds = Thresholds(yellow=0.02, orange=0.05, red=0.10)
    importance_change: Thresholds = Thresholds(yellow=0.10, orange=0.20, red=0.35)


class Action(_Part):
    """What is to be done at a level; `due_hours` is how soon, None for no date."""

    name: ActionName
    due_hours: float | None = Field(None, ge=0, le=LONGEST_DUE_HOURS)


class Actions(_Part):
    """An action for each level."""

    green: Action = Action(name="go_on")
    yellow: Action = Action(name="watch_closer")
    orange: Action = Action(name="prepare_retraining", due_hours=48)
    red: Action = Action(name="roll_back_and_retrain", due_hours=0)

    def of(self, level: Level) -> Action:
        """The action of a level."""
        return {
            Level.GREEN: self.green,
            Level.YELLOW: self.yellow,
            Level.ORANGE: self.orange,
            Level.RED: self.red,
        }[level]


class RetrainRule(_Part):
    """When to retrain: so many features at YELLOW or higher, or the mean metric of the last windows this far (as a
    share) below the baseline."""

    features: int = Field(3, ge=1)
    windows: int = Field(10, ge=1)
    drop: float = Field(0.10, gt=0)


class Alerting(_Part):
    """Which channels hear of which level, and how often. An alert that was told is not told again for `repeat_hours`
    unless its level rises; a channel takes at most `most_per_hour`."""

    yellow: tuple[ChannelName, ...] = ("slack", "webhook")
    orange: tuple[ChannelName, ...] = ("slack", "webhook", "email")
    red: tuple[ChannelName, ...] = ("slack", "webhook", "email", "pagerduty")
    repeat_hours: float = Field(6.0, ge=0)
    most_per_hour: int = Field(20, ge=1)

    def channels(self, level: Level) -> tuple[ChannelName, ...]:
        """The channels that hear of a level; none of GREEN."""
        routes: dict[Level, tuple[ChannelName, ...]] = {
            Level.YELLOW: self.yellow,
            Level.ORANGE: self.orange,
            Level.RED: self.red,
        }
        return routes.get(level, ())


class Policy(_Part):
    """Everything that may be changed for one model."""

    alpha: Alpha = Alpha()
    thresholds: MetricThresholds = MetricThresholds()
    actions: Actions = Actions()
    retrain: RetrainRule = RetrainRule()
    alerts: Alerting = Alerting()

    def save(self, path: Path) -> None:
        """Write the policy as YAML.

        Raises:
            DiskFull, HomeNotWritable: nothing half-written stays.
        """
        import yaml

        write_atomic(path, yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False))

    @classmethod
    def load(cls, path: Path) -> "Policy":
        """Read a policy; what the file leaves out is as by default.

        Raises:
            BadArguments: no YAML, an unknown name, or a value that does not fit; says which.
        """
        import yaml

        try:
            found = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
            return cls.model_validate(found)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "the file"
            raise BadArguments(f"{str(path)!r} is no policy: {where}: {first['msg']}.", "See docs/drift.md.") from error
        # YAML that is nested deeper than Python can follow is no policy either
        except (OSError, UnicodeDecodeError, RecursionError, yaml.YAMLError) as error:
            raise BadArguments(f"The policy {str(path)!r} cannot be read: {error}.", "See docs/drift.md.") from error
