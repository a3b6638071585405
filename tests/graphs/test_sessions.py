"""Sessions last: they are listed, replayed, held by one worker at a time, and go on in another process."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver

from agents.scripted import ScriptedModel, call, say
from engine.errors import Busy, MillwrightError, NotFound
from graphs.assistant_types import Decision
from graphs.checkpoints import open_saver
from graphs.events import Event, TextDelta, ToolStarted
from graphs.lease import lease
from graphs.sessions import Sessions
from tests.forked import run_code
from tests.graphs.smallshop import effects, small_workshop
from tools.workshop import Workshop

Saver = BaseCheckpointSaver[Any]


def test_a_session_has_the_first_words_as_its_title(workshop: Workshop, saver: Saver) -> None:
    sessions = Sessions(workshop, ScriptedModel(script=[say("Hello."), say("Good.")]), saver)
    older, newer = sessions.create(), sessions.create("Sums")
    sessions.send(older.id, "Hello there")
    sessions.send(older.id, "How are you?")
    assert [info.id for info in sessions.list()] == [older.id, newer.id]
    assert [info.title for info in sessions.list()] == ["Hello there", "Sums"]


def test_an_unknown_session_is_named_with_those_there_are(workshop: Workshop, saver: Saver) -> None:
    sessions = Sessions(workshop, ScriptedModel(script=[]), saver, new_id=lambda: "ses_1")
    sessions.create()
    for use in (
        sessions.get,
        sessions.resume,
        sessions.cancel,
        sessions.history,
        lambda name: sessions.send(name, "Hi"),
    ):
        with pytest.raises(NotFound, match="ses_1") as caught:
            use("ses_2")
        assert caught.value.code == "session_not_found"
    assert [folder.name for folder in (workshop.home / "sessions").iterdir()] == ["ses_1"]


def test_an_id_is_never_a_path(workshop: Workshop, saver: Saver) -> None:
    with pytest.raises(NotFound):
        Sessions(workshop, ScriptedModel(script=[]), saver).get("../../etc")


def test_events_are_numbered_through_all_turns_and_replayed_from_any(workshop: Workshop, saver: Saver) -> None:
    heard: list[Event] = []
    sessions = Sessions(workshop, ScriptedModel(script=[say("One two."), call("add", a=1, b=2), say("3.")]), saver)
    session = sessions.create().id
    sessions.send(session, "Count.", heard.append)
    sessions.send(session, "Add.", heard.append)
    assert [event.sequence for event in heard] == list(range(1, len(heard) + 1))
    assert list(sessions.events(session)) == heard
    assert list(sessions.events(session, after=3)) == heard[3:]


def test_a_line_cut_off_by_a_crash_is_neither_read_nor_kept(workshop: Workshop, saver: Saver) -> None:
    sessions = Sessions(workshop, ScriptedModel(script=[say("One."), say("Two.")]), saver)
    session = sessions.create().id
    sessions.send(session, "Go.")
    before = list(sessions.events(session))
    with (workshop.home / "sessions" / session / "events.jsonl").open("a") as file:
        file.write('{"kind": "text", "sequ')
    assert list(sessions.events(session)) == before
    sessions.send(session, "On.")
    after = list(sessions.events(session))
    assert [event.sequence for event in after] == list(range(1, len(after) + 1))


def test_one_turn_at_a_time(workshop: Workshop, saver: Saver) -> None:
    sessions = Sessions(workshop, ScriptedModel(script=[]), saver)
    session = sessions.create().id
    with lease(workshop.home / "sessions" / session, "session", session), pytest.raises(Busy) as caught:
        sessions.send(session, "Me too.")
    assert caught.value.code == "session_busy"


def test_the_history_is_there_after_a_restart(home: Path) -> None:
    workshop = small_workshop(home)
    with open_saver(home) as saver:
        sessions = Sessions(workshop, ScriptedModel(script=[call("publish", model="mdl_1")]), saver)
        session = sessions.create().id
        waiting = sessions.send(session, "Publish it.").approval
    assert waiting is not None
    with open_saver(home) as saver, ScriptedModel(script=[say("Published.")]) as model:
        again = Sessions(workshop, model, saver)
        assert again.get(session).state == "waiting"
        assert again.pending(session) is not None
        assert again.approve(session, waiting.approval, Decision(approve=True)).text == "Published."
        assert [(said.role, said.text) for said in again.history(session)] == [
            ("user", "Publish it."),
            ("tool", '{"model":"mdl_1"}'),
            ("assistant", "Published."),
        ]


CHILD = """
import sys
from pathlib import Path
from agents.scripted import ScriptedModel, call, say
from graphs.checkpoints import open_saver
from graphs.sessions import Sessions
from tests.graphs.smallshop import small_workshop
home = Path(sys.argv[1])
with open_saver(home) as saver:
    model = ScriptedModel(script=[[call("add", a=1, b=2), call("add", a=3, b=4)], say("3 and 7.")])
    sessions = Sessions(small_workshop(home), model, saver, new_id=lambda: "ses_1")
    sessions.send(sessions.create().id, "Add.")
"""


def test_a_turn_killed_in_a_tool_goes_on_and_repeats_no_finished_call(home: Path) -> None:
    (home / "kill").write_text("add")
    done = run_code(CHILD, str(home))
    assert done.returncode == -9
    workshop = small_workshop(home)
    with open_saver(home) as saver, ScriptedModel(script=[say("3 and 7.")]) as model:
        sessions = Sessions(workshop, model, saver)
        assert sessions.get("ses_1").state == "working"
        turn = sessions.resume("ses_1")
        assert turn is not None
        assert turn.text == "3 and 7."
        assert sessions.resume("ses_1") is None
    assert effects(home) == ["add 1 2", "add 3 4"]


def test_a_message_after_a_crash_cancels_what_was_cut_off(home: Path) -> None:
    (home / "kill").write_text("add")
    run_code(CHILD, str(home))
    with open_saver(home) as saver, ScriptedModel(script=[say("As you like.")]) as model:
        sessions = Sessions(small_workshop(home), model, saver)
        assert sessions.send("ses_1", "Leave it.").text == "As you like."
    assert [message.type for message in model.seen[0]] == ["system", "human", "ai", "tool", "tool", "human"]
    assert effects(home) == []


TRAINING = call("train_model", dataset="ds_small", target="y", models=["linear"])


def leave_at_the_first_fit(event: Event) -> None:
    if event.kind == "tool_progress":
        raise KeyboardInterrupt


def left_in_a_training(workshop: Workshop, saver: Saver, rows: Path) -> Sessions:
    """A conversation `ses_1` whose user left while a job of it ran."""
    imported = call("import_dataset", source=str(rows), target="y")
    model = ScriptedModel(script=[imported, TRAINING, say("As you like.")])
    sessions = Sessions(workshop, model, saver, new_id=lambda: "ses_1")
    with pytest.raises(KeyboardInterrupt):
        sessions.send(sessions.create().id, "Train.", leave_at_the_first_fit)
    assert [job.state for job in workshop.jobs.list()] == ["queued"]
    return sessions


def test_a_message_stops_the_job_of_a_turn_that_was_broken_off(workshop: Workshop, saver: Saver, rows: Path) -> None:
    sessions = left_in_a_training(workshop, saver, rows)
    assert sessions.send("ses_1", "Leave it.").text == "As you like."
    assert [job.state for job in workshop.jobs.list()] == ["cancelling"]


def test_a_turn_that_is_given_up_stops_its_job_and_is_not_resumed(workshop: Workshop, saver: Saver, rows: Path) -> None:
    sessions = left_in_a_training(workshop, saver, rows)
    assert sessions.get("ses_1").state == "working"
    sessions.cancel("ses_1")
    assert [job.state for job in workshop.jobs.list()] == ["cancelling"]
    assert sessions.get("ses_1").state == "idle"
    assert sessions.resume("ses_1") is None


def test_the_start_of_a_job_names_it(workshop: Workshop, saver: Saver, rows: Path, heard: list[Event]) -> None:
    imported = call("import_dataset", source=str(rows), target="y")
    sessions = Sessions(workshop, ScriptedModel(script=[imported, TRAINING, say("Done.")]), saver)
    sessions.send(sessions.create().id, "Train.", heard.append)
    named = [event.job for event in heard if isinstance(event, ToolStarted)]
    assert named == [None, workshop.jobs.list()[0].job]


def test_words_are_told_piece_by_piece(workshop: Workshop, saver: Saver, heard: list[Event]) -> None:
    sessions = Sessions(workshop, ScriptedModel(script=[say("All is well.")]), saver)
    sessions.send(sessions.create().id, "And?", heard.append)
    assert [event.text for event in heard if isinstance(event, TextDelta)] == ["All ", "is ", "well."]


SECRET = "postgresql://me:hunter22@host/db"


def test_titles_and_the_journal_hold_no_password(workshop: Workshop, saver: Saver, rows: Path) -> None:
    script = [call("publish", model=SECRET), say(f"Looked at {SECRET}")]
    sessions = Sessions(workshop, ScriptedModel(script=script), saver)
    session, titled = sessions.create().id, sessions.create(f"of {SECRET}")
    heard: list[Event] = []
    waiting = sessions.send(session, f"Publish {SECRET}", heard.append).approval
    assert waiting is not None
    assert waiting.arguments == {"model": SECRET}  # who is asked sees what is asked
    sessions.approve(session, waiting.approval, Decision(approve=False), heard.append)
    assert "hunter22" not in (workshop.home / "sessions" / session / "events.jsonl").read_text()
    assert "hunter22" not in sessions.get(session).title + sessions.get(titled.id).title
    assert "hunter22" not in (workshop.home / "sessions" / titled.id / "session.json").read_text()
    assert sessions.history(session)[0].text == f"Publish {SECRET}"
    assert [event.sequence for event in sessions.events(session)] == [event.sequence for event in heard]


def test_what_was_said_is_readable_by_its_owner_alone(workshop: Workshop, saver: Saver) -> None:
    sessions = Sessions(workshop, ScriptedModel(script=[say("One.")]), saver)
    session = sessions.create().id
    sessions.send(session, "1")
    sessions.rename(session, "New")
    folder = workshop.home / "sessions" / session
    assert folder.stat().st_mode & 0o777 == 0o700
    files = [folder / name for name in ("session.json", "turns.jsonl", "events.jsonl")]
    files += list(workshop.home.glob("checkpoints.db*"))
    assert {file.name: file.stat().st_mode & 0o077 for file in files} == {file.name: 0 for file in files}
    assert len(files) >= 4


def test_a_listener_that_fails_breaks_no_turn(
    workshop: Workshop, saver: Saver, caplog: pytest.LogCaptureFixture
) -> None:
    sessions = Sessions(workshop, ScriptedModel(script=[call("add", a=1, b=2), say("It is 3.")]), saver)
    session = sessions.create().id

    def broken(event: Event) -> None:
        raise BrokenPipeError

    assert sessions.send(session, "1 + 2?", broken).text == "It is 3."
    assert sessions.get(session).state == "idle"
    assert [event.kind for event in sessions.events(session)][-1] == "finished"
    assert caplog.text.count("a listener failed") == 1


def test_what_steers_a_terminal_is_in_no_title(workshop: Workshop, saver: Saver) -> None:
    sessions = Sessions(workshop, ScriptedModel(script=[say("One.")]), saver)
    assert sessions.create("a\0b\n\x1b[31m\x9bc").title == "ab [31mc"
    session = sessions.create().id
    sessions.send(session, "Hi\x1b]0;you\x07 there\r\nBob")
    assert sessions.get(session).title == "Hi]0;you there Bob"


def test_of_eight_answers_at_once_in_one_process_one_is_taken(workshop: Workshop, saver: Saver) -> None:
    sessions = Sessions(workshop, ScriptedModel(script=[call("publish", model="mdl_1"), say("Done.")]), saver)
    session = sessions.create().id
    waiting = sessions.send(session, "Publish.").approval
    assert waiting is not None
    start = threading.Barrier(8)

    def answer(_: int) -> str:
        start.wait(20)
        try:
            return sessions.approve(session, waiting.approval, Decision(approve=True)).text
        except MillwrightError as error:
            return error.code

    with ThreadPoolExecutor(8) as pool:
        fared = list(pool.map(answer, range(8)))
    assert fared.count("Done.") == 1
    assert set(fared) <= {"Done.", "session_busy", "approval_not_found"}
    assert effects(workshop.home) == ["publish mdl_1"]


def test_whether_somebody_is_at_work_can_be_asked(workshop: Workshop, saver: Saver) -> None:
    sessions = Sessions(workshop, ScriptedModel(script=[]), saver)
    session = sessions.create().id
    assert not sessions.busy(session)
    with lease(workshop.home / "sessions" / session, "session", session):
        assert sessions.busy(session)
