"""A chat model that follows a script: for tests of graphs, crews and the API, through the same seam as a real one.

    with ScriptedModel(script=[call("list_datasets"), say("There are none.")]) as model:
        run_graph(model)

It fails when the script is too short, when it is not used up, and when it calls a tool that is not among those bound.
`serve` gives the same script over HTTP, in the OpenAI dialect.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolCall
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import Field, PrivateAttr

from agents.loopback import serve
from agents.script import Answer, Entry, Script, call, say
from engine.errors import ScriptError

__all__ = ["ScriptedModel", "call", "say", "serve"]

PIECE = re.compile(r"\S+\s*|\s+")
ARGUMENT_PIECE = 12
"""Characters of a call's arguments per streamed chunk."""


class ScriptedModel(BaseChatModel):
    """Answers with the turns of `script`, in order. `bound` are the tools it may call; None (any) before bind_tools."""

    script: Sequence[Any] = Field(description="say(...), call(...), a list of them, an exception, or a function.")
    bound: frozenset[str] | None = None
    _script: Script = PrivateAttr()

    def model_post_init(self, context: object, /) -> None:
        super().model_post_init(context)
        entries: Sequence[Entry] = self.script
        self._script = Script(entries)

    @property
    def _llm_type(self) -> str:
        return "millwright-scripted"

    @property
    def seen(self) -> list[list[BaseMessage]]:
        """The messages shown at every call, in order."""
        return self._script.seen  # type: ignore[return-value]

    @property
    def used_up(self) -> bool:
        """Whether every turn has been given."""
        return self._script.taken == len(self._script.entries)

    def check(self) -> None:
        """Raise ScriptError unless every turn was used."""
        self._script.check()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.check()

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **_: object,
    ) -> "ScriptedModel":
        """A model on the same script that may call `tools`."""
        return self.model_copy(update={"bound": frozenset(tool_name(tool) for tool in tools)})

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **_: object,
    ) -> ChatResult:
        answer = self._next(messages)
        calls = [
            ToolCall(name=item.name, args=dict(item.arguments), id=answer.call_id(place, len(messages)))
            for place, item in enumerate(answer.calls)
        ]
        message = AIMessage(content=answer.text, tool_calls=calls, response_metadata={"finish_reason": finish(answer)})
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **_: object,
    ) -> Iterator[ChatGenerationChunk]:
        answer = self._next(messages)
        for message in streamed(answer, len(messages)):
            chunk = ChatGenerationChunk(message=message)
            if run_manager:
                run_manager.on_llm_new_token(str(message.content), chunk=chunk)
            yield chunk

    def _next(self, messages: list[BaseMessage]) -> Answer:
        answer = self._script.next(messages)
        for item in answer.calls:
            if self.bound is not None and item.name not in self.bound:
                offered = ", ".join(sorted(self.bound)) or "none"
                raise ScriptError(
                    f"Turn {answer.number + 1} calls {item.name!r}.", f"The tools offered are: {offered}."
                )
        return answer


def streamed(answer: Answer, shown: int) -> Iterator[AIMessageChunk]:
    """The answer in pieces: words, then each call's arguments a few characters at a time, then the reason to stop."""
    for piece in PIECE.findall(answer.text):
        yield AIMessageChunk(content=piece)
    for place, item in enumerate(answer.calls):
        head = tool_call_chunk(name=item.name, args="", id=answer.call_id(place, shown), index=place)
        yield AIMessageChunk(content="", tool_call_chunks=[head])
        for start in range(0, len(item.json), ARGUMENT_PIECE):
            piece = item.json[start : start + ARGUMENT_PIECE]
            yield AIMessageChunk(content="", tool_call_chunks=[tool_call_chunk(args=piece, index=place)])
    yield AIMessageChunk(content="", response_metadata={"finish_reason": finish(answer)}, chunk_position="last")


def finish(answer: Answer) -> str:
    """Why the answer ends, in the words of the OpenAI dialect."""
    return "tool_calls" if answer.calls else "stop"


def tool_name(tool: dict[str, Any] | type | Callable[..., Any] | BaseTool) -> str:
    """The name under which a model sees `tool`."""
    if isinstance(tool, BaseTool):
        return tool.name
    return str(convert_to_openai_tool(tool)["function"]["name"])
