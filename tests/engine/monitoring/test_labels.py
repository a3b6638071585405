from collections.abc import Sequence

import numpy as np
import pytest

from engine.errors import BadArguments, NotFound
from engine.monitoring.records import LabelsFound, Monitor
from engine.monitoring.store import Monitors
from tests.engine.monitoring.logged import START, log, names


def label(store: Monitors, monitor: Monitor, ids: Sequence[str], labels: Sequence[object]) -> LabelsFound:
    return store.labels.label(monitor.id, ids, labels, START)


def labels_of(store: Monitors, monitor: Monitor) -> dict[str, str | None]:
    """The labels in the first window of twenty rows."""
    rows = store.windows.read(store.windows.due(monitor, START)[0])
    return dict(zip(rows.ids, rows.labels, strict=True))


def test_labels_join_their_rows_in_whatever_order_they_come(store: Monitors, monitor: Monitor) -> None:
    log(store, monitor, names(0, 20))
    assert label(store, monitor, ["r7", "r2"], ["seven", "two"]).joined == 2
    found = labels_of(store, monitor)
    assert (found["r7"], found["r2"], found["r3"]) == ("seven", "two", None)


def test_a_label_that_comes_before_its_row_waits_for_it(store: Monitors, monitor: Monitor) -> None:
    early = label(store, monitor, names(0, 9), list(range(9)))
    assert early == LabelsFound(joined=0, unknown=9, examples=("r0", "r1", "r2", "r3", "r4"), changed=0)
    log(store, monitor, names(0, 20))
    assert list(labels_of(store, monitor).values()) == [*map(str, range(9)), *[None] * 11]
    assert store.windows.due(monitor, START)[0].labelled == 9


def test_a_corrected_label_takes_the_place_of_the_old_one_and_is_counted(store: Monitors, monitor: Monitor) -> None:
    log(store, monitor, names(0, 20))
    label(store, monitor, ["r0", "r1"], ["a", "b"])
    again = label(store, monitor, ["r0", "r1", "r2"], ["a", "c", "d"])
    assert (again.joined, again.changed) == (3, 1)
    assert list(labels_of(store, monitor).values())[:4] == ["a", "c", "d", None]


def test_of_an_id_that_comes_twice_the_last_label_counts(store: Monitors, monitor: Monitor) -> None:
    log(store, monitor, names(0, 20))
    assert label(store, monitor, ["r0", "r0"], ["a", "b"]) == LabelsFound(joined=1, unknown=0, examples=(), changed=0)
    assert labels_of(store, monitor)["r0"] == "b"


def test_labels_are_written_as_the_names_of_classes_are(store: Monitors, monitor: Monitor) -> None:
    log(store, monitor, names(0, 20))
    label(store, monitor, names(0, 6), [1, 1.0, np.float64(2.5), True, " Yes ", np.int64(3)])
    assert list(labels_of(store, monitor).values())[:6] == ["1", "1", "2.5", "True", "Yes", "3"]


@pytest.mark.parametrize("blank", [None, "", "  ", float("nan"), "None", "nan"])
def test_a_blank_label_is_refused_with_its_row_and_none_is_kept(
    store: Monitors, monitor: Monitor, blank: object
) -> None:
    log(store, monitor, names(0, 20))
    with pytest.raises(BadArguments, match="1 of 2 labels are blank, those of r1"):
        label(store, monitor, ["r0", "r1"], ["a", blank])
    assert set(labels_of(store, monitor).values()) == {None}


def test_ids_and_labels_of_different_number_are_refused(store: Monitors, monitor: Monitor) -> None:
    with pytest.raises(BadArguments, match="2 ids and 1 labels"):
        label(store, monitor, ["r0", "r1"], ["a"])


def test_ids_and_labels_that_a_database_cannot_hold_are_refused(store: Monitors, monitor: Monitor) -> None:
    with pytest.raises(BadArguments, match="id of a row"):
        label(store, monitor, ["a\x00"], ["a"])
    with pytest.raises(BadArguments, match="kept as a label"):
        label(store, monitor, ["r0"], ["a\x00"])


def test_labels_of_one_monitor_are_not_those_of_another(store: Monitors, monitor: Monitor, hourly: Monitor) -> None:
    log(store, monitor, names(0, 20))
    assert label(store, hourly, names(0, 20), ["a"] * 20).unknown == 20
    assert set(labels_of(store, monitor).values()) == {None}


def test_labels_of_a_deleted_monitor_are_refused(store: Monitors, monitor: Monitor) -> None:
    store.delete(monitor.id)
    with pytest.raises(NotFound):
        label(store, monitor, ["r0"], ["a"])


def test_no_labels_are_no_trouble(store: Monitors, monitor: Monitor) -> None:
    assert label(store, monitor, [], []) == LabelsFound(joined=0, unknown=0, examples=(), changed=0)
