"""The manager of a hierarchical crew: what it is told about a coworker's answer, and how it decides by rule.

A manager sees words only, so what the ledger holds of the task is written below each answer. A language model judges by
that; the rule sends work back once where a tool was not called or did not succeed, and then accepts.
"""

import json
import re
from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall, ToolMessage

from agents.marked import Marked, framed
from crews.rule import Move

DELEGATE = "delegate_work_to_coworker"
"""The name under which a model sees CrewAI's tool 'Delegate work to coworker'."""
TIMES = 2
_LEDGER = re.compile(r"<ledger>(.*?)</ledger>", re.DOTALL)


def with_ledger(messages: Sequence[BaseMessage], missing: Sequence[str]) -> list[BaseMessage]:
    """The messages with what the ledger says below the newest answer of a coworker."""
    last = messages[-1] if messages else None
    if not isinstance(last, ToolMessage):
        return list(messages)
    # an answer that brings a ledger of its own is not believed
    said = last.plain_text if isinstance(last, Marked) else str(last.text)
    words = _LEDGER.sub("", said).replace("<ledger>", "").replace("</ledger>", "").strip()
    shown = framed(words) if isinstance(last, Marked) else words
    facts = json.dumps({"done": not missing, "missing": list(missing)})
    return [*messages[:-1], last.model_copy(update={"content": f"{shown}\n\n<ledger>{facts}</ledger>"})]


def delegations(messages: Sequence[BaseMessage]) -> int:
    """How often the task was handed to a coworker and answered."""
    calls = {call["id"] for message in messages if isinstance(message, AIMessage) for call in _delegating(message)}
    return sum(isinstance(message, ToolMessage) and message.tool_call_id in calls for message in messages)


def delegates(reply: AIMessage) -> bool:
    """Whether this answer of a manager hands the task to a coworker."""
    return bool(_delegating(reply))


def manage(messages: Sequence[BaseMessage], coworker: str) -> Move:
    """Delegate the task to its coworker; send it back once if the ledger lacks something; then accept."""
    given, done = _task(messages), delegations(messages)
    if done == 0:
        return Move(tool=DELEGATE, arguments=_handed(given, "Do this task with your tools.", coworker))
    missing = missing_in(messages)
    if missing and done < TIMES:
        reason = f"Sent back, because the ledger lacks something: {' '.join(missing)} Call the tool, then answer."
        return Move(tool=DELEGATE, arguments=_handed(given, reason, coworker))
    return Move(text=_LEDGER.sub("", str(messages[-1].text)).strip() or "The coworker gave no answer.")


def missing_in(messages: Sequence[BaseMessage]) -> list[str]:
    """What the newest ledger below an answer says is missing."""
    found = _LEDGER.findall(str(messages[-1].text)) if messages else []
    return [str(one) for one in json.loads(found[-1])["missing"]] if found else []


def _handed(task: str, context: str, coworker: str) -> dict[str, object]:
    return {"task": task, "context": context, "coworker": coworker}


def _delegating(message: AIMessage) -> list[ToolCall]:
    return [call for call in message.tool_calls if call["name"] == DELEGATE]


def _task(messages: Sequence[BaseMessage]) -> str:
    said = [str(message.text) for message in messages if isinstance(message, HumanMessage)]
    return said[0] if said else ""
