"""A long chat for the tests of memory: the real graph and real result types over tools that answer at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver

from agents.memory import MemorySettings
from agents.offline import OfflinePlanner
from engine.data.store import Datasets
from engine.registry import Registry
from graphs.assistant import build_assistant
from graphs.assistant_calls import tool_definitions
from graphs.assistant_types import AssistantContext, AssistantState, nothing_remembered
from tests.agents.conftest import ANSWERS, Desk
from tools.catalogue import CATALOGUE
from tools.inline import InlineJobs
from tools.monitoring import Monitoring
from tools.spec import ToolRequest, ToolResult, ToolSpec
from tools.training import TrainingResult
from tools.workshop import Workshop


class Scores(Desk):
    """A desk at which each model has a score of its own."""

    def train_model(self, arguments: Mapping[str, object]) -> ToolResult:
        result = super().train_model(arguments)
        assert isinstance(result, TrainingResult)
        assert result.metric is not None
        value = score(len(self.trained))
        metric = result.metric.model_copy(update={"value": value, "ci": (value - 0.01, value + 0.01)})
        return result.model_copy(update={"metric": metric})


def score(model: int) -> float:
    """What the model of this number scored."""
    return round(0.8 + (model * 37 % 97) / 1000, 4)


def workshop_at(home: Path, desk: Desk) -> Workshop:
    """A workshop whose tools are the desk's, with the requests that the real ones take."""

    def function(name: str) -> Callable[[Workshop, Any], ToolResult]:
        def answer(workshop: Workshop, request: ToolRequest) -> ToolResult:
            return ANSWERS_OF[name](desk, request.model_dump(mode="json", exclude_unset=True))

        return answer

    tools = {
        name: ToolSpec(
            name=name,
            description=CATALOGUE[name].description,
            request=CATALOGUE[name].request,
            result=CATALOGUE[name].result,
            function=function(name),
            effect=CATALOGUE[name].effect,
            estimate=CATALOGUE[name].estimate,
        )
        for name in ANSWERS
    }
    return Workshop(
        home=home,
        datasets=Datasets(home / "datasets"),
        registry=Registry(home),
        tools=tools,
        jobs=InlineJobs(home, lambda: workshop_at(home, desk)),
        now=lambda: datetime.now(UTC),
        monitoring=Monitoring(home, lambda: datetime.now(UTC)),
    )


ANSWERS_OF: Mapping[str, Callable[[Any, Mapping[str, object]], ToolResult]] = {
    **ANSWERS,
    "train_model": lambda desk, arguments: desk.train_model(arguments),
}


@dataclass
class Chat:
    """A conversation in the real graph. `tokens` are the prompt tokens of each turn, `answers` the model's answers."""

    home: Path
    memory: MemorySettings
    desk: Desk = field(default_factory=Scores)
    model: BaseChatModel = field(default_factory=OfflinePlanner)
    ask: frozenset[str] = frozenset()
    tokens: list[int] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    calls: list[Any] = field(default_factory=list)
    recall: Callable[[str], Sequence[str]] = nothing_remembered

    def __post_init__(self) -> None:
        self.workshop = workshop_at(self.home, self.desk)
        definitions = tool_definitions(list(self.workshop.tools.values()))
        self.context = AssistantContext(
            workshop=self.workshop,
            model=self.model.bind_tools(definitions),
            system="You are Millwright.",
            thread="ses_long",
            ask=self.ask,
            memory=self.memory,
            recall=self.recall,
        )
        self.graph = build_assistant().compile(checkpointer=InMemorySaver())

    def say(self, text: str) -> str:
        """Say something; the words of the answer. `calls` are the tools called in this turn, with their arguments."""
        said: AssistantState = {"messages": [HumanMessage(text)], "steps": 0, "wasted": 0, "approved": []}
        return self._run(said)

    def go_on(self) -> str:
        """Resume a turn that was broken off."""
        return self._run(None)

    def _run(self, given: AssistantState | None) -> str:
        before = len(self.messages)
        config: Any = {"configurable": {"thread_id": "ses_long"}, "recursion_limit": 100}
        state = self.graph.invoke(given, config, context=self.context, durability="sync")
        self.tokens.append(state["tokens"]["prompt"])
        new = [message for message in state["messages"][before:] if isinstance(message, AIMessage)]
        self.answers.append(len(new))
        self.calls = [call for message in new for call in message.tool_calls]
        return str(state["messages"][-1].text)

    @property
    def state(self) -> Mapping[str, Any]:
        return self.graph.get_state({"configurable": {"thread_id": "ses_long"}}).values

    @property
    def messages(self) -> Sequence[BaseMessage]:
        return self.state.get("messages", [])
