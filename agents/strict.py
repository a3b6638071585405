"""A chat model around a chat model that lets no half answer through.

A client that streams repairs a call whose JSON broke off: `{"a": 1, "b` arrives as `{"a": 1}` and would run without
its other arguments. And a stream that ends early looks like a short answer. Here calls are held back until
they are whole, JSON is read strictly, and an answer without a reason to stop is a ProviderFailed.
"""

import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.tool import ToolCallChunk, tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableBinding
from langchain_core.tools import BaseTool

from engine.errors import MillwrightError, ProviderFailed

FINISH_KEYS = ("finish_reason", "stop_reason", "done_reason", "stopReason")
"""How providers say why an answer ended."""
BROKEN = "not valid JSON: "
"""Put before arguments that cannot be read, so that no lenient parser makes a call of them further on."""


class StrictChat(BaseChatModel):
    """`inner`, with strict calls and errors as ProviderFailed. Callbacks, streaming and async work as with `inner`."""

    inner: BaseChatModel

    @property
    def _llm_type(self) -> str:
        return self.inner._llm_type

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return dict(self.inner._identifying_params)

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: object,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Bind as `inner` does, then send its arguments through this model."""
        options: dict[str, Any] = dict(kwargs) if tool_choice is None else {**kwargs, "tool_choice": tool_choice}
        bound = self.inner.bind_tools(tools, **options)
        if not isinstance(bound, RunnableBinding):
            return self.model_copy(update={"inner": bound})
        return self.bind(**bound.kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: object,
    ) -> ChatResult:
        with provider_errors():
            result = self.inner._generate(messages, stop, run_manager, **kwargs)
        _require_finish(_reasons(result))
        return result

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: object,
    ) -> ChatResult:
        with provider_errors():
            result = await self.inner._agenerate(messages, stop, run_manager, **kwargs)
        _require_finish(_reasons(result))
        return result

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: object,
    ) -> Iterator[ChatGenerationChunk]:
        held = HeldCalls()
        with provider_errors():
            for chunk in self.inner._stream(messages, stop, None, **kwargs):
                yield held.take(chunk)
        yield held.release()

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: object,
    ) -> AsyncIterator[ChatGenerationChunk]:
        held = HeldCalls()
        with provider_errors():
            async for chunk in self.inner._astream(messages, stop, None, **kwargs):
                yield held.take(chunk)
        yield held.release()


@dataclass
class HeldCalls:
    """Keeps the pieces of streamed calls back until the stream has said why it ended."""

    calls: dict[object, ToolCallChunk] = field(default_factory=dict)
    finished: bool = False

    def take(self, chunk: ChatGenerationChunk) -> ChatGenerationChunk:
        """The chunk without its pieces of calls."""
        message = chunk.message
        self.finished = self.finished or _finish_reason(chunk.generation_info, message) is not None
        if not isinstance(message, AIMessageChunk):
            return chunk
        for piece in message.tool_call_chunks:
            self._add(piece)
        bare = message.model_copy(
            update={"tool_call_chunks": [], "tool_calls": [], "invalid_tool_calls": [], "chunk_position": None}
        )
        return ChatGenerationChunk(message=bare, generation_info=chunk.generation_info)

    def release(self) -> ChatGenerationChunk:
        """The last chunk, with every call whole. Raises ProviderFailed when the stream broke off."""
        _require_finish([self.finished])
        whole = [_strict(call) for call in self.calls.values()]
        return ChatGenerationChunk(message=AIMessageChunk(content="", tool_call_chunks=whole, chunk_position="last"))

    def _add(self, piece: ToolCallChunk) -> None:
        # pieces of one call share its index; a provider that sends calls whole may leave the index out
        key = piece["index"] if piece["index"] is not None else len(self.calls)
        known = self.calls.get(key)
        self.calls[key] = tool_call_chunk(
            name=(known and known["name"]) or piece["name"],
            args=((known and known["args"]) or "") + (piece["args"] or ""),
            id=(known and known["id"]) or piece["id"],
            index=key if isinstance(key, int) else len(self.calls),
        )


def _strict(call: ToolCallChunk) -> ToolCallChunk:
    """The call as it is when its arguments are a JSON object; otherwise marked so that it stays invalid."""
    try:
        valid = isinstance(json.loads(call["args"] or "{}"), dict)
    except json.JSONDecodeError:
        valid = False
    if valid:
        return call
    return tool_call_chunk(name=call["name"], args=f"{BROKEN}{call['args']}", id=call["id"], index=call["index"])


def _reasons(result: ChatResult) -> list[bool]:
    return [_finish_reason(item.generation_info, item.message) is not None for item in result.generations]


def _finish_reason(info: dict[str, Any] | None, message: BaseMessage) -> str | None:
    both = {**(info or {}), **message.response_metadata}
    return next((str(both[key]) for key in FINISH_KEYS if both.get(key)), None)


def _require_finish(reasons: Sequence[bool]) -> None:
    if not all(reasons):
        raise ProviderFailed(
            "The language model's answer broke off before its end; it was not used.", "Send the message again."
        )


@contextmanager
def provider_errors() -> Iterator[None]:
    """Turns what a client raises into ProviderFailed; our own errors pass."""
    try:
        yield
    except MillwrightError:
        raise
    except Exception as error:  # the border to foreign clients, each with its own error types
        raise provider_failed(error) from error


def provider_failed(error: Exception) -> ProviderFailed:
    """The typed error for what a provider's client raised, with the next step for the user."""
    name, status = type(error).__name__, getattr(error, "status_code", None)
    for matches, sentence, hint in _CAUSES:
        if matches(error, status):
            return ProviderFailed(sentence, hint)
    return ProviderFailed(f"The language model could not answer ({name}: {error}).", "Check the endpoint's log.")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was raised from: clients wrap the transport's error once or twice."""
    step: BaseException | None = error
    while step is not None:
        yield step
        step = step.__cause__


def _is_timeout(error: Exception, status: int | None) -> bool:
    return any(isinstance(step, TimeoutError | httpx.TimeoutException) for step in _chain(error))


def _is_connection(error: Exception, status: int | None) -> bool:
    return any(isinstance(step, ConnectionError | httpx.TransportError) for step in _chain(error))


def _is_garbage(error: Exception, status: int | None) -> bool:
    return status is None and isinstance(error, ValueError | IndexError | KeyError | TypeError)


def _has_status(*statuses: int) -> Callable[[Exception, int | None], bool]:
    return lambda error, status: status in statuses


def _server_error(error: Exception, status: int | None) -> bool:
    return status is not None and status >= 500


_CAUSES: tuple[tuple[Callable[[Exception, int | None], bool], str, str], ...] = (
    (_has_status(401, 403), "The language model's endpoint refused the key.", "Check MILLWRIGHT_LLM__API_KEY."),
    (
        _has_status(404),
        "The language model's endpoint does not know this model or path.",
        "Check MILLWRIGHT_LLM__MODEL and MILLWRIGHT_LLM__BASE_URL (it usually ends in /v1).",
    ),
    (
        _has_status(429),
        "The language model's endpoint is limiting requests.",
        "Wait a little and send the message again.",
    ),
    (
        _has_status(400, 413, 422),
        "The language model's endpoint refused the request.",
        "Start a new session if the conversation is long; a server that rejects stream options needs "
        "MILLWRIGHT_LLM__STREAM_USAGE=false.",
    ),
    (_server_error, "The language model's endpoint failed (a server error).", "Send the message again in a while."),
    (
        _is_timeout,
        "The language model did not answer in time.",
        "Send the message again, or raise MILLWRIGHT_LLM__TIMEOUT_S.",
    ),
    (
        _is_connection,
        "The language model's endpoint could not be reached.",
        "Check MILLWRIGHT_LLM__BASE_URL and that the server runs, or set MILLWRIGHT_LLM__PROVIDER=offline.",
    ),
    (
        _is_garbage,
        "The language model's endpoint sent something that is not a chat answer.",
        "Check MILLWRIGHT_LLM__BASE_URL (it usually ends in /v1).",
    ),
)
