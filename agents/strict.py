"""A chat model around a chat model that lets no half answer through, and asks again where that may help.

A client that streams repairs a call whose JSON broke off: `{"a": 1, "b` arrives as `{"a": 1}` and would run without
its other arguments. And a stream that ends early looks like a short answer. Here calls are held back until
they are whole, JSON is read strictly, and an answer without a good reason to stop is a ProviderFailed.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableBinding
from langchain_core.tools import BaseTool
from pydantic import Field, SecretStr

from agents import underway
from agents.retrying import Patience, answering
from agents.strict_calls import BROKEN, FINISH_KEYS, AnswerCut, AnswerWithheld, HeldCalls, checked
from agents.strict_dialect import STREAM, Dialect
from agents.strict_errors import (
    ContextOverflow,
    EndpointFailed,
    LostCalls,
    is_overflow,
    provider_errors,
    provider_failed,
)

__all__ = [
    "BROKEN",
    "FINISH_KEYS",
    "AnswerCut",
    "AnswerWithheld",
    "ContextOverflow",
    "EndpointFailed",
    "HeldCalls",
    "StrictChat",
    "is_overflow",
    "provider_errors",
    "provider_failed",
]

_CARRIED = {"content", "tool_calls", "invalid_tool_calls", "usage_metadata", "response_metadata", "id"}
"""What an answer in one piece has in common with a stream's."""


class StrictChat(BaseChatModel):
    """`inner`, with strict calls, errors as ProviderFailed, and `patience` with its endpoint.

    `inner` must not repeat requests itself. `secrets` never stand in an error. Asynchronous use goes through a thread.
    """

    inner: BaseChatModel
    patience: Patience = Patience()
    dialect: Dialect = Field(default_factory=Dialect, exclude=True)
    secrets: tuple[SecretStr, ...] = ()

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
        def ask() -> Iterator[ChatResult]:
            options = underway.begin(kwargs)
            with provider_errors(self.secrets):
                result = self.inner._generate(messages, stop, run_manager, **options)
            underway.take_whole(result)
            yield checked(result)

        (result,) = answering(self.patience, self.dialect, ask, shows=lambda _: False)
        return result

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,  # noqa: ANN401  as the inner model's own
    ) -> Iterator[ChatGenerationChunk]:
        lost = False

        def ask() -> Iterator[ChatGenerationChunk]:
            nonlocal lost
            held, options = HeldCalls(), underway.begin(kwargs)
            try:
                with provider_errors(self.secrets):
                    for chunk in self._pieces(messages, stop, options, whole=lost):
                        # before it is held back: a call that never ends is bounded too
                        underway.take(chunk.message)
                        yield held.take(chunk)
                last = held.release()
            except LostCalls:
                lost = True
                raise
            if lost and held.calls:
                # not streamed they came: this endpoint loses them
                self.dialect.refused.add(STREAM)
            yield last

        return answering(self.patience, self.dialect, ask, shows=lambda chunk: bool(chunk.text))

    def _pieces(
        self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any], whole: bool
    ) -> Iterator[ChatGenerationChunk]:
        """The answer as it streams, or in one piece from an endpoint that cannot."""
        if not whole and STREAM not in self.dialect.refused:
            yield from self.inner._stream(messages, stop, None, **kwargs)
            return
        for generation in self.inner._generate(messages, stop, None, **kwargs).generations:
            fields = generation.message.model_dump(include=_CARRIED)
            yield ChatGenerationChunk(message=AIMessageChunk(**fields), generation_info=generation.generation_info)
