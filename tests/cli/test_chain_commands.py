"""`millwright chain` and `millwright research` by their own functions, before and after they are registered."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from engine.errors import BadArguments, BadBudget, NotFound
from millwright.cli import chains
from millwright.cli.reply import Reply


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "shop.csv"
    path.write_text("age,left\n" + "\n".join(f"{age},{'yes' if age % 3 else 'no'}" for age in range(20, 80)) + "\n")
    return path


@pytest.fixture(autouse=True)
def _home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLWRIGHT_HOME", str(home))


def document(reply: Reply) -> Any:
    found = reply.document
    return json.loads(found.model_dump_json()) if not isinstance(found, dict) else found


def test_a_program_is_written_for_a_task(rows: Path) -> None:
    found = document(chains.code("profile the data", data=str(rows), json=True))
    assert found["tools"] == ["import_dataset", "profile_dataset"]
    assert "import millwright" in found["code"]


def test_a_question_nobody_can_answer_says_so() -> None:
    found = document(chains.answer("what is the meaning of life?", json=True))
    assert not found["found"]
    assert "language model" in found["text"]


def test_bad_input_is_a_typed_error(rows: Path) -> None:
    with pytest.raises(BadArguments):
        chains.answer("", json=True)
    with pytest.raises(BadArguments):
        chains.code(" ", json=True)
    with pytest.raises(BadArguments):
        chains.plan(str(rows), task="guess", json=True)
    with pytest.raises(NotFound):
        chains.plan("ds_nothere", json=True)
    with pytest.raises(BadArguments):
        chains.research("", json=True)
    with pytest.raises(BadBudget):
        chains.research("what drives left?", data=str(rows), budget=0, json=True)
    with pytest.raises(NotFound):
        chains.research(resume="run_nothere", json=True)


def test_a_research_about_data_alone_is_done_from_the_terminal(rows: Path) -> None:
    found = document(chains.research("is the data of left clean?", data=str(rows), json=True))
    assert found["ended"] == "reviewed"
    assert found["claims_struck"] == 0
    assert Path(found["report"]).exists()


def test_the_commands_have_help_and_take_json() -> None:
    for command in ("answer", "code", "plan"):
        shown = CliRunner().invoke(chains.app, [command, "--help"])
        assert shown.exit_code == 0
        assert "--json" in shown.output
