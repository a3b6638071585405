"""Secrets that tools answer, break with and log: in no byte of the home, no event, export, trace, audit or log."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from agents.scripted import ScriptedModel, call, say
from engine import redaction
from engine.errors import MillwrightError
from graphs.assistant_types import Decision
from graphs.events import Event
from graphs.sessions import Sessions
from millwright.compose import watch_over
from millwright.settings import ApiSettings, Settings, TracingSettings
from tests.engine.test_redaction import PLANTED
from tests.graphs.smallshop import AddRequest, Published, PublishRequest
from tools import tracing
from tools.workshop import Workshop

EXACT = "violet-harbour-seven"
SAID = "\n".join([EXACT, *(said for said, _ in PLANTED.values())])
SECRETS = (EXACT, *(secret for _, secret in PLANTED.values()))
Saver = Any


@pytest.fixture(autouse=True)
def _watched(home: Path) -> Iterator[None]:
    before = redaction._exact
    traced = TracingSettings(exporter="file", content=True)
    watch_over(Settings(home=home, api=ApiSettings(key=SecretStr(EXACT)), tracing=traced), home)
    yield
    tracing.record(None)
    redaction._exact = before


def spilling(workshop: Workshop) -> Workshop:
    """Its tools answer with secrets, and break with secrets, and log them."""

    def publish(workshop: Workshop, request: PublishRequest) -> Published:
        logging.getLogger("millwright.spill").warning("publishing %s", SAID)
        return Published(model=SAID)

    def add(workshop: Workshop, request: AddRequest) -> Published:
        raise MillwrightError(SAID, SAID) if request.a else RuntimeError(SAID)

    tools = {name: replace(workshop.tools[name], function=function) for name, function in
             (("publish", publish), ("add", add), ("notify", _mended))}  # fmt: skip
    return replace(workshop, tools={**workshop.tools, **tools})


def _mended(workshop: Workshop, request: PublishRequest) -> Published:
    from engine.errors import BadArguments

    raise BadArguments(SAID, SAID)


def found_in(text: str | bytes) -> list[str]:
    data = text.encode() if isinstance(text, str) else text
    return [secret for secret in SECRETS if secret.encode() in data or json.dumps(secret)[1:-1].encode() in data]


def test_no_secret_that_a_tool_spills_is_kept_or_told(
    workshop: Workshop, saver: Saver, heard: list[Event], caplog: pytest.LogCaptureFixture
) -> None:
    turns = (
        [call("publish", model="mdl_1"), call("notify", model="mdl_1"), say("Done.")],
        [call("add", a=1, b=2)],
        [call("add", a=0, b=2)],
    )
    session, told = "", ""
    for script in turns:
        sessions = Sessions(spilling(workshop), ScriptedModel(script=script), saver)
        session = session or sessions.create().id
        turn = sessions.send(session, "Go on.", heard.append)
        while turn.approval is not None:
            turn = sessions.approve(session, turn.approval.approval, Decision(approve=True), heard.append)
        told += str(turn.error or turn.text)
    told += sessions.export(session).model_dump_json() + json.dumps(sessions.notebook(session)) + caplog.text
    told += "".join(event.model_dump_json() for event in sessions.events(session))
    told += "".join(event.model_dump_json() for event in heard if event.kind in {"failed"})
    assert found_in(told) == []
    assert told.count("***") > 50
    files = [path for path in workshop.home.rglob("*") if path.is_file()]
    names = {path.name for path in files}
    assert {"events.jsonl", "audit.jsonl", "traces.jsonl", "checkpoints.db"} <= names
    assert {path.name: found for path in files if (found := found_in(path.read_bytes()))} == {}
