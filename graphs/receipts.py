"""What was done, as receipts, and the Python program that does it again.

Text from data (a column called `"); import os`) stays data: every value is written as a literal, every remark on one
line, and the program is read back before it is handed out.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence

from langchain_core.messages import BaseMessage
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agents.offline.conversation import Json, read_turns
from engine.data.load import safe_path
from engine.errors import BadArguments
from graphs.script_check import faults_of
from tools.arguments import parse_request
from tools.catalogue import CATALOGUE
from tools.finding import is_file_or_folder, without_secrets
from tools.spec import ToolSpec

Tools = Mapping[str, ToolSpec]
CALL = "workshop.call"
SOURCES = frozenset({"source", "data", "rows"})
"""Arguments that may name a file."""
_ID = re.compile(r"(?:ds|mdl|run|mon|job)_[0-9a-zA-Z_]{1,40}")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://\S+")
_REMARK = 200
_SHOWN = 4
_SHORT = 60


class Receipt(BaseModel):
    """One call that was answered. `result` is None where the answer was an error; `error` then says which."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^r[0-9]{1,6}$")
    tool: str
    arguments: Json
    result: Json | None = None
    error: str | None = None
    note: str | None = None
    """What a reader of the program should know of the call."""

    def as_result(self) -> Json:
        """The result with the receipt's id, as claims are checked against it."""
        return {**(self.result or {}), "arguments": self.arguments, "id": self.id}


def receipts_of(messages: Sequence[BaseMessage]) -> tuple[Receipt, ...]:
    """The answered calls of a conversation, in order, numbered r1, r2 ..."""
    done = [call for turn in read_turns(messages) for call in turn.calls]
    return tuple(
        Receipt(id=f"r{number}", tool=call.tool, arguments=call.arguments, result=call.result, error=call.error)
        for number, call in enumerate(done, 1)
    )


class ScriptCell(BaseModel):
    """The lines that one receipt becomes: remarks, or remarks and a call."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    receipt: str
    lines: tuple[str, ...]


def script_of(receipts: Sequence[Receipt], title: str = "What was done", tools: Tools = CATALOGUE) -> str:
    """A program that does the same calls by `millwright.open_workshop()`. Ids that an earlier call returned are taken
    from its result, as the new ones will differ; calls that failed or were stopped are left out, with the reason."""
    lines = [f"# {one_line(title)}", "# Written from what was done; run it with: python FILE", "import millwright", ""]
    body = [line for cell in cells_of(receipts, tools) for line in (*cell.lines, "")]
    lines += ["with millwright.open_workshop() as workshop:"]
    lines += [f"    {line}" if line else "" for line in (body or ["pass", ""])]
    if body and all(line.startswith("#") or not line for line in body):
        lines += ["    pass", ""]
    source = "\n".join(lines).rstrip("\n") + "\n"
    _check(source, tools)
    return source


def cells_of(receipts: Sequence[Receipt], tools: Tools = CATALOGUE) -> list[ScriptCell]:
    """Each receipt as lines of a program, in which a variable is called as its receipt."""
    known: dict[str, str] = {}
    seen: set[str] = set()
    cells = []
    for receipt in receipts:
        why_not = _left_out(receipt, tools)
        if why_not is None:
            cells.append(ScriptCell(receipt=receipt.id, lines=tuple(_lines(receipt, tools, known))))
            seen |= set(_ids_in(receipt.arguments))
            if tools[receipt.tool].effect != "read":
                # what a reading call returns was there before
                new = _places(receipt, tools[receipt.tool])
                known |= {found: place for found, place in new.items() if found not in known and found not in seen}
        else:
            remark = f"# [{receipt.id}] {one_line(receipt.tool, 60)} is left out: {why_not}"
            cells.append(ScriptCell(receipt=receipt.id, lines=(remark,)))
    return cells


def one_line(text: str, most: int = _REMARK) -> str:
    """A text as part of a remark: no line break, nothing invisible, no secret of a URL."""
    hidden = _URL.sub(lambda found: without_secrets(found.group()), text)
    plain = " ".join("".join(letter if letter.isprintable() else " " for letter in hidden).split())
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"


def _left_out(receipt: Receipt, tools: Tools) -> str | None:
    """Why a receipt does not become a call; None when it does."""
    if receipt.result is None:
        return f"it failed. {one_line(receipt.error or '')}".strip()
    if receipt.tool not in tools:
        return "it is no tool of the workshop."
    if receipt.result.get("cancelled") and not receipt.result.get("model"):
        return "it was stopped before it had a result."
    try:
        parse_request(tools[receipt.tool], receipt.arguments)
    except BadArguments as error:
        return one_line(str(error))
    return None


def _lines(receipt: Receipt, tools: Tools, known: Mapping[str, str]) -> Iterator[str]:
    assert receipt.result is not None
    about = "; it changes something others use" if tools[receipt.tool].effect in ("write", "external") else ""
    stopped = "; it was stopped early then, and runs in full now" if receipt.result.get("cancelled") else ""
    yield f"# [{receipt.id}] {receipt.tool}{about}{stopped}"
    before = [found for found in _ids_in(receipt.arguments) if found not in known]
    if before:
        yield f"# made before, and expected in the home: {', '.join(before)}"
    if _hides(receipt.arguments):
        yield "# a password or parameters of a URL were left out: put them in"
    spec = tools[receipt.tool]
    told = {name: value for name, value in receipt.arguments.items() if not _is_default(spec, name, value)}
    if receipt.note:
        yield f"# {one_line(receipt.note)}"
    given = ", ".join(f"{name}={_literal(_from_anywhere(name, value), known)}" for name, value in told.items())
    yield f"{receipt.id} = {CALL}({_literal(receipt.tool, {})}{', ' + given if given else ''})"
    fields = tools[receipt.tool].result.model_fields
    shown = [f"{receipt.id}.{key}" for key in fields if _is_short(receipt.result.get(key))][:_SHOWN]
    yield f"print({', '.join([repr(f'[{receipt.id}] {receipt.tool}:'), *shown])})"


def _is_default(spec: ToolSpec, name: str, value: object) -> bool:
    """Whether leaving an argument out says the same."""
    field = spec.request.model_fields[name]
    default = field.get_default(call_default_factory=True, validated_data={})
    same = list(default) if isinstance(default, tuple) else default
    return not field.is_required() and type(value) is type(same) and bool(value == same)


def _from_anywhere(name: str, value: object) -> object:
    """The path of a local file in full, so that the program runs from any folder."""
    is_path = name in SOURCES and isinstance(value, str) and not _ID.fullmatch(value) and is_file_or_folder(value)
    return str(safe_path(value).absolute()) if is_path and isinstance(value, str) else value


def _literal(value: object, known: Mapping[str, str]) -> str:
    """A JSON value as Python; an id that an earlier call returned as the place where it stands."""
    if isinstance(value, str):
        return known.get(value) or repr(_without_secrets(value))
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{str(key)!r}: {_literal(item, known)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_literal(item, known) for item in value) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        return f"float({str(value)!r})"
    return repr(value)


def _without_secrets(text: str) -> str:
    return without_secrets(text) if _URL.fullmatch(text) else _URL.sub(lambda url: without_secrets(url.group()), text)


def _hides(value: object) -> bool:
    """Whether writing a value leaves something out."""
    return any(_without_secrets(text) != text for text in _texts(value))


def _ids_in(value: object) -> list[str]:
    return [text for text in _texts(value) if _ID.fullmatch(text)]


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def _places(receipt: Receipt, spec: ToolSpec) -> dict[str, str]:
    """Each id in a result with the expression that gives it, the shortest there is."""
    try:
        result = spec.result.model_validate(receipt.result)
    except ValidationError:  # of an older version: its fields cannot be relied on
        return {}
    found = sorted(_walk(result, receipt.id), key=lambda pair: (pair[1].count(".") + pair[1].count("["), pair[1]))
    return dict(reversed(found))


def _walk(value: object, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str) and _ID.fullmatch(value):
        yield value, place
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _walk(item, f"{place}[{number}]")
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _walk(getattr(value, name), f"{place}.{name}")


def _is_short(value: object) -> bool:
    return isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= _SHORT)


def _check(source: str, tools: Tools) -> None:
    faults = faults_of(source, tools)
    # a defect of ours, not of the caller: nothing unread may be handed out
    assert not faults, f"the script would do what it must not: {faults[0]}"
