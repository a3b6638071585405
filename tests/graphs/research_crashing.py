"""A research that can be killed anywhere: python -m tests.graphs.research_crashing HOME DATA RUN [resume]."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import PrivateAttr

from graphs.checkpoints import open_saver
from graphs.events import Artifact, Emit, Event, Handover
from graphs.researches import ResearchRequest, resume_research, start_research
from tests.graphs.researchshop import documents, research_workshop
from tests.graphs.smallshop import kill_here
from tools.workshop import Workshop


class Undecided(BaseChatModel):
    """Has no opinion, so that the rules decide; dies where it is asked, if the home says so."""

    place: Path
    _tool: str = PrivateAttr("")

    @property
    def _llm_type(self) -> str:
        return "undecided"

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> "Undecided":
        bound = self.model_copy()
        bound._tool = tools[0]["function"]["name"]
        return bound

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        kill_here(self.place, self._tool)
        return ChatResult(generations=[ChatGeneration(message=AIMessage("no proposal"))])


def killer(workshop: Workshop) -> Emit:
    """A listener at whose word the process dies, e.g. at 'handover coder' or 'artifact report'."""

    def listen(event: Event) -> None:
        name = event.agent if isinstance(event, Handover) else event.name if isinstance(event, Artifact) else ""
        kill_here(workshop.home, f"{event.kind} {name or getattr(event, 'call', '')}".strip())

    return listen


def main(home: Path, data: str, run: str, *, again: bool) -> None:
    workshop, model = research_workshop(home), Undecided(place=home)
    request = ResearchRequest(question="What drives y?", data=data, max_models=2)
    with open_saver(home) as saver:
        emit = killer(workshop)
        if again:
            summary = resume_research(workshop, model, saver, run, search=documents, emit=emit)
        else:
            summary = start_research(workshop, model, saver, request, search=documents, run_id=run, emit=emit)
    told = summary.model_dump(mode="json")
    texts = {name: Path(told.pop(name)).read_text() for name in ("report", "script", "notebook")}
    files = {name: text.replace(str(home), "HOME") for name, text in texts.items()}
    told.pop("seconds")
    sys.stdout.write(json.dumps({**told, **files}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], again=sys.argv[4:] == ["resume"])
