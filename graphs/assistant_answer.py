"""The model's answer to what it is shown of a conversation: memory, tokens, and the words as they come."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    message_chunk_to_message,
)
from langchain_core.messages.ai import add_ai_message_chunks

from agents.fallback import notice_of
from agents.marked import marked, whole_letters
from agents.memory_digest import Recollection, read_digest
from agents.memory_prose import summarise, writes_prose
from agents.memory_turns import plain
from agents.memory_view import View, look
from agents.memory_words import remembered
from agents.proof import strike
from agents.strict import ContextOverflow
from agents.tokens import TokenCounter, answer_tokens, definitions_tokens, messages_tokens
from agents.underway import looking
from graphs.assistant_calls import tool_definitions, with_own_ids
from graphs.assistant_types import AssistantContext, AssistantState, Usage
from graphs.events import TextDelta
from graphs.proving import Scope, checked, sent_back
from graphs.proving_stream import LOOK, Telling
from tools.spec import ToolSpec

MAX_CUTS = 3
"""How often a conversation that is too long for the model is cut by half before the turn fails."""


def answered(state: AssistantState, context: AssistantContext) -> tuple[AIMessage, dict[str, Any], Usage]:
    """The model's answer to what it is shown, the digest of what it is not, and the tokens of the turn so far.

    A conversation that the model finds too long is cut by half and shown once more, a few times.
    """
    messages, used = state["messages"], _used_before(state)
    question = next((plain(message) for message in reversed(messages) if isinstance(message, HumanMessage)), "")
    recalled = context.recall(question)
    limit: int | None = None
    for attempt in range(MAX_CUTS + 1):
        view = _view(state, context, limit, used)
        shown = [_system(context, view, recalled), *marked(view.messages)]
        try:
            # a call is held back until it is whole, and an endpoint may be left alone for a while: no word comes then
            with looking(lambda: context.emit(LOOK)):
                answer = _proved(context, shown, messages, recalled, used)
        except ContextOverflow:
            if attempt == MAX_CUTS:
                raise
            limit = max(1, view.tokens // 2)
            continue
        return answer, view.digest.model_dump(mode="json"), used
    raise AssertionError("the last attempt returns or raises")


def _proved(
    context: AssistantContext,
    shown: Sequence[BaseMessage],
    before: Sequence[BaseMessage],
    recalled: Sequence[str],
    used: Usage,
) -> AIMessage:
    """The answer, in which what nothing holds is struck; a model is first asked for another one, the planner not:
    it would say the same again."""
    writes = writes_prose(context.model)
    scope = Scope(before, context.workshop.tools, recalled, planner=not writes)
    telling = Telling(lambda: scope.ground, context.emit, final=not writes)
    answer = _stream(context, shown, before, telling)
    _add_usage(used, context, shown, answer, _tools(context))
    claims = scope.claims_of(answer)
    wrong = [claim for claim in claims if not claim.grounded] if writes else []
    if wrong:
        telling.withdraw()
        told = sent_back(wrong, scope.results)
        shown = [*shown, AIMessage(answer.text), HumanMessage(told)]
        telling = Telling(lambda: scope.ground, context.emit, final=True)
        answer = _stream(context, shown, before, telling)
        _add_usage(used, context, shown, answer, _tools(context))
        claims = scope.claims_of(answer)
    text, claims = strike(answer.text, claims)
    telling.settle(text)
    if claims or wrong:
        context.emit(checked(len(before), claims, wrong))
    return answer if text == answer.text else answer.model_copy(update={"content": text})


def _view(state: AssistantState, context: AssistantContext, limit: int | None, used: Usage) -> View:
    """What is shown; where turns are newly left out, the model first adds them to its summary of the earlier ones."""
    messages = state["messages"]
    before = read_digest(state.get("digest"), len(messages))
    view = look(messages, before, context.memory, context.count, limit)
    if view.digest.messages == before.messages or context.memory.kind == "window" or not writes_prose(context.model):
        return view
    summary = summarise(context.model, view.digest, messages[before.messages : view.digest.messages])
    if summary.answer is not None:
        _add_usage(used, context, summary.asked, summary.answer)
    digest = view.digest.model_copy(update={"prose": summary.prose})
    return look(messages, digest, context.memory, context.count, limit)


def _system(context: AssistantContext, view: View, recalled: Sequence[str]) -> SystemMessage:
    parts = [context.system, remembered(recalled), view.earlier]
    return Recollection(content="\n\n".join(part for part in parts if part), digest=view.digest)


def _used_before(state: AssistantState) -> Usage:
    """What this turn has used so far; the first step of a turn begins at nothing."""
    before = state.get("tokens") if state.get("steps", 0) else None
    return Usage(**before) if before else Usage(prompt=0, completion=0)


def _add_usage(
    used: Usage, context: AssistantContext, shown: Sequence[BaseMessage], answer: AIMessage, tools: int = 0
) -> None:
    """Add what an answer cost; `tools` are the tokens of the tool definitions that were sent with `shown`."""
    told = answer.usage_metadata
    prompt = told["input_tokens"] if told else messages_tokens(context.count, shown) + tools
    used["prompt"] += prompt
    used["completion"] += told["output_tokens"] if told else answer_tokens(context.count, answer)


def _tools(context: AssistantContext) -> int:
    return _definitions_tokens(context.count, tuple(context.workshop.tools.values()))


@lru_cache(maxsize=16)
def _definitions_tokens(count: TokenCounter, tools: tuple[ToolSpec, ...]) -> int:
    return definitions_tokens(count, tool_definitions(tools))


def _stream(
    context: AssistantContext, shown: Sequence[BaseMessage], before: Sequence[BaseMessage], telling: Telling
) -> AIMessage:
    """The model's answer to what is `shown` of the messages `before` it, its words told as they come."""
    pieces: list[AIMessageChunk] = []
    whole: AIMessage | None = None
    for piece in map(whole_letters, context.model.stream(list(shown))):
        if notice := notice_of(piece):
            context.emit(TextDelta(text=f"{notice}\n"))
        if piece.text:
            telling.hear(piece.text)
        if isinstance(piece, AIMessageChunk):
            pieces.append(piece)
        else:
            # a model that cannot stream gives one whole message instead of chunks
            whole = piece
    if pieces:
        # merged once at the end: piece by piece the cost grows with the square of the answer's length
        whole = pieces[0] if len(pieces) == 1 else add_ai_message_chunks(*pieces)
    if whole is None:
        return AIMessage("")
    message = whole_letters(message_chunk_to_message(whole))
    assert isinstance(message, AIMessage)
    return with_own_ids(message, before)
