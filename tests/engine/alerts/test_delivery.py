"""From the desk to real servers: retries, channels that fail, and processes that die."""

import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from engine.alerts.channels import PagerDuty, Slack, channels_of
from engine.alerts.desk import LEASE_SECONDS, LONGEST_WAIT, Alerts
from engine.alerts.ledger import Ledger
from engine.alerts.message import Alert, Event
from engine.alerts.posting import Post
from engine.alerts.settings import AlertSettings
from engine.drift.policy import Alerting
from tests.engine.alerts.loopback import Answer, Service, service
from tests.engine.alerts.small import START, Clock, Listener, an_alert, desk_at

SLACK = Alerting(red=("slack",))
BOTH = Alerting(red=("slack", "pagerduty"))


def slack_at(server: Service) -> Slack:
    return Slack(Post("slack", SecretStr(server.url), 5.0))


def pagerduty_at(server: Service) -> PagerDuty:
    return PagerDuty(Post("pagerduty", SecretStr(server.url), 5.0), SecretStr("R0UTE"))


def attempts(desk: Alerts, alert_id: str | None, channel: str = "slack") -> list[tuple[int, str, str]]:
    return [(each.attempt, each.state, each.why) for each in desk.deliveries(alert_id or "") if each.channel == channel]


def test_a_failure_that_may_pass_is_tried_again_with_growing_waits(both: Ledger, clock: Clock) -> None:
    with service(Answer(500), Answer(503), Answer(502)) as server:
        desk = desk_at(both, clock, slack_at(server))
        outcome = desk.raise_alert(an_alert(), SLACK)
    why = [f"it answered {status}" for status in (500, 503, 502)]
    failed = [(number, "failed", said) for number, said in enumerate(why, 1)]
    assert (outcome.delivered, attempts(desk, outcome.alert_id)) == (("slack",), [*failed, (4, "delivered", "")])
    assert all(least <= slept <= least + 1 for least, slept in zip((1, 2, 4), clock.slept, strict=True))


def test_after_the_last_attempt_it_has_failed_and_says_why(ledger: Ledger, clock: Clock) -> None:
    with service(*[Answer(500)] * 9) as server:
        desk = Alerts(ledger, [slack_at(server)], clock, clock.sleep, attempts=3)
        outcome = desk.raise_alert(an_alert(), SLACK)
    assert (outcome.delivered, outcome.failed, len(server.requests)) == ((), ("slack",), 3)
    assert outcome.notes == ("slack was not told: it answered 500 (attempt 3).",)
    assert desk.deliver_pending(0) == ()


def test_a_final_failure_is_not_tried_again(ledger: Ledger, clock: Clock) -> None:
    with service(Answer(403)) as server:
        desk = desk_at(ledger, clock, slack_at(server))
        outcome = desk.raise_alert(an_alert(), SLACK)
    assert (attempts(desk, outcome.alert_id), clock.slept) == ([(1, "failed", "it answered 403")], [])


def test_the_wait_that_a_service_asks_for_is_kept_within_bounds(ledger: Ledger, clock: Clock) -> None:
    script = [Answer(429, headers={"Retry-After": seconds}) for seconds in ("7", "86400")]
    with service(*script) as server:
        desk_at(ledger, clock, slack_at(server)).raise_alert(an_alert(), SLACK)
    assert clock.slept == [7.0, LONGEST_WAIT]


def test_a_channel_that_is_down_keeps_none_of_the_others_from_being_told(ledger: Ledger, clock: Clock) -> None:
    with service() as gone:
        pass
    with service() as server:
        desk = desk_at(ledger, clock, slack_at(gone), pagerduty_at(server))
        outcome = desk.raise_alert(an_alert(), BOTH)
    assert (outcome.delivered, outcome.failed) == (("pagerduty",), ("slack",))
    assert [number for number, *_ in attempts(desk, outcome.alert_id)] == [1, 2, 3, 4]


def test_a_channel_that_is_slow_does_not_delay_the_others(ledger: Ledger, clock: Clock) -> None:
    heard = threading.Event()

    class Slow(Listener):
        def send(self, alert: Alert, event: Event = "trigger") -> str:
            assert heard.wait(10)
            return super().send(alert, event)

    class Quick(Listener):
        def send(self, alert: Alert, event: Event = "trigger") -> str:
            heard.set()
            return super().send(alert, event)

    outcome = desk_at(ledger, clock, Slow("email"), Quick("slack")).raise_alert(
        an_alert(), Alerting(red=("email", "slack"))
    )
    assert set(outcome.delivered) == {"email", "slack"}


def test_no_secret_is_in_the_database(home: Path, ledger: Ledger, clock: Clock) -> None:
    with service(Answer(404), Answer(400, b"R0UTE"), path="/services/T0K3N") as server:
        given = {"slack_webhook": server.url, "pagerduty_key": "R0UTE", "pagerduty_url": server.url}
        channels = channels_of(AlertSettings.model_validate(given))
        outcome = desk_at(ledger, clock, *channels).raise_alert(an_alert(), BOTH)
    stored = (home / "registry.db").read_bytes()
    assert set(outcome.failed) == {"slack", "pagerduty"}
    assert b"it answered 404" in stored
    assert b"T0K3N" not in stored
    assert b"R0UTE" not in stored
    assert "T0K3N" not in str(outcome)


KILLED = """
    import os, signal, sys
    from pathlib import Path
    from engine.alerts.desk import Alerts
    from engine.alerts.ledger import Ledger
    from engine.drift.policy import Alerting
    from tests.engine.alerts.small import Clock, Listener, an_alert

    class PowerCut(Listener):
        def send(self, alert, event="trigger"):
            os.kill(os.getpid(), signal.SIGKILL)

    desk = Alerts(Ledger(sys.argv[1], Path(sys.argv[2])), [PowerCut("slack")], Clock())
    desk.raise_alert(an_alert(id="alr_00000000dead"), Alerting(red=("slack",)))
"""


def killed(url: str, home: Path) -> None:
    command = [sys.executable, "-c", textwrap.dedent(KILLED), url, str(home)]
    assert subprocess.run(command, check=False).returncode == -9


def test_killed_after_writing_and_before_sending_the_alert_is_sent_by_the_next_process(
    url: str, home: Path, clock: Clock
) -> None:
    killed(url, home)
    with service() as server:
        desk = desk_at(Ledger(url, home), clock, slack_at(server))
        assert desk.deliver_pending() == ()  # it might still be at it
        clock.pass_hours(LEASE_SECONDS / 3600)
        (done,) = desk.deliver_pending()
        assert desk.deliver_pending(0) == ()
    assert (done.alert_id, done.state, len(server.requests)) == ("alr_00000000dead", "delivered", 1)
    assert attempts(desk, "alr_00000000dead") == [(1, "delivered", "")]


def test_a_killed_step_that_is_repeated_sends_what_it_had_begun(sqlite_url: str, home: Path, clock: Clock) -> None:
    killed(sqlite_url, home)
    with service() as server:
        desk = desk_at(Ledger(sqlite_url, home), clock, slack_at(server))
        assert desk.raise_alert(an_alert(id="alr_00000000dead"), SLACK).delivered == ("slack",)
    assert len(server.requests) == 1


def test_what_was_begun_for_a_trouble_that_is_over_is_not_sent(both: Ledger, clock: Clock) -> None:
    alert, slack, pagerduty = an_alert(), Listener("slack"), Listener("pagerduty")
    with both.turn() as turn:
        turn.add(alert, None, START)
        turn.record(alert.id, ("slack", "pagerduty"), START)
    desk = desk_at(both, clock, slack, pagerduty)
    assert desk.resolve(alert.key).delivered == ("pagerduty",)  # it may have heard before the process died
    assert desk.deliver_pending(0) == ()
    assert (slack.heard, pagerduty.heard) == ([], ["resolve RED"])
    assert attempts(desk, alert.id) == [(1, "dropped", "it was over")]


def test_pending_events_of_a_channel_are_sent_in_their_order_with_the_attempts_that_are_left(
    both: Ledger, clock: Clock
) -> None:
    first, second = an_alert(monitor="mon_1"), an_alert(monitor="mon_2")
    for alert, events in ((first, ("acknowledge", "trigger")), (second, ("trigger",))):
        with both.turn() as turn:
            turn.add(alert, None, START)
            for event in events:
                turn.record(alert.id, ("pagerduty",), START, event=event)  # type: ignore[arg-type]
    pagerduty = Listener("pagerduty", failures=2)
    done = desk_at(both, clock, pagerduty).deliver_pending(0)
    assert [(each.alert_id, each.event, each.attempt) for each in done] == [
        (first.id, "trigger", 3),
        (first.id, "acknowledge", 1),
        (second.id, "trigger", 1),
    ]


def test_what_is_pending_for_a_channel_that_was_taken_away_is_given_up(ledger: Ledger, clock: Clock) -> None:
    alert = an_alert()
    with ledger.turn() as turn:
        turn.add(alert, None, START)
        turn.record(alert.id, ("email",), START)
    desk = desk_at(ledger, clock, Listener("slack"))
    assert [each.state for each in desk.deliver_pending(0)] == ["not_configured"]
    assert desk.deliver_pending(0) == ()


def test_two_processes_that_look_after_what_is_pending_send_it_once(both: Ledger, clock: Clock) -> None:
    alert = an_alert()
    with both.turn() as turn:
        turn.add(alert, None, START - timedelta(hours=1))
        turn.record(alert.id, ("slack",), START - timedelta(hours=1))
    slack = Listener("slack")
    desks = [desk_at(both, clock, slack) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda desk: desk.deliver_pending(), desks))
    assert (len(slack.told), sum(map(len, done))) == (1, 1)


def test_many_who_raise_the_same_trouble_at_once_tell_it_once_and_keep_the_limit(
    url: str, home: Path, clock: Clock
) -> None:
    slack = Listener("slack")
    desks = [desk_at(Ledger(url, home), clock, slack) for _ in range(4)]
    policy = Alerting(red=("slack",), most_per_hour=3)

    def raise_all(desk: Alerts) -> None:
        for number in range(5):
            desk.raise_alert(an_alert(monitor=f"mon_{number}"), policy)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(raise_all, desks))
    assert sorted(alert.monitor for _, alert in slack.told) == ["mon_0", "mon_1", "mon_2"]
    assert len(desks[0].list()) == 5


def test_a_bug_in_one_channel_is_an_error_after_the_others_were_told(ledger: Ledger, clock: Clock) -> None:
    class Broken(Listener):
        def send(self, alert: Alert, event: Event = "trigger") -> str:
            raise ZeroDivisionError

    slack = Listener("slack")
    desk = desk_at(ledger, clock, Broken("email"), slack)
    with pytest.raises(ZeroDivisionError):
        desk.raise_alert(an_alert(), Alerting(red=("email", "slack")))
    assert slack.heard == ["trigger RED"]
    assert [(each.channel, each.ok) for each in desk.deliveries(desk.list()[0].alert.id)] == [
        ("email", None),
        ("slack", True),
    ]
