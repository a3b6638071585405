"""What the assistant may state: every figure and name of an answer is held against what tools answered and users said.

What nothing holds goes back to the model once, with what is wrong; what it states still is struck and marked.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cached_property, lru_cache

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall, ToolMessage

from agents.claims import figures_in, names_of
from agents.grounding import Claim
from agents.grounding.facts import Result
from agents.marked import in_json
from agents.offline.texts import ABILITIES
from agents.proof import Ground
from engine.errors import MillwrightError
from graphs.events import CheckedClaim, ClaimsChecked
from tools.arguments import parse_request
from tools.spec import ToolSpec

MOST_TOLD = 12
"""Claims that a model is told of at once."""
MOST_NAMES = 2_000
SHORT = 60

Tools = Mapping[str, ToolSpec]


class Scope:
    """What an answer may state: put together when its first claim is looked at, as most pieces of an answer have none.

    Args:
        messages: the whole conversation, with the turns that the model is no longer shown.
        remembered: facts of other conversations, as the model was shown them.
        planner: whether the offline planner answers, which may give its examples.
    """

    def __init__(
        self, messages: Sequence[BaseMessage], tools: Tools, remembered: Sequence[str] = (), planner: bool = False
    ) -> None:
        self._messages, self._tools, self._remembered, self._planner = messages, tools, remembered, planner

    @cached_property
    def results(self) -> list[Result]:
        """Each with the id that a claim names: a call's own, said:3 for the third message of the user."""
        told = [_said(f"remembered:{place}", text) for place, text in enumerate(self._remembered, 1)]
        own: list[Result] = [{"id": "planner", "examples": ABILITIES}] if self._planner else []
        found = list(_results(self._messages, self._tools))
        return [*found, *_made(found), *told, vocabulary(tuple(self._tools.values())), *own]

    @cached_property
    def ground(self) -> Ground:
        """The results, prepared."""
        return Ground(self.results)

    def claims_of(self, answer: AIMessage) -> list[Claim]:
        """The claims of an answer. What it asks of a tool it may say, as something that is asked."""
        claims = self.ground.check(answer.text)
        calls = [*answer.tool_calls]
        if not calls or all(claim.grounded for claim in claims):
            return claims
        asked = Ground([_asked(call) for call in calls]).check(answer.text)
        founded = {(claim.value, claim.span): claim for claim in asked if claim.grounded}
        return [claim if claim.grounded else founded.get((claim.value, claim.span), claim) for claim in claims]


def _results(messages: Sequence[BaseMessage], tools: Tools) -> Iterator[Result]:
    calls: dict[str | None, ToolCall] = {}
    said = 0
    for message in messages:
        if isinstance(message, AIMessage):
            calls |= {call["id"]: call for call in message.tool_calls}
        elif isinstance(message, HumanMessage):
            said += 1
            yield _said(f"said:{said}", message.text)
        elif isinstance(message, ToolMessage):
            yield _result(message, calls.get(message.tool_call_id), tools)


def _made(results: Sequence[Result]) -> Iterator[Result]:
    """The models that the conversation has made or met, as rows that can be counted."""
    rows = {str(result["model"]): result for result in results if isinstance(result.get("model"), str)}
    if rows:
        names = ("model", "best", "dataset", "target")
        kept = [{name: row[name] for name in names if name in row} for row in rows.values()]
        yield {"id": "conversation", "models": kept}


def _result(message: ToolMessage, call: ToolCall | None, tools: Tools) -> Result:
    """What a call gave, with what was asked for; an answer in words, such as an error, is something that was said."""
    id_ = message.tool_call_id
    try:
        result = json.loads(message.text) if message.status != "error" else None
    except json.JSONDecodeError:
        result = None
    if not isinstance(result, dict):
        asked = json.dumps(call["args"], ensure_ascii=False, default=str) if call else ""
        return _said(id_, f"{message.text} {asked}")
    return {**result, "arguments": _arguments(call, tools) if call else {}, "id": id_}


def _arguments(call: ToolCall, tools: Tools) -> Mapping[str, object]:
    """What was asked for, with what the tool takes where nothing is said."""
    spec = tools.get(call["name"])
    try:
        return parse_request(spec, call["args"]).model_dump(mode="json") if spec else call["args"]
    except MillwrightError:
        return call["args"]


def _asked(call: ToolCall) -> Result:
    return _said(call["id"] or "call", json.dumps([call["name"], call["args"]], ensure_ascii=False))


def _said(id_: str, text: str) -> Result:
    """Words of the user, of an error, of a call: what stands in `code marks` there is a word like another."""
    return {"id": id_, "said": text.replace("`", " ")}


@lru_cache(maxsize=16)
def vocabulary(tools: tuple[ToolSpec, ...]) -> Result:
    """The names of tools, of their arguments and of the values that these may have."""
    names = {spec.name for spec in tools}
    for spec in tools:
        names.update(_names_in_schema(spec.request.model_json_schema()))
    return _said("tools", " ".join(sorted(names)))


def _names_in_schema(schema: object) -> Iterator[str]:
    if isinstance(schema, Mapping):
        properties = schema.get("properties")
        yield from properties if isinstance(properties, Mapping) else ()
        values = [*schema.get("enum", ()), schema.get("const")]
        yield from (value for value in values if isinstance(value, str))
        for value in schema.values():
            yield from _names_in_schema(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _names_in_schema(value)


# what a model is told of what is wrong, and what everyone is told of an answer


def sent_back(wrong: Sequence[Claim], results: Sequence[Result]) -> str:
    """What the model is told of a draft: each claim that nothing holds, and what the results say instead."""
    values = list(dict.fromkeys(claim.value for claim in wrong))
    lines = [f"- {in_json(value[:SHORT])}: {_instead(value, results)}" for value in values]
    more = [f"- and {len(lines) - MOST_TOLD} more"] if len(lines) > MOST_TOLD else []
    head = "Your last answer was not shown to the user, and what it called was not run. It states what no result holds:"
    rule = (
        "Answer anew, in full. State only figures and names that stand in results of tools or that the user gave; "
        "call a tool for what you do not know (calculate for what follows from known figures), or say that you do not "
        "know it. Do not speak of this message."
    )
    return "\n".join([head, *lines[:MOST_TOLD], *more, rule])


def _instead(value: str, results: Sequence[Result]) -> str:
    figures = figures_in(value)
    measured = [result for result in results if "said" not in result]
    if len(figures) == 1 and not figures[0].value.is_nan():
        found = _nearest(float(figures[0].value), measured)
        return f"the nearest figure in the results is {found}" if found else "no result holds a figure"
    names = list(dict.fromkeys(name for name in names_of(measured) if len(name) <= SHORT))[:MOST_NAMES]
    near = get_close_matches(value, names, n=1)
    return f"the results call it {in_json(near[0])}" if near else "no result knows this name"


def _nearest(value: float, results: Sequence[Result]) -> str | None:
    numbers = [found for result in results for found in _numbers(result, str(result["id"]))]
    if not numbers:
        return None
    number, place = min(numbers, key=lambda found: abs(found[0] - value) / max(abs(found[0]), abs(value), 1e-300))
    return f"{number:.6g} ({in_json(place)})"


def _numbers(value: object, place: str) -> Iterator[tuple[float, str]]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value), place[:SHORT]
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _numbers(item, f"{place}.{key}")
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _numbers(item, place)


def checked(answer: int, claims: Sequence[Claim], taken_back: Sequence[Claim]) -> ClaimsChecked:
    """What everyone is told of the claims of the message number `answer`; `taken_back` are those of its draft."""
    told = tuple(
        CheckedClaim(value=claim.value, span=claim.span, grounded=claim.grounded, result=claim.result_id)
        for claim in claims
    )
    return ClaimsChecked(
        answer=answer,
        claims=told,
        struck=sum(not claim.grounded for claim in claims),
        sent_back=bool(taken_back),
        taken_back=tuple(dict.fromkeys(claim.value for claim in taken_back)),
    )
