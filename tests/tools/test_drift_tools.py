"""check_drift on tables, reference profiles, what the policy asks for, and alerts that somebody answers."""

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from engine.drift.found import DriftReport
from engine.errors import BadArguments, Fixable, NotATable, NotFound, PackageDamaged
from tests.tools.watched import MODEL, SHIFT, Clock, Watched, at, copied_home, table, trained_home, watched
from tools.workshop import Workshop


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """The home that all share; tests only read it (and leave comparisons in it)."""
    return at(trained_home(tmp_path_factory.getbasetemp()), Clock())


@pytest.fixture
def stream(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Watched:
    return watched(copied_home(tmp_path_factory.getbasetemp(), tmp_path), tmp_path)


@pytest.fixture
def current(tmp_path: Path) -> str:
    return written(table(200, 2), tmp_path / "current.csv")


def written(frame: pd.DataFrame, path: Path) -> str:
    frame.to_csv(path, index=False)
    return str(path)


def check(workshop: Workshop, **given: Any) -> Any:
    return workshop.call("check_drift", **given)


def whole(found: Any) -> DriftReport:
    return DriftReport.model_validate_json(Path(found.found.full).read_text(encoding="utf-8"))


def test_rows_like_those_of_the_training_are_green(trained: Workshop, current: str) -> None:
    found = check(trained, model=MODEL, data=current)
    assert (found.level, found.found.columns, found.windows, found.notes) == ("GREEN", (), (), ())
    assert [one.source for one in found.found.performance] == ["labels", "estimated"]
    report = whole(found)
    assert (report.rows, report.reference_rows) == (200, 320)
    assert list(report.columns) == ["size", "weight", "plan", "prediction", "y"]
    assert json.loads(Path(found.found.full).read_text()) == report.to_dict()
    assert "<html" in Path(found.found.report).read_text(encoding="utf-8")[:200]


def test_shifted_rows_are_red_with_the_worst_column_first(trained: Workshop, tmp_path: Path) -> None:
    data = written(table(200, 2, SHIFT).drop(columns="y"), tmp_path / "shifted.csv")
    found = check(trained, model=MODEL, data=data)
    assert found.level == "RED"
    assert found.found.columns[0].column == "size"
    assert found.found.columns[0].test == "ks"
    # nothing is measured without labels
    assert [one.source for one in found.found.performance] == ["estimated"]


def test_labels_tell_of_concept_drift(trained: Workshop, tmp_path: Path) -> None:
    frame = table(200, 3, flip=True)
    blind = check(trained, model=MODEL, data=written(frame.drop(columns="y"), tmp_path / "blind.csv"))
    seeing = check(trained, model=MODEL, data=written(frame, tmp_path / "seeing.csv"))
    assert blind.level == "GREEN"
    assert (seeing.level, seeing.found.performance[0].source) == ("RED", "labels")
    assert seeing.found.performance[0].drop > 0.3


def test_the_sealed_test_set_is_never_looked_at(trained: Workshop, tmp_path: Path) -> None:
    """Even where somebody gives the file that all rows came from."""
    looks = trained.registry.looks(trained.datasets.get("rows").id)
    data = written(pd.concat([table(400, 0), table(50, 4)]), tmp_path / "all.csv")
    found = check(trained, model=MODEL, data=data)
    assert found.found.rows == 450
    measured = next(one for one in found.found.performance if one.source == "labels")
    assert measured.rows == 50
    assert found.notes == ("400 row(s) are of the model's own dataset: their labels are left out.",)
    of_dataset = check(trained, model=MODEL, data="rows")
    assert [one.source for one in of_dataset.found.performance] == ["estimated"]
    assert of_dataset.found.rows == trained.datasets.get("rows").train_rows
    assert trained.registry.looks(trained.datasets.get("rows").id) == looks


def test_every_form_of_reference_says_the_same_of_the_same_rows(
    trained: Workshop, current: str, tmp_path: Path
) -> None:
    frame = trained.datasets.training_frame("rows")
    frame.to_parquet(tmp_path / "reference.parquet")
    shutil.copytree(trained.registry.get(MODEL).package, tmp_path / "package")
    references = [
        written(frame, tmp_path / "reference.csv"),
        str(tmp_path / "reference.parquet"),
        str(tmp_path / "package"),
        trained.call("profile_reference", data="rows", out=str(tmp_path / "kept")).model_dump()["path"],
        "rows",
    ]
    columns = [whole(check(trained, reference=one, data=current)).columns for one in references]
    for found in columns:
        for name in ("size", "weight", "plan"):
            assert found[name].statistic == columns[0][name].statistic
            assert found[name].psi == pytest.approx(columns[0][name].psi)


def test_columns_that_are_gone_or_new_are_findings_and_no_errors(trained: Workshop, tmp_path: Path) -> None:
    data = written(table(200, 5).drop(columns="weight").assign(colour="red"), tmp_path / "less.csv")
    found = check(trained, model=MODEL, data=data)
    assert found.level == "RED"
    assert found.found.findings[0] == "Column 'weight' is not among the current columns."
    assert "Column 'colour' is not in the reference and was not compared." in found.found.findings
    assert found.found.performance == ()
    other = written(pd.DataFrame({"p": range(30), "q": range(30)}), tmp_path / "other.csv")
    assert check(trained, model=MODEL, data=other).level == "RED"


def test_one_row_is_compared_and_says_little(trained: Workshop, tmp_path: Path) -> None:
    found = check(trained, model=MODEL, data=written(table(1, 6), tmp_path / "one.csv"))
    assert (found.level, found.found.rows) == ("GREEN", 1)
    assert "There are 1 rows" in " ".join(found.found.findings)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"data": "DATA"},
        {"model": MODEL},
        {"model": MODEL, "reference": "DATA", "data": "DATA"},
        {"monitor": MODEL, "data": "DATA"},
        {"monitor": MODEL, "model": ""},
    ],
)
def test_exactly_one_way_of_asking_is_taken(trained: Workshop, current: str, given: dict[str, str]) -> None:
    real = {name: value.replace("DATA", current) for name, value in given.items()}
    with pytest.raises(BadArguments, match="Give"):
        check(trained, **real)


UNREADABLE: dict[str, bytes] = {
    "empty": b"",
    "header only": b"size,weight,plan\n",
    "garbage": bytes(range(256)) * 40,
    "cut zip": b"PK\x03\x04" + bytes(range(256)),
    "not there": b"",
}


@pytest.mark.parametrize("side", ["data", "reference"])
@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_no_table_is_refused_on_either_side(
    trained: Workshop, current: str, tmp_path: Path, side: str, name: str
) -> None:
    path = tmp_path / "table.csv"
    if name != "not there":
        path.write_bytes(UNREADABLE[name])
    given = {"reference": current, "data": current, side: str(path)}
    with pytest.raises(Fixable, match=r"table\.csv") as error:
        check(trained, **given)
    assert error.value.hint


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "~nobody-of-this-name/x", "nowhere"])
def test_names_that_no_file_can_have_are_refused(trained: Workshop, current: str, name: str) -> None:
    for given in (
        {"model": name, "data": current},
        {"reference": name, "data": current},
        {"model": MODEL, "data": name},
    ):
        with pytest.raises(Fixable, match=r"does not exist|There is no") as error:
            check(trained, **given)
        assert error.value.hint


def test_a_damaged_profile_is_refused_with_the_way_to_make_it_again(
    trained: Workshop, current: str, tmp_path: Path
) -> None:
    kept = Path(trained.call("profile_reference", data="rows", out=str(tmp_path / "kept")).model_dump()["path"])
    content = kept.read_bytes()
    middle = len(content) // 2
    for damaged in (content[:middle], content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]):
        kept.write_bytes(damaged)
        with pytest.raises(NotATable, match=r"'kept' is not a whole drift profile\..*millwright drift profile"):
            check(trained, reference=str(kept), data=current)


def test_a_damaged_package_is_named_as_such(trained: Workshop, current: str, tmp_path: Path) -> None:
    package = Path(shutil.copytree(trained.registry.get(MODEL).package, tmp_path / "package"))
    (package / "drift.profile").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(PackageDamaged, match="package"):
        check(trained, reference=str(package), data=current)


def test_a_profile_holds_what_it_says_and_only_a_profile_is_written_over(trained: Workshop, tmp_path: Path) -> None:
    out, mine = tmp_path / "kept.profile", tmp_path / "mine.txt"
    for sketch in (False, True):
        found = trained.call("profile_reference", data="rows", out=str(out), target="y", sketch=sketch).model_dump()
        assert (found["rows"], found["columns"], found["kinds"]) == (320, 4, {"number": 2, "category": 2})
        assert found["size_mb"] == pytest.approx(out.stat().st_size / 1e6, abs=0.001)
    mine.write_text("mine")
    for refused, words in (
        (mine, "is no profile"),
        (tmp_path, "is a folder"),
        (trained.home / "x", "lies in the home"),
    ):
        with pytest.raises(BadArguments, match=words):
            trained.call("profile_reference", data="rows", out=str(refused))
    assert mine.read_text() == "mine"


def test_estimates_are_from_the_size_of_what_is_compared(trained: Workshop, tmp_path: Path) -> None:
    current = written(table(2_000, 1), tmp_path / "current.csv")
    for tool, given in (
        ("check_drift", {"model": MODEL, "data": current}),
        ("profile_reference", {"data": current, "out": "x.profile"}),
    ):
        spec = trained.tools[tool]
        estimate = spec.estimate(trained, spec.request.model_validate(given))
        assert estimate.seconds > 0
        assert estimate.memory_mb > 0


def test_actions_say_what_drifted_since_when_and_where_the_model_errs(stream: Watched) -> None:
    quiet = stream.call("evaluate_actions", monitor=MODEL)
    assert (quiet.level, quiet.action, quiet.retrain, quiet.next_steps) == ("GREEN", "go_on", False, ())
    for name, seed, shift in (("a", 1, 0.0), ("b", 2, SHIFT), ("c", 3, SHIFT)):
        frame = table(60, seed, shift)
        frame["y"] = frame["y"].where(frame["plan"] != "basic", "no" if shift else frame["y"])
        stream.predict(name, frame)
        stream.label(name, frame)
    stream.check()
    found = stream.call("evaluate_actions", monitor=MODEL)
    assert (found.level, found.action, found.due) == ("RED", "roll_back_and_retrain", "2026-01-01T00:00+00:00")
    assert found.features[0].column == "size"
    assert found.features[0].since == 2
    assert any("plan = 'basic'" in one.rows_where for one in found.slices)
    assert found.retrain
    assert "roll back and retrain" in found.reasons[0]
    assert "retrain_model with monitor='stream'" in found.next_steps[0]


def test_a_monitor_that_never_retrains_is_not_told_to(stream: Watched) -> None:
    stream.call("create_monitor", model=MODEL, name="watching", window_rows=60, retrain="never")
    stream.predict("a", table(60, 2, SHIFT))
    stream.call("check_drift", monitor="watching")
    found = stream.call("evaluate_actions", monitor="watching")
    assert (found.level, found.retrain) == ("RED", False)
    assert "drift_report" in found.next_steps[0]


def test_a_policy_that_was_edited_holds_from_the_next_window_on(stream: Watched) -> None:
    path = stream.workshop.monitoring.policy_file(MODEL)
    path.write_text("thresholds: {ks: {yellow: 0.9, orange: 0.9, red: 0.9}}\n")
    path.write_text(path.read_text() + "actions: {red: {name: watch_closer, due_hours: 5}}\n")
    stream.predict("a", table(60, 2, SHIFT))
    (window,) = stream.check().windows
    assert window.columns[0].column != "size" or window.columns[0].psi is not None
    assert (window.action, window.due) == ("watch_closer", "2026-01-01T05:00+00:00")
    path.write_text("alpha: {yellow: 7}\n")
    stream.predict("b", table(60, 2, SHIFT))
    with pytest.raises(BadArguments, match=r"alpha\.yellow"):
        stream.check()


def test_an_alert_is_taken_on_and_its_monitor_kept_quiet(stream: Watched) -> None:
    with pytest.raises(NotFound, match="No alert is open"):
        stream.call("acknowledge_alert", alert="latest")
    stream.predict("a", table(60, 2, SHIFT))
    stream.check()
    (alert,) = stream.call("list_alerts", monitor=MODEL, open_only=True).alerts
    assert alert.state == "open"
    assert "webhook trigger: not configured" in alert.deliveries
    found = stream.call("acknowledge_alert", alert="latest", note="on it", silence_hours=2)
    assert (found.alert.alert, found.alert.state) == (alert.alert, "acknowledged")
    assert found.silenced_until == "2026-01-01T02:00+00:00"
    with pytest.raises(NotFound, match="No alert is open"):
        stream.call("acknowledge_alert", alert="latest")
    with pytest.raises(NotFound, match=f"Did you mean '{alert.alert}'"):
        stream.call("acknowledge_alert", alert=f"{alert.alert[:-1]}x")


def test_an_outcome_ends_the_trouble_or_asks_for_somebody(stream: Watched) -> None:
    stream.predict("a", table(60, 2, SHIFT))
    stream.check()
    stream.call("tell_outcome", monitor=MODEL, resolved=False, sentence="A challenger waits for a yes.")
    assert {one.state for one in stream.call("list_alerts").alerts} == {"open"}
    stream.call("tell_outcome", monitor=MODEL, resolved=True, sentence="A better model was promoted.")
    assert [one.state for one in stream.call("list_alerts").alerts] == ["resolved", "resolved"]
    assert stream.call("list_alerts", open_only=True).alerts == ()
