"""How a model stands while labels are late, after it was replaced, and by which ids its rows are known."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from engine.drift.found import ColumnDrift, DriftReport, Finding
from engine.drift.levels import Level
from engine.monitoring.records import Check, PerformanceSummary, Retraining
from engine.package_info import PackageFiles
from millwright.compose import inline_workshop
from millwright.settings import Settings
from tests.tools.watched import MODEL, START, Watched, copied_home, table, watched
from tools.standing import level_now, of_present, shown_by_labels
from tools.telling import state_of
from tools.workshop import Workshop

RED, GREEN = Level.RED, Level.GREEN
DROP = Finding(code="performance_drop", level=RED, sentence="It does worse.")


@pytest.fixture
def home(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied_home(tmp_path_factory.getbasetemp(), tmp_path)


@pytest.fixture
def stream(home: Path, tmp_path: Path) -> Watched:
    return watched(home, tmp_path)


def checked(window: int, *findings: Finding, measured: bool = True, model: str = "mdl_a") -> Check:
    level = max([GREEN, *(one.level for one in findings)])
    columns = {"y": ColumnDrift(name="y", kind="category", test="chi2", role="target", rows=60, reference_rows=60)}
    report = DriftReport(level=level, rows=60, reference_rows=60, columns=columns, findings=findings)
    metric = PerformanceSummary(metric="roc_auc", value=0.5, baseline=0.9, greater_is_better=True, labelled=60)
    return Check(
        monitor="mon_1", window=window, model_id=model, at=START, level=level, report=report, findings=len(findings),
        performance=metric if measured else None, action="go_on",
    )  # fmt: skip


def retraining(state: Any) -> Retraining:
    return Retraining(id="ret_1", monitor="mon_1", window=1, state=state, champion="mdl_a", begun=START)


def test_what_labels_showed_counts_until_the_same_model_is_measured_again() -> None:
    shown, unmeasured = checked(1, DROP), checked(2, measured=False)
    assert level_now([]) == GREEN
    assert level_now([shown, unmeasured]) == RED
    assert level_now([shown, unmeasured, checked(3)]) == GREEN
    assert level_now([shown, checked(2, measured=False, model="mdl_b")]) == GREEN


@pytest.mark.parametrize(
    ("finding", "level"),
    [
        (DROP, RED),
        (Finding(code="target_drift", level=RED, sentence="It moved.", column="y"), RED),
        (Finding(code="drift", level=RED, sentence="It moved.", column="x"), GREEN),
        (Finding(code="estimated_drop", level=RED, sentence="It is thought to do worse."), GREEN),
    ],
)
def test_only_what_needs_labels_is_shown_by_them(finding: Finding, level: Level) -> None:
    assert shown_by_labels(checked(1, finding)) == level


def test_windows_of_a_champion_that_a_retraining_replaced_say_nothing_of_the_new_one() -> None:
    old, new = checked(1, DROP), checked(2, model="mdl_b")
    assert of_present([old, new], [retraining("promoted")]) == [new]
    assert of_present([old], [retraining("lost")]) == [old]
    assert of_present([old], []) == [old]


def answered_and_labelled_late(stream: Watched, windows: Sequence[str]) -> list[str]:
    """Windows of a world that was turned round, each checked without labels and again with them."""
    for name in windows:
        rows = table(60, len(name), flip=True)
        stream.predict(name, rows)
        stream.check()
        stream.label(name, rows)
        stream.check()
    return stream.levels()


def test_a_window_without_labels_does_not_end_the_trouble_that_labels_showed(stream: Watched) -> None:
    answered_and_labelled_late(stream, ["a"])
    stream.call("acknowledge_alert", alert="latest")
    stream.predict("b", table(60, 4))
    found = stream.check().windows[0]
    assert (found.level, found.alerts) == (
        GREEN,
        ("What labels showed in window 1 is not over: window 2 has too few of them yet.",),
    )
    assert [state_of(one) for one in stream.workshop.monitoring.alerts.list()] == ["acknowledged"]
    assert stream.call("evaluate_actions", monitor=MODEL).action == "roll_back_and_retrain"


def test_the_trouble_is_over_when_labels_say_so(stream: Watched) -> None:
    answered_and_labelled_late(stream, ["a"])
    rows = table(60, 4)
    stream.predict("b", rows)
    stream.label("b", rows)
    assert stream.check().windows[0].level == GREEN
    assert [state_of(one) for one in stream.workshop.monitoring.alerts.list()] == ["resolved"]
    assert stream.call("evaluate_actions", monitor=MODEL).level == GREEN


def test_after_a_promotion_the_old_champions_windows_ask_for_nothing(stream: Watched) -> None:
    answered_and_labelled_late(stream, ["a"])
    workshop, monitors = stream.workshop, stream.workshop.monitoring.monitors
    old, new = (workshop.registry.get(f"{MODEL}@{version}").model_id for version in (1, 2))
    begun = monitors.retrainings.begin(monitors.get(MODEL).id, 1, champion=old, at=stream.clock()).retraining
    monitors.retrainings.finish(begun.id, "won", at=stream.clock(), challenger=new)
    stream.call("promote_model", model=new)
    found = stream.call("evaluate_actions", monitor=MODEL)
    assert (found.level, found.retrain, found.features) == (GREEN, False, ())


def test_a_package_whose_profile_is_gone_has_no_slices_and_advice_all_the_same(stream: Watched) -> None:
    answered_and_labelled_late(stream, ["a"])
    record = stream.workshop.registry.get(f"{MODEL}@champion")
    (record.package / PackageFiles.REFERENCE).unlink()
    found = stream.call("evaluate_actions", monitor=MODEL)
    assert (found.level, found.slices) == (RED, ())


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workshop, Path]:
    """A model whose rows have a number of their own, and a later version of rows that have none."""
    folder = tmp_path_factory.mktemp("members")
    workshop = inline_workshop(Settings(home=folder / "home"))
    rows = table(200, 0).assign(member=[f"M{row:05}" for row in range(200)])
    fixed = {"models": ["linear"], "max_models": 1, "budget_seconds": None, "name": "members"}
    for name, frame in (("with", rows), ("without", rows.drop(columns="member").sample(frac=1, random_state=0))):
        frame.to_csv(folder / f"{name}.csv", index=False)
        workshop.call("import_dataset", source=str(folder / f"{name}.csv"), target="y", name=name)
        workshop.call("train_model", dataset=name, **fixed)
    workshop.call("create_monitor", model="members@1")
    return workshop, folder


@pytest.mark.parametrize("version", [1, 2])
def test_rows_keep_their_own_ids_when_a_version_learned_from_rows_without_any(
    members: tuple[Workshop, Path], version: int
) -> None:
    workshop, folder = members
    ids = [f"M9{version}{row:03}" for row in range(40)]
    table(40, version).drop(columns="y").assign(member=ids).to_csv(folder / "new.csv", index=False)
    workshop.call("predict", model=f"members@{version}", data=str(folder / "new.csv"))
    labels = [{"member": row, "y": "yes"} for row in ids]
    found = workshop.call("log_labels", monitor="members", rows=labels).model_dump()
    assert (found["joined"], found["waiting"]) == (len(ids), 0)


def test_a_world_turned_round_is_told_of_though_labels_always_come_a_window_late(stream: Watched) -> None:
    """The window that is newest has never any label: the newest that was measured is the one to tell of."""
    windows = ["a", "bb", "ccc"]
    rows = {name: table(60, len(name), flip=True) for name in windows}
    stream.predict("a", rows["a"])
    stream.check()
    for before, name in pairwise(windows):
        stream.predict(name, rows[name])
        stream.label(before, rows[before])
        found = stream.check()
    assert found.level == RED
    assert stream.call("monitor_status").monitors[0].level == RED
    (alert,) = stream.call("list_alerts").alerts
    assert (alert.level, alert.state) == (RED, "open")


def test_labels_that_the_model_does_not_know_are_kept_and_told_of(stream: Watched) -> None:
    stream.predict("a", table(60, 1))
    told = stream.call(
        "log_labels", monitor=MODEL, rows=[{"row_id": "a-0", "y": "maybe"}, {"row_id": "a-1", "y": "yes"}]
    )
    assert told.joined == 2
    assert "1 label(s) are none that the model knows, e.g. 'maybe'" in told.notes[0]


def test_the_latest_alert_is_the_most_serious_of_the_open_ones(stream: Watched) -> None:
    answered_and_labelled_late(stream, ["a"])
    red = stream.call("list_alerts").alerts[0].alert
    stream.clock.pass_hours(1)
    stream.call("tell_outcome", monitor=MODEL, resolved=False, sentence="Look at it.")
    assert stream.call("list_alerts").alerts[0].alert != red
    assert stream.call("acknowledge_alert", alert="latest").alert.alert == red
