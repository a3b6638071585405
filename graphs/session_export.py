"""A conversation as one document, and its history as a person reads it; without passwords and keys."""

import ast
import json
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import datetime
from typing import Any, Literal

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from pydantic import BaseModel, ConfigDict

from engine.redaction import redacted
from graphs.events import ApprovalWanted
from graphs.notebook import Part, notebook_of, parts_of
from graphs.receipts import Receipt
from graphs.session_claims import AnswerClaims, claims_in
from graphs.session_types import Answered, Said, SessionEvent, SessionInfo, Tokens, TurnRecord
from tools.spec import ToolSpec

BEFORE_PARTS = 2
"""Cells of a notebook before those of its parts: the title, and the opening of the workshop."""
ACTS = "This changes something others use or acts outside this machine, so it is not made again by itself."
ENABLE = "To make it again, take the '# ' off the lines below."


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ExportedCall(_Part):
    """A call of a tool; `result` and `error` are both None while nothing has answered it."""

    id: str
    tool: str
    arguments: dict[str, object]
    result: object = None
    error: str | None = None


class ExportedMessage(_Part):
    """Something that was said, and what was called with it."""

    role: Literal["user", "assistant"]
    text: str
    calls: tuple[ExportedCall, ...] = ()


class ExportedApproval(_Part):
    """A call that waited, and what a person said to it; None for one that was never answered."""

    approval: str
    tool: str
    arguments: dict[str, object]
    why: str
    answer: Answered | None = None


class SessionExport(_Part):
    """Everything about a conversation. `turns` holds those that were undone too; `messages` what is in it now."""

    format: Literal["millwright-session-1"] = "millwright-session-1"
    exported: datetime
    session: SessionInfo
    turns: tuple[TurnRecord, ...]
    messages: tuple[ExportedMessage, ...]
    approvals: tuple[ExportedApproval, ...]
    claims: tuple[AnswerClaims, ...] = ()
    tokens: Tokens
    cost: float | None = None


def exported(
    info: SessionInfo,
    turns: Sequence[TurnRecord],
    messages: Sequence[BaseMessage],
    events: Iterable[SessionEvent],
    now: datetime,
) -> SessionExport:
    """The document. Tokens and costs are those of all turns: what was undone has been paid for."""
    costs = [turn.cost for turn in turns if turn.cost is not None]
    events = list(events)
    document = SessionExport(
        exported=now,
        session=info,
        turns=tuple(turns),
        messages=tuple(_messages(messages)),
        approvals=tuple(_approvals(turns, events)),
        claims=tuple(claims_in(turns, events)),
        tokens=Tokens(
            prompt=sum(turn.tokens.prompt for turn in turns), completion=sum(turn.tokens.completion for turn in turns)
        ),
        cost=sum(costs) if costs else None,
    )
    return SessionExport.model_validate(redacted(document.model_dump(mode="json")))


def notebook(title: str, messages: Sequence[BaseMessage], tools: Mapping[str, ToolSpec]) -> dict[str, Any]:
    """The conversation as a notebook. Calls that act on others stand in it as remarks: whoever runs it has approved
    nothing."""
    parts = [_redacted_words(part) for part in parts_of(messages)]
    whole = notebook_of(parts, str(redacted(title)) or "A conversation", tools)
    of_parts = slice(BEFORE_PARTS, BEFORE_PARTS + len(parts))
    whole["cells"][of_parts] = _held_back(parts, whole["cells"][of_parts], tools)
    document: dict[str, Any] = redacted(whole)
    return document


def said(messages: Sequence[BaseMessage]) -> list[Said]:
    """The history as a person reads it; answers of tools as the text that the model saw."""
    roles: Mapping[str, Literal["user", "assistant", "tool"]] = {"human": "user", "ai": "assistant"}
    return [
        Said(role=roles.get(message.type, "tool"), text=message.text, tool=message.name)
        for message in messages
        if message.text or message.type == "tool"
    ]


def _redacted_words(part: Part) -> Part:
    """What was said, before it is made harmless: an address whose marks are escaped is not known as one."""
    return part if isinstance(part, Receipt) else part.model_copy(update={"text": redacted(part.text)})


def _held_back(
    parts: Sequence[Part], cells: Sequence[dict[str, Any]], tools: Mapping[str, ToolSpec]
) -> list[dict[str, Any]]:
    """The cells of `parts`. Those that act on others, and those that go on with what these give, are
    remarks."""
    held: set[str] = set()
    out = []
    for part, cell in zip(parts, cells, strict=True):
        why = _why_held(part, cell, tools, held) if isinstance(part, Receipt) else ""
        if isinstance(part, Receipt) and why:
            held.add(part.id)
            lines = "".join(cell["source"]).splitlines()
            kept = [line if line.startswith("#") else f"# {line}" for line in lines]
            cell = {**cell, "source": "\n".join([f"# {why} {ENABLE}", *kept]).splitlines(keepends=True)}
        out.append(cell)
    return out


def _why_held(part: Receipt, cell: Mapping[str, Any], tools: Mapping[str, ToolSpec], held: Set[str]) -> str:
    """Why the cell of a call is not to run by itself; '' for one that may, or that holds no call."""
    code = ast.parse("".join(cell["source"]))
    if not code.body:
        return ""
    if tools[part.tool].effect in ("write", "external"):
        return ACTS
    needed = sorted({node.id for node in ast.walk(code) if isinstance(node, ast.Name)} & held)
    return f"This goes on with {', '.join(needed)}, which is not made again by itself." if needed else ""


def _messages(messages: Sequence[BaseMessage]) -> Iterable[ExportedMessage]:
    answers = {message.tool_call_id: message for message in messages if isinstance(message, ToolMessage)}
    for message in messages:
        if message.type == "human":
            yield ExportedMessage(role="user", text=message.text)
        elif isinstance(message, AIMessage):
            calls = (_call(call["id"] or "", call["name"], call["args"], answers) for call in message.tool_calls)
            yield ExportedMessage(role="assistant", text=message.text, calls=tuple(calls))


def _call(id_: str, tool: str, arguments: dict[str, Any], answers: Mapping[str, ToolMessage]) -> ExportedCall:
    answer = answers.get(id_)
    if answer is None:
        return ExportedCall(id=id_, tool=tool, arguments=arguments)
    if answer.status == "error":
        return ExportedCall(id=id_, tool=tool, arguments=arguments, error=answer.text)
    return ExportedCall(id=id_, tool=tool, arguments=arguments, result=_parsed(answer.text))


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _approvals(turns: Sequence[TurnRecord], events: Iterable[SessionEvent]) -> Iterable[ExportedApproval]:
    answers = {answer.approval: answer for turn in turns for answer in turn.answers}
    wanted = {event.approval: event for event in events if isinstance(event, ApprovalWanted)}
    for approval, event in wanted.items():
        yield ExportedApproval(
            approval=approval,
            tool=event.tool,
            arguments=event.arguments,
            why=event.why,
            answer=answers.get(approval),
        )
