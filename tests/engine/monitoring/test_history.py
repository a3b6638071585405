from datetime import timedelta

import pytest

from engine.drift.levels import Level
from engine.errors import NotFound
from engine.monitoring.records import Monitor
from engine.monitoring.store import Monitors
from tests.engine.monitoring.logged import START, check

GREEN, YELLOW, RED = Level.GREEN, Level.YELLOW, Level.RED


def record(store: Monitors, monitor: Monitor, levels: dict[str, list[Level]]) -> None:
    """Checks of windows 1, 2, ... with these levels by column."""
    for window, row in enumerate(zip(*levels.values(), strict=True), start=1):
        store.history.record_check(check(monitor.id, window, dict(zip(levels, row, strict=True))))


def test_checks_are_read_back_the_newest_at_the_end(store: Monitors, monitor: Monitor) -> None:
    checks = [check(monitor.id, window, {"age": RED}, value=0.7, labelled=20) for window in (1, 2, 3)]
    for one in reversed(checks):
        store.history.record_check(one)
    assert store.history.history(monitor.id) == tuple(checks)
    assert store.history.history(monitor.id, limit=2) == tuple(checks[1:])


def test_the_same_findings_again_change_nothing(store: Monitors, monitor: Monitor) -> None:
    first = check(monitor.id, 1, {"age": RED}, value=0.7, labelled=20)
    store.history.record_check(first)
    again = first.model_copy(update={"at": first.at + timedelta(days=1)})
    assert store.history.record_check(again) == first
    assert store.history.history(monitor.id) == (first,)


def test_a_check_on_more_labels_takes_the_place_of_the_first_and_keeps_its_time(
    store: Monitors, monitor: Monitor
) -> None:
    first = check(monitor.id, 1, value=0.7, labelled=20)
    later = check(monitor.id, 1, value=0.6, labelled=30).model_copy(update={"at": START + timedelta(days=9)})
    store.history.record_check(first)
    kept = store.history.record_check(later)
    assert (kept.at, kept.revised, kept.performance) == (first.at, later.at, later.performance)
    assert store.history.history(monitor.id) == (kept,)


def test_a_check_on_fewer_labels_that_comes_late_changes_nothing(store: Monitors, monitor: Monitor) -> None:
    full = check(monitor.id, 1, value=0.6, labelled=30)
    store.history.record_check(full)
    assert store.history.record_check(check(monitor.id, 1, value=0.7, labelled=20)) == full


def test_the_last_levels_are_those_of_the_newest_window(store: Monitors, monitor: Monitor) -> None:
    assert store.history.last_levels(monitor.id) == {}
    record(store, monitor, {"age": [RED, GREEN], "plan": [GREEN, YELLOW]})
    assert store.history.last_levels(monitor.id) == {"age": GREEN, "plan": YELLOW}


def test_a_run_of_drift_is_counted_back_to_where_it_began(store: Monitors, monitor: Monitor) -> None:
    assert store.history.since_when(monitor.id, "age") is None
    levels = {
        "age": [YELLOW, GREEN, YELLOW, RED, YELLOW],
        "plan": [RED, RED, RED, RED, GREEN],
        "fee": [YELLOW, YELLOW, YELLOW, YELLOW, YELLOW],
    }
    record(store, monitor, levels)
    since = {column: store.history.since_when(monitor.id, column) for column in (*levels, "unknown")}
    assert since == {"age": 3, "plan": None, "fee": 1, "unknown": None}


def test_checks_outlive_their_monitor_and_new_ones_are_refused(store: Monitors, monitor: Monitor) -> None:
    kept = store.history.record_check(check(monitor.id, 1))
    store.delete(monitor.name)
    assert store.history.history(monitor.id) == (kept,)
    with pytest.raises(NotFound):
        store.history.record_check(check(monitor.id, 2))
