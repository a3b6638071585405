"""Conversations from a pipe: one line for each turn, kept and gone on with later."""

import subprocess

from tests.cli.running import Trained, command, environment, read_until


def test_a_script_asks_and_every_turn_is_in_the_document(trained: Trained) -> None:
    done = trained.millwright("chat", "--json", stdin="what can you do?\nlist my models\n")
    assert done.code == 0, done.err
    turns = done.document["turns"]
    assert [turn["you"] for turn in turns] == ["what can you do?", "list my models"]
    assert trained.summary["model_id"] in turns[1]["text"]


def test_a_conversation_goes_on_in_another_process(trained: Trained) -> None:
    first = trained.millwright("chat", "--json", stdin="hello\n").document
    second = trained.millwright(
        "chat", "--session", first["session"], "--json", stdin="/sessions\nhelp\n/quit\nnever said\n"
    )
    assert second.document["session"] == first["session"]
    assert [turn["you"] for turn in second.document["turns"]] == ["help"]
    assert first["session"] in second.err


def test_words_go_to_stdout_and_the_rest_to_stderr(trained: Trained) -> None:
    done = trained.millwright("chat", stdin="list my models\n")
    assert trained.summary["model_id"] in done.out
    assert "Go on later: millwright chat --session ses_" in done.err


def test_a_call_that_changes_something_waits_for_a_yes(trained: Trained) -> None:
    model = trained.summary["model_id"]
    done = trained.millwright("chat", "--json", stdin=f"promote {model} to challenger\ny\n")
    turns = done.document["turns"]
    assert turns[0]["approval"]["tool"] == "promote_model"
    assert turns[1]["approval"] is None
    shown = trained.millwright("models", "show", model, "--json").document
    assert "challenger" in shown["summary"]["aliases"]


def test_a_turn_that_a_kill_broke_off_is_gone_on_with(trained: Trained) -> None:
    folder = trained.table.parent
    process = subprocess.Popen(
        command("chat", "--json"),
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        cwd=folder, env=environment(trained.home),
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(f"train on {trained.table} to predict left, 8 seconds\n")
    process.stdin.flush()
    said = read_until(process, "fit linear")
    process.kill()
    process.communicate()
    session = said.partition("Conversation ")[2].partition(".")[0]
    done = trained.millwright("chat", "--session", session, "--json")
    assert "broken off; going on with it: train on" in done.err
    assert [turn["you"].partition(" ")[0] for turn in done.document["turns"]] == ["train"]
    assert "mdl_" in done.document["turns"][0]["text"]


def test_an_unknown_conversation_is_refused(trained: Trained) -> None:
    done = trained.millwright("chat", "--session", "ses_123", "--json")
    assert done.code == 1
    assert done.error["code"] == "session_not_found"
