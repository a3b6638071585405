"""The commands of pipelines: what is typed reaches the request; what cannot be used is refused with the next step."""

from pathlib import Path

import pytest
import typer

from agents.scripted import ScriptedModel, say
from engine.errors import ApprovalNeeded, BadArguments, MillwrightError, NotFound
from graphs.checkpoints import open_saver
from graphs.pipeline_types import CheckpointList, PipelineRequest
from graphs.pipelines import Mind, start_pipeline
from millwright.cli import pipelines
from millwright.cli.reply import Reply, console_on
from tests.graphs.pipeshop import pipeline_workshop, small_gain, write_table


def typed(*arguments: str) -> Reply:
    found = typer.main.get_command(pipelines.app).main(args=list(arguments), standalone_mode=False)
    assert isinstance(found, Reply)
    return found


@pytest.fixture
def failed(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A pipeline in the home of the settings that used up its only attempt."""
    monkeypatch.setenv("MILLWRIGHT_HOME", str(home))
    monkeypatch.setenv("COLUMNS", "140")
    request = PipelineRequest.of(
        data=str(write_table(tmp_path / "table.csv")), target="y", max_models=3, attempts=1, checks={"min_score": 0.5}
    )
    with open_saver(home) as saver:
        mind = Mind(pipeline_workshop(home), ScriptedModel(script=[say("no proposal")]), saver, measure=small_gain)
        return start_pipeline(mind, request).run_id


def test_checkpoints_are_listed_for_people_and_for_programs(failed: str, capsys: pytest.CaptureFixture[str]) -> None:
    import sys

    reply = typed("checkpoints", failed)
    assert isinstance(reply.document, CheckpointList)
    assert [found.name for found in reply.document.checkpoints][-1] == "finish"
    reply.show(console_on(sys.stdout))
    shown = capsys.readouterr().out
    assert f"{failed}:validate-1" in shown
    assert "failed: min_score" in shown


def test_a_finished_pipeline_is_shown_again_with_exit_code_one_when_it_failed(
    failed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    import sys

    reply = typed("from", failed, "--yes")
    assert reply.exit_code == 1
    reply.show(console_on(sys.stdout))
    shown = capsys.readouterr().out
    assert "All 1 attempts are used" in shown
    assert f"millwright pipeline from {failed}:train-1 --min-score" in shown


@pytest.mark.parametrize(
    ("place", "options", "error", "words"),
    [
        ("{run}:train-1", ("--drop", "a", "--yes"), BadArguments, "Branch from {run}:load instead"),
        ("{run}:validate-7", ("--yes",), NotFound, "validate-7"),
        ("run_nobody", ("--yes",), NotFound, "{run}"),
        ("{run}:load", ("--kind", "a=colour", "--yes"), MillwrightError, "colour"),
        ("{run}:load", (), ApprovalNeeded, "--yes"),
    ],
)
def test_a_branch_that_cannot_begin_says_what_to_do(
    failed: str, place: str, options: tuple[str, ...], error: type[MillwrightError], words: str
) -> None:
    with pytest.raises(error) as refused:
        typed("from", place.format(run=failed), *options)
    assert words.format(run=failed) in str(refused.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--keep", "a", "--drop", "a"), "to be kept and to be left out"),
        (("--models", "oracle"), "oracle"),
        (("--metric", "elegance"), "elegance"),
        (("--task", "poetry"), "task"),
    ],
)
def test_a_pipeline_that_cannot_be_run_is_refused_before_anything_is_written(
    home: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], words: str
) -> None:
    monkeypatch.setenv("MILLWRIGHT_HOME", str(home / "new"))
    with pytest.raises(MillwrightError, match=words):
        typed("run", "--data", "table.csv", *options, "--yes")
    assert not (home / "new").exists()


def test_options_become_fields_and_what_was_not_typed_does_not() -> None:
    assert pipelines.changes_from() == {}
    found = pipelines.changes_from(models="linear, forest", kind=["a=text"], allow_leaks=True, raw=True, budget=9.0)
    assert found == {
        "models": ["linear", "forest"], "kinds": {"a": "text"}, "no_leak": False, "clean": False, "budget_seconds": 9.0
    }  # fmt: skip
