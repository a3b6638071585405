"""Pipelines killed at every place: python -m tests.graphs.pipe_crashing FOLDER prints how each ended as JSON.

Each start and each resume is a process of its own, forked from this one before it has done anything: what a fresh
process costs is its imports, and those are not what is tested here.
"""

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolCall
from langchain_core.outputs import ChatGeneration, ChatResult

from graphs.checkpoints import open_saver
from graphs.events import Emit, Event
from graphs.pipeline_retry import choose_retry
from graphs.pipeline_types import PipelineRequest
from graphs.pipelines import Mind, branch, resume_pipeline, start_pipeline
from tests.graphs.pipeshop import pipeline_workshop, small_gain, write_table
from tests.graphs.smallshop import effects, kill_here
from tools.workshop import Workshop

PLACES = [
    *("profile", "checkpoint preprocess-1", "after forest", "tool_finished train-1"),
    *("metric", "propose_retry", "after finish", "tool_finished finish"),
]
LOADED_ONCE = (
    *("engine.data.csv_source", "engine.data.images", "engine.data.profile", "langchain_core.tracers.stdout"),
    *("pyarrow.dataset", "pyarrow.pandas_compat", "sqlalchemy.dialects.sqlite"),
)
BRANCH_PLACES = ["checkpoint preprocess-2", "tool_finished finish"]


class Decider(BaseChatModel):
    """Decides by the rule, from the facts alone, so that it can be asked again in another process."""

    place: Path

    @property
    def _llm_type(self) -> str:
        return "decider"

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> "Decider":
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        kill_here(self.place, "propose_retry")
        found = re.search(r"<facts>(.*)</facts>", str(messages[-1].content), re.DOTALL)
        assert found is not None
        proposal = choose_retry(json.loads(found[1])).model_dump(mode="json")
        call = ToolCall(name="propose_retry", args=proposal, id="decision")
        return ChatResult(generations=[ChatGeneration(message=AIMessage("", tool_calls=[call]))])


def killer(workshop: Workshop) -> Emit:
    def listen(event: Event) -> None:
        named = getattr(event, "call", "") or (event.name if event.kind == "checkpoint" else "")
        kill_here(workshop.home, f"{event.kind} {named}".strip())

    return listen


def request(table: Path) -> PipelineRequest:
    drop = ("sparse", "leak", "same", "row_id")
    return PipelineRequest.of(data=str(table), target="y", max_models=3, drop=drop, checks={"min_score": 0.5})


def work(home: Path, step: Callable[[Mind], object]) -> None:
    workshop = pipeline_workshop(home)
    with open_saver(home) as saver:
        step(Mind(workshop, Decider(place=home), saver, killer(workshop), small_gain))


def forked(home: Path, step: Callable[[Mind], object]) -> int:
    """How a process that does `step` ended: 0, or minus the signal."""
    child = os.fork()
    if child == 0:
        try:
            work(home, step)
        except BaseException as error:
            sys.stderr.write(f"{home}: {error!r}\n")
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def started_and_killed(home: Path, table: Path, place: str) -> dict[str, object]:
    """A pipeline that dies at `place` ('' for nowhere) and is resumed."""
    home.mkdir()
    return _killed(home, place, "run_1", lambda mind: start_pipeline(mind, request(table), "run_1"))


def branched_and_killed(home: Path, parent: Path, place: str) -> dict[str, object]:
    """The same of a branch, in a copy of the home of its parent."""
    shutil.copytree(parent, home)
    return _killed(
        home, place, "run_2", lambda mind: branch(mind, "run_1", "validate-1", {"models": ["network"]}, "run_2")
    )


def _killed(home: Path, place: str, run: str, step: Callable[[Mind], object]) -> dict[str, object]:
    if place:
        (home / "kill").write_text(place)
    written = home / "summary.json"
    killed = forked(home, step)
    resumed = forked(home, lambda mind: written.write_text(resume_pipeline(mind, run).model_dump_json()))
    summary = json.loads(written.read_text()) if written.exists() else {}
    left = {name: value for name, value in summary.items() if name not in {"seconds", "package", "report"}}
    return {"killed": killed, "resumed": resumed, "summary": left, "effects": effects(home)}


def main(folder: Path) -> None:
    for name in LOADED_ONCE:
        import_module(name)
    table = write_table(folder / "table.csv")
    found = {"run": started_and_killed(folder / "run", table, "")}
    found["branch"] = branched_and_killed(folder / "branch", folder / "run", "")
    for place in PLACES:
        found[f"run {place}"] = started_and_killed(folder / f"run {place}", table, place)
    for place in BRANCH_PLACES:
        found[f"branch {place}"] = branched_and_killed(folder / f"branch {place}", folder / "run", place)
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
