"""The journal of a session: a secret that is streamed in pieces does not reach it, and all else does."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.scripted import ScriptedModel, call, say
from engine import redaction
from graphs.events import Event, RunFailed, RunFinished, TextDelta, ToolFinished, ToolStarted
from graphs.journal import Journal
from graphs.session_types import SessionEvent
from graphs.sessions import Sessions
from tests.graphs.smallshop import Published, PublishRequest, text_of
from tools.workshop import Workshop

Saver = Any

SECRET = "hunter22-and-more"
SAID = f"Look at the data in postgresql://me:{SECRET}@host/db first, at 12:30, please."


def written(file: Path, events: list[Event], close: bool = True) -> list[Event]:
    """The events as they were told, after all are in the journal."""
    journal = Journal(file)
    told = [journal.append(event) for event in events]
    if close:
        journal.close()
    return told


def pieces_of(text: str, size: int) -> list[Event]:
    return [TextDelta(text=text[place : place + size]) for place in range(0, len(text), size)]


@settings(max_examples=25, deadline=None)
@given(size=st.integers(1, 40))
def test_a_secret_in_pieces_is_in_no_byte_and_every_event_has_its_line(
    tmp_path_factory: pytest.TempPathFactory, size: int
) -> None:
    file = tmp_path_factory.mktemp("journal") / "events.jsonl"
    told = written(file, [*pieces_of(SAID, size), RunFinished(run="ses_1")])
    kept = list(Journal(file).read())
    assert [event.sequence for event in kept] == [event.sequence for event in told] == list(range(1, len(told) + 1))
    text = "".join(event.text for event in kept if isinstance(event, TextDelta))
    assert text == SAID.replace(SECRET, "***")
    assert "".join(event.text for event in told if isinstance(event, TextDelta)) == SAID
    assert SECRET.encode() not in file.read_bytes()


def test_ordinary_words_are_on_record_before_the_next_come(home: Path) -> None:
    file = home / "events.jsonl"
    journal = Journal(file)
    for word in ("It ", "is ", "0.86, ", "roc_auc.\n", '"ä" \\ '):
        told = journal.append(TextDelta(text=word))
        assert list(Journal(file).read())[-1] == told
    journal.close()


def test_what_waits_is_written_before_what_follows_it_and_when_the_journal_is_let_go(home: Path) -> None:
    file = home / "events.jsonl"
    journal = Journal(file)
    journal.append(TextDelta(text="see postgresql://me:hun"))
    assert list(Journal(file).read()) == []
    result = ToolFinished(call="c", tool="add", seconds=0.1, result={"text": f"password={SECRET}"})
    journal.append(result)
    journal.append(TextDelta(text="it is 12:30"))
    assert journal.last == 3
    journal.close()
    kept = list(Journal(file).read())
    assert [event.sequence for event in kept] == [1, 2, 3]
    assert isinstance(kept[1], ToolFinished)
    assert kept[1].result == {"text": "password=***"}
    assert kept[2] == TextDelta(sequence=3, text="it is 12:30")


@settings(max_examples=25, deadline=None)
@given(size=st.integers(1, 20))
def test_who_follows_the_file_meanwhile_gets_every_event_once_and_the_whole_text(
    tmp_path_factory: pytest.TempPathFactory, size: int
) -> None:
    journal = Journal(tmp_path_factory.mktemp("journal") / "events.jsonl")
    seen: list[SessionEvent] = []
    for event in [*pieces_of(SAID, size), RunFinished(run="ses_1")]:
        journal.append(event)
        seen += journal.read(seen[-1].sequence if seen else 0)
    journal.close()
    assert [event.sequence for event in seen] == list(range(1, len(seen) + 1))
    assert "".join(event.text for event in seen if isinstance(event, TextDelta)) == SAID.replace(SECRET, "***")
    assert seen[-1].kind == "finished"


@pytest.fixture
def odd() -> Iterator[str]:
    """A secret of the settings that JSON writes in another way than it is."""
    before = redaction._exact
    redaction.keep_out(['pa"ss\\word-9Q'])
    yield 'pa"ss\\word-9Q'
    redaction._exact = before


def test_an_exact_secret_that_json_escapes_is_in_no_event(home: Path, odd: str) -> None:
    file = home / "events.jsonl"
    said = f"it is {odd} here"
    events: list[Event] = [
        ToolStarted(call="c", tool="add", arguments={"a": said, "b": json.dumps({"c": said})}),
        ToolFinished(call="c", tool="add", seconds=0.1, error=said),
        RunFailed(run="ses_1", code="odd", sentence=said, hint=said),
    ]
    written(file, events)
    assert "word-9Q" not in file.read_text()
    assert file.read_text().count("it is *** here") == 5


def test_an_exact_secret_that_a_tool_answers_is_neither_shown_nor_kept(
    workshop: Workshop, saver: Saver, odd: str
) -> None:
    def spill(workshop: Workshop, request: PublishRequest) -> Published:
        return Published(model=f"it is {odd} here")

    tools = {**workshop.tools, "publish": replace(workshop.tools["publish"], function=spill)}
    with ScriptedModel(script=[call("publish", model="mdl_1"), say("Done.")]) as model:
        sessions = Sessions(replace(workshop, tools=tools), model, saver, ask=frozenset())
        sessions.send(sessions.create().id, "Publish mdl_1.")
        assert "it is *** here" in str(model.seen[1][-1].content)
        assert "word-9Q" not in str(model.seen)
    kept = {path.name: path.read_bytes() for path in workshop.home.rglob("*") if path.is_file()}
    assert {"events.jsonl", "checkpoints.db"} <= set(kept)
    assert [name for name, data in kept.items() if b"word-9Q" in data] == []


def test_half_a_character_in_a_models_words_or_calls_ends_no_turn(workshop: Workshop, saver: Saver) -> None:
    script = [call("publish", model="mdl_\ud83d"), say("It is \ud83d done.")]
    sessions = Sessions(workshop, ScriptedModel(script=script), saver, ask=frozenset())
    session = sessions.create().id
    turn = sessions.send(session, "Publish it.")
    assert (turn.error, turn.text) == (None, "It is \ufffd done.")
    assert text_of(sessions.events(session)) == turn.text


def test_a_process_that_is_killed_leaves_no_beginning_of_a_secret(home: Path) -> None:
    file = home / "events.jsonl"
    child = os.fork()
    if child == 0:
        written(file, [TextDelta(text="Look. "), TextDelta(text=f"postgresql://me:{SECRET}")], close=False)
        os._exit(9)
    os.waitpid(child, 0)
    assert b"postgresql" not in file.read_bytes()
    assert [event.sequence for event in Journal(file).read()] == [1]
    # the number was told, and is not given again
    assert written(file, [RunFinished(run="ses_1")])[0].sequence == 3
    assert [event.sequence for event in Journal(file).read(1)] == [2, 3]
