"""Small alerts, a clock that is set by hand, and a channel that keeps what it is told."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.alerts.channels import Channel
from engine.alerts.desk import Alerts
from engine.alerts.failure import DeliveryFailed
from engine.alerts.ledger import Ledger
from engine.alerts.message import Alert, Event
from engine.drift.levels import Level
from engine.drift.policy import ChannelName

START = datetime(2026, 1, 1, tzinfo=UTC)
KEEPERS = frozenset({"pagerduty", "webhook"})


def an_alert(level: Level = Level.RED, monitor: str = "mon_1", **values: Any) -> Alert:
    given = {"model": "mdl_1", "key": f"drift:{monitor}", "title": "churn has drifted", "created": START}
    return Alert(**{"monitor": monitor, "level": level, **given, **values})


class Clock:
    def __init__(self) -> None:
        self.at = START
        self.slept: list[float] = []

    def __call__(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def pass_hours(self, hours: float) -> None:
        self.at += timedelta(hours=hours)


class Listener:
    """A channel in this process. It fails as often as `failures` says, for good where `final`."""

    def __init__(self, name: ChannelName, failures: int = 0, final: bool = False) -> None:
        self.name: ChannelName = name
        self.failures = failures
        self.final = final
        self.told: list[tuple[Event, Alert]] = []
        self.guard = threading.Lock()

    @property
    def events(self) -> frozenset[Event]:
        keeps: frozenset[Event] = frozenset({"acknowledge"} if self.name in KEEPERS else set())
        return keeps | {"trigger", "resolve"}

    def send(self, alert: Alert, event: Event = "trigger") -> str:
        with self.guard:
            if self.failures:
                self.failures -= 1
                raise DeliveryFailed(self.name, "it is out of order", transient=not self.final)
            self.told.append((event, alert))
        return ""

    @property
    def heard(self) -> list[str]:
        """'trigger RED', ... in order."""
        return [f"{event} {alert.level}" for event, alert in self.told]


def desk_at(ledger: Ledger, clock: Clock, *channels: Channel) -> Alerts:
    return Alerts(ledger, channels, clock, clock.sleep)
