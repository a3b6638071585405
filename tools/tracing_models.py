"""Spans of what LangChain and LangGraph do: every call of a chat model, and every node of a graph.

They tell it to callbacks that are asked for once for the process, so that no graph and no model has to know of it.
"""

import json
from collections.abc import Sequence
from contextvars import ContextVar, Token
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from langchain_core.tracers.context import register_configure_hook
from langgraph.errors import GraphBubbleUp
from opentelemetry.context import Context, attach, detach

from engine.redaction import redacted
from tools.tracing import Attributes, recorder
from tools.tracing_names import (
    CHAT,
    FINISH_REASONS,
    INPUT_MESSAGES,
    INPUT_TOKENS,
    NODE,
    OPERATION,
    OUTPUT_MESSAGES,
    OUTPUT_TOKENS,
    PROVIDER,
    REQUEST_MODEL,
    RESPONSE_MODEL,
)
from tools.tracing_spans import OpenSpan, Spans

_FINISH = ("finish_reason", "stop_reason", "done_reason", "stopReason")
_MODEL = ("ls_model_name", "model_name", "model")


class SpanHandler(BaseCallbackHandler):
    """Opens and ends spans as LangChain tells of its runs."""

    run_inline = True  # in the thread and the context of the run itself

    def __init__(self, spans: Spans) -> None:
        self._spans = spans
        self._open: dict[UUID, tuple[OpenSpan, Token[Context] | None]] = {}

    def on_chain_start(
        self,
        serialized: dict[str, Any],
        inputs: Any,  # noqa: ANN401
        *,
        run_id: UUID,
        metadata: dict[str, Any] | None = None,
        **more: Any,  # noqa: ANN401
    ) -> None:
        node = (metadata or {}).get("langgraph_node")
        if node is None or more.get("name") != node or recorder() is not self._spans:
            return  # a part of a node, or the graph itself
        opened = self._spans.open(f"node {node}", {NODE: str(node)})
        self._open[run_id] = opened, attach(opened.context)

    def on_chain_end(self, outputs: Any, *, run_id: UUID, **more: Any) -> None:  # noqa: ANN401
        self._end(run_id)

    def on_chain_error(self, error: BaseException, *, run_id: UUID, **more: Any) -> None:  # noqa: ANN401
        self._end(run_id, error)

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        metadata: dict[str, Any] | None = None,
        **more: Any,  # noqa: ANN401
    ) -> None:
        if recorder() is not self._spans:
            return
        known = {**(more.get("invocation_params") or {}), **(metadata or {})}
        model = next((str(known[name]) for name in _MODEL if known.get(name)), None)
        told: Attributes = {
            OPERATION: CHAT,
            REQUEST_MODEL: model,
            PROVIDER: str(known.get("ls_provider") or known.get("_type") or "millwright"),
            INPUT_MESSAGES: _as_json(messages[0]) if self._spans.content and messages else None,
        }
        self._open[run_id] = self._spans.open(f"{CHAT} {model}" if model else CHAT, told), None

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **more: Any) -> None:  # noqa: ANN401
        found = self._open.get(run_id)
        answers = [answer for answers in response.generations for answer in answers]
        if found is not None and answers and isinstance(answers[0], ChatGeneration):
            found[0].tell(_of_answer(answers[0], self._spans.content))
        self._end(run_id)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **more: Any) -> None:  # noqa: ANN401
        self._end(run_id, error)

    def _end(self, run_id: UUID, error: BaseException | None = None) -> None:
        opened, token = self._open.pop(run_id, (None, None))
        if opened is None:
            return
        if error is not None and not isinstance(error, GraphBubbleUp):  # that is how a node waits for a person
            opened.failed(error)
        if token is not None:
            detach(token)
        opened.end()


def follow_models(spans: Spans) -> None:
    """Open a span for every call of a chat model and every node of a graph in this process, from now on."""
    # a default holds in every thread, and the handler is one for all of them
    handler: ContextVar[SpanHandler | None] = ContextVar("span_handler", default=SpanHandler(spans))  # noqa: B039
    register_configure_hook(handler, inheritable=True)


def _of_answer(answer: ChatGeneration, content: bool) -> Attributes:
    message = answer.message
    said = {**message.response_metadata, **(answer.generation_info or {})}
    usage = getattr(message, "usage_metadata", None) or {}
    reason = next((str(said[name]) for name in _FINISH if said.get(name)), None)
    return {
        RESPONSE_MODEL: said.get("model_name"),
        FINISH_REASONS: (reason,) if reason else None,
        INPUT_TOKENS: usage.get("input_tokens"),
        OUTPUT_TOKENS: usage.get("output_tokens"),
        OUTPUT_MESSAGES: _as_json([message]) if content else None,
    }


def _as_json(messages: Sequence[BaseMessage]) -> str:
    told = [
        {"role": message.type, "content": message.text, "tool_calls": getattr(message, "tool_calls", [])}
        for message in messages
    ]
    return json.dumps(redacted(told), ensure_ascii=False, default=str)
