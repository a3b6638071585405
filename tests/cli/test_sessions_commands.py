"""`millwright sessions` and what is typed after a slash in a chat, in this process."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.scripted import ScriptedModel, call, say
from engine.errors import BadArguments, BadChoice, NotFound
from graphs.checkpoints import open_saver
from graphs.lease import lease
from graphs.sessions import Sessions
from millwright.cli.commands import command
from millwright.cli.conversation import Conversation
from tests.cli.inside import command_in
from tests.cli.running import Millwright
from tests.graphs.smallshop import small_workshop


@pytest.fixture
def sessions(home: Path) -> Iterator[Sessions]:
    """A conversation ses_1 of two turns."""
    with open_saver(home) as saver:
        model = ScriptedModel(script=[call("add", a=1, b=2), say("3."), say("Bye.")])
        names = iter(("ses_1", "ses_2"))
        made = Sessions(small_workshop(home), model, saver, new_id=lambda: next(names))
        made.create()
        made.send("ses_1", "1 + 2?")
        made.send("ses_1", "bye")
        yield made


@pytest.fixture
def millwright(
    sessions: Sessions, home: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> Iterator[Millwright]:
    with command_in(home, tmp_path, capfd) as run:
        yield run


def test_conversations_are_listed_shown_and_renamed(millwright: Millwright) -> None:
    assert millwright("sessions", "rename", "ses_1", "Sums").code == 0
    listed = millwright("sessions", "list", "--json").document["sessions"]
    assert [(each["id"], each["title"]) for each in listed] == [("ses_1", "Sums")]
    shown = millwright("sessions", "show", "ses_1", "--json").document
    assert [turn["said"] for turn in shown["turns"]] == ["1 + 2?", "bye"]
    assert "1 + 2?" in millwright("sessions", "show", "ses_1").out


def test_a_conversation_is_undone_branched_and_exported(millwright: Millwright, tmp_path: Path) -> None:
    branch = millwright("sessions", "branch", "ses_1", "--at", "1", "--json").document
    assert branch["parent"] == {"session": "ses_1", "turn": 1}
    assert "Taken back: turns 1, 2." in millwright("sessions", "undo", "ses_1", "--to", "1").out
    export = millwright("sessions", "export", branch["id"], "--json").document
    assert export["messages"][-1]["text"] == "3."
    assert millwright("sessions", "export", branch["id"], "--notebook", "talk.ipynb").code == 0
    assert json.loads((tmp_path / "talk.ipynb").read_text())["nbformat"] == 4
    again = millwright("sessions", "export", branch["id"], "--notebook", "talk.ipynb", "--json")
    assert (again.code, again.document["error"]["code"]) == (1, "bad_arguments")


def test_a_conversation_is_deleted_after_a_yes(millwright: Millwright) -> None:
    refused = millwright("sessions", "delete", "ses_1", "--json")
    assert (refused.code, refused.document["error"]["code"]) == (1, "approval_needed")
    assert millwright("sessions", "delete", "ses_1", "--yes", "--json").document == {"deleted": "ses_1"}
    gone = millwright("sessions", "show", "ses_1", "--json")
    assert gone.document["error"]["code"] == "session_not_found"


def test_slash_commands_undo_branch_and_count(sessions: Sessions) -> None:
    told, session = command(sessions, "ses_1", "/undo", [])
    assert (told, session) == ("Taken back: turn 2. Nothing that they did lasts.", "ses_1")
    told, session = command(sessions, "ses_1", "/branch", ["1"])
    assert (told, session) == ("Going on in ses_2; ses_1 stays as it is.", "ses_2")
    assert "in all:" in str(command(sessions, "ses_1", "/tokens", [])[0])


def test_slash_memory_shows_and_chooses(sessions: Sessions) -> None:
    assert command(sessions, "ses_1", "/memory", ["window", "3"])[0] == "Memory: window, the last 3 turns."
    assert command(sessions, "ses_1", "/memory", [])[0] == "Memory: window, the last 3 turns."


def test_slash_export_writes_what_the_name_says(sessions: Sessions, tmp_path: Path) -> None:
    for name in ("talk.json", "my talk.ipynb"):
        command(sessions, "ses_1", "/export", str(tmp_path / name).split(" "))
        assert json.loads((tmp_path / name).read_text())


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("/undo", ["x"]), ("/undo", ["1", "2"]), ("/undo", ["-1"]), ("/branch", ["9" * 40]), ("/export", []),
        ("/export", ["a.pkl"]), ("/memory", ["buffer", "3"]), ("/memory", ["window", "0"]), ("/tokens", ["all"]),
    ],
)  # fmt: skip
def test_what_a_slash_command_does_not_take_is_refused(sessions: Sessions, name: str, given: list[str]) -> None:
    with pytest.raises(BadArguments):
        command(sessions, "ses_1", name, given)


def test_an_unknown_memory_turn_or_command_is_told(sessions: Sessions) -> None:
    with pytest.raises(BadChoice):
        command(sessions, "ses_1", "/memory", ["elephant"])
    with pytest.raises(NotFound):
        command(sessions, "ses_1", "/undo", ["7"])
    assert command(sessions, "ses_1", "/nonsense", []) == (None, "ses_1")


def test_a_chat_beside_another_process_says_so_and_stays_open(
    sessions: Sessions, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home / "sessions" / "ses_1"
    turn = sessions.turns("ses_1")[-1].model_copy(update={"number": 3, "state": "working"})
    with (folder / "turns.jsonl").open("a") as file:
        file.write(f"{turn.model_dump_json()}\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("hello\n/sessions\n"))
    conversation = Conversation(small_workshop(home), sessions, "ses_1", lambda text: None)
    with lease(folder, "session", "ses_1"):
        conversation.run()
    told = capsys.readouterr().err
    assert told.count("Another process is at work in this conversation.") == 2
    assert "broken off" not in told
    assert "ses_1  " in told  # the line after the refused one was still taken
    assert [one["error"]["code"] for one in conversation.turns] == ["session_busy"]
