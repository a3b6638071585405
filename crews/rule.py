"""A chat model that follows a rule: what leads an agent where there is no language model."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolCall
from langchain_core.outputs import ChatGeneration, ChatResult


@dataclass(frozen=True)
class Move:
    """What is done next: `tool` with `arguments`, or else `text` as the answer."""

    text: str = ""
    tool: str | None = None
    arguments: dict[str, object] = field(default_factory=dict)


Decide = Callable[[Sequence[BaseMessage]], Move]


class RuleModel(BaseChatModel):
    """Answers what `decide` makes of the messages. It holds no state: the same messages and facts, the same answer."""

    decide: Decide

    @property
    def _llm_type(self) -> str:
        return "millwright-rule"

    def bind_tools(self, tools: object, **_: object) -> "RuleModel":
        """The same model: a rule names the tools that it knows."""
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **_: Any,  # noqa: ANN401  whatever a provider takes
    ) -> ChatResult:
        move = self.decide(messages)
        calls = [ToolCall(name=move.tool, args=move.arguments, id=_id(move))] if move.tool else []
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=move.text, tool_calls=calls))])


def _id(move: Move) -> str:
    return "call_" + sha256(json.dumps([move.tool, move.arguments], sort_keys=True).encode()).hexdigest()[:16]
