"""Spans: one trace over a turn's nodes, models, tools and jobs; nothing at all where nobody asks for them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes

from agents.scripted import ScriptedModel, call, say
from engine.errors import NotFound
from graphs.assistant_types import Decision
from graphs.checkpoints import open_saver
from graphs.sessions import Sessions
from millwright.compose import open_workshop
from millwright.settings import Settings, TracingSettings
from tests.graphs.smallshop import small_workshop
from tools import tracing, tracing_names
from tools.tracing_file import KeptSpan, as_lines, kept_spans, traces_of
from tools.tracing_spans import start

SECRET = "postgresql://me:hunter22@host/db"
TRAINING = {"models": ["linear"], "max_models": 1, "budget_seconds": None}


@pytest.fixture(autouse=True)
def _untraced() -> Iterator[None]:
    yield
    tracing.record(None)


@pytest.fixture
def saver(home: Path) -> Iterator[BaseCheckpointSaver[Any]]:
    with open_saver(home) as opened:
        yield opened


def named(spans: list[KeptSpan]) -> dict[str, KeptSpan]:
    return {span.name: span for span in spans}


def talk(home: Path, saver: BaseCheckpointSaver[Any], content: bool = False) -> tuple[str, Sessions]:
    """A turn that reads and then asks whether it may publish, and the turn's end after a yes."""
    start("file", home, content=content)
    script = [call("add", a=1, b=2), call("publish", model=f"mdl_{SECRET}"), say("Published.")]
    sessions = Sessions(small_workshop(home), ScriptedModel(script=script), saver)
    session = sessions.create().id
    waiting = sessions.send(session, "Add, then publish.").approval
    assert waiting is not None
    sessions.approve(session, waiting.approval, Decision(approve=True))
    return session, sessions


def test_a_turn_is_one_trace_of_nodes_models_and_tools(home: Path, saver: BaseCheckpointSaver[Any]) -> None:
    session, _ = talk(home, saver)
    first, second = traces_of(home, session)
    assert len({span.trace for span in first}) == 1 != len({first[0].trace, second[0].trace})
    turn, tool = first[0], named(first)["execute_tool add"]
    assert (turn.name, turn.parent) == ("invoke_agent assistant", None)
    assert turn.attributes[tracing_names.CONVERSATION] == session
    ids = {span.span: span for span in first}
    assert ids[str(tool.parent)].name == "node act"
    assert ids[str(named(first)["chat"].parent)].name == "node think"
    assert tool.attributes[tracing_names.TOOL] == "add"
    assert str(tool.attributes[tracing_names.TOOL_CALL]).startswith(session)
    assert not any(span.failed for span in [*first, *second])
    assert "execute_tool publish" in named(second)


def test_no_content_is_kept_unless_asked_and_then_no_secret(home: Path, saver: BaseCheckpointSaver[Any]) -> None:
    talk(home, saver)
    assert b"Published." not in (home / "traces.jsonl").read_bytes()
    assert (home / "traces.jsonl").stat().st_mode & 0o777 == 0o600
    tracing.record(None)
    talk(home, saver, content=True)
    kept = (home / "traces.jsonl").read_text()
    assert "Published." in kept
    assert "postgresql://me:***@host/db" in kept
    assert "hunter22" not in kept


def test_what_a_model_tells_of_its_answer_stands_in_its_span(home: Path) -> None:
    from agents.provider import LlmSettings, chat_model
    from agents.scripted import serve

    start("file", home)
    with serve([say("Hello.")]) as server:
        chat_model(LlmSettings(provider="openai", model="small", base_url=server.base_url)).invoke("Hi")
    (span,) = kept_spans(home)
    told = span.attributes
    assert (span.name, told[tracing_names.OPERATION], told[tracing_names.REQUEST_MODEL]) == (
        *("chat small", "chat", "small"),
    )
    assert told[tracing_names.FINISH_REASONS] == ["stop"]
    assert isinstance(told[tracing_names.INPUT_TOKENS], int)


def test_a_tool_that_fails_ends_its_span_with_its_code_alone(home: Path, saver: BaseCheckpointSaver[Any]) -> None:
    start("file", home)
    model = ScriptedModel(script=[call("publish", model="x"), say("No.")])
    sessions = Sessions(small_workshop(home), model, saver, ask=frozenset())
    session = sessions.create().id
    waiting = sessions.send(session, "Publish x.").approval
    if waiting is not None:
        sessions.approve(session, waiting.approval, Decision(approve=True))
    span = next(span for span in kept_spans(home) if span.name == "execute_tool publish")
    assert span.failed
    assert span.attributes[tracing_names.ERROR] == "bad_choice"


@pytest.mark.slow
def test_one_trace_goes_on_in_the_worker_of_a_real_training(home: Path, saver: BaseCheckpointSaver[Any]) -> None:
    settings = Settings(home=home, tracing=TracingSettings(exporter="file"))
    script = [
        call("import_dataset", source="sample:breast_cancer", name="cancer"),
        call("train_model", dataset="cancer", **TRAINING),
        say("Done."),
    ]
    with open_workshop(settings) as workshop:
        sessions = Sessions(workshop, ScriptedModel(script=script), saver)
        session = sessions.create().id
        turn = sessions.send(session, "Train.")
    assert turn.error is None
    (spans,) = traces_of(home, session)
    job, tool = named(spans)["job train_model"], named(spans)["execute_tool train_model"]
    assert job.trace == tool.trace == spans[0].trace
    assert job.parent == tool.span
    assert job.process != tool.process
    tree = as_lines(spans)
    assert [line.split(" s  ")[1] for line in tree if "train_model" in line] == [
        "    execute_tool train_model",
        "      job train_model",
    ]


def test_nothing_is_loaded_and_little_is_spent_where_no_spans_are_kept() -> None:
    script = (
        "import sys, timeit\n"
        "import tools.catalogue, millwright.compose\n"
        "from tools import tracing\n"
        "ours = [name for name in sys.modules if name.startswith('tools.tracing_spans')]\n"
        "def spans():\n"
        "    with tracing.span('x', {}) as span: span.tell({})\n"
        "print(ours, min(timeit.repeat(spans, number=1000, repeat=5)) / 1000 < 20e-6, tracing.carried() == '')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]", "True", "True"]


def test_the_names_are_those_of_the_conventions_that_are_installed() -> None:
    ours = {value for value in vars(tracing_names).values() if isinstance(value, str) and value.startswith("gen_ai.")}
    assert ours <= {value for value in vars(gen_ai_attributes).values() if isinstance(value, str)}
    assert len(ours) >= 14


def test_an_unknown_name_has_no_trace(home: Path) -> None:
    with pytest.raises(NotFound, match="MILLWRIGHT_TRACING__EXPORTER=file"):
        traces_of(home, "ses_1")


def test_half_a_line_is_passed_over(home: Path) -> None:
    start("file", home)
    with tracing.span("one", {tracing_names.RUN: "run_1"}):
        pass
    with (home / "traces.jsonl").open("a") as file:
        file.write(json.dumps({"trace": "x"}) + '\n{"tra')
    assert [span.name for span in kept_spans(home)] == ["one"]
