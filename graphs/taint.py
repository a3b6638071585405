"""Whether text from data is in a conversation, and what then needs a person's yes whatever the policy says.

A cell, a column's name, a document or an error that quotes them may be written by anyone, and a model that has read
them may do what they say. So from then on nothing that changes what others use, or acts outside this machine, is done
on the strength of a policy alone. What a person wrote counts as their yes only where it is bound: their own words of
this turn, read by rule, ask for this effect on this very object.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall, ToolMessage
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from agents.marked import is_own, texts_in
from engine.errors import BadArguments
from tools.arguments import parse_request
from tools.spec import ToolSpec

ACTS = frozenset({"write", "external"})
"""Effects that others notice."""
Tools = Mapping[str, ToolSpec]
Recall = Callable[[str], Sequence[str]]
_ASKED_BY: Mapping[str, tuple[str, str]] = {
    "promote_model": (
        "promote",
        r"promote|deploy|ship|release|crown|go live|roll (?:it|\S+_\w+)? ?out|"
        r"(?:make|set|mark|put|bring|take|push|move|turn)\b(?=.*\b(?:champion|challenger|default|live|production)\b)",
    ),
    "roll_back_model": (
        "roll_back",
        r"roll ?-?back|roll\b(?=.*\bback\b)|(?:go|switch|change) back|revert|undo|restore",
    ),
    "create_monitor": ("watch", r"watch|monitor|observe|track|supervise|keep an eye"),
    "acknowledge_alert": ("acknowledge", r"acknowledge|ack|silence|mute|snooze|accept|close|dismiss"),
    "export_model": ("export", r"export|convert|save|write"),
    "forget": ("forget", r"forget|delete|remove|erase"),
    "run_plan": ("run_plan", r"run|execute|carry out|start|follow|launch"),
    "approve_step": ("approve_step", r"approve|allow|permit|confirm"),
}
"""By which request, as the rules read it, and by which verbs a tool is ordered. Tools that are not here always need a
yes. Who rolls back wants no promotion, whatever it comes down to."""
_BY_A_PERSON = frozenset({"despite_leaks", "overwrite", "everything", "all_about", "retrain"})
"""Arguments that take away a guard: whoever wants them says so when asked."""
_OBJECT = (
    r"\w+\s+(?:the\s+)?(?:(?:model|version|alert|monitor|plan|note|memory)\s+)?(?P<id>[a-z]+_\w+)"
    r"(?:\s+(?:(?:to|as)\s+(?:the\s+)?(?:new\s+)?champion|(?:in)?to\s+production|now|please|too))*\W*"
)
"""An order of one verb and one object that is named by its id, and of nothing else."""
_ID = re.compile(r"[a-z]{2,4}_[0-9a-f]{6,40}")
_TOKEN = re.compile(r"[0-9a-f]{12,64}")
_WHEN = re.compile(r"\d{4}-\d\d-\d\d(?:[T ][\d:.]+(?:Z|[+-]\d\d:\d\d)?)?")


def needs_yes(
    tools: Tools, ask: frozenset[str], messages: Sequence[BaseMessage], call: ToolCall, recall: Recall
) -> bool:
    """Whether a person has to say yes to a call: by the policy, or because data may have asked for it."""
    spec = tools.get(call["name"])
    if spec is None:
        return False
    return spec.effect in ask or unbidden(tools, messages, call, recall)


def unbidden(tools: Tools, messages: Sequence[BaseMessage], call: ToolCall, recall: Recall) -> bool:
    """Whether a call acts on others, or goes to an address, that data may have asked for and the user did not."""
    spec = tools.get(call["name"])
    if spec is None:
        return False
    acts, foreign = spec.effect in ACTS, _foreign(messages, call)
    if not (acts or foreign) or not tainted(tools, messages, recall):
        return False
    return foreign or not asked_for(tools, messages, call)


def tainted(tools: Tools, messages: Sequence[BaseMessage], recall: Recall) -> bool:
    """Whether text that may come from data is in what the model was shown, now or in an earlier turn."""
    called = {call["id"]: call["name"] for message in messages for call in _calls(message)}
    if any(
        _speaks(message, tools.get(called.get(message.tool_call_id, "")))
        for message in messages
        if isinstance(message, ToolMessage)
    ):
        return True
    # what is remembered may have been taken from a result in another conversation
    return any(recall(str(message.text)) for message in messages if isinstance(message, HumanMessage))


def carries_text(value: object) -> bool:
    """Whether a result holds text that is not our own: numbers, ids, times and words of a fixed choice are."""
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        return any(
            not (isinstance(one, str) and _chosen(fields[name].annotation)) and carries_text(one)
            for name, one in ((name, getattr(value, name)) for name in fields)
        )
    if isinstance(value, Mapping):
        return any(carries_text(key) or carries_text(item) for key, item in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return any(carries_text(item) for item in value)
    return isinstance(value, str) and bool(value) and not _is_own(value)


def asked_for(tools: Tools, messages: Sequence[BaseMessage], call: ToolCall) -> bool:
    """Whether the user's words of this turn ask for exactly this call, as rules read them that no data can sway.

    The kind of request is read from those words alone, and only from a plain order: not from a question, a refusal or
    a condition. Either the order names the object by its id and the call says nothing besides, or the call is the one
    that the offline planner would make at this place of the conversation ('promote it'). When in doubt: no.
    """
    said = next((message for message in reversed(messages) if isinstance(message, HumanMessage)), None)
    asked_by = _ASKED_BY.get(call["name"])
    if said is None or asked_by is None:
        return False
    from agents.offline.conversation import Known
    from agents.offline.understanding import understand
    from agents.plan_words import orders_in

    kind, verbs = asked_by
    orders = orders_in(str(said.text), verbs)
    if not orders or all(one.intent != kind for one in understand(str(said.text), Known(), None)):
        return False
    spec = tools[call["name"]]
    free = _beyond_defaults(spec, call["args"])
    if not _BY_A_PERSON.isdisjoint(free):
        return False
    return any(_names(order, free) for order in orders) or _as_planned(tools, messages, call)


def _beyond_defaults(spec: ToolSpec, arguments: Mapping[str, Any]) -> dict[str, object]:
    """The arguments that are not what the tool takes anyway."""
    fields = spec.request.model_fields
    return {name: value for name, value in arguments.items() if name not in fields or not _usual(fields[name], value)}


def _usual(field: FieldInfo, value: object) -> bool:
    # the default may be (), and a model writes []
    return value == (list(field.default) if isinstance(field.default, tuple) else field.default)


def _names(order: str, free: Mapping[str, object]) -> bool:
    """Whether an order names the one thing that a call says by itself, by its id, and nothing else."""
    found = re.fullmatch(_OBJECT, order, re.IGNORECASE)
    return found is not None and list(free.values()) == [found["id"]]


def _as_planned(tools: Tools, messages: Sequence[BaseMessage], call: ToolCall) -> bool:
    """Whether the offline planner would make this call here: the same tool with the same arguments."""
    from agents.offline.model import next_move

    move = next_move(messages, frozenset(tools))
    return move.tool == call["name"] and same_call(tools[call["name"]], move.arguments, call["args"])


def same_call(spec: ToolSpec, one: Mapping[str, object], other: Mapping[str, object]) -> bool:
    """Whether two sets of arguments ask a tool for the same; those that do not fit ask for nothing."""
    try:
        return parse_request(spec, one) == parse_request(spec, other)
    except BadArguments:
        return False


def _foreign(messages: Sequence[BaseMessage], call: ToolCall) -> bool:
    """Whether an argument is an address that the user never named: reading from it tells it what is asked."""
    addresses = [text for text in texts_in(call["args"]) if "://" in text and not text.startswith("file://")]
    said = [str(message.text) for message in messages if isinstance(message, HumanMessage)] if addresses else []
    return any(not any(address in text for text in said) for address in addresses)


def _speaks(message: ToolMessage, spec: ToolSpec | None) -> bool:
    """Whether an answer of a tool may hold text from data; one that cannot be read as its result may."""
    if is_own(message):
        return False
    if message.status == "error" or spec is None:
        return True
    try:
        return carries_text(spec.result.model_validate_json(str(message.text)))
    except ValidationError:
        return True


def _calls(message: BaseMessage) -> Sequence[ToolCall]:
    return message.tool_calls if isinstance(message, AIMessage) else ()


def _chosen(annotation: object) -> bool:
    """Whether a field takes words of a fixed choice and nothing else."""
    if get_origin(annotation) is Literal or annotation is type(None):
        return True
    parts = get_args(annotation)
    return bool(parts) and all(_chosen(part) for part in parts)


def _is_own(text: str) -> bool:
    return any(form.fullmatch(text) is not None for form in (_ID, _TOKEN, _WHEN))
