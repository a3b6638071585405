"""Calls and ends of answers, read strictly: what is not whole is no call and no answer."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, InvalidToolCall, ToolCall
from langchain_core.messages.tool import ToolCallChunk, invalid_tool_call, tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from agents.strict_errors import EndpointFailed, broke_off, lost_calls, not_an_answer
from engine.errors import ProviderFailed

FINISH_KEYS = ("finish_reason", "stop_reason", "done_reason", "stopReason")
"""How providers say why an answer ended."""
BROKEN = "not valid JSON: "
"""Put before arguments that cannot be read, so that no lenient parser makes a call of them further on."""
SHOWN_BROKEN = 500
"""Characters kept of such arguments: parsers that try to mend them take time that grows with the square of these."""
_CALLING = frozenset({"tool_calls", "tool_use", "function_call"})
_WHOLE = _CALLING | frozenset({"stop", "end_turn", "stop_sequence", "eos", "eos_token", "end", "complete", "completed"})
_CUT = frozenset({"length", "max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded"})
_WITHHELD = frozenset(
    {"content_filter", "content_filtered", "safety", "refusal", "recitation", "blocklist", "prohibited_content"}
    | {"spii", "guardrail_intervened"}
)


class AnswerCut(ProviderFailed):
    """The answer reached the most tokens that the endpoint gives, so its end is missing."""


class AnswerWithheld(ProviderFailed):
    """The endpoint's own filter took the answer away."""


def strict_object(text: str) -> dict[str, Any]:
    """The JSON object that `text` is.

    Raises:
        ValueError: not JSON, not an object, a key twice, a number that is none, half a character, nested too deep.
    """
    try:
        value = json.loads(text, parse_constant=_no_number, parse_float=_finite, object_pairs_hook=_no_key_twice)
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is beyond every number")
    return value


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key stands there twice")
    return made


def is_whole(name: object, arguments: object) -> bool:
    """Whether a call can be run as it came: a name, and arguments that are a strict JSON object (or '' for none)."""
    if not (isinstance(name, str) and name.strip() and name.isprintable() and isinstance(arguments, str)):
        return False
    try:
        strict_object(arguments or "{}")
    except ValueError:
        return False
    return True


def broken(arguments: object) -> str:
    """The arguments marked so that they stay invalid whoever reads them."""
    return f"{BROKEN}{str(arguments).encode(errors='replace').decode()[:SHOWN_BROKEN]}"


@dataclass
class _Held:
    """A streamed call so far. `spoilt` when its pieces contradict each other."""

    name: str | None
    id: str | None
    pieces: list[str] = field(default_factory=list)
    spoilt: bool = False


@dataclass
class HeldCalls:
    """Keeps the pieces of streamed calls back until the stream has said why it ended."""

    calls: list[_Held] = field(default_factory=list)
    reason: str | None = None
    arrived: bool = False
    _at: dict[int, _Held] = field(default_factory=dict)
    _half: str = ""

    def take(self, chunk: ChatGenerationChunk) -> ChatGenerationChunk:
        """The chunk without its pieces of calls."""
        message = chunk.message
        self.arrived = True
        self.reason = finish_reason(chunk.generation_info, message) or self.reason
        if not isinstance(message, AIMessageChunk):
            return chunk
        words = message.content
        if isinstance(words, str) and (self._half or not words.isascii()):
            words = self._whole_characters(words)
        if not message.tool_call_chunks and message.chunk_position is None and words is message.content:
            return chunk
        for piece in message.tool_call_chunks:
            self._add(piece)
        bare = message.model_copy(
            update={
                "content": words,
                "tool_call_chunks": [],
                "tool_calls": [],
                "invalid_tool_calls": [],
                "chunk_position": None,
            }
        )
        return ChatGenerationChunk(message=bare, generation_info=chunk.generation_info)

    def release(self) -> ChatGenerationChunk:
        """The last chunk, with every call whole. Raises ProviderFailed unless the answer came to its end."""
        if not self.arrived:
            raise not_an_answer()
        require_whole(self.reason, calls=bool(self.calls))
        whole = [self._strict(held, place) for place, held in enumerate(self.calls)]
        rest = "\ufffd" if self._half else ""
        return ChatGenerationChunk(message=AIMessageChunk(content=rest, tool_call_chunks=whole, chunk_position="last"))

    def _add(self, piece: ToolCallChunk) -> None:
        # pieces of one call share its index; some endpoints give none, and some give every call the same
        place, name, identity = piece["index"], piece["name"], piece["id"]
        held = self._at.get(place) if place is not None else (self.calls[-1] if self.calls else None)
        if held is None or _is_another(held, piece):
            held = _Held(name, identity)
            self.calls.append(held)
            if place is not None:
                self._at[place] = held
        held.spoilt = held.spoilt or _differ(held.name, name) or _differ(held.id, identity)
        held.name, held.id = held.name or name, held.id or identity
        held.pieces.append(piece["args"] or "")

    def _strict(self, held: _Held, place: int) -> ToolCallChunk:
        arguments = "".join(held.pieces)
        whole = not held.spoilt and is_whole(held.name, arguments)
        return tool_call_chunk(name=held.name, args=arguments if whole else broken(arguments), id=held.id, index=place)

    def _whole_characters(self, words: str) -> str:
        """Put together a character that came as two halves in two pieces; what stays half becomes '?'."""
        words, self._half = self._half + words, ""
        if words and "\ud800" <= words[-1] <= "\udbff":
            words, self._half = words[:-1], words[-1]
        return words.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _is_another(held: _Held, piece: ToolCallChunk) -> bool:
    """Whether a piece that came to the place of a call begins a call of its own."""
    if not piece["name"]:
        return False
    if held.id and piece["id"]:
        return held.id != piece["id"]
    # without an index or an id, a call that has arguments already is left when a name comes again
    return piece["index"] is None and any(held.pieces)


def _differ(known: str | None, told: str | None) -> bool:
    return bool(known and told and known != told)


def checked(result: ChatResult) -> ChatResult:
    """An answer that did not stream, with the calls that cannot be run set apart.

    Raises:
        ProviderFailed: there is none, or it did not come to its end.
    """
    if not result.generations:
        raise not_an_answer()
    for generation in result.generations:
        message = generation.message
        calls = isinstance(message, AIMessage) and bool(message.tool_calls or message.invalid_tool_calls)
        require_whole(finish_reason(generation.generation_info, message), calls=calls)
    return result.model_copy(update={"generations": [_checked(one) for one in result.generations]})


def _checked(generation: ChatGeneration) -> ChatGeneration:
    message = generation.message
    if not isinstance(message, AIMessage) or not message.tool_calls:
        return generation
    good: list[ToolCall] = []
    bad: list[InvalidToolCall] = [*message.invalid_tool_calls]
    for call in message.tool_calls:
        try:
            arguments = json.dumps(call["args"], allow_nan=False)
        except (ValueError, TypeError):
            arguments = "null"
        if is_whole(call["name"], arguments):
            good.append(call)
        else:
            bad.append(invalid_tool_call(name=call["name"], args=broken(call["args"]), id=call["id"]))
    # no other field is touched, so the message is not validated anew
    kept = message.model_copy(update={"tool_calls": good, "invalid_tool_calls": bad})
    return generation.model_copy(update={"message": kept})


def finish_reason(info: Mapping[str, Any] | None, message: BaseMessage) -> str | None:
    """Why an answer ended, in the provider's word; None when it does not say."""
    for told in (message.response_metadata, info or {}):
        for key in FINISH_KEYS:
            if told.get(key):
                return str(told[key])
    return None


def require_whole(reason: str | None, calls: bool) -> None:
    """Raise ProviderFailed unless the `reason` says that the answer, with or without `calls`, came to its end."""
    told = (reason or "").casefold()
    if told in _CUT:
        raise AnswerCut(
            "The language model's answer was cut at the most tokens that its endpoint gives; it was not used.",
            "Ask for something shorter, or raise that limit at the endpoint (max_tokens, num_predict, n_predict).",
        )
    if told in _WITHHELD:
        raise AnswerWithheld(
            f"The language model's endpoint withheld the answer ({told}).",
            "Say it in other words, or use another model.",
        )
    if told in _CALLING and not calls:
        raise lost_calls()
    if not told or told in {"error", "abort", "cancelled"}:
        raise broke_off()
    if told not in _WHOLE:
        raise EndpointFailed(
            f"The language model's answer ended for a reason that is not known ({told[:40]!r}); it was not used.",
            "Use another endpoint, or report the reason.",
        )
