"""A turn can be stopped, and its seconds are through, also while no word of an answer can be heard."""

import threading
import time
from typing import Any

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver

from agents.budget import Limits
from agents.loopback import serve
from agents.provider import LlmSettings, chat_model
from agents.scripted import call, say
from graphs.sessions import Sessions, Turn
from tools.workshop import Workshop

Saver = BaseCheckpointSaver[Any]
CALLED = call("add", a="x y " * 3_000, b=1)


def sessions_at(url: str, workshop: Workshop, saver: Saver, limits: Limits) -> Sessions:
    settings = LlmSettings(provider="openai", model="m", base_url=url, backoff_s=0)
    return Sessions(workshop, chat_model(settings), saver, limits=limits)


@pytest.mark.parametrize(("mode", "times"), [(429, 1), ("slow_drip", None)], ids=["a wait", "a call that streams"])
def test_a_turn_is_cancelled_while_no_word_comes(
    workshop: Workshop, saver: Saver, mode: Any, times: int | None
) -> None:
    turns: list[Turn] = []
    with serve([CALLED, say("Never.")], mode=mode, times=times, retry_after_s=20) as server:
        sessions = sessions_at(server.base_url, workshop, saver, Limits())
        session = sessions.create().id
        thread = threading.Thread(target=lambda: turns.append(sessions.send(session, "Add.")))
        thread.start()
        while not server.requests:
            time.sleep(0.01)
        time.sleep(0.3)
        began = time.monotonic()
        sessions.cancel(session, patience=20)
        thread.join(20)
        assert time.monotonic() - began < 5
        assert len(server.requests) == 1
    assert turns[0].error is not None
    assert turns[0].error.code == "turn_cancelled"


@pytest.mark.parametrize(("mode", "times"), [(429, 1), ("slow_drip", None)], ids=["a wait", "a call that streams"])
def test_the_seconds_of_a_turn_are_kept_while_no_word_comes(
    workshop: Workshop, saver: Saver, mode: Any, times: int | None
) -> None:
    began = time.monotonic()
    with serve([CALLED, say("Never.")], mode=mode, times=times, retry_after_s=20) as server:
        sessions = sessions_at(server.base_url, workshop, saver, Limits(wall_seconds=0.6))
        turn = sessions.send(sessions.create().id, "Add.")
    assert turn.error is not None
    assert turn.error.code == "budget_spent"
    assert time.monotonic() - began < 6
