"""What a tool is called with is what was sent whole and fits; through the assistant, over a real endpoint."""

import json
from pathlib import Path
from typing import Any

import pytest

from graphs.checkpoints import open_saver
from graphs.events import Event, ToolFinished
from graphs.sessions import Sessions
from tests.agents.raw_endpoint import Reply, a_call, chat, delta, flowing, raw, said
from tests.graphs.smallshop import effects, small_workshop, write_rows

GOOD = {"source": "", "target": "y"}


def streamed(arguments: str) -> Reply:
    """A call of import_dataset, its arguments in pieces."""
    head = {**a_call("", name="import_dataset"), "index": 0}
    parts = [arguments[start : start + 7] for start in range(0, len(arguments), 7)]
    pieces = [delta(tool_calls=[{"index": 0, "function": {"arguments": part}}]) for part in parts]
    return flowing(delta(tool_calls=[head]), *pieces, finish="tool_calls")


def play(home: Path, arguments: str) -> tuple[list[Event], list[dict[str, Any]]]:
    heard: list[Event] = []
    with raw(streamed(arguments), said("Understood.")) as server, open_saver(home) as saver:
        sessions = Sessions(small_workshop(home), chat(server), saver)
        turn = sessions.send(sessions.create().id, "Go on.", heard.append)
        assert turn.error is None
        assert turn.text == "Understood."
    return heard, server.bodies


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"and_delete": True}, "and_delete"),
        ({"target": ["y"]}, "target"),
        ({"source": None}, "source"),
    ],
)
def test_arguments_that_do_not_fit_the_tool_are_told_and_it_does_not_run(
    home: Path, rows: Path, more: dict[str, object], told: str
) -> None:
    heard, bodies = play(home, json.dumps({**GOOD, "source": str(rows), **more}))
    assert not (home / "ds_small.csv").exists()
    assert effects(home) == []
    assert [event.result for event in heard if isinstance(event, ToolFinished)] in ([], [None])
    assert told in str(bodies[1]["messages"][-1]["content"])


@pytest.mark.parametrize("cut", [2, 9, -1, -4])
def test_a_call_that_is_cut_anywhere_is_never_run(home: Path, rows: Path, cut: int) -> None:
    heard, bodies = play(home, json.dumps({**GOOD, "source": str(rows)})[:cut])
    assert not (home / "ds_small.csv").exists()
    assert not [event for event in heard if isinstance(event, ToolFinished) and event.result]
    assert "not valid JSON" in str(bodies[1]["messages"][-1]["content"])


def test_the_same_call_whole_is_run(home: Path, rows: Path) -> None:
    heard, _ = play(home, json.dumps({**GOOD, "source": str(rows)}))
    assert (home / "ds_small.csv").exists()
    assert [event.error for event in heard if isinstance(event, ToolFinished)] == [None]


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "rows.csv")
