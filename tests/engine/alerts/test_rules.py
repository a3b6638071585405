"""Who hears of what, on SQLite and on PostgreSQL."""

import pytest

from engine.alerts.desk import Alerts
from engine.alerts.ledger import Ledger
from engine.drift.levels import Level
from engine.drift.policy import Alerting
from engine.errors import BadArguments, NotFound
from tests.engine.alerts.small import Clock, Listener, an_alert, desk_at

POLICY = Alerting()
ONLY_SLACK = Alerting(yellow=("slack",), orange=("slack",), red=("slack",))


@pytest.fixture
def slack() -> Listener:
    return Listener("slack")


@pytest.fixture
def pagerduty() -> Listener:
    return Listener("pagerduty")


@pytest.fixture
def desk(both: Ledger, clock: Clock, slack: Listener, pagerduty: Listener) -> Alerts:
    return desk_at(both, clock, slack, pagerduty)


def test_each_level_goes_to_the_channels_of_the_policy(desk: Alerts, slack: Listener, pagerduty: Listener) -> None:
    yellow = desk.raise_alert(an_alert(Level.YELLOW, "mon_y"), POLICY)
    red = desk.raise_alert(an_alert(Level.RED, "mon_r"), POLICY)
    assert (yellow.delivered, set(red.delivered)) == (("slack",), {"slack", "pagerduty"})
    assert (slack.heard, pagerduty.heard) == (["trigger YELLOW", "trigger RED"], ["trigger RED"])


def test_a_channel_that_is_not_configured_is_recorded_and_told_in_the_notes(desk: Alerts) -> None:
    outcome = desk.raise_alert(an_alert(), Alerting(red=("slack", "email")))
    assert (outcome.delivered, outcome.failed) == (("slack",), ())
    assert outcome.notes == ("The policy names email, which is not configured.",)
    states = {each.channel: (each.state, each.ok) for each in desk.deliveries(outcome.alert_id or "")}
    assert states == {"slack": ("delivered", True), "email": ("not_configured", False)}


def test_an_alert_that_nobody_can_hear_says_so_and_is_kept(desk: Alerts) -> None:
    unrouted = desk.raise_alert(an_alert(monitor="mon_1"), Alerting(red=()))
    nowhere = desk.raise_alert(an_alert(monitor="mon_2"), Alerting(red=("email",)))
    assert (unrouted.suppressed, nowhere.suppressed) == ("not_routed", "not_configured")
    assert [record.suppressed for record in desk.list()] == ["not_configured", "not_routed"]


def test_the_same_trouble_is_told_once_in_the_hours_of_the_policy(desk: Alerts, slack: Listener, clock: Clock) -> None:
    first = desk.raise_alert(an_alert(), ONLY_SLACK)
    clock.pass_hours(5.9)
    again = desk.raise_alert(an_alert(), ONLY_SLACK)
    assert (again.suppressed, again.alert_id, slack.heard) == ("repeated", first.alert_id, ["trigger RED"])
    assert "within the last 6 hours" in again.notes[0]
    clock.pass_hours(0.1)
    assert desk.raise_alert(an_alert(), ONLY_SLACK).delivered == ("slack",)
    assert [record.repeats for record in desk.list()] == [0, 1]


def test_a_higher_level_is_told_at_once_and_a_lower_one_is_not(desk: Alerts, slack: Listener, clock: Clock) -> None:
    for level in (Level.ORANGE, Level.YELLOW, Level.RED, Level.ORANGE, Level.RED):
        desk.raise_alert(an_alert(level), ONLY_SLACK)
        clock.pass_hours(0.1)
    desk.resolve("drift:mon_1")
    assert slack.heard == ["trigger ORANGE", "trigger RED", "resolve RED"]


def test_with_no_hours_to_repeat_every_alert_is_told(desk: Alerts, slack: Listener) -> None:
    for _ in range(3):
        desk.raise_alert(an_alert(), Alerting(red=("slack",), repeat_hours=0))
    assert len(slack.told) == 3


def test_a_channel_that_failed_is_told_by_the_next_alert_and_the_others_are_not(
    both: Ledger, clock: Clock, slack: Listener
) -> None:
    broken = Listener("email", failures=1, final=True)
    desk = desk_at(both, clock, slack, broken)
    policy = Alerting(red=("slack", "email"))
    first, second = desk.raise_alert(an_alert(), policy), desk.raise_alert(an_alert(), policy)
    assert (first.delivered, first.failed) == (("slack",), ("email",))
    assert "email was not told: it is out of order (attempt 1)." in first.notes
    assert (second.delivered, slack.heard, broken.heard) == (("email",), ["trigger RED"], ["trigger RED"])


def test_the_surplus_of_an_hour_is_held_back_over_all_monitors_and_told_by_the_next_alert(
    desk: Alerts, slack: Listener, clock: Clock
) -> None:
    policy = Alerting(red=("slack",), most_per_hour=2)
    outcomes = [desk.raise_alert(an_alert(monitor=f"mon_{number}"), policy) for number in range(5)]
    assert [outcome.suppressed for outcome in outcomes] == [None, None, "held_back", "held_back", "held_back"]
    assert outcomes[2].notes == ("Held back from slack: it had its most for this hour.",)
    clock.pass_hours(1)
    for number in (8, 9):
        desk.raise_alert(an_alert(monitor=f"mon_{number}", sentences=("A.",)), policy)
    assert slack.told[2][1].sentences == ("A.", "3 more alerts were held back before this one.")
    assert slack.told[3][1].sentences == ("A.",)


def test_what_was_held_back_is_told_when_it_is_raised_again_and_does_not_count_itself(
    desk: Alerts, slack: Listener, clock: Clock
) -> None:
    policy = Alerting(red=("slack",), most_per_hour=1)
    for monitor in ("mon_1", "mon_2", "mon_2", "mon_3"):
        desk.raise_alert(an_alert(monitor=monitor), policy)
    clock.pass_hours(1)
    assert desk.raise_alert(an_alert(monitor="mon_2"), policy).delivered == ("slack",)
    assert slack.told[1][1].sentences == ("1 more alert was held back before this one.",)
    assert [record.repeats for record in desk.list(monitor="mon_2")] == [0, 1]


def test_a_known_trouble_that_is_held_back_when_it_is_due_again_counts_too(
    desk: Alerts, slack: Listener, clock: Clock
) -> None:
    policy = Alerting(red=("slack",), most_per_hour=1)
    desk.raise_alert(an_alert(monitor="mon_1"), policy)
    clock.pass_hours(6)
    for monitor in ("mon_2", "mon_1", "mon_1"):
        desk.raise_alert(an_alert(monitor=monitor), policy)
    clock.pass_hours(1)
    desk.raise_alert(an_alert(monitor="mon_3"), policy)
    assert slack.told[2][1].sentences == ("1 more alert was held back before this one.",)
    assert [record.suppressed for record in desk.list(monitor="mon_1")] == ["held_back", None]


def test_each_channel_has_its_own_limit(desk: Alerts, pagerduty: Listener) -> None:
    policy = Alerting(yellow=("slack",), red=("slack", "pagerduty"), most_per_hour=1)
    desk.raise_alert(an_alert(Level.YELLOW, "mon_1"), policy)
    assert desk.raise_alert(an_alert(Level.RED, "mon_2"), policy).delivered == ("pagerduty",)


def test_an_acknowledged_trouble_stays_quiet_at_its_level_and_is_told_at_a_higher_one(
    desk: Alerts, slack: Listener, clock: Clock
) -> None:
    first = desk.raise_alert(an_alert(Level.ORANGE), ONLY_SLACK)
    assert desk.acknowledge(first.alert_id or "", "Ann", "on it").level == Level.ORANGE
    clock.pass_hours(100)
    quiet = desk.raise_alert(an_alert(Level.ORANGE), ONLY_SLACK)
    assert (quiet.suppressed, quiet.notes) == ("acknowledged", ("Ann acknowledged it at 2026-01-01 00:00 UTC.",))
    assert desk.raise_alert(an_alert(Level.RED), ONLY_SLACK).delivered == ("slack",)
    assert slack.heard == ["trigger ORANGE", "trigger RED"]


def test_an_acknowledgement_is_kept_with_who_and_why_and_told_to_pagerduty_once(
    desk: Alerts, pagerduty: Listener, slack: Listener
) -> None:
    alert_id = desk.raise_alert(an_alert(), POLICY).alert_id or ""
    desk.acknowledge(alert_id, " Ann\n", "on\x00 it")
    desk.acknowledge(alert_id, "Bob")
    taken = desk.list()[0].acknowledgement
    assert taken is not None
    assert (taken.who, taken.note, pagerduty.heard) == ("Bob", "", ["trigger RED", "acknowledge RED"])
    assert slack.heard == ["trigger RED"]


def test_pagerduty_is_not_told_of_what_it_never_heard(desk: Alerts, pagerduty: Listener, slack: Listener) -> None:
    alert_id = desk.raise_alert(an_alert(Level.YELLOW), POLICY).alert_id or ""
    desk.acknowledge(alert_id, "Ann")
    assert desk.resolve("drift:mon_1").delivered == ("slack",)
    assert (pagerduty.heard, slack.heard) == ([], ["trigger YELLOW", "resolve YELLOW"])


def test_whoever_heard_of_the_trouble_hears_how_it_ended_and_nothing_of_what_it_was(
    desk: Alerts, slack: Listener
) -> None:
    alert_id = desk.raise_alert(an_alert(sentences=("tenure drifted",)), POLICY).alert_id or ""
    desk.resolve("drift:mon_1", "mdl_2 is the new champion.")
    assert [alert.sentences for _, alert in slack.told] == [("tenure drifted",), ("mdl_2 is the new champion.",)]
    assert desk.get(alert_id).ending == "mdl_2 is the new champion."


def test_after_green_the_same_trouble_is_a_new_one(desk: Alerts, slack: Listener, pagerduty: Listener) -> None:
    alert_id = desk.raise_alert(an_alert(), POLICY).alert_id or ""
    desk.acknowledge(alert_id, "Ann")
    assert set(desk.resolve("drift:mon_1").delivered) == {"slack", "pagerduty"}
    assert set(desk.raise_alert(an_alert(), POLICY).delivered) == {"slack", "pagerduty"}
    assert slack.heard == ["trigger RED", "resolve RED", "trigger RED"]
    assert pagerduty.heard == ["trigger RED", "acknowledge RED", "resolve RED", "trigger RED"]


def test_acknowledging_what_is_over_does_not_take_on_what_came_after_it(desk: Alerts, pagerduty: Listener) -> None:
    old = desk.raise_alert(an_alert(), POLICY).alert_id or ""
    desk.resolve("drift:mon_1")
    desk.raise_alert(an_alert(), Alerting(red=("pagerduty",), repeat_hours=0))
    desk.acknowledge(old, "Ann")
    assert desk.raise_alert(an_alert(), Alerting(red=("pagerduty",), repeat_hours=0)).delivered == ("pagerduty",)
    assert "acknowledge RED" not in pagerduty.heard


def test_back_to_normal_is_told_once_and_only_to_those_who_heard(desk: Alerts, slack: Listener) -> None:
    desk.silence("mon_1", 1)
    assert desk.raise_alert(an_alert(Level.ORANGE), POLICY).suppressed == "silenced"
    silent = desk.resolve("drift:mon_1")
    assert (silent.delivered, silent.alert_id, slack.heard) == ((), desk.list()[0].alert.id, [])
    assert desk.resolve("drift:mon_1").alert_id is None
    assert desk.resolve("drift:unknown").alert_id is None


def test_a_silence_of_a_monitor_or_a_key_ends_by_itself(desk: Alerts, slack: Listener, clock: Clock) -> None:
    desk.silence("mon_1", 2, "Ann")
    desk.silence("drift:mon_2", 1)
    first = desk.raise_alert(an_alert(Level.ORANGE, "mon_1"), ONLY_SLACK)
    assert first.notes == ("mon_1 is silenced until 2026-01-01 02:00 UTC by Ann.",)
    assert desk.raise_alert(an_alert(Level.ORANGE, "mon_2"), ONLY_SLACK).suppressed == "silenced"
    assert [silence.about for silence in desk.silences()] == ["drift:mon_2", "mon_1"]
    clock.pass_hours(1)
    assert desk.raise_alert(an_alert(Level.ORANGE, "mon_1"), ONLY_SLACK).alert_id == first.alert_id
    assert desk.raise_alert(an_alert(Level.ORANGE, "mon_2"), ONLY_SLACK).delivered == ("slack",)
    clock.pass_hours(1)
    assert desk.raise_alert(an_alert(Level.ORANGE, "mon_1"), ONLY_SLACK).delivered == ("slack",)
    assert (desk.silences(), len(slack.told)) == ((), 2)


def test_red_breaks_through_a_silence_unless_red_was_asked_for(desk: Alerts, slack: Listener) -> None:
    desk.silence("mon_1", 1)
    desk.silence("mon_2", 1, highest=Level.RED)
    assert desk.raise_alert(an_alert(Level.RED, "mon_1"), ONLY_SLACK).delivered == ("slack",)
    assert desk.raise_alert(an_alert(Level.RED, "mon_2"), ONLY_SLACK).suppressed == "silenced"


def test_a_silence_can_be_replaced_and_ended(desk: Alerts) -> None:
    desk.silence("mon_1", 1)
    assert desk.silence("mon_1", 3).until == desk.silences()[0].until
    assert (desk.unsilence("mon_1"), desk.unsilence("mon_1")) == (True, False)
    assert desk.raise_alert(an_alert(Level.ORANGE), ONLY_SLACK).delivered == ("slack",)


def test_a_silence_given_with_an_acknowledgement_outlasts_the_trouble(desk: Alerts, clock: Clock) -> None:
    alert_id = desk.raise_alert(an_alert(Level.ORANGE), ONLY_SLACK).alert_id or ""
    desk.acknowledge(alert_id, "Ann", silence_hours=2)
    desk.resolve("drift:mon_1")
    assert desk.raise_alert(an_alert(Level.ORANGE), ONLY_SLACK).suppressed == "silenced"
    assert desk.raise_alert(an_alert(Level.RED), ONLY_SLACK).delivered == ("slack",)


@pytest.mark.parametrize("hours", [0, -1, float("nan"), float("inf"), 1e9])
def test_hours_that_are_no_time_are_refused(desk: Alerts, hours: float) -> None:
    alert_id = desk.raise_alert(an_alert(), ONLY_SLACK).alert_id or ""
    with pytest.raises(BadArguments, match="cannot be kept"):
        desk.silence("mon_1", hours)
    with pytest.raises(BadArguments, match="cannot be kept"):
        desk.acknowledge(alert_id, "Ann", silence_hours=hours)
    assert (desk.silences(), desk.list()[0].acknowledgement) == ((), None)


def test_nobody_and_nothing_are_refused(desk: Alerts) -> None:
    alert_id = desk.raise_alert(an_alert(), ONLY_SLACK).alert_id or ""
    with pytest.raises(BadArguments, match="needs a name"):
        desk.acknowledge(alert_id, " \n")
    for about in ("\x00", "m" * 251):
        with pytest.raises(BadArguments, match="needs a monitor or a key"):
            desk.silence(about, 1)


def test_an_unknown_alert_is_named_with_those_that_are_near(desk: Alerts) -> None:
    with pytest.raises(NotFound, match="There is no alert yet"):
        desk.acknowledge("alr_000000000000", "Ann")
    desk.raise_alert(an_alert(id="alr_00000000abcd"), ONLY_SLACK)
    for name in ("alr_00000000abce", "alr_00000000abcd\x00"):
        with pytest.raises(NotFound, match=r"Did you mean 'alr_00000000abcd'\?") as caught:
            desk.deliveries(name)
        assert caught.value.code == "alert_not_found"


def test_an_alert_raised_twice_by_its_id_is_told_once(desk: Alerts, slack: Listener) -> None:
    alert = an_alert()
    first, second = desk.raise_alert(alert, ONLY_SLACK), desk.raise_alert(alert, ONLY_SLACK)
    assert (first.alert_id, second.alert_id, len(slack.told)) == (alert.id, alert.id, 1)
    desk.silence("mon_2", 1, highest=Level.RED)
    quiet = an_alert(monitor="mon_2")
    assert [desk.raise_alert(quiet, ONLY_SLACK).suppressed for _ in range(2)] == ["silenced", "silenced"]


def test_the_list_is_read_back_newest_first_and_can_be_narrowed(desk: Alerts) -> None:
    odd = an_alert(monitor="mon_1", title="\x00'; DROP <b>", figures={"psi": float("nan"), "rows": 5})
    desk.raise_alert(odd, ONLY_SLACK)
    desk.raise_alert(an_alert(monitor="mon_2"), ONLY_SLACK)
    desk.resolve("drift:mon_2")
    assert [record.alert.monitor for record in desk.list()] == ["mon_2", "mon_1"]
    assert [record.alert for record in desk.list(open_only=True)] == [odd]
    assert [record.alert.monitor for record in desk.list(monitor="mon_2")] == ["mon_2"]
    assert [record.alert.monitor for record in desk.list(limit=1)] == ["mon_2"]
    assert desk.list(monitor="none") == ()
    assert desk.get(odd.id).alert == odd
