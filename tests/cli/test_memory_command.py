"""`millwright memory`: listed, added to and forgotten."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
import typer

from engine.errors import ApprovalNeeded, BadArguments, NotFound
from millwright.cli import memory
from millwright.cli.reply import Reply


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`run("list", "--json")` with an empty home; returns what goes to stdout."""
    monkeypatch.setenv("MILLWRIGHT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("sys.stdin", io.StringIO())

    def command(*arguments: str) -> str:
        reply = typer.main.get_command(memory.app).main(args=list(arguments), standalone_mode=False)
        assert isinstance(reply, Reply)
        out = io.StringIO()
        reply.write(out)
        return out.getvalue()

    return command


def test_a_sentence_is_added_listed_and_forgotten(run: Any) -> None:
    assert "Nothing is remembered." in run("list")
    told = json.loads(run("add", "recall [bold]matters[/bold]", "--preference", "--json"))["memory"]
    assert told["kind"] == "preference"
    listed = run("list")
    assert told["id"] in listed
    assert "recall [bold]matters[/bold]" in listed
    assert json.loads(run("list", "precision", "--json"))["memories"] == []
    assert "Forgot 1 of 1." in run("forget", told["id"], "--yes")


def test_forgetting_is_asked_and_needs_to_know_what(run: Any) -> None:
    run("add", "one")
    with pytest.raises(ApprovalNeeded, match="--yes"):
        run("forget", "--all")
    for wrong in ((), ("mem_000000000000", "--all"), ("--all", "--about", "x")):
        with pytest.raises(typer.BadParameter, match="exactly one"):
            run("forget", *wrong, "--yes")
    with pytest.raises(NotFound):
        run("forget", "mem_000000000000", "--yes")
    assert "Forgot 1 of 1." in run("forget", "--all", "--yes")


def test_a_secret_is_not_kept(run: Any) -> None:
    with pytest.raises(BadArguments, match="bearer token"):
        run("add", "Bearer abcdefgh12345678")
    assert "Nothing is remembered." in run("list")
