"""What becomes of a challenger that won, by what is champion afterwards."""

from pathlib import Path

import pytest

from engine.errors import NotFound
from engine.monitoring.records import RetrainingState, WindowSpec
from engine.monitoring.retrainings import Outcome
from tests.homes import workshop_at
from tools.settling import decline, settle
from tools.workshop import Workshop

NAME, OLD, NEW, OTHER = "churn", "mdl_old", "mdl_new", "mdl_other"


@pytest.fixture
def workshop(home: Path) -> Workshop:
    return workshop_at(home)


def retrained(workshop: Workshop, *outcomes: Outcome, name: str = NAME) -> str:
    """A retraining of a new monitor, whose challenger NEW met the champion OLD."""
    monitors, now = workshop.monitoring.monitors, workshop.now()
    monitor = monitors.create(model=name, reference=OLD, window=WindowSpec(rows=20))
    retraining = monitors.retrainings.begin(monitor.id, 1, champion=OLD, at=now).retraining.id
    for outcome in outcomes:
        monitors.retrainings.finish(retraining, outcome, at=now, challenger=NEW)
    return retraining


def state(workshop: Workshop, retraining: str) -> RetrainingState:
    return workshop.monitoring.monitors.retrainings.get(retraining).state


@pytest.mark.parametrize(("champion", "expected"), [(NEW, "promoted"), (OTHER, "declined"), (OLD, "won")])
def test_a_challenger_waits_for_as_long_as_the_champion_that_it_beat_is_champion(
    workshop: Workshop, champion: str, expected: RetrainingState
) -> None:
    retraining = retrained(workshop, "won")
    for _ in range(2):
        settle(workshop, NAME, champion)
        assert state(workshop, retraining) == expected


def test_every_monitor_of_the_name_is_settled_and_none_of_another(workshop: Workshop) -> None:
    ids = [retrained(workshop, "won"), retrained(workshop, "won"), retrained(workshop, "won", name="other")]
    settle(workshop, NAME, NEW)
    assert [state(workshop, one) for one in ids] == ["promoted", "promoted", "won"]


@pytest.mark.parametrize("outcomes", [(), ("lost",), ("failed",), ("won", "promoted")])
def test_what_does_not_wait_stays_as_it_is(workshop: Workshop, outcomes: tuple[Outcome, ...]) -> None:
    retraining = retrained(workshop, *outcomes)
    before = state(workshop, retraining)
    settle(workshop, NAME, OTHER)
    decline(workshop, retraining)
    assert state(workshop, retraining) == before


def test_a_promoted_challenger_that_is_rolled_back_is_on_record_as_such(workshop: Workshop) -> None:
    retraining = retrained(workshop, "won", "promoted")
    settle(workshop, NAME, OLD, lost=NEW)
    assert state(workshop, retraining) == "rolled_back"


def test_a_challenger_that_is_not_wanted_makes_room_for_the_next(workshop: Workshop) -> None:
    retraining = retrained(workshop, "won")
    for _ in range(2):
        decline(workshop, retraining)
        assert state(workshop, retraining) == "declined"
    with pytest.raises(NotFound):
        decline(workshop, "ret_none")


def test_where_nothing_is_monitored_no_database_is_made_for_it(workshop: Workshop) -> None:
    settle(workshop, NAME, NEW)
    assert not workshop.monitoring.in_use
