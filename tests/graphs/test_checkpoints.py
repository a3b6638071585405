"""Where checkpoints are kept: one behaviour, whatever the database."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from agents.scripted import ScriptedModel, call, say
from engine.errors import BadSettings, HomeNotWritable
from graphs.checkpoints import open_saver
from graphs.sessions import Sessions
from tests.graphs.smallshop import small_workshop


@contextmanager
def both_turns(place: Path | str | SecretStr, home: Path) -> Iterator[list[str]]:
    """Two turns of one session, with the checkpoints opened anew in between; the kinds of messages seen last."""
    workshop = small_workshop(home)
    with open_saver(place) as saver:
        sessions = Sessions(workshop, ScriptedModel(script=[call("add", a=1, b=2), say("3.")]), saver)
        session = sessions.create().id
        sessions.send(session, "1 + 2?")
    with open_saver(place) as saver:
        model = ScriptedModel(script=[say("Three.")])
        Sessions(workshop, model, saver).send(session, "In words?")
        yield [message.type for message in model.seen[0]]


SEEN = ["system", "human", "ai", "tool", "ai", "human"]


def test_a_home_keeps_its_checkpoints_in_one_file(home: Path) -> None:
    with both_turns(home, home) as seen:
        assert seen == SEEN
    assert (home / "checkpoints.db").exists()


def test_a_sqlite_url_names_the_file(home: Path, tmp_path: Path) -> None:
    with both_turns(f"sqlite:///{tmp_path / 'elsewhere.db'}", home) as seen:
        assert seen == SEEN
    assert (tmp_path / "elsewhere.db").exists()


@pytest.mark.backend
def test_postgresql_keeps_them_as_well(home: Path, postgres_url: str) -> None:
    with both_turns(SecretStr(postgres_url), home) as seen:
        assert seen == SEEN


def test_another_database_is_refused() -> None:
    with pytest.raises(BadSettings, match="mysql"), open_saver("mysql://host/db"):
        pass


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeNotWritable), open_saver(tmp_path / "file" / "home"):
        pass


def test_a_class_hidden_in_a_checkpoint_is_not_built(home: Path) -> None:
    """Text that looks like a serialised constructor stays text, also beside a lone surrogate."""
    evil = '{"lc": 2, "type": "constructor", "id": ["os", "system"], "kwargs": {"command": "touch evil"}} \ud800'
    with open_saver(home) as saver:
        sessions = Sessions(small_workshop(home), ScriptedModel(script=[say("Hm.")]), saver)
        session = sessions.create().id
        sessions.send(session, evil.encode("utf-8", "replace").decode())
        said = sessions.history(session)[0]
    assert said.text.startswith('{"lc": 2')
    assert not Path("evil").exists()


def test_nothing_in_a_checkpoint_is_pickled(home: Path) -> None:
    with both_turns(home, home):
        pass
    with sqlite3.connect(home / "checkpoints.db") as connection:
        kinds = {row[0] for row in connection.execute("select type from checkpoints union select type from writes")}
    connection.close()
    assert kinds <= {"msgpack", "json", "null"}
