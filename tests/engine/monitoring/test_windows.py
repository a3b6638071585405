from datetime import timedelta

import pytest

from engine.errors import NotFound
from engine.monitoring.records import Monitor, WindowSpec
from engine.monitoring.store import Monitors
from tests.engine.monitoring.logged import HOUR, START, check, ids_of, log, minutes, names

MINUTES_10 = timedelta(minutes=10)


def test_windows_of_rows_are_full_and_in_order(store: Monitors, monitor: Monitor) -> None:
    log(store, monitor, names(0, 15))
    assert store.windows.due(monitor, START) == ()
    log(store, monitor, names(15, 50))
    first, second = store.windows.due(monitor, START)
    assert [(w.number, w.first, w.last, w.rows) for w in (first, second)] == [(1, 0, 20, 20), (2, 20, 40, 20)]
    assert ids_of(store, [first, second]) == [names(0, 20), names(20, 40)]


def test_a_window_of_rows_begins_and_ends_with_its_earliest_and_latest_row(store: Monitors, monitor: Monitor) -> None:
    log(store, monitor, names(0, 20), minutes(5, 1, *range(6, 23), 2))
    window = store.windows.due(monitor, START)[0]
    assert [window.begins, window.ends] == minutes(1, 22)


def test_a_window_that_was_checked_is_not_due_again(store: Monitors, monitor: Monitor) -> None:
    log(store, monitor, names(0, 60))
    store.history.record_check(check(monitor.id, 2))
    assert [window.number for window in store.windows.due(monitor, START)] == [1, 3]
    assert [window.number for window in store.windows.list(monitor.id)] == [1, 2, 3]


def test_a_window_of_hours_is_aligned_to_the_first_row_and_its_end_is_not_in_it(
    store: Monitors, hourly: Monitor
) -> None:
    log(store, hourly, names(0, 11), minutes(7, 10, 20, 30, 66.9, 67, 70, 80, 90, 100, 126))
    first, second = store.windows.due(hourly, START + 3 * HOUR)
    assert ids_of(store, [first, second]) == [names(0, 5), names(5, 11)]
    assert [first.begins, first.ends, second.ends] == minutes(7, 67, 127)


def test_a_window_of_hours_is_due_at_its_end_and_the_grace_after_it(store: Monitors, hourly: Monitor) -> None:
    log(store, hourly, names(0, 5))
    end = START + HOUR
    assert store.windows.due(hourly, end - timedelta(microseconds=1)) == ()
    assert store.windows.due(hourly, end + MINUTES_10 / 2, grace=MINUTES_10) == ()
    log(store, hourly, ["late"], end - MINUTES_10)
    due = store.windows.due(hourly, end + MINUTES_10, grace=MINUTES_10)
    assert ids_of(store, due) == [[*names(0, 5), "late"]]


def test_a_window_with_too_few_rows_goes_on_through_the_next(store: Monitors, hourly: Monitor) -> None:
    log(store, hourly, names(0, 12), minutes(0, 1, 2, 3, 250, 251, 300, 301, 302, 303, 304, 400))
    windows = store.windows.due(hourly, START + 100 * HOUR)
    assert ids_of(store, windows) == [names(0, 6), names(6, 11)]
    assert [(w.begins, w.ends) for w in windows] == [tuple(minutes(0, 300)), tuple(minutes(300, 360))]
    log(store, hourly, names(12, 16), minutes(401, 402, 403, 404))
    assert ids_of(store, store.windows.due(hourly, START + 100 * HOUR)[2:]) == [names(11, 16)]


def test_a_row_that_comes_after_its_window_was_cut_is_in_the_next_one(store: Monitors, hourly: Monitor) -> None:
    log(store, hourly, names(0, 5), minutes(0, 1, 2, 3, 4))
    first = store.windows.due(hourly, START + HOUR)
    log(store, hourly, names(5, 11), minutes(30, 61, 62, 63, 64, 65))
    windows = store.windows.due(hourly, START + 2 * HOUR)
    assert windows[:1] == first
    assert ids_of(store, windows) == [names(0, 5), names(5, 11)]


def test_a_clock_that_goes_back_cuts_nothing(store: Monitors, hourly: Monitor) -> None:
    log(store, hourly, names(0, 10), minutes(0, 1, 2, 3, 4, 61, 62, 63, 64, 65))
    first = store.windows.due(hourly, START + HOUR)
    log(store, hourly, names(10, 15), minutes(5, 6, 7, 8, 9))
    assert store.windows.due(hourly, START - 9 * HOUR) == first
    assert ids_of(store, store.windows.due(hourly, START + 2 * HOUR)) == [names(0, 5), names(5, 15)]


def test_rows_older_than_the_first_one_are_in_the_first_window(store: Monitors, hourly: Monitor) -> None:
    log(store, hourly, names(0, 6), minutes(0, -61, -62, -200, 10, 20))
    window = store.windows.due(hourly, START + HOUR)[0]
    assert ids_of(store, [window]) == [names(0, 6)]
    assert [window.begins, window.ends] == minutes(-240, 60)


def test_a_row_from_the_future_waits_and_holds_up_no_other(store: Monitors, hourly: Monitor) -> None:
    log(store, hourly, ["future"], START + 1000 * HOUR)
    for hour in range(3):
        log(store, hourly, names(5 * hour, 5 * hour + 5), START + hour * HOUR)
    due = store.windows.due(hourly, START + 3 * HOUR)
    assert ids_of(store, due) == [names(0, 5), names(5, 10), names(10, 15)]
    log(store, hourly, names(15, 19), START + 1000 * HOUR)
    assert ids_of(store, store.windows.due(hourly, START + 1001 * HOUR)[3:]) == [["future", *names(15, 19)]]


def test_rows_in_the_wrong_order_are_each_in_the_window_of_their_time(store: Monitors, hourly: Monitor) -> None:
    log(store, hourly, names(0, 10), minutes(70, 0, 71, 1, 72, 2, 73, 3, 74, 4))
    log(store, hourly, names(10, 15), minutes(130, 131, 132, 133, 75))
    odd, even = names(0, 10)[1::2], names(0, 10)[::2]
    assert ids_of(store, store.windows.due(hourly, *minutes(130))) == [odd, [*even, "r14"]]


def test_an_hour_may_be_a_part_of_one(store: Monitors) -> None:
    quick = store.create(model="m", reference="mdl_1", window=WindowSpec(hours=0.1, least_rows=1))
    log(store, quick, names(0, 3), minutes(0, 5.9, 6))
    assert ids_of(store, store.windows.due(quick, START + HOUR)) == [["r0", "r1"], ["r2"]]
    least = store.create(model="m", reference="mdl_1", window=WindowSpec(hours=1e-12, least_rows=2))
    log(store, least, names(0, 5), minutes(0, 0, 0, 1, 2))
    assert ids_of(store, store.windows.due(least, START + HOUR)) == [names(0, 3), names(3, 5)]


def test_without_rows_nothing_is_due(store: Monitors, monitor: Monitor, hourly: Monitor) -> None:
    assert store.windows.due(monitor, START) == store.windows.due(hourly, START) == ()


def test_a_window_that_was_not_cut_is_not_found_and_has_no_rows(store: Monitors, monitor: Monitor) -> None:
    log(store, monitor, names(0, 20))
    window = store.windows.due(monitor, START)[0]
    with pytest.raises(NotFound, match="no window '2'"):
        store.windows.get(monitor.id, 2)
    assert len(store.windows.read(window.model_copy(update={"number": 2}))) == 0


def test_what_is_told_of_a_window_counts_labels_as_they_come(store: Monitors, monitor: Monitor) -> None:
    log(store, monitor, names(0, 40))
    store.labels.label(monitor.id, names(15, 25), ["1"] * 10, START)
    store.windows.due(monitor, START)
    assert [window.labelled for window in store.windows.list(monitor.id)] == [5, 5]
    store.labels.label(monitor.id, names(0, 3), ["1"] * 3, START)
    assert store.windows.get(monitor.id, 1).labelled == 8


def test_a_deleted_monitor_has_no_windows(store: Monitors, monitor: Monitor) -> None:
    store.delete(monitor.id)
    with pytest.raises(NotFound):
        store.windows.due(monitor, START)
