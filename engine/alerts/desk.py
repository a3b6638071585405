"""The alert desk: tells the right channels of a trouble, once, and again only when there is more to say."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import chain, groupby
from typing import NamedTuple

from tenacity import RetryCallState, Retrying, retry_if_result, wait_exponential_jitter

from engine.alerts.channels import Channel
from engine.alerts.failure import DeliveryFailed
from engine.alerts.ledger import Ledger
from engine.alerts.message import LONGEST_NAME, Alert, Event, one_line
from engine.alerts.records import Acknowledgement, AlertRecord, Delivery, Outcome, Silence
from engine.alerts.rules import Plan, listeners, plan, stand_in
from engine.alerts.turn import Turn
from engine.drift.levels import Level
from engine.drift.policy import Alerting, ChannelName
from engine.errors import BadArguments

LONGEST_WAIT = 60.0
"""Seconds between two attempts at most, even where a service asks for more."""
LEASE_SECONDS = 180.0
"""A delivery that was begun longer ago than a wait and an attempt take is of a process that died."""
LONGEST_SILENCE_HOURS = 24 * 366.0
_LONGEST_NOTE = 1000
_BACKOFF = wait_exponential_jitter(initial=1, max=LONGEST_WAIT / 2, jitter=1)


class _Tried(NamedTuple):
    """One attempt, or None where nothing was to be sent; whether there is another, and what the service asks for."""

    delivery: Delivery | None
    again: bool = False
    retry_after: float | None = None


class Alerts:
    """Raises, acknowledges, silences and resolves alerts. Processes and threads may share one ledger.

    What is to be sent is written down before it is sent, so that a process that dies loses no alert: a channel hears
    of each at least once (see `deliver_pending`), and twice where nobody knows whether it heard.

    Args:
        ledger: what was told to whom.
        channels: those that are configured.
        now: the clock.
        sleep: waits so many seconds between attempts.
        attempts: how often a channel is tried at most.
    """

    def __init__(
        self,
        ledger: Ledger,
        channels: Iterable[Channel],
        now: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
        attempts: int = 4,
    ) -> None:
        self._ledger = ledger
        self._channels = {channel.name: channel for channel in channels}
        self._now = now
        self._sleep = sleep
        self._attempts = attempts

    def raise_alert(self, alert: Alert, policy: Alerting) -> Outcome:
        """Tell of a trouble whoever is to hear of it. Returns when every channel took it or failed for good.

        A trouble that stays untold (silenced, acknowledged, told already) while it is open is counted as a repeat of
        the alert that stands for it. An alert whose id is known is not decided on again: what was begun for it is
        finished, so that a workflow may repeat this step.
        """
        stands_for, decided, begun = self._decide(alert, policy)
        return _outcome(stands_for, self._deliver(begun), decided)

    def deliver_pending(self, older_than_seconds: float = LEASE_SECONDS) -> tuple[Delivery, ...]:
        """Send what a process that died had begun. Call it at every start and now and then.

        Args:
            older_than_seconds: what was begun more recently may still be under way elsewhere and is left alone.

        Returns:
            What came of each delivery; one whose trouble is over by now is dropped and not among them.
        """
        now = self._now()
        with self._ledger.turn() as turn:
            begun = turn.claim(now - timedelta(seconds=older_than_seconds), now)
        return self._deliver(begun)

    def acknowledge(self, alert_id: str, who: str, note: str = "", silence_hours: float | None = None) -> Alert:
        """Take an alert on: the same trouble is not told again at its level or below until it was over.

        With `silence_hours` its key is also silenced up to its level, so that it stays quiet even if it goes and
        comes again. Channels that keep the state of troubles are told.

        Raises:
            NotFound: no such alert; names ids that are near.
            BadArguments: nobody is named, or hours that are no time.
        """
        alert, now = self._ledger.get(alert_id).alert, self._now()
        if not (name := one_line(who)):
            raise BadArguments("An acknowledgement needs a name.", "Say who takes the alert on.")
        silence = _silence(alert.key, silence_hours, name, alert.level, now) if silence_hours is not None else None
        taken = Acknowledgement(alert_id=alert_id, who=name, at=now, note=one_line(note)[:_LONGEST_NOTE])
        with self._ledger.turn() as turn:
            turn.acknowledge(taken)
            if silence is not None:
                turn.silence(silence)
            begun = self._begin_acknowledging(turn, alert, now)
        self._deliver(begun)
        return alert

    def resolve(self, key: str, sentence: str = "", *, tell: bool = True) -> Outcome:
        """A trouble is over. Channels that heard of it are told so, once, with how it ended if `sentence` says it, or
        not at all where `tell` says that they hear of it elsewhere; its next alert is a new trouble."""
        now = self._now()
        with self._ledger.turn() as turn:
            listening = listeners("resolve", self._events, turn.heard(one_line(key))) if tell else {}
            newest = turn.resolve(one_line(key), now, one_line(sentence))
            begun = [turn.record(alert_id, [name], now, event="resolve") for name, alert_id in listening.items()]
        return _outcome(newest, self._deliver(chain.from_iterable(begun)), Plan())

    def silence(self, about: str, hours: float, who: str = "", highest: Level = Level.ORANGE) -> Silence:
        """Tell nobody of a monitor's or a key's alerts for so many hours. Replaces an older silence about the same.

        Args:
            about: id of a monitor, or key of a trouble.
            hours: how long, from now.
            who: who asks for it.
            highest: greatest level that is silenced. RED breaks through a silence unless RED is asked for.

        Raises:
            BadArguments: nothing is named, or hours that are no time.
        """
        made = _silence(one_line(about), hours, one_line(who), highest, self._now())
        with self._ledger.turn() as turn:
            turn.silence(made)
        return made

    def unsilence(self, about: str) -> bool:
        """End a silence; whether there was one."""
        with self._ledger.turn() as turn:
            return turn.unsilence(one_line(about))

    def silences(self) -> tuple[Silence, ...]:
        """Those that hold now, the first to end first."""
        return self._ledger.silences(self._now())

    def list(self, monitor: str | None = None, open_only: bool = False, limit: int = 50) -> tuple[AlertRecord, ...]:
        """Alerts, the newest first. Open are those whose trouble is not over, acknowledged or not."""
        return self._ledger.alerts(one_line(monitor) if monitor is not None else None, open_only, limit)

    def get(self, alert_id: str) -> AlertRecord:
        """One alert and what became of it.

        Raises:
            NotFound: no such alert; names ids that are near.
        """
        return self._ledger.get(alert_id)

    def deliveries(self, alert_id: str) -> tuple[Delivery, ...]:
        """Every attempt to tell of an alert, by time.

        Raises:
            NotFound: no such alert; names ids that are near.
        """
        return self._ledger.deliveries(self._ledger.get(alert_id).alert.id)

    @property
    def _events(self) -> dict[ChannelName, frozenset[Event]]:
        return {name: channel.events for name, channel in self._channels.items()}

    def _decide(self, alert: Alert, policy: Alerting) -> tuple[str, Plan, tuple[Delivery, ...]]:
        """Decide and write down: the alert that stands for the trouble, what was decided, and what is to be sent."""
        now = self._now()
        with self._ledger.turn() as turn:
            if (known := turn.known(alert.id)) is not None:
                return alert.id, known, turn.unfinished(alert.id)
            facts = turn.facts(alert, now, policy.repeat_hours)
            decided = plan(alert, facts, policy, self._channels)
            if (same := stand_in(decided, facts)) is not None:
                turn.repeat(same, now)
                return same, decided, ()
            turn.add(alert, decided.reason, now)
            turn.record(alert.id, decided.held_back, now, "held_back")
            turn.record(alert.id, decided.missing, now, "not_configured")
            return alert.id, decided, turn.record(alert.id, decided.send, now)

    def _begin_acknowledging(self, turn: Turn, alert: Alert, now: datetime) -> tuple[Delivery, ...]:
        if not turn.is_open(alert.id):
            return ()
        listening = listeners("acknowledge", self._events, turn.heard(alert.key))
        told = turn.recorded(alert.id, "acknowledge")
        return turn.record(alert.id, [name for name in listening if name not in told], now, event="acknowledge")

    def _deliver(self, begun: Iterable[Delivery]) -> tuple[Delivery, ...]:
        """Send, all channels at once so that a slow one keeps none waiting, and each channel's in their order."""
        by_channel = groupby(sorted(begun, key=lambda each: each.channel), key=lambda each: each.channel)
        queues = [tuple(queue) for _, queue in by_channel]
        if not queues:
            return ()
        with ThreadPoolExecutor(len(queues), thread_name_prefix="alerts") as pool:
            return tuple(chain.from_iterable(pool.map(self._deliver_in_order, queues)))

    def _deliver_in_order(self, queue: Iterable[Delivery]) -> tuple[Delivery, ...]:
        return tuple(done for begun in queue if (done := self._deliver_one(begun)) is not None)

    def _deliver_one(self, begun: Delivery) -> Delivery | None:
        channel = self._channels.get(begun.channel)
        if channel is None:
            return self._ledger.finish(begun, "not_configured", self._now())
        retrying = Retrying(retry=retry_if_result(lambda tried: tried.again), wait=_wait, sleep=self._sleep)
        return retrying(self._try, channel, self._as_told(begun), begun).delivery

    def _try(self, channel: Channel, alert: Alert, begun: Delivery) -> _Tried:
        started, clock = self._ledger.start(begun, self._now()), time.monotonic()
        if started is None:
            return _Tried(None)
        try:
            remark = channel.send(alert, started.event)
        except DeliveryFailed as failed:
            again = failed.transient and started.attempt < self._attempts
            spent = time.monotonic() - clock
            done = self._ledger.finish(started, "failed", self._now(), failed.why, spent, again=again)
            return _Tried(done, again, failed.retry_after)
        spent = time.monotonic() - clock
        return _Tried(self._ledger.finish(started, "delivered", self._now(), remark, spent))

    def _as_told(self, begun: Delivery) -> Alert:
        """The alert, with how many others the channel did not hear of; when it is over, how it ended."""
        record = self._ledger.get(begun.alert_id)
        alert = record.alert
        if begun.event != "trigger":
            return alert.model_copy(update={"sentences": (record.ending,) if record.ending else ()})
        count = self._ledger.held_back(begun)
        if not count:
            return alert
        sentence = f"{count} more {'alerts were' if count > 1 else 'alert was'} held back before this one."
        return alert.model_copy(update={"sentences": (*alert.sentences, sentence)})


def _wait(state: RetryCallState) -> float:
    tried = state.outcome.result() if state.outcome else None
    if isinstance(tried, _Tried) and tried.retry_after is not None:
        return min(tried.retry_after, LONGEST_WAIT)
    return _BACKOFF(state)


def _silence(about: str, hours: float, who: str, highest: Level, now: datetime) -> Silence:
    if not 0 < len(about) <= LONGEST_NAME:
        raise BadArguments("A silence needs a monitor or a key.", f"Name it, in at most {LONGEST_NAME} characters.")
    if not 0 < hours <= LONGEST_SILENCE_HOURS:
        raise BadArguments(
            f"A silence of {hours:g} hours cannot be kept.",
            f"Give more than 0 and at most {LONGEST_SILENCE_HOURS:g} hours (a year).",
        )
    return Silence(about=about, until=now + timedelta(hours=hours), highest=highest, who=who)


def _outcome(alert_id: str | None, done: Iterable[Delivery], decided: Plan) -> Outcome:
    finished = tuple(done)
    failed = tuple(each for each in finished if each.state == "failed")
    sentences = [f"{each.channel} was not told: {each.why} (attempt {each.attempt})." for each in failed]
    return Outcome(
        alert_id=alert_id,
        delivered=tuple(each.channel for each in finished if each.ok),
        failed=tuple(each.channel for each in failed),
        suppressed=decided.reason,
        notes=(*decided.notes, *sentences),
    )
