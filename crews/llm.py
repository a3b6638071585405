"""Any LangChain chat model as a CrewAI model, with native tool calls.

Importing this needs a writable HOME (CrewAI's own demand): it runs in the process that `crews.process` starts.
"""

# CrewAI is heavy to analyse and is skipped, so its classes have no types here
# mypy: disable-error-code="misc"

import json
import re
from collections.abc import Sequence
from typing import Any

from crewai import BaseLLM
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, convert_to_messages
from langchain_core.messages.utils import count_tokens_approximately
from pydantic import PrivateAttr

from crews.ledger import Ledger
from engine.errors import ProviderFailed

CONTEXT_TOKENS = 128_000
_TASK = re.compile(r"\s*Current Task: (.*?)\s*(This is the expected criteria .*)", re.DOTALL)


class MillwrightLLM(BaseLLM):
    """Passes CrewAI's calls to `chat`. Made by `crew_model`.

    `context_tokens` is the window that CrewAI plans with: beyond 85 % of it, it asks for a summary.
    """

    context_tokens: int = CONTEXT_TOKENS
    _chat: BaseChatModel = PrivateAttr()
    _ledger: Ledger = PrivateAttr()

    def call(
        self,
        messages: str | list[Any],
        tools: list[dict[str, Any]] | None = None,
        callbacks: list[Any] | None = None,
        available_functions: dict[str, Any] | None = None,
        from_task: object = None,
        from_agent: object = None,
        response_model: object = None,
        **_: object,
    ) -> str | list[dict[str, Any]]:
        """The answer's text, or its tool calls in the OpenAI shape (CrewAI runs them).

        Raises:
            ProviderFailed: the model failed or said nothing.
            MillwrightError: a tool before this call failed in a way that no other argument mends.
        """
        self._ledger.check()
        chat = self._chat.bind_tools(tools) if tools else self._chat
        reply = chat.invoke(as_messages(messages))
        calls = tool_calls(reply)
        if calls:
            return calls
        if not reply.text:
            raise ProviderFailed("The language model gave an empty answer.", "Run the crew again.")
        return str(reply.text)

    def supports_function_calling(self) -> bool:
        return True

    def supports_stop_words(self) -> bool:
        return False

    def get_context_window_size(self) -> int:
        return int(self.context_tokens * 0.85)

    def get_input_tokens_count(
        self, messages: str | list[Any], tools: object = None, response_model: object = None
    ) -> int:
        """An estimate from the text's length, as the model's own counter may need the network."""
        return count_tokens_approximately(as_messages(messages))


def crew_model(chat: BaseChatModel, ledger: Ledger, context_tokens: int = CONTEXT_TOKENS) -> MillwrightLLM:
    """`chat` for a crew whose tools write to `ledger`."""
    model = MillwrightLLM(model=chat._llm_type, provider="millwright", context_tokens=context_tokens)
    model._chat, model._ledger = chat, ledger
    return model


def as_messages(messages: str | Sequence[dict[str, Any]]) -> list[BaseMessage]:
    """CrewAI's messages (text, or dictionaries in the OpenAI shape) as LangChain's.

    CrewAI puts the task, what its answer should look like and the other agents' answers into one message of the
    user. Here the user's message is the task alone and the rest stands with the agent's role: it is not a request.
    """
    if isinstance(messages, str):
        return [HumanMessage(messages)]
    shaped: list[dict[str, Any]] = [{**message, "content": message.get("content") or ""} for message in messages]
    found = convert_to_messages(shaped)
    tasks = [_task(message) if isinstance(message, HumanMessage) else None for message in found]
    rest = "\n\n".join(task[2] for task in tasks if task)
    bare = [HumanMessage(task[1]) if task else message for message, task in zip(found, tasks, strict=True)]
    if not rest or not isinstance(bare[0], SystemMessage):
        return found
    return [SystemMessage(f"{bare[0].text}\n\n{rest}"), *bare[1:]]


def _task(message: HumanMessage) -> re.Match[str] | None:
    return _TASK.fullmatch(str(message.text))


def tool_calls(reply: AIMessage) -> list[dict[str, Any]]:
    """The reply's calls in the OpenAI shape; broken arguments are passed on: CrewAI says what is wrong."""
    valid = [(each["id"], each["name"], json.dumps(each["args"])) for each in reply.tool_calls]
    invalid = [(each["id"], each["name"], each["args"]) for each in reply.invalid_tool_calls]
    return [
        {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}
        for identity, name, arguments in valid + invalid
    ]
