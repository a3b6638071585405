"""The windows of a monitor: checked in order, again when labels came late, and told of once."""

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.exc import IntegrityError

from engine.alerts.settings import AlertSettings
from engine.database import Database
from engine.errors import PackageDamaged
from engine.monitoring.tables import CHECKS, TABLES
from engine.package_info import PackageFiles
from tests.engine.alerts.loopback import Answer, Service, service
from tests.tools.watched import MODEL, SHIFT, Watched, at, copied_home, table, watched


@pytest.fixture
def hook() -> Iterator[Service]:
    with service() as found:
        yield found


@pytest.fixture
def home(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied_home(tmp_path_factory.getbasetemp(), tmp_path)


@pytest.fixture
def stream(home: Path, tmp_path: Path, hook: Service) -> Watched:
    return watched(home, tmp_path, settings(hook))


def settings(hook: Service) -> AlertSettings:
    return AlertSettings(webhook_url=SecretStr(hook.url))


def told(hook: Service) -> list[str]:
    """'trigger RED', 'resolve RED', ... in order."""
    return [f"{request.json()['event']} {request.json()['alert']['level']}" for request in hook.requests]


def windows(found: Any) -> list[int]:
    return [window.window for window in found.windows]


def test_windows_are_due_when_they_are_full_and_checked_in_order(stream: Watched) -> None:
    assert stream.check().found is None
    stream.predict("a", table(130, 1))
    found = stream.check()
    assert windows(found) == [1, 2]
    assert [window.rows for window in found.windows] == [60, 60]
    assert found.found.rows == 60
    (state,) = stream.call("monitor_status", monitor=MODEL).monitors
    assert (state.logged, state.waiting_rows) == (130, 10)
    again = stream.check()
    assert windows(again) == []
    assert again.notes == ("No new window of 60 rows was complete.",)
    assert again.found == found.found


def test_a_window_of_hours_waits_for_its_last_rows(home: Path, tmp_path: Path) -> None:
    stream = watched(home, tmp_path)
    stream.call("create_monitor", model=MODEL, name="daily", window_hours=24.0)
    stream.predict("a", table(60, 1))
    stream.clock.pass_hours(24)
    spec = stream.workshop.tools["check_drift"]
    assert spec.estimate(stream.workshop, spec.request(monitor="daily")).seconds < 3
    assert stream.call("check_drift", monitor="daily").windows == ()
    stream.clock.pass_hours(0.1)
    (window,) = stream.call("check_drift", monitor="daily").windows
    assert (window.begins, window.ends) == ("2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00")


def test_labels_that_come_late_revise_what_was_found(stream: Watched, hook: Service) -> None:
    frames = {"a": table(60, 1), "b": table(60, 3, flip=True), "c": table(60, 4)}
    for name, frame in frames.items():
        stream.predict(name, frame)
    stream.label("c", frames["c"])
    stream.check()
    assert stream.levels() == ["GREEN", "GREEN", "GREEN"]
    stream.clock.pass_hours(24)
    stream.label("b", frames["b"])
    found = stream.check()
    assert (windows(found), found.windows[0].labelled) == ([2], 60)
    assert stream.levels() == ["GREEN", "RED", "GREEN"]
    # a newer window, which was measured, says how things are
    assert (found.level, found.windows[0].alerts, told(hook)) == ("GREEN", (), [])
    assert windows(stream.check()) == []


def test_labels_that_come_a_window_late_are_told_of(stream: Watched, hook: Service) -> None:
    frame = table(60, 3, flip=True)
    stream.predict("a", frame)
    stream.predict("b", table(60, 4))
    assert stream.check().level == "GREEN"
    stream.label("a", frame)
    assert stream.check().level == "RED"
    assert (stream.levels(), told(hook)) == (["RED", "GREEN"], ["trigger RED"])


def test_labels_of_the_newest_window_are_told_of(stream: Watched, hook: Service) -> None:
    frame = table(60, 3, flip=True)
    stream.predict("a", frame)
    assert stream.check().level == "GREEN"
    stream.label("a", frame)
    assert stream.check().level == "RED"
    assert told(hook) == ["trigger RED"]


def test_trouble_is_told_once_and_its_end_once(stream: Watched, hook: Service) -> None:
    for name, seed, shift in (("a", 1, SHIFT), ("b", 2, SHIFT), ("c", 4, 0.0)):
        stream.predict(name, table(60, seed, shift))
        stream.check()
    assert stream.levels() == ["RED", "RED", "GREEN"]
    assert told(hook) == ["trigger RED", "resolve RED"]
    (ended,) = stream.call("list_alerts", monitor=MODEL).alerts
    assert ended.state == "resolved"


def test_a_level_that_rises_in_the_same_window_is_told_again(stream: Watched, hook: Service) -> None:
    frame = table(60, 4, shift=0.6).assign(y="perhaps")
    stream.predict("a", frame)
    first = stream.check()
    assert "GREEN" < first.level < "RED"
    # labels that say nothing of the metric: there are no more labels to tell the two checks apart
    stream.label("a", frame)
    assert stream.check().level == "RED"
    assert told(hook) == [f"trigger {first.level}", "trigger RED"]


def test_labels_that_the_model_does_not_know_do_not_call_for_a_check_each_time(stream: Watched) -> None:
    frame = table(60, 1).assign(y="perhaps")
    stream.predict("a", frame)
    stream.label("a", frame)
    assert windows(stream.check()) == [1]
    assert windows(stream.check()) == []


def test_a_paused_monitor_checks_nothing_and_goes_on_where_it_was(stream: Watched, hook: Service) -> None:
    stream.call("pause_monitor", monitor=MODEL, paused=True)
    assert stream.predict("a", table(60, 1, SHIFT)).logged == 60
    found = stream.check()
    assert (windows(found), found.found, told(hook)) == ([], None, [])
    assert found.notes == ("The monitor is paused: nothing was checked.",)
    stream.call("pause_monitor", monitor=MODEL, paused=False)
    assert windows(stream.check()) == [1]
    assert told(hook) == ["trigger RED"]


def test_of_two_versions_in_a_window_the_newer_is_compared(stream: Watched) -> None:
    frame = table(60, 1)
    stream.predict("a", frame.head(25), f"{MODEL}@1")
    newer = stream.predict("b", frame.tail(35), f"{MODEL}@2").model
    for name, part in (("a", frame.head(25)), ("b", frame.tail(35))):
        stream.label(name, part)
    found = stream.check()
    assert (found.model, found.found.rows) == (newer, 35)
    assert found.found.performance[0].rows == 35
    assert windows(stream.check()) == []


def test_a_newer_version_with_a_few_rows_is_no_all_clear(stream: Watched, hook: Service) -> None:
    stream.predict("a", table(60, 1, SHIFT))
    stream.check()
    older = stream.predict("b", table(56, 2, SHIFT), f"{MODEL}@1").model
    stream.predict("c", table(4, 3, SHIFT), f"{MODEL}@2")
    found = stream.check()
    assert (found.model, found.found.rows, found.level) == (older, 56, "RED")
    assert told(hook) == ["trigger RED"]


def test_rows_of_a_model_that_is_gone_are_compared_with_the_reference(stream: Watched) -> None:
    gone = stream.predict("a", table(60, 1, SHIFT), f"{MODEL}@1").model
    shutil.rmtree(stream.workshop.registry.get(gone).package)
    found = stream.check()
    (state,) = stream.call("monitor_status").monitors
    assert found.model == state.reference != gone
    assert found.level == "RED"


def test_a_model_without_a_reference_is_not_watched_and_its_rows_are_compared_with_another(stream: Watched) -> None:
    """Models of earlier versions have none."""
    old = stream.predict("a", table(60, 1, SHIFT), f"{MODEL}@1").model
    package = stream.workshop.registry.get(old).package
    (package / PackageFiles.REFERENCE).unlink()
    info = json.loads((package / "model.json").read_text())
    del info["files"][PackageFiles.REFERENCE]
    (package / "model.json").write_text(json.dumps(info))
    for tool, given in (("create_monitor", {}), ("check_drift", {"data": str(stream.folder / "a.csv")})):
        with pytest.raises(PackageDamaged, match=r"has no drift\.profile.*Train the model again"):
            stream.call(tool, model=f"{MODEL}@1", **given)
    assert stream.check().model != old
    assert stream.levels() == ["RED"]


def test_a_check_that_is_cut_off_after_its_alert_tells_once(stream: Watched, home: Path, hook: Service) -> None:
    stream.predict("a", table(60, 1, SHIFT))
    cut = "SELECT RAISE(ABORT, 'the plug is pulled');"
    run(home, f"CREATE TRIGGER cut BEFORE INSERT ON {CHECKS.name} BEGIN {cut} END")
    with pytest.raises(IntegrityError, match="the plug is pulled"):
        stream.check()
    assert (stream.levels(), told(hook)) == ([], ["trigger RED"])
    run(home, "DROP TRIGGER cut")
    assert windows(watched_again(stream, hook).check()) == [1]
    assert (stream.levels(), told(hook)) == (["RED"], ["trigger RED"])


def test_two_that_check_at_once_tell_once(stream: Watched, home: Path) -> None:
    stream.predict("a", table(60, 1, SHIFT))
    found: list[Any] = []
    with service(Answer(delay=0.5)) as slow:
        both = [watched_again(stream, slow) for _ in range(2)]
        threads = [threading.Thread(target=lambda one=one: found.append(one.check())) for one in both]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert told(slow) == ["trigger RED"]
    assert sorted(windows(one) for one in found) == [[], [1]]


def test_a_channel_that_is_down_stops_no_check(home: Path, tmp_path: Path) -> None:
    with service() as gone:
        pass
    stream = watched(home, tmp_path, settings(gone).model_copy(update={"attempts": 1}))
    stream.predict("a", table(60, 1, SHIFT))
    (window,) = stream.check().windows
    assert any("webhook was not told" in sentence for sentence in window.alerts)
    assert stream.levels() == ["RED"]


def test_the_report_of_a_window_is_whole_on_disk(stream: Watched) -> None:
    stream.predict("a", table(60, 1))
    found = stream.check().found
    assert pd.read_json(found.full, typ="series")["rows"] == 60
    assert "<html" in Path(found.report).read_text(encoding="utf-8")[:200]


def watched_again(stream: Watched, hook: Service) -> Watched:
    """The same home, opened by another."""
    return Watched(at(stream.workshop.home, stream.clock, settings(hook)), stream.clock, stream.folder)


def run(home: Path, statement: str) -> None:
    with Database(f"sqlite:///{home / 'monitoring.db'}", home, TABLES).begin() as connection:
        connection.execute(sa.text(statement))
