"""A run in its own process that can be killed at any place: python -m tests.graphs.crashing HOME DATA RUN [resume]."""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolCall
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import PrivateAttr

from agents.rules import choose_models, next_round
from graphs.checkpoints import open_saver
from graphs.events import Emit, Event
from graphs.runs import RunRequest, resume_run, start_run
from tests.graphs.smallshop import kill_here, small_workshop
from tools.workshop import Workshop


class Decider(BaseChatModel):
    """Decides by the rules, from the facts alone, so that it can be asked again in another process."""

    place: Path
    _tool: str = PrivateAttr("")

    @property
    def _llm_type(self) -> str:
        return "decider"

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> "Decider":
        bound = self.model_copy()
        bound._tool = tools[0]["function"]["name"]
        return bound

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        kill_here(self.place, self._tool)
        found = re.search(r"<facts>(.*)</facts>", str(messages[-1].content), re.DOTALL)
        assert found is not None
        rule = {"propose_models": choose_models, "propose_round": next_round}[self._tool]
        proposal = rule(json.loads(found[1])).model_dump(mode="json")
        call = ToolCall(name=self._tool, args=proposal, id="decision")
        return ChatResult(generations=[ChatGeneration(message=AIMessage("", tool_calls=[call]))])


def killer(workshop: Workshop) -> Emit:
    """A listener at whose word the process dies, e.g. at 'tool_finished round-1': after a tool, before its record."""

    def listen(event: Event) -> None:
        kill_here(workshop.home, f"{event.kind} {getattr(event, 'call', '')}".strip())

    return listen


def main(home: Path, data: str, run: str, *, again: bool) -> None:
    workshop = small_workshop(home)
    model = Decider(place=home)
    request = RunRequest(goal="predict y", data=data, approve_all=True, budget_seconds=30)
    with open_saver(home) as saver:
        if again:
            summary = resume_run(workshop, model, saver, run, emit=killer(workshop))
        else:
            summary = start_run(workshop, model, saver, request, run, emit=killer(workshop))
    sys.stdout.write(summary.model_dump_json())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], again=sys.argv[4:] == ["resume"])
