"""Conversations that are killed, one at each place, each in its own process: -m tests.graphs.session_crashing ROOT."""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolCall, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from engine.errors import MillwrightError
from graphs.assistant_types import Decision
from graphs.checkpoints import open_saver
from graphs.events import Event
from graphs.sessions import Sessions
from tests.graphs.smallshop import kill_here, small_workshop

PLAN: Sequence[tuple[str, dict[str, Any]]] = (("add", {"a": 1, "b": 2}), ("publish", {"model": "mdl_1"}))


ASKING = ("think 0", "tool_started add", "add", "tool_finished add", "think 1", "approval publish")
APPROVED = ("tool_finished publish", "think 2", "finished")
UNKNOWN, STOPPING = "tool_started publish", "text"
CASES: Sequence[tuple[str, tuple[str, ...], bool]] = (
    *((place, ("send",), False) for place in ASKING),
    *((place, ("send", "approve"), False) for place in (*APPROVED, UNKNOWN)),
    (STOPPING, ("send",), True),
)
"""Places, the steps on the way there, and whether the turn has a bound of one answer."""


class Follower(BaseChatModel):
    """Calls add, then publish, then says it is done; decides from the messages alone, so another process may go on."""

    home: Path

    @property
    def _llm_type(self) -> str:
        return "follower"

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> "Follower":
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        asked = max(place for place, message in enumerate(messages) if message.type == "human")
        done = sum(isinstance(message, ToolMessage) for message in messages[asked:])
        kill_here(self.home, f"think {done}")
        message = AIMessage("Done.")
        if done < len(PLAN):
            name, arguments = PLAN[done]
            message = AIMessage("", tool_calls=[ToolCall(name=name, args=arguments, id=f"call_{len(messages)}_{done}")])
        return ChatResult(generations=[ChatGeneration(message=message)])


def conversations(home: Path, saver: Any, max_steps: int = 24) -> Sessions:
    return Sessions(small_workshop(home), Follower(home=home), saver, max_steps=max_steps, new_id=lambda: "ses_1")


def work(home: Path, what: str) -> None:
    def listen(event: Event) -> None:
        kill_here(home, f"{event.kind} {getattr(event, 'tool', '')}".strip())

    with open_saver(home) as saver:
        sessions = conversations(home, saver, 1 if (home / "short").exists() else 24)
        if what == "send":
            sessions.create()
            waiting = sessions.send("ses_1", "Add, then publish.", listen).approval
            (home / "approval").write_text(waiting.approval if waiting else "")
        elif what == "approve":
            waiting = sessions.pending("ses_1")
            assert waiting is not None
            sessions.approve("ses_1", waiting.approval, Decision(approve=True), listen)
        else:
            sessions.resume("ses_1", listen)


def forked(job: Callable[[], None]) -> int:
    """Do it in a process of its own, forked from this one, which has imported everything and opened nothing."""
    child = os.fork()
    if child == 0:
        try:
            job()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return child


def ended(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kill_everywhere(root: Path) -> None:
    """Each case in a home of its own: the steps one after the other, the last of which dies at the place."""
    for number, (place, steps, short) in enumerate(CASES):
        home = root / str(number)
        home.mkdir()
        if short:
            (home / "short").touch()
        for step in steps:
            if step == steps[-1]:
                (home / "kill").write_text(place)
            code = ended(forked(partial(work, home, step)))
            assert code == (-signal.SIGKILL if step == steps[-1] else 0), (place, step, code)


def eight(home: Path) -> None:
    """Eight processes that say yes at the same moment; each writes down how it fared."""
    home.mkdir()
    assert ended(forked(partial(work, home, "send"))) == 0
    start = time.time() + 1.0
    children = [forked(partial(say_yes, home, number, start)) for number in range(8)]
    assert [ended(child) for child in children] == [0] * 8


def say_yes(home: Path, number: int, start: float) -> None:
    fared = "ran"
    with open_saver(home) as saver:
        sessions = conversations(home, saver)
        time.sleep(max(0.0, start - time.time()))
        try:
            sessions.approve("ses_1", (home / "approval").read_text(), Decision(approve=True))
        except MillwrightError as error:
            fared = error.code
    (home / f"fared-{number}").write_text(fared)


if __name__ == "__main__":
    kill_everywhere(Path(sys.argv[1]))
    eight(Path(sys.argv[1]) / "eight")
