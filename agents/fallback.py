"""A second chat model for when the first has failed for good. Who reads the answer is told which one gave it."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableBinding
from langchain_core.tools import BaseTool
from pydantic import Field

from agents.strict import EndpointFailed, StrictChat
from agents.strict_dialect import Dialect

NOTICE = "notice"
"""The key in an answer's `response_metadata` under which a sentence for the user stands."""
RETURN_AFTER_S = 60.0
"""Seconds after which the first model is tried again."""
log = logging.getLogger("millwright.provider")
_OWN = "fallback_options"


def notice_of(message: BaseMessage) -> str:
    """What the user should be told of who answered; '' where there is nothing to tell."""
    return str(message.response_metadata.get(NOTICE, ""))


@dataclass
class Standing:
    """Until when (time.monotonic) the first model is left alone; shared by all models bound from one."""

    resting_until: float = float("-inf")


@contextmanager
def _both_told(first: EndpointFailed | None) -> Iterator[None]:
    """Where the second fails too, both failures are told."""
    try:
        yield
    except EndpointFailed as second:
        if first is None:
            raise
        raise EndpointFailed(
            f"{first.sentence} The fall-back model failed too: {second.sentence}", second.hint, status=second.status
        ) from None


class FallbackChat(BaseChatModel):
    """`first`, and `second` where it fails before anything of its answer was passed on. `names` are theirs, for people.

    The first answer of the second carries a notice; while the first rests there is none.
    """

    first: StrictChat
    second: StrictChat
    names: tuple[str, str]
    rest_s: float = RETURN_AFTER_S
    dialect: Dialect = Field(default_factory=lambda: Dialect(schemas=True), exclude=True)
    standing: Standing = Field(default_factory=Standing, exclude=True)

    @property
    def _llm_type(self) -> str:
        return self.first._llm_type

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return self.first._identifying_params

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,  # noqa: ANN401  as the models' own
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Bind both, each in its own way."""
        both = [model.bind_tools(tools, tool_choice=tool_choice, **kwargs) for model in (self.first, self.second)]
        first, second = (dict(bound.kwargs) if isinstance(bound, RunnableBinding) else {} for bound in both)
        return self.bind(**first) if first == second else self.bind(**first, **{_OWN: second})

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,  # noqa: ANN401  as the models' own
    ) -> ChatResult:
        own = kwargs | kwargs.pop(_OWN, {})
        own.pop(_OWN, None)
        error = None
        if not self._rests():
            try:
                return self.first._generate(messages, stop, run_manager, **kwargs)
            except EndpointFailed as failed:
                error = self._given_up(failed)
        with _both_told(error):
            result = self.second._generate(messages, stop, run_manager, **own)
        if error is not None:
            result.generations[0].message.response_metadata[NOTICE] = self._notice()
        return result

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,  # noqa: ANN401  as the models' own
    ) -> Iterator[ChatGenerationChunk]:
        own = kwargs | kwargs.pop(_OWN, {})
        own.pop(_OWN, None)
        error = None
        if not self._rests():
            begun = False
            try:
                for chunk in self.first._stream(messages, stop, run_manager, **kwargs):
                    begun = True
                    yield chunk
                return
            except EndpointFailed as failed:
                if begun:
                    raise
                error = self._given_up(failed)
        with _both_told(error):
            for chunk in self.second._stream(messages, stop, run_manager, **own):
                if error is not None:
                    told = AIMessageChunk(content="", response_metadata={NOTICE: self._notice()})
                    yield ChatGenerationChunk(message=told)
                    error = None
                yield chunk

    def _rests(self) -> bool:
        return time.monotonic() < self.standing.resting_until

    def _given_up(self, error: EndpointFailed) -> EndpointFailed:
        """The error, once the first model rests. Raises it where a second model is not meant to step in."""
        if not error.elsewhere:
            raise error
        self.standing.resting_until = time.monotonic() + self.rest_s
        log.warning("%s (%s)", self._notice(), error.sentence)
        return error

    def _notice(self) -> str:
        return f"{self.names[0]} did not answer; {self.names[1]} answers."
