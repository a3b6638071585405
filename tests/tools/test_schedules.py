"""Monitors that look by themselves: cron expressions, and the real worker that follows them."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.errors import BadArguments
from millwright.compose import open_workshop
from millwright.settings import Settings
from tests.tools.watched import MODEL, SHIFT, Clock, Watched, at, copied_home, table
from tools.journal import home_id, open_client
from tools.schedules import checked_cron, next_check
from tools.workshop import Workshop

EVERY_SECOND = "* * * * * *"


@pytest.fixture
def home(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied_home(tmp_path_factory.getbasetemp(), tmp_path)


@pytest.fixture
def workshop(home: Path) -> Iterator[Workshop]:
    """One whose jobs run in a real worker process."""
    with open_workshop(Settings(home=home)) as opened:
        yield opened


@pytest.mark.parametrize("expression", ["0 * * * *", "*/15 8-18 * * mon-fri", "  0   0 1 1 *  ", "*/2 * * * * *"])
def test_cron_expressions_of_five_fields_and_of_six_are_taken(expression: str) -> None:
    assert checked_cron(expression) == " ".join(expression.split())


@pytest.mark.parametrize(
    "expression", ["", "hourly", "@hourly", "* * *", "61 * * * *", "*/0 * * * *", "0 0 31 2 *", "* * * * * * *"]
)
def test_what_is_no_cron_expression_or_never_comes_is_refused_with_one_that_is(expression: str) -> None:
    with pytest.raises(BadArguments, match=r"is no cron expression \(.+\).*'0 \* \* \* \*' is every hour"):
        checked_cron(expression)


def test_the_next_check_is_told_in_utc() -> None:
    now = datetime(2026, 1, 1, 10, 30, tzinfo=UTC)
    assert next_check("0 * * * *", now) == "2026-01-01T11:00+00:00"
    assert next_check("30 15 10 * * *", now) == "2026-01-02T10:15+00:00"
    assert next_check(None, now) is None


def test_without_a_worker_a_schedule_is_refused_and_nothing_half_made_stays(home: Path) -> None:
    workshop = at(home, Clock())
    with pytest.raises(BadArguments, match=r"Nothing looks at the clock here.*open the workshop with a worker"):
        workshop.call("create_monitor", model=MODEL, schedule="0 * * * *")
    assert workshop.call("monitor_status").model_dump()["monitors"] == ()


def test_a_monitor_that_cannot_look_by_itself_again_stays_paused(home: Path, workshop: Workshop) -> None:
    made = workshop.call("create_monitor", model=MODEL, schedule="0 * * * *").model_dump()
    assert made["next_check"] is not None
    inline = at(home, Clock())
    assert inline.call("pause_monitor", monitor=MODEL, paused=True).model_dump()["next_check"] is None
    with pytest.raises(BadArguments, match="Nothing looks at the clock here"):
        inline.call("pause_monitor", monitor=MODEL, paused=False)
    assert inline.monitoring.monitors.get(MODEL).paused


def test_the_worker_looks_after_a_monitor_until_it_is_paused(workshop: Workshop, tmp_path: Path) -> None:
    stream = Watched(workshop, Clock(), tmp_path)
    made = workshop.call("create_monitor", model=MODEL, window_rows=60, schedule=EVERY_SECOND, retrain="never")
    monitor = str(made.model_dump()["monitor"])
    stream.predict("a", table(60, 1, SHIFT))
    workshop.jobs.warm()
    wait_until(lambda: stream.levels() == ["RED"])
    titles = [alert["title"] for alert in workshop.call("list_alerts", monitor=MODEL).model_dump()["alerts"]]
    assert titles.count("stream is RED in window 1") == 1
    loop = workshop.monitoring.folder(monitor) / "loop.json"
    wait_until(loop.exists)
    assert json.loads(loop.read_text())["request"]["monitor"] == monitor
    assert schedules(workshop) == [f"monitor-{monitor}"]
    workshop.call("pause_monitor", monitor=MODEL, paused=True)
    assert schedules(workshop) == []
    stream.predict("b", table(60, 4))
    time.sleep(2.5)
    assert stream.levels() == ["RED"]
    workshop.call("pause_monitor", monitor=MODEL, paused=False)
    wait_until(lambda: stream.levels() == ["RED", "GREEN"])


def schedules(workshop: Workshop) -> list[str]:
    """Those that the worker of the home follows."""
    client = open_client(f"sqlite:///{workshop.home / 'millwright.db'}", home_id(workshop.home))
    names = [schedule["schedule_name"] for schedule in client.list_schedules()]
    client.destroy()
    return names


def wait_until(condition: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)
