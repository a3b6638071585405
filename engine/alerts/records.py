"""What the ledger of alerts remembers, and what came of one call. Plain frozen data, JSON-safe."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from engine.alerts.message import Alert, Event
from engine.drift.levels import Level
from engine.drift.policy import ChannelName

DeliveryState = Literal[
    "begun",  # being sent, or its process died meanwhile
    "delivered",
    "failed",
    "dropped",  # the trouble was over before it was told
    "not_configured",  # the policy names a channel that has no settings
    "held_back",  # the channel had its most for the hour
]
Reason = Literal[
    "silenced",
    "acknowledged",
    "repeated",  # told already, and the level has not risen
    "held_back",
    "not_configured",
    "not_routed",  # no channel hears of this level
]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Delivery(_Record):
    """One attempt to tell one channel. `attempt` counts from 1 and is 0 where none was made."""

    alert_id: str
    channel: ChannelName
    event: Event
    attempt: int
    at: datetime
    state: DeliveryState
    why: str = ""
    seconds: float | None = None

    @property
    def ok(self) -> bool | None:
        """Whether the channel took it; None while nobody knows."""
        return None if self.state == "begun" else self.state == "delivered"


class Acknowledgement(_Record):
    """Someone has taken an alert on."""

    alert_id: str
    who: str
    at: datetime
    note: str = ""


class Silence(_Record):
    """Alerts of one monitor or one key up to the level `highest` are not told until `until`."""

    about: str
    until: datetime
    highest: Level
    who: str = ""


class AlertRecord(_Record):
    """An alert and what became of it.

    suppressed      why no channel heard of it when it was raised; None where one did
    repeats         how often the same trouble was raised after it without being told, last at `last_raised`
    resolved        since when the trouble is over; None while it is open
    ending          how it ended, in a sentence
    """

    alert: Alert
    suppressed: Reason | None
    repeats: int
    last_raised: datetime
    resolved: datetime | None
    ending: str | None = None
    acknowledgement: Acknowledgement | None = None


class Outcome(_Record):
    """What came of raising or resolving an alert.

    alert_id        the alert that stands for it: the given one, or that of which it is a repeat; None where a key
                    that was resolved had no open alert
    delivered       channels that took it in this call; `failed` are those that did not
    suppressed      why no channel was tried; None where one was
    notes           what else is worth telling, as sentences
    """

    alert_id: str | None
    delivered: tuple[ChannelName, ...] = ()
    failed: tuple[ChannelName, ...] = ()
    suppressed: Reason | None = None
    notes: tuple[str, ...] = ()
