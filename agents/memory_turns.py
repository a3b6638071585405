"""A conversation by turns of the user, and messages that make sense without those before them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

Json = dict[str, Any]
"""Arguments or a result as they came over the wire; only a tool's schema says what is in them."""


@dataclass(frozen=True)
class Done:
    """A call that was answered. `result` is None when the answer was an error or not JSON; then `error` says why."""

    tool: str
    arguments: Json
    result: Json | None
    error: str | None = None


@dataclass(frozen=True)
class Turn:
    """What the user said, the calls answered since, and the words it ended with ('' while it goes on).

    `earlier` is what the user said in earlier turns; only the last turn of a conversation has it.
    """

    text: str
    calls: tuple[Done, ...] = ()
    reply: str = ""
    earlier: tuple[str, ...] = ()


def turns_of(messages: Sequence[BaseMessage]) -> list[Turn]:
    """The conversation by turns of the user. Calls that nothing has answered are left out."""
    answers = {message.tool_call_id: message for message in messages if isinstance(message, ToolMessage)}
    turns: list[Turn] = []
    for message in messages:
        if isinstance(message, HumanMessage):
            turns.append(Turn(plain(message)))
        elif isinstance(message, AIMessage):
            if not turns:
                turns.append(Turn(""))
            done = [_done(call, answers[call["id"]]) for call in message.tool_calls if call["id"] in answers]
            reply = turns[-1].reply if message.tool_calls else plain(message)
            turns[-1] = replace(turns[-1], calls=(*turns[-1].calls, *done), reply=reply)
    return turns


def split_turns(messages: Sequence[BaseMessage]) -> list[list[BaseMessage]]:
    """The messages cut before each message of the user."""
    turns: list[list[BaseMessage]] = []
    for message in messages:
        if isinstance(message, HumanMessage) or not turns:
            turns.append([])
        turns[-1].append(message)
    return turns


def whole(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """The messages of one turn with every call answered and every answer called for: endpoints refuse anything else."""
    answered = {message.tool_call_id for message in messages if isinstance(message, ToolMessage)}
    kept: list[BaseMessage] = []
    called: set[str | None] = set()
    for message in messages:
        if isinstance(message, ToolMessage):
            if message.tool_call_id in called:
                kept.append(message)
                called.discard(message.tool_call_id)
        elif isinstance(message, AIMessage) and message.tool_calls:
            calls = [call for call in message.tool_calls if call["id"] in answered]
            called.update(call["id"] for call in calls)
            if len(calls) == len(message.tool_calls):
                kept.append(message)
            elif calls or message.text:
                kept.append(AIMessage(content=message.content, tool_calls=calls))
        else:
            kept.append(message)
    return kept


def plain(message: BaseMessage) -> str:
    """The text of a message whose content may come in parts."""
    return str(message.text).strip()


def _done(call: Mapping[str, Any], answer: ToolMessage) -> Done:
    text = plain(answer)
    if answer.status == "error":
        return Done(call["name"], dict(call["args"]), None, text)
    try:
        result = json.loads(text)
    except json.JSONDecodeError:
        return Done(call["name"], dict(call["args"]), None, text or "The tool gave no answer.")
    if not isinstance(result, dict):
        return Done(call["name"], dict(call["args"]), None, text)
    return Done(call["name"], dict(call["args"]), result)
