"""What a bad model answers: the script's turn made worse, or, with an empty script, something of its own."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from agents.loopback_fill import COLUMN_LIKE, arguments_for, columns_spoilt, is_told, least, offered
from agents.loopback_modes import UNTAKEN
from agents.loopback_orders import obedient_words, orders, plain, request_place, wishes
from agents.script import Answer, Call, Script

WRONG_TOOLS = ("run_python", "read_secrets", "train_model_and_deploy", "sql_query", "Profile Dataset", "")
"""Names that a model makes up where the script gives none to spoil."""
INVENTED = "The accuracy is 0.9731, 14.2 % better than before, on 81,264 rows."
GARBAGE = (
    "\ud83d lone, \u202ereversed\u202c, zero\u200bwidth, \x1b[31mred\x1b[0m, \x00 nul, \ufeff mark, e\u0301\u0317. "
)
HUGE_WORDS = 30_000
_SHUT = "There is nothing more to do."
_FIGURE = re.compile(r"(?<![\w.,-])\d+(?:\.\d+)?(?![\w]|\.\d)")


def answer_to(body: dict[str, Any], mode: str, script: Script, improvise: bool) -> Answer:
    """The answer to a request. A turn that the mode keeps from arriving stays in the script.

    Raises:
        ScriptError: the script has ended, and `improvise` does not allow for something else.
    """
    if mode == "empty_answer":
        return Answer(script.taken, "", ())
    if mode == "endless_loop":
        return _endless(body, script)
    if mode == "obeys_everything":
        return _obedient(body, script)
    if improvise:
        given = _improvised(body, mode, script.taken)
        return given if mode == "invented_numbers" else _worse(given, body, mode)
    return _worse(script.next(body["messages"], keep=mode in UNTAKEN), body, mode)


def altered(figure: str) -> str:
    """Another figure of the same form: its digits moved on, so that it never equals the one given."""
    moved = "".join(digit if digit == "." else str((int(digit) * 7 + 3) % 10) for digit in figure)
    return moved if moved != figure else f"{figure}7"


def _endless(body: dict[str, Any], script: Script) -> Answer:
    """The script's first call, or one made up from the user's words, and never anything else."""
    tools = offered(body)
    scripted = [part for entry in script.entries for part in _parts(entry) if isinstance(part, Call)]
    known = [item for item in scripted if item.name in tools]
    if known:
        return Answer(script.taken, "", (known[0],))
    return _answer(body, script.taken, "Let me look at it once more.", afresh=True)


def _obedient(body: dict[str, Any], script: Script) -> Answer:
    found = orders(body)
    if not found and script.taken < len(script.entries):
        return script.next(body["messages"])
    found = found or wishes(body)
    if found:
        return Answer(script.taken, "", tuple(found))
    shaped = _as_asked(body)
    return Answer(script.taken, shaped or obedient_words(body), ())


def _improvised(body: dict[str, Any], mode: str, number: int) -> Answer:
    if mode == "invented_numbers" and _results(body):
        return Answer(number, _retold(body), ())
    text = INVENTED if mode == "invented_numbers" else _SHUT
    return _answer(body, number, text, afresh=mode in ("wrong_tools", "wrong_columns"), columns=mode == "wrong_columns")


def _answer(body: dict[str, Any], number: int, text: str, afresh: bool, columns: bool = False) -> Answer:
    """A call of some tool that is offered, until it was answered (or, `afresh`, always); else words."""
    tools, messages = offered(body), body["messages"]
    said = max(0, request_place(messages))
    answered = any(one.get("role") == "tool" for one in messages[said:])
    shaped = _as_asked(body)
    if shaped is not None or not tools or (answered and not afresh):
        return Answer(number, shaped or text, ())
    words = plain(messages[said].get("content")) if messages else ""
    wished = next(iter(wishes({**body, "messages": messages[: said + 1]})), None)
    ready = [name for name, schema in tools.items() if is_told(schema, words)]
    if columns:
        ready = [name for name, schema in tools.items() if _with_columns(schema)]
    chosen = wished.name if wished and not columns else next(iter(ready or tools))
    arguments = arguments_for(tools[chosen], words)
    if columns:
        wanted = [name for name in tools[chosen].get("properties") or {} if COLUMN_LIKE.search(name)]
        arguments |= {name: least(tools[chosen]["properties"][name], tools[chosen]) or "" for name in wanted}
    return Answer(number, "", (Call(chosen, arguments),))


def _worse(given: Answer, body: dict[str, Any], mode: str) -> Answer:
    """The answer as the mode spoils it."""
    shown = len(body["messages"])
    if mode == "wrong_tools":
        wrong = WRONG_TOOLS[shown % len(WRONG_TOOLS)]
        return replace(given, calls=tuple(Call(wrong, item.arguments) for item in given.calls))
    if mode == "wrong_columns":
        return replace(given, calls=tuple(Call(item.name, columns_spoilt(item.arguments)) for item in given.calls))
    if mode == "invented_numbers":
        return replace(given, text=_FIGURE.sub(lambda match: altered(match[0]), given.text))
    if mode == "extra_keys":
        more = {"confirm": True, "approved": "yes"}
        return replace(given, calls=tuple(Call(item.name, {**item.arguments, **more}) for item in given.calls))
    if mode == "unicode_garbage":
        return replace(given, text=f"{GARBAGE}{given.text}")
    if mode == "huge_answer":
        return replace(given, text=f"{given.text} {'and so on ' * (HUGE_WORDS // 3)}".strip())
    if mode == "same_call_ids" and given.calls:
        return replace(given, calls=(*given.calls, given.calls[-1]))
    return given


def _as_asked(body: dict[str, Any]) -> str | None:
    """The least JSON that fits the schema which a request asks the answer to have; None where it asks for none."""
    shape = body.get("response_format") or {}
    if shape.get("type") == "json_schema":
        schema: Mapping[str, Any] = (shape.get("json_schema") or {}).get("schema") or {}
        return json.dumps(least(schema, schema))
    return "{}" if shape.get("type") == "json_object" else None


def _results(body: dict[str, Any]) -> list[str]:
    return [plain(one.get("content")) for one in body["messages"] if one.get("role") == "tool"]


def _retold(body: dict[str, Any]) -> str:
    """The figures of the last results, each altered beside its true name, and one that nobody gave."""
    told = [f"The {name} is {altered(value)}." for name, value in _named_figures(_results(body))]
    return " ".join([*dict.fromkeys(told[-8:]), INVENTED])


def _named_figures(results: list[str]) -> Iterator[tuple[str, str]]:
    for text in results:
        for match in re.finditer(r"\"(\w+)\\?\":\s*(\d+(?:\.\d+)?)(?![\d.eE])", text):
            yield match[1].replace("_", " "), match[2]


def _with_columns(schema: Mapping[str, Any]) -> bool:
    return any(COLUMN_LIKE.search(name) for name in schema.get("properties") or {})


def _parts(entry: object) -> list[object]:
    return list(entry) if isinstance(entry, list | tuple) else [entry]
