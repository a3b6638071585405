"""Proposals that a provider spoils: broken JSON, several tools, an endpoint that is away."""

from collections.abc import Sequence
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.tool import invalid_tool_call
from langchain_core.outputs import ChatGeneration, ChatResult

from agents.offline import OfflinePlanner
from agents.plan import RoundProposal
from agents.scripted import ScriptedModel, call
from engine.errors import ProviderFailed
from graphs.decisions import CHOOSE_MODELS, NEXT_ROUND
from graphs.events import Event, unheard
from graphs.proposals import propose
from tests.graphs.smallshop import text_of

FACTS = {
    "models": ["linear", "forest"],
    "metrics": ["rmse"],
    "asked": None,
    "metric": None,
    "task": "regression",
    "rows": 100,
    "features": 3,
    "budget_seconds": 30.0,
}
ROUND = {"leaderboard": [{"model": "linear", "validation": 0.5, "seconds": 0.5}], "gains": [], "seconds_left": 10.0}


class Spoiled(BaseChatModel):
    """Gives calls whose arguments are not JSON."""

    asked: list[Sequence[BaseMessage]] = []  # noqa: RUF012  pydantic copies it for each instance

    @property
    def _llm_type(self) -> str:
        return "spoiled"

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> "Spoiled":
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        self.asked.append(list(messages))
        broken = invalid_tool_call(name="propose_models", args='{"models": [', id="1", error=None)
        return ChatResult(generations=[ChatGeneration(message=AIMessage("", invalid_tool_calls=[broken]))])


def test_broken_json_is_told_and_never_sent_back() -> None:
    model, heard = Spoiled(), list[Event]()
    proposal = propose(model, CHOOSE_MODELS, FACTS, heard.append)
    assert proposal.models == ("linear", "forest")
    assert "not valid JSON" in text_of(heard)
    assert len(model.asked) == 3
    assert not any(getattr(message, "invalid_tool_calls", []) for message in model.asked[-1])


def test_an_endpoint_that_is_away_does_not_stop_a_run() -> None:
    heard: list[Event] = []
    with ScriptedModel(script=[ProviderFailed("The endpoint is away.")]) as model:
        propose(model, CHOOSE_MODELS, FACTS, heard.append)
    assert "The endpoint is away. The rule-based choice is taken." in text_of(heard)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"action": "tune", "trials": 0}, "from 1 to 20"),
        ({"action": "tune", "trials": 21}, "from 1 to 20"),
        ({"action": "stop", "trials": 3}, "it is 0"),
        ({"action": "go", "trials": 3}, "action"),
        ({"action": "tune", "trials": "many"}, "trials"),
    ],
)
def test_a_round_that_cannot_be_is_told(arguments: dict[str, object], told: str) -> None:
    right = call("propose_round", action="stop", trials=0, why="Enough.")
    with ScriptedModel(script=[call("propose_round", why=".", **arguments), right]) as model:
        assert propose(model, NEXT_ROUND, ROUND, unheard).action == "stop"
    assert told in str(model.seen[1][-1].content)


def test_the_offline_planner_decides_by_the_same_rules() -> None:
    heard: list[Event] = []
    assert propose(OfflinePlanner(), CHOOSE_MODELS, FACTS, heard.append) == CHOOSE_MODELS.rule(FACTS)
    decision = propose(OfflinePlanner(), NEXT_ROUND, ROUND, heard.append)
    assert isinstance(decision, RoundProposal)
    assert decision == NEXT_ROUND.rule(ROUND)
    assert heard == []
