"""Conversations with the offline planner: held once with real tools and kept, then held again from what was kept.

`python -m tests.conversations.recording` holds them anew and writes `kept/*.json` and docs/conversations.md.
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from agents.offline import OfflinePlanner
from engine.errors import Fixable
from graphs.assistant_types import Decision
from graphs.checkpoints import open_saver
from graphs.events import Event, ToolFinished, ToolStarted
from graphs.sessions import Sessions, Turn
from millwright.orchestrate import agent_tools, open_office
from millwright.settings import Settings
from tests.conversations.lines import CONVERSATIONS, files_in
from tools.spec import ToolResult, ToolSpec
from tools.workshop import Workshop

KEPT = Path(__file__).parent / "kept"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "conversations.md"
LONG = 160
ANSWERS = {"y": True, "n": False}


class KeptCall(BaseModel):
    """One call as it was made: its result as JSON, or the error that the planner was told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tool: str
    arguments: dict[str, Any]
    result: dict[str, Any] | None = None
    error: str | None = None


class KeptTurn(BaseModel):
    """What was said, the calls that it led to, the answer, and the tool that waits for a yes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    you: str
    calls: tuple[KeptCall, ...] = ()
    text: str
    waits: str | None = None


def hold(sessions: Sessions, lines: Sequence[str]) -> list[KeptTurn]:
    """Say the lines one after another; `y` and `n` answer what waits."""
    session = sessions.create().id
    turns: list[KeptTurn] = []
    waiting: Turn | None = None
    for line in lines:
        heard: list[Event] = []
        if waiting is not None and waiting.approval is not None and line in ANSWERS:
            decision = Decision(approve=ANSWERS[line])
            turn = sessions.approve(session, waiting.approval.approval, decision, heard.append)
        else:
            turn = sessions.send(session, line, heard.append)
        assert turn.error is None, (line, turn.error)
        waits = turn.approval.tool if turn.approval else None
        turns.append(KeptTurn(you=line, calls=tuple(_calls(heard)), text=turn.text, waits=waits))
        waiting = turn
    return turns


def _calls(heard: Sequence[Event]) -> Iterator[KeptCall]:
    started = {event.call: event for event in heard if isinstance(event, ToolStarted)}
    for event in heard:
        if isinstance(event, ToolFinished):
            arguments = started[event.call].arguments
            yield KeptCall(tool=event.tool, arguments=arguments, result=event.result, error=event.error)


def kept(name: str) -> list[KeptTurn]:
    """A conversation as it was kept."""
    return [KeptTurn.model_validate(turn) for turn in json.loads((KEPT / f"{name}.json").read_text(encoding="utf-8"))]


# held again, from what was kept


@contextmanager
def replayed(home: Path, turns: Sequence[KeptTurn], workshop: Workshop) -> Iterator[Sessions]:
    """Sessions whose tools answer what they answered then. A call that was not made then fails the test."""
    calls = [call for turn in turns for call in turn.calls]
    with open_saver(home) as saver:
        offered = {**workshop.tools, **agent_tools(OfflinePlanner(), saver, Settings(home=home))}
        tools = {name: _answering(spec, calls) for name, spec in offered.items()}
        yield Sessions(replace(workshop, tools=tools), OfflinePlanner(), saver)
    assert not calls, f"calls that were not made again: {[call.tool for call in calls]}"


def _answering(spec: ToolSpec, calls: list[KeptCall]) -> ToolSpec:
    def answer(_: Workshop, request: BaseModel) -> ToolResult:
        assert calls, f"{spec.name} was not called then"
        then = calls.pop(0)
        given = request.model_dump(mode="json", exclude_unset=True)
        wanted = spec.request.model_validate(then.arguments).model_dump(mode="json", exclude_unset=True)
        assert (spec.name, given) == (then.tool, wanted)
        if then.result is None:
            raise Fixable(then.error or "")
        return spec.result.model_validate(then.result)

    return replace(spec, function=answer, job=False, watched=False, check=None)


# held with real tools, and written down


def record(lines: Sequence[str]) -> list[KeptTurn]:
    """Hold a conversation in an empty home, in a folder of its own; names of places are made those of any machine."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as place:
        files_in(Path(place) / "DATA")
        os.chdir(place)
        try:
            with open_office(Settings(home=Path(".millwright"))) as office:
                turns = hold(office.sessions(), lines)
        finally:
            os.chdir(before)
        text = json.dumps([turn.model_dump(mode="json") for turn in turns])
        anywhere = text.replace(f"{Path(place).resolve()}/", "").replace(f"{place}/", "")
    return [KeptTurn.model_validate(turn) for turn in json.loads(anywhere)]


def page(conversations: Mapping[str, Sequence[KeptTurn]]) -> str:
    """The conversations for people to read."""
    parts = [
        "# Ten conversations\n",
        "Held by newcomers' words with the offline planner, no language model and real tools, and kept as they went. "
        "The tests hold each of them again. `python -m tests.conversations.recording` writes this page.\n",
    ]
    for name, turns in conversations.items():
        parts.append(f"## {CONVERSATIONS[name][0]}\n")
        for turn in turns:
            parts.append(f"**You:** {_plain(turn.you)}\n")
            parts += [f"> `{_call(call)}`\n" for call in turn.calls]
            if turn.text:
                parts.append(f"```text\n{turn.text.strip()}\n```\n")
            if turn.waits:
                parts.append(f"*{turn.waits} waits for a yes.*\n")
    return "\n".join(parts)


def _call(call: KeptCall) -> str:
    arguments = ", ".join(f"{name}={value!r}" for name, value in call.arguments.items() if value not in (None, [], {}))
    text = f"{call.tool}({arguments})"
    return text if len(text) <= LONG else f"{text[: LONG - 1]}…"


def _plain(text: str) -> str:
    return text.replace("\\", "\\\\").replace("*", "\\*").replace("<", "&lt;")


def main(names: Sequence[str]) -> None:
    """Record these conversations, or all of them, and write the page."""
    KEPT.mkdir(exist_ok=True)
    for name in names or CONVERSATIONS:
        turns = record(CONVERSATIONS[name][1])
        text = json.dumps([turn.model_dump(mode="json") for turn in turns], indent=1, ensure_ascii=False)
        (KEPT / f"{name}.json").write_text(text + "\n", encoding="utf-8")
        sys.stderr.write(f"{name}: {len(turns)} turns\n")
    PAGE.write_text(
        page({name: kept(name) for name in CONVERSATIONS if (KEPT / f"{name}.json").exists()}), encoding="utf-8"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
