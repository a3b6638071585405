"""The calls of an answer: what the model may call, what names a call for good, which are open, which are broken."""

import json
from collections.abc import Sequence
from hashlib import sha256
from itertools import count

from langchain_core.messages import AIMessage, BaseMessage, ToolCall, ToolMessage

from tools.spec import ToolSpec


def tool_definitions(tools: Sequence[ToolSpec]) -> list[dict[str, object]]:
    """The tools as a chat model is told of them."""
    return [
        {
            "type": "function",
            "function": {
                "name": spec.name,
                "description": spec.description,
                "parameters": spec.request.model_json_schema(),
            },
        }
        for spec in tools
    ]


def call_name(thread: str, messages: Sequence[BaseMessage], call: ToolCall) -> str:
    """What names a call of the last answer for good: the same after a crash, another in another answer."""
    place = max(index for index, message in enumerate(messages) if isinstance(message, AIMessage))
    # after an undo another answer stands at this place, and a server may number its calls anew: call_0, call_0
    asked = sha256(json.dumps([call["name"], call["args"]], sort_keys=True, default=str).encode()).hexdigest()[:12]
    return f"{thread}/{place}/{call['id']}/{asked}"


def approval_mark(thread: str, messages: Sequence[BaseMessage], call: ToolCall) -> str:
    """What a yes is kept under: it is good for this call with these arguments in this answer, and for no other."""
    what = [call_name(thread, messages, call), call["name"], call["args"]]
    return sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def open_calls(messages: Sequence[BaseMessage]) -> list[ToolCall]:
    """The calls of the last answer that nothing has answered yet."""
    answered: set[str] = set()
    for message in reversed(messages):
        if isinstance(message, ToolMessage):
            answered.add(message.tool_call_id)
        elif isinstance(message, AIMessage):
            return [call for call in message.tool_calls if call["id"] not in answered]
        else:
            break
    return []


def next_call(messages: Sequence[BaseMessage]) -> ToolCall | None:
    """The first of the open calls."""
    return next(iter(open_calls(messages)), None)


def with_own_ids(answer: AIMessage, before: Sequence[BaseMessage]) -> AIMessage:
    """The answer, each of whose calls has an id that no other call of the conversation has.

    Some servers give none, or count from 0 in every answer. Results, jobs and approvals are told apart by the id.
    """
    taken = {call["id"] for message in before if isinstance(message, AIMessage) for call in message.tool_calls}

    def own(given: str | None) -> str:
        names = (f"call_{len(before)}_{number}" for number in count())
        chosen = given if given and given not in taken else next(name for name in names if name not in taken)
        taken.add(chosen)
        return chosen

    calls = [{**call, "id": own(call["id"])} for call in answer.tool_calls]
    broken = [{**call, "id": own(call["id"])} for call in answer.invalid_tool_calls]
    return answer.model_copy(update={"tool_calls": calls, "invalid_tool_calls": broken})


def repaired(answer: AIMessage) -> list[tuple[ToolCall, str]]:
    """Calls that could not be read, as calls without arguments, each with what is wrong.

    Broken JSON must not stay in the history: an endpoint that is sent it back refuses the whole conversation.
    """
    return [
        (
            ToolCall(name=call["name"] or "unknown", args={}, id=call["id"]),
            "The arguments of this call are not valid JSON; it was not run. Call again with one JSON object.",
        )
        for call in answer.invalid_tool_calls
    ]
