from datetime import datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest

from engine.errors import BadArguments, NotFound
from engine.monitoring.records import Counts, Monitor
from engine.monitoring.store import Monitors
from tests.engine.monitoring.logged import HOUR, START, ids_of, log, minutes, names


def everything(store: Monitors, monitor: Monitor) -> list[str]:
    """Ids of the rows in the order of the log; a row without a label is in no such list."""
    store.labels.label(monitor.id, names(0, 50), ["1"] * 50, START)
    return list(store.windows.recent_labelled(monitor.id, 1000).ids)


def test_a_row_is_read_back_with_all_that_was_logged(store: Monitors, monitor: Monitor) -> None:
    frame = pd.DataFrame({"months": range(20), "plan": ["monthly"] * 19 + [None]})
    answers = np.linspace(0, 1, 40).reshape(20, 2)
    labels = ["No"] * 19 + [None]
    logged = store.predictions.log(monitor.id, "mdl_7", frame, answers, labels, at=START)
    rows = store.windows.read(store.windows.due(monitor, START)[0])
    pd.testing.assert_frame_equal(rows.frame, frame)
    np.testing.assert_array_equal(rows.answers, answers)
    assert (rows.ids, rows.predicted, rows.labels) == (logged.ids, tuple(labels), (None,) * 20)
    assert set(rows.times) == {START}
    assert (set(rows.model_ids), len(rows)) == ({"mdl_7"}, 20)


def test_ids_that_are_made_are_all_different(store: Monitors, monitor: Monitor) -> None:
    frame = pd.DataFrame({"x": np.zeros(200)})
    ids = [
        row
        for _ in range(2)
        for row in store.predictions.log(monitor.id, "mdl_1", frame, np.zeros(200), None, at=START).ids
    ]
    assert len(set(ids)) == 400
    assert all(len(row) == 16 and row.startswith("row_") for row in ids)


def test_an_id_that_comes_again_is_kept_once_and_told(store: Monitors, monitor: Monitor) -> None:
    log(store, monitor, names(0, 10), model="first")
    again = log(store, monitor, [*names(5, 15), "r14"], model="second")
    assert again.ids == (*names(5, 15), "r14")
    assert again.repeated == (*names(5, 10), "r14")
    assert everything(store, monitor) == names(0, 15)
    kept = store.windows.recent_labelled(monitor.id, 100).model_ids
    assert kept == ("first",) * 10 + ("second",) * 5


def test_the_same_id_may_be_in_two_monitors(store: Monitors, monitor: Monitor, hourly: Monitor) -> None:
    assert log(store, monitor, names(0, 3)).repeated == log(store, hourly, names(0, 3)).repeated == ()


def test_times_are_kept_in_utc_to_the_microsecond(store: Monitors, monitor: Monitor) -> None:
    east = datetime(2026, 1, 1, 2, 0, 0, 1, tzinfo=timezone(timedelta(hours=2)))
    naive = datetime(1969, 12, 31, 23, 59, 59, 999_999)
    log(store, monitor, names(0, 2), [east, naive])
    store.labels.label(monitor.id, names(0, 2), [0, 1], START)
    times = store.windows.recent_labelled(monitor.id, 2).times
    assert [moment.isoformat() for moment in times] == [
        "2026-01-01T00:00:00.000001+00:00",
        "1969-12-31T23:59:59.999999+00:00",
    ]


def test_pandas_times_do_as_well(store: Monitors, hourly: Monitor) -> None:
    log(store, hourly, names(0, 6), list(pd.date_range(START, periods=6, freq="10min")))
    assert ids_of(store, store.windows.due(hourly, START + HOUR)) == [names(0, 6)]


def test_no_rows_are_no_trouble(store: Monitors, monitor: Monitor) -> None:
    assert log(store, monitor, []).ids == ()
    assert store.predictions.log(monitor.id, "mdl_1", pd.DataFrame({"x": []}), np.empty(0), None, at=START).ids == ()


def test_lengths_that_differ_are_refused_and_nothing_is_logged(store: Monitors, monitor: Monitor) -> None:
    frame, answers = pd.DataFrame({"x": [1, 2]}), np.zeros(2)
    with pytest.raises(BadArguments, match="There are 2 rows and 3 answers"):
        store.predictions.log(monitor.id, "mdl_1", frame, np.zeros(3), None, at=START)
    with pytest.raises(BadArguments, match="2 rows and 1 labels"):
        store.predictions.log(monitor.id, "mdl_1", frame, answers, ["a"], at=START)
    with pytest.raises(BadArguments, match="2 rows and 1 times"):
        store.predictions.log(monitor.id, "mdl_1", frame, answers, None, at=[START])
    with pytest.raises(BadArguments, match="2 rows and 1 ids"):
        store.predictions.log(monitor.id, "mdl_1", frame, answers, None, at=START, ids=["r0"])
    assert everything(store, monitor) == []


@pytest.mark.parametrize("bad", ["", "a\x00b", "\ud800", "x" * 201])
def test_ids_and_labels_that_a_database_cannot_hold_are_refused(store: Monitors, monitor: Monitor, bad: str) -> None:
    with pytest.raises(BadArguments, match="cannot be kept as the id of a row"):
        log(store, monitor, [bad])
    if len(bad) < 200:
        with pytest.raises(BadArguments, match="cannot be kept as a predicted label"):
            store.predictions.log(monitor.id, "mdl_1", pd.DataFrame({"x": [1]}), np.zeros(1), [bad], at=START)


def test_a_missing_time_is_refused(store: Monitors, monitor: Monitor) -> None:
    with pytest.raises(BadArguments, match="A time is missing"):
        log(store, monitor, names(0, 2), [START, pd.NaT])


def test_an_unknown_monitor_is_refused(store: Monitors, monitor: Monitor) -> None:
    store.delete(monitor.id)
    with pytest.raises(NotFound, match=monitor.id):
        log(store, monitor, names(0, 2))


def test_more_rows_than_one_statement_takes_ids_are_kept_once(store: Monitors, monitor: Monitor) -> None:
    many = names(0, 6_000)
    log(store, monitor, many)
    again = log(store, monitor, [*many, "new"])
    assert again.repeated == tuple(many)
    assert [window.rows for window in store.windows.due(monitor, START)[-1:]] == [20]


def test_labels_and_times_select_rows(store: Monitors, monitor: Monitor) -> None:
    log(store, monitor, names(0, 6), minutes(0, 1, 2, 3, 4, 5))
    store.labels.label(monitor.id, ["r1", "r2", "r3", "r5"], ["1"] * 4, START)
    recent = store.windows.recent_labelled(monitor.id, 2, before=minutes(5)[0])
    between = store.windows.labelled_between(monitor.id, *minutes(2, 5))
    assert (recent.ids, recent.frame["number"].tolist()) == (("r2", "r3"), [2, 3])
    assert between.ids == ("r2", "r3")


def test_rows_are_counted_with_those_that_have_labels_and_windows(store: Monitors, monitor: Monitor) -> None:
    log(store, monitor, names(0, 45))
    store.labels.label(monitor.id, names(40, 50), ["1"] * 10, START)
    store.windows.due(monitor, START)
    assert store.predictions.counts(monitor.id) == Counts(logged=45, labelled=5, in_windows=40)
