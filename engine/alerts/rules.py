"""Who is told of an alert: the rules, on what the ledger knows. Nothing is read, written or sent here."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.alerts.message import Alert, Event
from engine.alerts.records import Acknowledgement, Reason, Silence
from engine.drift.levels import Level
from engine.drift.policy import Alerting, ChannelName


@dataclass(frozen=True)
class Told:
    """A channel has heard, or is just hearing, of a trouble at a level."""

    channel: ChannelName
    level: Level


@dataclass(frozen=True)
class Heard:
    """A channel was tried with an alert; whether it took it. One that failed may have taken it all the same."""

    alert_id: str
    channel: ChannelName
    delivered: bool


@dataclass(frozen=True)
class Same:
    """An open alert of the same trouble, and why it was not told, if it was not."""

    alert_id: str
    suppressed: Reason | None


@dataclass(frozen=True)
class Facts:
    """What the ledger knows of an alert that is raised.

    Attributes:
        silence: one that covers it, if any.
        acknowledgement: of the same open trouble at this level or a higher one.
        told: of the same open trouble within the hours in which it is not repeated.
        last_hour: alerts that each channel took within the last hour, of all monitors.
        same: the newest open alert of the same trouble at this level or a higher one.
    """

    silence: Silence | None
    acknowledgement: Acknowledgement | None
    told: tuple[Told, ...]
    last_hour: Mapping[ChannelName, int]
    same: Same | None


@dataclass(frozen=True)
class Plan:
    """Channels to tell, those that had their most for the hour and those without settings; `reason` and its sentence
    say why there is none to tell."""

    send: tuple[ChannelName, ...] = ()
    held_back: tuple[ChannelName, ...] = ()
    missing: tuple[ChannelName, ...] = ()
    reason: Reason | None = None
    sentence: str = ""

    @property
    def notes(self) -> tuple[str, ...]:
        """What is worth telling beside who was told."""
        missing = [f"The policy names {name}, which is not configured." for name in self.missing]
        held = [f"Held back from {name}: it had its most for this hour." for name in self.held_back]
        return tuple(filter(None, (self.sentence, *missing, *held)))


def plan(alert: Alert, facts: Facts, policy: Alerting, configured: Collection[ChannelName]) -> Plan:
    """Whom to tell of `alert`. In this order: a silence, an acknowledgement, each channel's own memory, its limit.

    A channel that has not heard yet (it was held back, failed or is new) is told although others were.
    """
    routed = policy.channels(alert.level)
    missing = tuple(name for name in routed if name not in configured)
    if quiet := _quiet(facts):
        return Plan(missing=missing, reason=quiet[0], sentence=quiet[1])
    reachable = [name for name in routed if name in configured]
    knowing = {told.channel for told in facts.told if told.level >= alert.level}
    due = [name for name in reachable if name not in knowing]
    full = tuple(name for name in due if facts.last_hour.get(name, 0) >= policy.most_per_hour)
    send = tuple(name for name in due if name not in full)
    if send:
        return Plan(send, full, missing)
    reason, sentence = _why_none(alert, policy, bool(routed), bool(reachable), bool(full))
    return Plan((), full, missing, reason, sentence)


def stand_in(decided: Plan, facts: Facts) -> str | None:
    """The alert that one which is not told is a repeat of; None where it is an alert of its own.

    Each trouble that is held back is recorded as such, once, so that the next alert can tell how many there were.
    """
    if decided.send or facts.same is None:
        return None
    if decided.reason == "held_back" and facts.same.suppressed != "held_back":
        return None
    return facts.same.alert_id


def listeners(
    event: Event, events: Mapping[ChannelName, Collection[Event]], heard: Iterable[Heard]
) -> dict[ChannelName, str]:
    """Whom to tell what became of a trouble, each with the latest alert that it heard of.

    A channel that keeps the state of troubles is told even if it was only tried: it may have heard all the same, and
    a second word does it no harm. Others are told if they took the alert.

    Args:
        event: what became of it.
        events: of which each configured channel is told.
        heard: channels that were tried, the latest first.
    """
    found: dict[ChannelName, str] = {}
    for each in heard:
        told_of = events.get(each.channel, ())
        if event in told_of and (each.delivered or "acknowledge" in told_of):
            found.setdefault(each.channel, each.alert_id)
    return found


def _quiet(facts: Facts) -> tuple[Reason, str] | None:
    if facts.silence is not None:
        by = f" by {facts.silence.who}" if facts.silence.who else ""
        return "silenced", f"{facts.silence.about} is silenced until {_minute(facts.silence.until)}{by}."
    if facts.acknowledgement is not None:
        return "acknowledged", f"{facts.acknowledgement.who} acknowledged it at {_minute(facts.acknowledgement.at)}."
    return None


def _why_none(alert: Alert, policy: Alerting, routed: bool, reachable: bool, full: bool) -> tuple[Reason, str]:
    if not routed:
        return "not_routed", f"The policy names no channel for {alert.level}."
    if not reachable:
        return "not_configured", ""
    if full:
        return "held_back", ""
    return "repeated", f"It was told within the last {policy.repeat_hours:g} hours and its level has not risen."


def _minute(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
