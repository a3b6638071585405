from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest

from engine.errors import BadArguments, NotFound
from engine.monitoring.records import Begun, Monitor
from engine.monitoring.retrainings import Outcome
from engine.monitoring.store import Monitors
from tests.engine.monitoring.logged import MINUTE, START

LATER = START + timedelta(hours=1)
SIDE_BY_SIDE = 6


def begin(store: Monitors, monitor: Monitor, window: int = 1) -> Begun:
    return store.retrainings.begin(monitor.id, window, champion="mdl_1", at=START + window * MINUTE)


def finish(store: Monitors, retraining: str, *outcomes: Outcome) -> None:
    for outcome in outcomes:
        store.retrainings.finish(retraining, outcome, at=LATER)


def test_a_retraining_is_followed_from_its_begin_to_its_end(store: Monitors, monitor: Monitor) -> None:
    begun = begin(store, monitor).retraining
    assert (begun.state, begun.window, begun.champion, begun.begun, begun.ended) == (
        "running",
        1,
        "mdl_1",
        START + MINUTE,
        None,
    )
    assert store.retrainings.assign(begun.id, "job_7").job == "job_7"
    verdict = {"better": True, "gain": 0.04, "by": ["roc_auc", None]}
    won = store.retrainings.finish(begun.id, "won", at=LATER, challenger="mdl_2", verdict=verdict)
    assert (won.state, won.challenger, won.verdict, won.ended) == ("won", "mdl_2", verdict, None)
    promoted = store.retrainings.finish(begun.id, "promoted", at=LATER)
    assert promoted == won.model_copy(update={"state": "promoted", "ended": LATER})
    assert store.retrainings.list(monitor.id) == (promoted,)


@pytest.mark.parametrize("outcomes", [(), ("won",)])
def test_while_one_runs_or_waits_for_approval_no_other_begins(
    store: Monitors, monitor: Monitor, outcomes: tuple[Outcome, ...]
) -> None:
    first = begin(store, monitor, 1)
    finish(store, first.retraining.id, *outcomes)
    second = begin(store, monitor, 2)
    assert (first.new, second.new, second.retraining.id) == (True, False, first.retraining.id)
    assert len(store.retrainings.list(monitor.id)) == 1


@pytest.mark.parametrize("outcomes", [("lost",), ("failed",), ("won", "declined"), ("won", "promoted", "rolled_back")])
def test_when_one_has_ended_the_next_may_begin(
    store: Monitors, monitor: Monitor, outcomes: tuple[Outcome, ...]
) -> None:
    first = begin(store, monitor, 1).retraining
    finish(store, first.id, *outcomes)
    assert begin(store, monitor, 2).new
    assert [one.state for one in store.retrainings.list(monitor.id)] == [outcomes[-1], "running"]


def test_monitors_do_not_wait_for_one_another(store: Monitors, monitor: Monitor, hourly: Monitor) -> None:
    assert begin(store, monitor).new
    assert begin(store, hourly).new


def test_an_outcome_told_twice_changes_nothing(store: Monitors, monitor: Monitor) -> None:
    one = begin(store, monitor).retraining
    lost = store.retrainings.finish(one.id, "lost", at=LATER)
    assert store.retrainings.finish(one.id, "lost", at=LATER + timedelta(hours=1)) == lost


def test_an_outcome_that_does_not_follow_is_refused(store: Monitors, monitor: Monitor) -> None:
    one = begin(store, monitor).retraining
    with pytest.raises(BadArguments, match=r"is 'running' and cannot become 'promoted'\. It becomes so from won"):
        store.retrainings.finish(one.id, "promoted", at=LATER)
    finish(store, one.id, "lost")
    with pytest.raises(BadArguments, match="is 'lost' and cannot become 'failed'"):
        store.retrainings.finish(one.id, "failed", at=LATER)


def test_unknown_retrainings_are_not_found(store: Monitors, monitor: Monitor) -> None:
    with pytest.raises(NotFound, match="no retraining 'ret_0'"):
        store.retrainings.finish("ret_0", "lost", at=LATER)
    with pytest.raises(NotFound):
        store.retrainings.assign("ret_0", "job")


def test_of_many_that_begin_at_once_one_is_new_and_all_are_told_of_it(
    url: str, monitoring_home: Path, scope: str, monitor: Monitor
) -> None:
    barrier = Barrier(SIDE_BY_SIDE)

    def begin_with_all(window: int) -> Begun:
        own = Monitors(url, monitoring_home, scope)
        own.list()
        barrier.wait()
        return begin(own, monitor, window)

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        begun = list(pool.map(begin_with_all, range(SIDE_BY_SIDE)))
    assert sum(one.new for one in begun) == 1
    assert len({one.retraining.id for one in begun}) == 1
