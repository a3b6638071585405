"""Whatever is logged and labelled, in whatever order, and whenever windows are asked for and checked."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from engine.monitoring.records import Monitor, Window, WindowSpec
from engine.monitoring.store import Monitors
from tests.engine.monitoring.logged import HOUR, MINUTE, START, check, ids_of, log, minutes, names

SETTINGS = settings(
    max_examples=12,
    stateful_step_count=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
HOURS = st.sampled_from([WindowSpec(hours=1, least_rows=1), WindowSpec(hours=2, least_rows=7)])
MINUTES = st.integers(0, 600)
LONG_AFTER = START + 1000 * HOUR


class AnyLog(RuleBasedStateMachine):
    """Logs, labels, looks and checks in any order; at the end every row must be where it belongs."""

    def __init__(self, store: Monitors) -> None:
        super().__init__()
        self.store = store
        self.times: list[int] = []
        self.told: dict[int, tuple[Window, list[str]]] = {}

    @initialize(spec=st.one_of(st.just(WindowSpec(rows=20)), HOURS))
    def make(self, spec: WindowSpec) -> None:
        self.spec = spec
        self.monitor = self.store.create(model="any", reference="mdl_1", window=spec)

    @rule(after=st.lists(MINUTES, min_size=1, max_size=25))
    def log(self, after: list[int]) -> None:
        log(self.store, self.monitor, names(len(self.times), len(self.times) + len(after)), minutes(*after))
        self.times += after

    @rule(row=st.integers(0, 60))
    def label(self, row: int) -> None:
        self.store.labels.label(self.monitor.id, names(row, row + 5), ["1"] * 5, START)

    @rule(minute=MINUTES)
    def look(self, minute: int) -> None:
        self.remember(self.store.windows.due(self.monitor, START + minute * MINUTE))

    @rule(minute=MINUTES)
    def check(self, minute: int) -> None:
        for window in self.store.windows.due(self.monitor, START + minute * MINUTE)[:2]:
            self.store.history.record_check(check(self.monitor.id, window.number))

    def remember(self, windows: tuple[Window, ...]) -> None:
        """A window that was told before holds the same rows and bounds as then."""
        for window, ids in zip(windows, ids_of(self.store, windows), strict=True):
            told = window.model_copy(update={"labelled": 0})
            assert self.told.setdefault(window.number, (told, ids)) == (told, ids)

    def teardown(self) -> None:
        if not self.times:
            return
        self.store.windows.due(self.monitor, LONG_AFTER)
        windows = self.store.windows.list(self.monitor.id)
        self.remember(windows)
        rows = [[int(name[1:]) for name in self.told[window.number][1]] for window in windows]
        assert [window.number for window in windows] == list(range(1, len(windows) + 1))
        assert [window.rows for window in windows] == [len(row) for row in rows]
        self.every_row_is_in_one_window_or_left_over(rows)
        self.rows_are_in_the_window_of_their_place_or_time(windows, rows)

    def every_row_is_in_one_window_or_left_over(self, rows: list[list[int]]) -> None:
        held = [row for window in rows for row in window]
        assert len(held) == len(set(held))
        assert all(window == sorted(window) for window in rows)
        assert len(self.times) - len(held) < (self.spec.rows or self.spec.least_rows)

    def rows_are_in_the_window_of_their_place_or_time(self, windows: tuple[Window, ...], rows: list[list[int]]) -> None:
        if self.spec.rows:
            assert [row for window in rows for row in window] == list(range(20 * len(rows)))
            return
        for window, held in zip(windows, rows, strict=True):
            assert all(START + self.times[row] * MINUTE < window.ends for row in held)
            assert all(window.first <= row < window.last for row in held)
        assert all(one.ends == next_one.begins for one, next_one in pairwise(windows))


def test_every_row_is_in_one_window_at_most_none_is_skipped_and_their_order_is_kept(store: Monitors) -> None:
    run_state_machine_as_test(lambda: AnyLog(store), settings=SETTINGS)


@pytest.mark.slow
def test_so_it_is_with_long_logs_of_every_kind(store: Monitors) -> None:
    many = settings(SETTINGS, max_examples=60, stateful_step_count=20)
    run_state_machine_as_test(lambda: AnyLog(store), settings=many)


@SETTINGS
@given(spec=HOURS, after=st.lists(MINUTES, min_size=1, max_size=60), cuts=st.lists(st.integers(1, 59), max_size=5))
def test_rows_that_come_in_order_give_the_same_windows_whenever_it_is_asked(
    store: Monitors, spec: WindowSpec, after: list[int], cuts: list[int]
) -> None:
    def windows(monitor: Monitor) -> list[tuple[object, ...]]:
        found = store.windows.due(monitor, LONG_AFTER)
        return [(w.number, w.first, w.last, w.begins, w.ends, w.rows) for w in found]

    often, once = (store.create(model="any", reference="mdl_1", window=spec) for _ in range(2))
    times, bounds = sorted(after), sorted({0, *cuts, len(after)})
    for first, last in pairwise(bound for bound in bounds if bound <= len(after)):
        log(store, often, names(first, last), minutes(*times[first:last]))
        store.windows.due(often, START + times[last - 1] * MINUTE)
    log(store, once, names(0, len(times)), minutes(*times))
    assert windows(often) == windows(once)
