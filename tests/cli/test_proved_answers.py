"""In the terminal and in a pipe: what was taken back, what was struck, and the list of claims."""

from pathlib import Path

import pytest

from agents.proof import NOT_HELD
from agents.scripted import ScriptedModel, call, say
from graphs.checkpoints import open_saver
from graphs.sessions import Sessions
from millwright.cli.conversation import Conversation
from millwright.cli.listening import TAKEN_BACK
from tests.cli.inside import command_in
from tests.graphs.smallshop import small_workshop

SCRIPT = (call("add", a=1.25, b=2.5), say("So the sum is 3.95."), say("The sum is 3.95, or 3.75."))
FINAL = f"The sum is ~~3.95~~ {NOT_HELD}, or 3.75."


def said(home: Path, *, live: bool) -> tuple[str, str]:
    """What a turn writes as words, and the text that it ends with."""
    out: list[str] = []
    with open_saver(home) as saver, ScriptedModel(script=SCRIPT) as model:
        sessions = Sessions(small_workshop(home), model, saver, new_id=lambda: "ses_1")
        conversation = Conversation(small_workshop(home), sessions, sessions.create().id, out.append, live=live)
        conversation._take("Add them.")
    return "".join(out), str(conversation.turns[0]["text"])


def test_a_pipe_gets_the_final_text_alone(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, text = said(home, live=False)
    assert out == f"{FINAL}\n"
    assert text == FINAL
    assert "struck, as no result holds it: 3.95" in capsys.readouterr().err


def test_on_a_terminal_words_that_are_taken_back_are_said_to_be(home: Path) -> None:
    out, _ = said(home, live=True)
    assert out == f"So the sum is {TAKEN_BACK}{FINAL}\n"


def test_the_claims_of_a_conversation_are_listed(home: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    said(home, live=False)
    with command_in(home, tmp_path, capfd) as millwright:
        (answer,) = millwright("sessions", "claims", "ses_1", "--json").document["answers"]
        shown = millwright("sessions", "claims", "ses_1").out
    assert [(claim["value"], claim["grounded"]) for claim in answer["claims"]] == [("3.95", False), ("3.75", True)]
    assert answer["taken_back"] == ["3.95"]
    assert "nothing: struck" in shown
    assert "2 claims, 1 struck." in shown
