"""An answer as the OpenAI dialect has it on the wire: whole, in pieces, and misshapen on purpose."""

from collections.abc import Sequence
from typing import Any

from agents.script import Answer

PIECE = 8
"""Characters of a call's arguments per streamed chunk."""
WORDS_AT_ONCE = 500
"""A text with more words is streamed in as many chunks at most."""
NO_REASON = ("no_finish_reason",)
CUT_SHORT = ("length", "content_filter")


def completion(answer: Answer, body: dict[str, Any], mode: str) -> dict[str, Any]:
    """The answer to a request that does not stream."""
    head = _head(answer, "chat.completion")
    if mode == "no_choices":
        return {**head, "choices": [], "usage": usage(answer, body)}
    calls = tool_calls(answer, body, mode)
    message: dict[str, Any] = {"role": "assistant", "content": _text(answer, mode) or None}
    if calls:
        message["tool_calls"] = calls
    choice = {"index": 0, "message": message, "finish_reason": finish(answer, mode)}
    return {**head, "choices": [choice], "usage": usage(answer, body)}


def chunks(answer: Answer, body: dict[str, Any], mode: str) -> list[dict[str, Any]]:
    """The events of a stream, in order."""
    head = _head(answer, "chat.completion.chunk")
    if mode == "no_choices":
        return [{**head, "choices": []}]
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": piece} for piece in _words(_text(answer, mode))]
    for place, whole in enumerate(tool_calls(answer, body, mode)):
        arguments = whole["function"]["arguments"]
        opening = {**whole, "index": place, "function": {**whole["function"], "arguments": ""}}
        deltas.append({"tool_calls": [opening]})
        for start in range(0, len(arguments), PIECE):
            piece = {"arguments": arguments[start : start + PIECE]}
            deltas.append({"tool_calls": [{"index": place, "function": piece}]})
    events = [{**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    if mode not in NO_REASON:
        events.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": finish(answer, mode)}]})
    if (body.get("stream_options") or {}).get("include_usage"):
        events.append({**head, "choices": [], "usage": usage(answer, body)})
    return events


def tool_calls(answer: Answer, body: dict[str, Any], mode: str) -> list[dict[str, Any]]:
    """The answer's calls as they are sent, their arguments as text."""
    shown = len(body["messages"])
    made = []
    for place, item in enumerate(answer.calls):
        identity = "call_0" if mode == "same_call_ids" else answer.call_id(place, shown)
        function = {"name": item.name, "arguments": _arguments(item.json, mode, shown)}
        made.append({"id": identity, "type": "function", "function": function})
    return made


def finish(answer: Answer, mode: str) -> str | None:
    """Why the answer ends; None where the mode leaves it out."""
    if mode in NO_REASON:
        return None
    if mode in CUT_SHORT:
        return mode
    return "tool_calls" if answer.calls else "stop"


def usage(answer: Answer, body: dict[str, Any]) -> dict[str, int]:
    """Tokens counted as words, which is what this server reads and writes."""
    prompt = sum(len(str(message.get("content") or "").split()) for message in body["messages"])
    written = len(answer.text.split()) + sum(len(item.json.split()) for item in answer.calls)
    return {"prompt_tokens": prompt, "completion_tokens": written, "total_tokens": prompt + written}


def problem(message: str, code: str) -> dict[str, Any]:
    """The body of an error."""
    return {"error": {"message": message, "type": code, "param": None, "code": code}}


def _arguments(text: str, mode: str, shown: int) -> str:
    if mode == "truncated_tool_json" or mode in CUT_SHORT:
        return text[: len(text) * 2 // 3]
    if mode == "bad_tool_json":
        return _spoilt(text)[shown % len(_spoilt(text))]
    return text


def _spoilt(text: str) -> Sequence[str]:
    """Ways in which models get JSON wrong; a longer conversation sees all of them."""
    without_value = text.rpartition(":")[0] or text[:-1]
    return (
        text.replace('"', "'") if '"' in text else text[:-1],
        without_value,
        f"{text[:-1]},,}}",
        f"Here you are: {text}",
        f"[{text}]",
    )


def _text(answer: Answer, mode: str) -> str:
    words = answer.text.split(" ")
    return " ".join(words[: max(1, len(words) // 2)]) if mode in CUT_SHORT else answer.text


def _words(text: str) -> list[str]:
    words = text.split(" ")
    size = -(-len(words) // WORDS_AT_ONCE)
    grouped = [" ".join(words[start : start + size]) for start in range(0, len(words), size)]
    pieces = [f"{piece} " for piece in grouped[:-1]] + grouped[-1:]
    return [piece for piece in pieces if piece]


def _head(answer: Answer, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{answer.number}", "object": kind, "created": 0, "model": "scripted"}
