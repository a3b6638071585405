"""Loops of a model among its tools: the same call with the same result again and again, and calls that are none.

All of it is read from the messages of a turn, so it survives a restart and needs nothing kept beside them. A call that
looks at something that changes (the state of a job, a monitor) has another result each time, and is no loop.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall, ToolMessage

from agents.marked import own_words

SAME = 3
"""The time at which a call that had the same result before is not answered with it once more; the next one is the end.
"""
MALFORMED = 4
"""So many answers in a row that hold only calls which are none (no such tool, bad arguments or JSON) end the turn."""
REPEATED, BROKEN, DONE = "millwright_repeated", "millwright_malformed", "millwright_done"
"""Marks of the answers to calls, kept with the message and sent to no endpoint."""
MALFORMED_CODES = frozenset({"bad_arguments", "tool_not_found"})
_IDS = re.compile(r"\b([a-z]{2,6})_[0-9a-f]{12}\b")
_TIMES = frozenset({"seconds", "duration", "elapsed"})
MOST_NAMED = 8


def fingerprint(tool: str, arguments: Mapping[str, object], result: str) -> str:
    """What is the same for two calls of one tool with the same arguments and result.

    Ids that are made anew each time and the seconds that a call took are left out: to train the same twice is the same.
    """
    told = [tool, arguments, _plain(result)]
    return sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


def _plain(result: str) -> object:
    try:
        value = json.loads(result)
    except json.JSONDecodeError:
        value = result
    return _without_ids(value)


def _without_ids(value: object) -> object:
    if isinstance(value, str):
        return _IDS.sub(r"\1_", value)
    if isinstance(value, dict):
        return {name: _without_ids(item) for name, item in value.items() if name not in _TIMES}
    if isinstance(value, list):
        return [_without_ids(item) for item in value]
    return value


def turn_of(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """The messages since the user spoke last."""
    said = max((place for place, message in enumerate(messages) if isinstance(message, HumanMessage)), default=-1)
    return list(messages[said + 1 :])


def noted(answer: ToolMessage, messages: Sequence[BaseMessage], call: ToolCall, code: str | None = None) -> ToolMessage:
    """The answer to a call of this turn with what tells a loop; `code` is that of the error which it is.

    The same answer for the third time is not given again: the model is told that it has it.
    """
    mark = fingerprint(call["name"], call["args"], str(answer.content))
    done = answer.status != "error"
    before = sum(message.additional_kwargs.get(REPEATED) == mark for message in turn_of(messages))
    if before + 1 >= SAME:
        answer = own_words(told_once(call["name"], before), call["id"])
    marks = {**answer.additional_kwargs, REPEATED: mark, BROKEN: code in MALFORMED_CODES, DONE: done}
    return answer.model_copy(update={"name": call["name"], "additional_kwargs": marks})


def unreadable(answer: ToolMessage) -> ToolMessage:
    """The answer to a call that could not even be read, marked as such."""
    return answer.model_copy(update={"additional_kwargs": {**answer.additional_kwargs, BROKEN: True}})


def told_once(tool: str, before: int) -> str:
    """What a model is told instead of a result that it has had `before` times."""
    return (
        f"You have this already: {tool} with these arguments gave the same {before} times before in this turn. Use "
        "that result, call something else, or answer the user; the same call once more ends the turn."
    )


def loop_in(messages: Sequence[BaseMessage]) -> str | None:
    """Why a turn that has come to this has to end, as a sentence; None where it may go on."""
    repeated = repeats_in(messages)
    if repeated is not None:
        return repeated
    bad = _malformed(turn_of(messages))
    if bad >= MALFORMED:
        return f"{bad} answers of the language model in a row held nothing but calls that cannot be carried out."
    return None


def repeats_in(messages: Sequence[BaseMessage]) -> str | None:
    """The same for repeated calls alone; it can be asked in the middle of an answer, while calls of it are open."""
    seen = Counter(
        (message.name, message.additional_kwargs[REPEATED])
        for message in turn_of(messages)
        if isinstance(message, ToolMessage) and REPEATED in message.additional_kwargs
    )
    over = next(((tool, times) for (tool, _), times in seen.items() if times > SAME), None)
    if over is None:
        return None
    return f"{over[0]} was called {over[1]} times with the same arguments and gave the same each time."


def _malformed(turn: Sequence[BaseMessage]) -> int:
    """Answers at the end of the turn none of whose calls could be carried out."""
    count, good = 0, False
    for message in reversed(turn):
        if isinstance(message, ToolMessage):
            good = good or not message.additional_kwargs.get(BROKEN)
        elif isinstance(message, AIMessage):
            if good or not message.tool_calls:
                break
            count += 1
    return count


def done_in(messages: Sequence[BaseMessage]) -> str:
    """What this turn did, as a sentence: the calls that gave a result, by tool; the model may not have been told it."""
    done = Counter(
        str(message.name)
        for message in turn_of(messages)
        if isinstance(message, ToolMessage) and message.additional_kwargs.get(DONE) and message.name
    )
    named = [f"{tool} ({times} times)" if times > 1 else tool for tool, times in done.items()]
    more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    return f"Done in this turn: {', '.join(named[:MOST_NAMED])}{more}." if named else "Nothing was done in this turn."
