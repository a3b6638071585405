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

from agents.marked import RULE, framed, marked, whole_letters
from agents.strict import provider_errors
from crews.brief import Review
from crews.course import MANAGER, Course, Minds
from crews.manager import delegates, delegations, with_ledger
from crews.rule import RuleModel
from engine.errors import MillwrightError, ProviderFailed

CONTEXT_TOKENS = 128_000
TRIES = 3
UNREADABLE = "The arguments of your call were not one JSON object; it was not run. Call again."
_CONTEXT = "This is the context you're working with:\n"
"""Before what the other agents wrote, in CrewAI's words; it reaches to the end of the message."""
_TASK = re.compile(r"\s*Current Task: (.*?)\s*(This is the expected criteria .*)", re.DOTALL)


class MillwrightLLM(BaseLLM):
    """Passes CrewAI's calls to the mind of the agent that asks. Made by `crew_model`.

    `context_tokens` is the window that CrewAI plans with: beyond 85 % of it, it asks for a summary.
    """

    context_tokens: int = CONTEXT_TOKENS
    _minds: Minds = PrivateAttr()
    _course: Course = PrivateAttr()

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
            MillwrightError: a tool before this call failed in a way that no other argument mends; the model was asked
                too often.
        """
        role = str(getattr(from_agent, "role", "") or "").strip()
        # a delegated task has no name: it is the one of the coworker's post
        task = self._course.task_of(role) or str(getattr(from_task, "name", "") or "")
        self._course.ledger.check()
        try:
            return self._answer(as_messages(messages), tools, role, task)
        except MillwrightError as error:
            # CrewAI would take it for the answer of a delegated task
            self._course.ledger.stop(error)
            raise

    def _answer(
        self, asked: list[BaseMessage], tools: list[dict[str, Any]] | None, role: str, task: str
    ) -> str | list[dict[str, Any]]:
        course = self._course
        course.begins(role, task)
        chat = self._minds(role, task)
        if not isinstance(chat, RuleModel):
            asked = marked(asked)
        if role == MANAGER:
            # below the frame: what the ledger holds is ours
            asked = with_ledger(asked, course.missing(task))
        reply = self._readable(chat, tools, asked)
        calls = tool_calls(reply)
        if role == MANAGER:
            self._judged(asked, reply, task)
        if not calls and not reply.text:
            raise ProviderFailed("The language model gave an empty answer.", "Run the crew again.")
        return calls or str(reply.text)

    def _readable(self, chat: BaseChatModel, tools: list[dict[str, Any]] | None, asked: list[BaseMessage]) -> AIMessage:
        """The answer; one whose calls cannot be read is asked for again, as CrewAI would end the crew with it."""
        bound = chat.bind_tools(tools) if tools else chat
        for _ in range(TRIES):
            with provider_errors():
                reply = whole_letters(bound.invoke(asked))
            assert isinstance(reply, AIMessage)
            if not isinstance(chat, RuleModel):
                self._course.count(reply, asked)
            if not reply.invalid_tool_calls:
                return reply
            asked = [*asked, HumanMessage(UNREADABLE)]
        raise ProviderFailed(
            "The language model gave calls that cannot be read.", "Use another model, or run the crew again."
        )

    def _judged(self, asked: Sequence[BaseMessage], reply: AIMessage, task: str) -> None:
        """Read the manager's verdict from what it does: delegating once more sends back, answering accepts."""
        if delegates(reply):
            if delegations(asked):
                reason = next((str(call["args"].get("context", "")) for call in reply.tool_calls), "")
                self._course.decided(Review(task=task, verdict="sent back", why=reason))
        elif not reply.tool_calls:
            missing = self._course.missing(task)
            self._course.decided(Review(task=task, verdict="accepted", why=" ".join(missing)))

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


def crew_model(minds: Minds, course: Course, context_tokens: int = CONTEXT_TOKENS) -> MillwrightLLM:
    """The model of a crew whose agents are led by `minds`."""
    model = MillwrightLLM(model="millwright", provider="millwright", context_tokens=context_tokens)
    model._minds, model._course = minds, course
    return model


def as_messages(messages: str | Sequence[dict[str, Any]]) -> list[BaseMessage]:
    """CrewAI's messages (text, or dictionaries in the OpenAI shape) as LangChain's.

    CrewAI puts the task, what its answer should look like and the other agents' answers into one message of the
    user. Here the user's message is the task alone and the rest stands with the agent's role: it is not a request.
    """
    if isinstance(messages, str):
        return [HumanMessage(_with_frame(messages))]
    shaped: list[dict[str, Any]] = [{**message, "content": message.get("content") or ""} for message in messages]
    found = [
        HumanMessage(_with_frame(str(message.text))) if isinstance(message, HumanMessage) else message
        for message in convert_to_messages(shaped)
    ]
    tasks = [_task(message) if isinstance(message, HumanMessage) else None for message in found]
    rest = "\n\n".join(task[2] for task in tasks if task)
    bare = [HumanMessage(task[1]) if task else message for message, task in zip(found, tasks, strict=True)]
    if not rest or not isinstance(bare[0], SystemMessage):
        return found
    return [SystemMessage(f"{bare[0].text}\n\n{RULE}\n\n{rest}"), *bare[1:]]


def _with_frame(text: str) -> str:
    """The text with what the other agents wrote in it framed: they have read data, and may repeat its orders."""
    head, mark, context = text.partition(_CONTEXT)
    return f"{head}{mark}{framed(context)}" if mark else text


def _task(message: HumanMessage) -> re.Match[str] | None:
    return _TASK.fullmatch(str(message.text))


def tool_calls(reply: AIMessage) -> list[dict[str, Any]]:
    """The reply's calls in the OpenAI shape."""
    return [
        {
            "id": each["id"],
            "type": "function",
            "function": {"name": each["name"], "arguments": json.dumps(each["args"])},
        }
        for each in reply.tool_calls
    ]
