"""kill -9 at every node of a conversation, then `resume`: the same end, each effect once; eight who say yes at once.

What dies is always a process of its own; what goes on is this one, which costs less and shares nothing with it but the
disk.
"""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver

from engine.errors import BadArguments, MillwrightError, NotFound
from graphs.assistant_types import Decision
from graphs.checkpoints import open_saver
from graphs.events import ApprovalWanted, RunFinished
from graphs.sessions import Sessions
from tests.graphs.session_crashing import APPROVED, ASKING, CASES, STOPPING, UNKNOWN, Follower, conversations
from tests.graphs.smallshop import effects, small_workshop

Saver = BaseCheckpointSaver[Any]
YES = Decision(approve=True)
ALL = ["add 1 2", "publish mdl_1"]
SAID = [
    ("user", "Add, then publish."),
    ("tool", '{"value":3.0}'),
    ("tool", '{"model":"mdl_1"}'),
    ("assistant", "Done."),
]


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a home for each case, as a killed process left it; one process imports and forks for all."""
    root = tmp_path_factory.mktemp("crashed")
    command = [sys.executable, "-m", "tests.graphs.session_crashing", str(root)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return root


def home_of(crashed: Path, place: str) -> Path:
    home = crashed / str([case[0] for case in CASES].index(place))
    assert not (home / "kill").exists(), "nobody died there"
    return home


def finished(home: Path) -> None:
    """Go on where it stands, saying yes where that is asked for, to the end that everyone must reach."""
    with open_saver(home) as saver:
        sessions = conversations(home, saver)
        sessions.resume("ses_1")
        waiting = sessions.pending("ses_1")
        if waiting is not None:
            sessions.approve("ses_1", waiting.approval, YES)
        assert [(said.role, said.text) for said in sessions.history("ses_1")] == SAID
        assert [(turn.number, turn.state, len(turn.answers)) for turn in sessions.turns("ses_1")] == [(1, "done", 1)]
        numbers = [event.sequence for event in sessions.events("ses_1")]
        assert numbers == list(range(1, len(numbers) + 1))
        kinds = [type(event) for event in sessions.events("ses_1")]
        assert kinds.count(RunFinished) == 1
        assert kinds[-1] is RunFinished
        assert sessions.resume("ses_1") is None
    assert effects(home) == ALL


@pytest.mark.parametrize("place", ASKING)
def test_a_turn_killed_on_its_way_to_the_question_ends_as_if_it_had_not_been(crashed: Path, place: str) -> None:
    finished(home_of(crashed, place))


@pytest.mark.parametrize("place", APPROVED)
def test_a_turn_killed_after_the_yes_does_what_was_approved_once(crashed: Path, place: str) -> None:
    finished(home_of(crashed, place))


def test_a_call_whose_end_is_not_known_is_not_made_again_and_the_model_is_told(crashed: Path) -> None:
    home = home_of(crashed, UNKNOWN)
    with open_saver(home) as saver:
        sessions = conversations(home, saver)
        turn = sessions.resume("ses_1")
        assert turn is not None
        told = [said.text for said in sessions.history("ses_1") if said.role == "tool"][-1]
    assert "whether it took effect is not known" in told
    assert turn.text == "Done."
    assert effects(home) == ["add 1 2"]


def test_a_turn_killed_as_it_stops_at_its_bound_stops_once(crashed: Path) -> None:
    home = home_of(crashed, STOPPING)
    with open_saver(home) as saver:
        sessions = conversations(home, saver, max_steps=1)
        turn = sessions.resume("ses_1")
        assert turn is not None
        assert turn.text.startswith("I stopped after 1 steps")
        assert [said.role for said in sessions.history("ses_1")] == ["user", "tool", "assistant"]
    assert effects(home) == ["add 1 2"]


@pytest.fixture
def asked(home: Path, saver: Saver) -> ApprovalWanted:
    """A conversation in `home` that waits for a yes to publish."""
    sessions = conversations(home, saver)
    waiting = sessions.send(sessions.create().id, "Add, then publish.").approval
    assert waiting is not None
    return waiting


def test_of_eight_yeses_at_once_one_runs_the_call(home: Path, saver: Saver, asked: ApprovalWanted) -> None:
    sessions, start, fared = conversations(home, saver), threading.Barrier(8), []

    def approve() -> None:
        start.wait()
        try:
            sessions.approve("ses_1", asked.approval, YES)
        except MillwrightError as error:
            fared.append(error.code)
        else:
            fared.append("ran")

    threads = [threading.Thread(target=approve) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert effects(home) == ALL
    assert fared.count("ran") == 1
    assert set(fared) <= {"ran", "session_busy", "approval_not_found"}


def test_of_eight_processes_that_say_yes_at_once_one_runs_the_call(crashed: Path) -> None:
    home = crashed / "eight"
    fared = [(home / f"fared-{number}").read_text() for number in range(8)]
    assert effects(home) == ALL
    assert fared.count("ran") == 1
    assert set(fared) <= {"ran", "session_busy", "approval_not_found"}


def test_an_approval_of_another_session_is_refused(home: Path, saver: Saver, asked: ApprovalWanted) -> None:
    other = Sessions(small_workshop(home), Follower(home=home), saver, new_id=lambda: "ses_2")
    theirs = other.send(other.create().id, "Add, then publish.").approval
    assert theirs is not None
    for session, approval in (("ses_1", theirs.approval), ("ses_2", asked.approval)):
        with pytest.raises(NotFound) as caught:
            other.approve(session, approval, YES)
        assert caught.value.code == "approval_not_found"
    assert "publish mdl_1" not in effects(home)


@pytest.mark.parametrize(
    "approval", ["", " ", "../../ses_1", "a/b", "x" * 10_000, "é", "a\0", None, 7, ["x"], {"a": 1}]
)
def test_garbage_is_no_approval(home: Path, saver: Saver, asked: ApprovalWanted, approval: Any) -> None:
    with pytest.raises(BadArguments) as caught:
        conversations(home, saver).approve("ses_1", approval, YES)
    assert len(str(caught.value)) < 300
    assert effects(home) == ALL[:1]


@pytest.mark.parametrize("decision", [True, "yes", {"approve": True}, None])
def test_only_a_decision_answers_an_approval(home: Path, saver: Saver, asked: ApprovalWanted, decision: Any) -> None:
    with pytest.raises(BadArguments):
        conversations(home, saver).approve("ses_1", asked.approval, decision)
    assert effects(home) == ALL[:1]
