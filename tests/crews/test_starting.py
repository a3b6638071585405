"""A crew from Python, the command line and the tool: what is refused, and how, before CrewAI is loaded."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import millwright.crewing as crews
from crews.brief import CrewReport, CrewRequest, TaskOutcome
from crews.tool import crew_tools
from engine.errors import (
    ApprovalNeeded,
    BadArguments,
    BadBudget,
    BadChoice,
    Busy,
    ColumnNotFound,
    MillwrightError,
    NotFound,
    SourceNotFound,
)
from engine.progress import Note, StageStarted
from graphs.lease import lease
from millwright.cli.crew import crew as command
from millwright.settings import Settings
from tests.graphs.smallshop import small_workshop, write_rows

REPORT = CrewReport(
    model_id="mdl_1",
    tasks=(TaskOutcome(name="analyse", agent="Data Scientist", output="40 rows.", artifacts=("analysis.md",)),),
    report="report.md",
    seconds=1.5,
    run="crew_1",
    process="sequential",
    dataset="ds_1",
    target="y",
)


@pytest.fixture
def settings(home: Path) -> Settings:
    return Settings.model_validate({"home": home, "jobs": {"own_worker": False}})


@pytest.fixture
def rows(tmp_path: Path) -> str:
    return str(write_rows(tmp_path / "rows.csv"))


@pytest.fixture
def in_home(home: Path) -> Iterator[None]:
    os.environ["MILLWRIGHT_HOME"] = str(home)
    yield
    del os.environ["MILLWRIGHT_HOME"]


def finished(home: Path) -> None:
    folder = home / "crews" / "crew_1"
    folder.mkdir(parents=True)
    request = CrewRequest(data="rows.csv", target="y")
    (folder / "request.json").write_text(request.model_dump_json())
    (folder / "result.json").write_text(REPORT.model_dump_json())


@pytest.mark.parametrize(
    ("choices", "error", "words"),
    [
        ({"name": "marketing"}, BadChoice, "Choose from: development"),
        ({"budget_seconds": 0.2}, BadBudget, "1 second or more"),
        ({"budget_seconds": float("nan")}, BadBudget, "1 second or more"),
        ({"process": "anarchic"}, BadArguments, "hierarchical"),
        ({"demands": {"max_latency_ms": -1}}, BadArguments, "max_latency_ms"),
        ({"surprise": 1}, BadArguments, "surprise"),
        ({"data": "postgresql://u:secret@h/d"}, BadArguments, "Import it first"),
        ({"resume": "crew_1"}, BadArguments, "alone"),
    ],
)
def test_what_cannot_be_done_is_refused_and_nothing_is_written(
    settings: Settings, rows: str, choices: dict[str, Any], error: type[MillwrightError], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        crews.crew(**{"data": rows, "target": "y", "settings": settings, **choices})
    assert "secret" not in str(caught.value)
    assert not (settings.home / "crews").exists()


def test_a_crew_run_that_is_not_there_is_named_with_those_that_are(settings: Settings, home: Path) -> None:
    finished(home)
    with pytest.raises(NotFound, match="crew_1"):
        crews.crew(resume="crew_9", settings=settings)
    with pytest.raises(NotFound):
        crews.crew(resume="../../etc", settings=settings)


@pytest.mark.parametrize(
    ("change", "error"), [({"target": "z"}, ColumnNotFound), ({"data": "nowhere.csv"}, SourceNotFound)]
)
def test_a_wrong_column_or_file_is_told_with_the_next_step(
    settings: Settings, rows: str, change: dict[str, str], error: type[MillwrightError]
) -> None:
    """In the function that the crew's process calls: it says so before CrewAI is loaded."""
    request = CrewRequest.model_validate({"data": rows, "target": "y", **change})
    given = settings.for_worker() | {"llm": settings.llm.model_dump(mode="json")}
    with pytest.raises(error) as caught:
        crews.work({"settings": given, "run": "crew_1", "request": request.model_dump(mode="json")}, lambda event: None)
    assert caught.value.hint


def test_a_finished_crew_run_gives_its_result_again(settings: Settings, home: Path) -> None:
    finished(home)
    assert crews.crew(resume="crew_1", settings=settings) == REPORT


def test_one_process_at_a_time_works_on_a_crew_run(settings: Settings, home: Path) -> None:
    finished(home)
    with lease(home / "crews" / "crew_1", "run", "crew_1"), pytest.raises(Busy):
        crews.crew(resume="crew_1", settings=settings)


# the command


def test_the_document_has_the_agreed_fields_first(home: Path, in_home: None) -> None:
    finished(home)
    reply = command(resume="crew_1", yes=True, json=True)
    document = json.loads(reply.document.model_dump_json())  # type: ignore[union-attr]
    assert list(document)[:4] == ["model_id", "tasks", "report", "seconds"]
    assert document["tasks"] == [
        {"name": "analyse", "agent": "Data Scientist", "output": "40 rows.", "artifacts": ["analysis.md"]}
    ]


def test_without_yes_it_says_what_it_would_do_and_starts_nothing(
    in_home: None, home: Path, rows: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ApprovalNeeded, match="--yes"):
        command(data=rows, target="y", process="hierarchical")
    shown = capsys.readouterr().err
    assert "Manager" in shown
    assert "looks at the sealed test rows once" in shown
    assert not (home / "crews").exists()


# the tool


def test_the_tool_passes_on_the_request_and_the_course(home: Path) -> None:
    asked: list[CrewRequest] = []

    def start(request: CrewRequest, watch: Any) -> CrewReport:
        asked.append(request)
        watch(StageStarted(stage="Data Scientist", detail="analyse"))
        return REPORT

    spec = crew_tools(start)["run_crew"]
    heard: list[object] = []
    found = spec.function(small_workshop(home), CrewRequest(data="rows.csv", target="y"), heard.append)
    assert found == REPORT
    assert asked[0].target == "y"
    assert heard == [StageStarted(stage="Data Scientist", detail="analyse")]
    assert (spec.effect, spec.watched, spec.job) == ("compute", True, False)


def test_the_tool_refuses_an_unknown_crew(home: Path) -> None:
    spec = crew_tools(lambda request, watch: REPORT)["run_crew"]
    with pytest.raises(BadChoice):
        spec.function(small_workshop(home), CrewRequest(crew="x", data="d", target="y"), lambda progress: None)


def test_the_same_request_goes_on_with_what_was_cut_off_and_with_nothing_else(settings: Settings, home: Path) -> None:
    request = CrewRequest(data="rows.csv", target="y")
    folder = home / "crews" / "crew_7"
    folder.mkdir(parents=True)
    (folder / "request.json").write_text(request.model_dump_json())
    assert crews._cut_off(settings, request) == "crew_7"
    assert crews._cut_off(settings, CrewRequest(data="rows.csv", target="z")) is None
    with lease(folder, "run", "crew_7"):
        assert crews._cut_off(settings, request) is None
    (folder / "report.md").write_text("over")
    assert crews._cut_off(settings, request) is None


def test_events_of_a_crew_are_progress_of_the_tool() -> None:
    from graphs.events import Handover, ToolFinished
    from graphs.within import as_progress

    heard: list[object] = []
    as_progress(heard.append)(Handover(agent="QA Engineer", task="test"))
    as_progress(heard.append)(ToolFinished(call="c", tool="test_model", seconds=1.0, error="No."))
    assert heard == [StageStarted(stage="QA Engineer", detail="test"), Note(text="test_model: No.")]


def test_importing_the_tool_loads_no_crewai(environment: dict[str, str]) -> None:
    import subprocess
    import sys

    check = "import crews.tool, millwright.crewing, millwright.cli.crew, sys; sys.exit('crewai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], env=environment, check=False).returncode == 0
