"""Monitors: made, named, paused, told of labels; predictions logged where a monitor watches, and only there."""

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from engine.errors import BadArguments, BadChoice, Fixable, NotFound
from millwright.compose import inline_workshop
from millwright.settings import Settings
from tests.tools.watched import MODEL, SHIFT, Clock, Watched, at, copied_home, table, trained_home, watched, with_ids
from tools.drift_rows import from_log
from tools.drift_rows import watched as drift_subject
from tools.workshop import Workshop


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """The home that all share; tests only read it."""
    return at(trained_home(tmp_path_factory.getbasetemp()), Clock())


@pytest.fixture
def home(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied_home(tmp_path_factory.getbasetemp(), tmp_path)


@pytest.fixture
def stream(home: Path, tmp_path: Path) -> Watched:
    return watched(home, tmp_path)


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """A watched model of a target that is written with a decimal comma."""
    folder = tmp_path_factory.mktemp("line")
    workshop = inline_workshop(Settings(home=folder / "home"))
    lines = [f"{row % 17};{row * 1.25 + 0.125:.3f}".replace(".", ",") for row in range(60)]
    (folder / "t.csv").write_text("\n".join(["x;y", *lines]))
    workshop.call("import_dataset", source=str(folder / "t.csv"), target="y", name="t")
    workshop.call("train_model", dataset="t", models=["linear"], max_models=1, budget_seconds=None, name="line")
    workshop.call("create_monitor", model="line")
    return workshop


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    with_ids(table(40, 1), "r").to_csv(path, index=False)
    return path


def test_a_monitor_has_the_name_of_its_model_and_a_number_when_that_is_taken(stream: Watched) -> None:
    found = stream.call("create_monitor", model=f"{MODEL}@1", window_hours=1.5)
    assert (found.name, found.model, found.window) == (f"{MODEL}-2", MODEL, "1.5 hours")
    assert found.reference == stream.workshop.registry.get(f"{MODEL}@1").model_id
    assert Path(found.policy).read_text().startswith("alpha:")
    assert stream.call("create_monitor", model=MODEL, name="mine").window == "500 rows"


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"name": MODEL}, BadArguments, "There is a monitor 'stream' already"),
        ({"name": ""}, BadArguments, "name: "),
        ({"name": "two\nlines"}, BadArguments, "name: "),
        ({"window_rows": 100, "window_hours": 1}, BadArguments, "not both"),
        ({"window_rows": 19}, BadArguments, "window_rows: .*20"),
        ({"window_rows": 10**30}, BadArguments, "window_rows: .*1000000"),
        ({"window_hours": 0}, BadArguments, "window_hours: "),
        ({"window_hours": 1e9}, BadArguments, "window_hours: .*8784"),
        ({"window_hours": float("inf")}, BadArguments, "window_hours: "),
        ({"retrain": "always"}, BadArguments, "retrain: .*'never'"),
        ({"schedule": "hourly"}, BadArguments, "'hourly' is no cron expression.*every hour"),
        ({"model": "strem"}, NotFound, "no model 'strem'.*Did you mean 'stream'"),
    ],
)
def test_a_monitor_that_cannot_be_is_refused_and_not_made(
    stream: Watched, given: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        stream.call("create_monitor", **{"model": MODEL, **given})
    assert len(stream.call("monitor_status").monitors) == 1


@pytest.mark.parametrize(
    ("tool", "given"),
    [
        ("monitor_status", {}),
        ("check_drift", {}),
        ("evaluate_actions", {}),
        ("drift_report", {}),
        ("list_alerts", {}),
        ("log_labels", {"rows": ({"row_id": "a", "y": "yes"},)}),
        ("pause_monitor", {"paused": True}),
        ("tell_outcome", {"resolved": True, "sentence": "Over."}),
    ],
)
def test_a_monitor_that_is_not_there_is_answered_with_the_nearest(
    stream: Watched, tool: str, given: dict[str, Any]
) -> None:
    with pytest.raises(NotFound, match=r"no monitor 'strem'.*Did you mean 'stream'") as error:
        stream.call(tool, monitor="strem", **given)
    assert error.value.code == "monitor_not_found"


def test_nothing_is_monitored_where_no_monitor_is(trained: Workshop, rows: Path) -> None:
    found = trained.call("predict", model=MODEL, data=str(rows), id_column="id").model_dump()
    assert found["logged"] == 0
    assert "row_id" not in found["predictions"][0]
    assert not (trained.home / "monitoring.db").exists()


def test_predictions_of_a_watched_model_are_logged_under_the_given_ids(
    stream: Watched, rows: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    found = stream.call("predict", model=MODEL, data=str(rows), out=str(out), id_column="id")
    assert found.logged == 40
    written = pd.read_csv(out)
    assert written["row_id"].tolist() == [f"r-{row}" for row in range(40)]
    assert [row["row_id"] for row in found.predictions] == written["row_id"].tolist()[:20]
    again = stream.call("predict", model=MODEL, data=str(rows), out=str(out), id_column="id")
    assert "40 row(s) were logged before" in " ".join(again.notes)
    assert counts(stream)["logged"] == 40


def test_without_ids_the_rows_are_given_some_that_labels_find(stream: Watched, rows: Path) -> None:
    found = stream.call("predict", model=MODEL, data=str(rows))
    ids = [row["row_id"] for row in found.predictions]
    assert len(set(ids)) == 20
    said = stream.call("log_labels", monitor=MODEL, rows=[{"row_id": one, "label": "yes"} for one in ids])
    assert (said.joined, said.waiting) == (20, 0)
    assert counts(stream) == {"logged": 40, "labelled": 20}


def test_training_rows_are_predicted_and_not_logged(stream: Watched) -> None:
    found = stream.call("predict", model=MODEL, data="rows", out=str(stream.folder / "out.csv"))
    assert (found.rows > 0, found.logged) == (True, 0)
    assert counts(stream)["logged"] == 0


def test_inline_rows_are_logged_like_those_of_a_file(stream: Watched) -> None:
    found = stream.call("predict", model=MODEL, rows=with_ids(table(3, 1), "r").to_dict("records"), id_column="id")
    assert [row["row_id"] for row in found.predictions] == ["r-0", "r-1", "r-2"]


@pytest.mark.parametrize(
    ("column", "words"),
    [("ident", r"no column 'ident' with row ids.*size"), ("blank", "'' cannot be kept as the id of a row")],
)
def test_ids_that_cannot_be_kept_are_refused(stream: Watched, tmp_path: Path, column: str, words: str) -> None:
    path = tmp_path / "blank.csv"
    table(40, 1).assign(blank=[""] + ["x"] * 39).to_csv(path, index=False)
    with pytest.raises(BadArguments, match=words):
        stream.call("predict", model=MODEL, data=str(path), id_column=column)
    assert counts(stream)["logged"] == 0


def test_a_file_of_predictions_with_row_ids_may_be_written_again(line: Workshop, tmp_path: Path) -> None:
    rows, out = tmp_path / "rows.csv", tmp_path / "out.csv"
    rows.write_text("x\n" + "1\n" * 30)
    for _ in range(2):
        found = line.call("predict", model="line", data=str(rows), out=str(out)).model_dump()
        assert found["logged"] == 30
        assert pd.read_csv(out).columns.tolist() == ["prediction", "row_id"]


def test_labels_come_before_or_after_their_rows_and_may_be_corrected(stream: Watched) -> None:
    frame = table(40, 1)
    early = stream.label("r", frame.head(10))
    assert (early.joined, early.waiting) == (0, 10)
    assert "r-0" in early.notes[0]
    stream.predict("r", frame)
    late = stream.label("r", frame.assign(y="yes"))
    assert (late.joined, late.waiting, late.changed) == (40, 0, int((frame["y"].head(10) == "no").sum()))
    assert counts(stream) == {"logged": 40, "labelled": 40}


def test_numbers_as_ids_are_the_same_from_a_file_and_inline(stream: Watched, tmp_path: Path) -> None:
    path = tmp_path / "numbered.csv"
    path.write_text("id,size,weight,plan\n" + "".join(f"{row:03d},1,1,plus\n" for row in range(10)))
    stream.call("predict", model=MODEL, data=str(path), id_column="id")
    labels = tmp_path / "labels.csv"
    labels.write_text("id,y\n" + "".join(f"{row:03d},no\n" for row in range(10)))
    assert stream.call("log_labels", monitor=MODEL, data=str(labels), id_column="id").joined == 10
    assert stream.call("log_labels", monitor=MODEL, rows=[{"id": "007", "y": "no"}], id_column="id").joined == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "exactly one of"),
        ({"rows": ({"row_id": "a", "y": "no"},), "data": "x.csv"}, "exactly one of"),
        ({"rows": ({"id": "a", "y": "no"},)}, r"no column 'row_id' with the ids.*the columns are: id, y"),
        ({"rows": ({"row_id": "a", "z": "no"},)}, r"no column 'label' with the labels"),
        ({"rows": ({"row_id": "a", "y": " "},)}, "1 of 1 labels are blank"),
        ({"rows": ({"row_id": None, "y": "no"},)}, "'' cannot be kept"),
        ({"data": "nowhere.csv"}, "does not exist"),
    ],
)
def test_labels_that_cannot_be_kept_are_refused(stream: Watched, given: dict[str, Any], words: str) -> None:
    with pytest.raises(Fixable, match=words):
        stream.call("log_labels", monitor=MODEL, **given)


def test_rows_whose_label_is_not_known_yet_are_left_out_and_told(stream: Watched) -> None:
    said = stream.call("log_labels", monitor=MODEL, rows=[{"row_id": "a", "y": "no"}, {"row_id": "b"}])
    assert (said.waiting, said.notes[-1]) == (1, "1 row(s) without a label are left out.")


def test_numbers_of_a_target_with_decimal_commas_keep_their_value(line: Workshop) -> None:
    ids = ("c-0", "c-1", "c-2")
    line.call("predict", model="line", rows=[{"x": 1, "id": one} for one in ids], id_column="id")
    told = [{"id": one, "y": value} for one, value in zip(ids, (3.125, "4,125", 5), strict=True)]
    line.call("log_labels", monitor="line", rows=told, id_column="id")
    monitors = line.monitoring.monitors
    kept = monitors.windows.recent_labelled(monitors.get("line").id, 10)
    assert from_log(drift_subject(line, "line"), kept).truth.tolist() == [3.125, 4.125, 5.0]


def test_pausing_is_said_and_logging_goes_on(stream: Watched) -> None:
    assert stream.call("pause_monitor", monitor=MODEL, paused=True).paused
    assert stream.predict("a", table(30, 1)).logged == 30
    assert not stream.call("pause_monitor", monitor=MODEL, paused=False).paused


def test_status_says_what_was_seen(stream: Watched) -> None:
    frames = {"a": table(60, 1), "b": table(60, 2, SHIFT)}
    for name, frame in frames.items():
        stream.predict(name, frame)
        stream.label(name, frame)
        stream.check()
    (state,) = stream.call("monitor_status", monitor=MODEL).monitors
    assert (state.level, [check.window for check in state.checks]) == ("RED", [1, 2])
    newest = state.checks[-1]
    assert (newest.rows, newest.labelled, newest.metric, newest.drifted[0]) == (60, 60, "roc_auc", "size")
    assert (state.alerts[0].state, state.alerts[0].level) == ("open", "RED")


def test_a_report_and_its_plots_are_files_that_stand_alone(stream: Watched) -> None:
    with pytest.raises(NotFound, match=r"no report 'stream'.*check_drift does that"):
        stream.call("drift_report", monitor=MODEL)
    frame = table(60, 2, SHIFT)
    stream.predict("a", frame)
    stream.label("a", frame)
    stream.check()
    shutil.rmtree(stream.workshop.monitoring.folder(stream.workshop.monitoring.monitors.get(MODEL).id) / "windows")
    page = Path(stream.call("drift_report", monitor=MODEL).path).read_text(encoding="utf-8")
    assert "RED" in page
    assert "://" not in page.replace("http://www.w3.org", "")
    for plot in ("drift", "performance", "size", "plan", "prediction", "y"):
        found = stream.call("drift_report", monitor=MODEL, plot=plot)
        assert Path(found.path).read_text(encoding="utf-8").lstrip().startswith("<"), plot
    with pytest.raises(BadChoice, match=r"'sise' is not a known plot.*Did you mean 'size'"):
        stream.call("drift_report", monitor=MODEL, plot="sise")


def test_the_last_promotion_is_rolled_back(home: Path) -> None:
    workshop = at(home, Clock())
    first, second = (workshop.registry.get(f"{MODEL}@{version}").model_id for version in (1, 2))
    with pytest.raises(NotFound, match="before this one"):
        workshop.call("roll_back_model", name=MODEL)
    workshop.call("promote_model", model=second)
    found = workshop.call("roll_back_model", name=f"{MODEL}@champion").model_dump()
    assert (found["model"], found["previous"], found["version"], found["alias"]) == (first, second, 1, "champion")
    assert workshop.registry.get(f"{MODEL}@champion").model_id == first


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("strem", NotFound, "no model 'strem'.*Did you mean 'stream'"),
        (f"{MODEL}@winner", BadChoice, "'winner' is not a known alias.*champion"),
        (f"{MODEL}@challenger", NotFound, "stream@challenger before this one"),
    ],
)
def test_what_cannot_be_rolled_back_is_said(trained: Workshop, name: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        trained.call("roll_back_model", name=name)


def counts(stream: Watched) -> dict[str, int]:
    (state,) = stream.call("monitor_status", monitor=MODEL).monitors
    return {"logged": state.logged} | ({"labelled": state.labelled} if state.labelled else {})
