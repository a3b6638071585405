"""Conversations with hostile servers, through the real ChatOpenAI: nothing wrong is run, nothing broken is believed."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver

from agents.loopback import Sent
from agents.loopback_modes import MODES, NORMAL
from agents.scripted import serve
from graphs.sessions import Sessions
from tests.hostile import asked_for, called, endpoint, hostile_shop, not_asked_for, talk

Saver = BaseCheckpointSaver[Any]
HOSTILE = [mode for mode in MODES if mode != NORMAL]
FEW, MANY = (0, 6, 18), range(100)
"""Numbers of conversations; of the few, one has every answer scripted, one has a single fault, one has no script."""
PATIENT = {"timeout_s": 20.0}
"""For what must not depend on how busy the machine is."""


def wrongs(home: Path, saver: Saver, mode: str, numbers: Iterable[int]) -> list[str]:
    """Everything that went wrong in these conversations."""
    talks = [(number, talk(home, saver, mode, number)) for number in numbers]
    return [f"{mode} {number}: {wrong}" for number, one in talks for wrong in one.wrong]


@pytest.mark.parametrize("mode", HOSTILE)
def test_a_few_conversations_in_every_mode_end_well(home: Path, saver: Saver, mode: str) -> None:
    # a huge answer takes seconds to look through
    assert wrongs(home, saver, mode, FEW[:1] if mode == "huge_answer" else FEW) == []


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("mode", HOSTILE)
def test_a_hundred_conversations_in_every_mode_end_well(home: Path, saver: Saver, mode: str) -> None:
    assert wrongs(home, saver, mode, MANY) == []


def test_the_sound_server_shows_that_the_tools_do_run(home: Path, saver: Saver) -> None:
    found = [talk(home, saver, NORMAL, number, PATIENT) for number in range(3)]
    assert [one.wrong for one in found] == [[], [], []]
    assert [(one.end, one.ran) for one in found] == [("answer", 1), ("error", 1), ("question", 1)]


def test_a_call_that_nobody_asked_for_is_noticed(home: Path) -> None:
    """The comparison itself can fail: a call too many, other arguments, and one from an answer that broke off."""
    tools = hostile_shop(home).tools
    sent = [
        Sent("normal", "", (("add", '{"a": 1, "b": 2}'), ("add", "{"), ("nothing", "{}")), whole=True),
        Sent("cut_stream", "", (("add", '{"a": 3, "b": 4}'),), whole=False),
    ]
    once = ("add", {"a": 1.0, "b": 2.0})
    assert list(asked_for(sent, tools)) == [once]
    assert not_asked_for([once], sent, tools) == []
    never = [("add", {"a": 1.0, "b": 3.0}), ("add", {"a": 3.0, "b": 4.0})]
    assert len(not_asked_for([once, once, *never], sent, tools)) == 3


def test_an_order_in_a_cell_waits_for_a_person(home: Path, saver: Saver) -> None:
    """The obedient server reads the cell and calls `publish`; with the policy 'yes to all' it must not run either."""
    with serve([], mode="obeys_everything") as server:
        sessions = Sessions(hostile_shop(home), endpoint(server.base_url, PATIENT), saver, ask=frozenset())
        turn = sessions.send(sessions.create().id, "column_mean dataset=ds_small column=a")
    assert "publish" in [name for sent in server.sent for name, _ in sent.calls]
    assert turn.approval is not None
    assert [name for name, _ in called(home)] == ["column_mean"]


@pytest.mark.parametrize("number", [0, 3, 16])
def test_no_altered_figure_stands_unmarked(home: Path, saver: Saver, number: int) -> None:
    said = talk(home, saver, "invented_numbers", number, PATIENT).told
    assert "~~" in said
    assert re.search(r"\d", re.sub(r"~~[^~]*~~", "", said)) is None
