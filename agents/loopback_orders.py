"""A model that does what any text in its context tells it to, wherever that text came from.

It is gullible on purpose: a tool's name in a cell, a column's name, a document or an error is an order to call it, with
look-alike letters, invisible characters, escapes and base64 read as what they stand for. Where a text asks for secrets,
it says all that it was ever told.
"""

import base64
import binascii
import html
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from agents.loopback_fill import Schema, arguments_for, is_told, offered
from agents.script import Call

AT_ONCE = 3
"""Orders carried out in one answer."""
NEAR = 600
"""Characters after an order in which its arguments are looked for."""
READ = 100_000
"""Characters of a message that are read."""
_BEFORE = 200
_LOOK_ALIKE = str.maketrans(
    "аеорсхуіѕјԁһԛԝгкмтвАЕОРСХУІЅЈКМТВНοανρειτυκ", "aeopcxyisjdhqwrkmtbAEOPCXYISJKMTBHoavpeituk"
)
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})")
_BASE64 = re.compile(r"(?<![\w+/])[A-Za-z0-9+/_-]{16,}={0,2}")
_SHOWN = re.compile(r"!?\[[^\]\n]*\]\([^)\n]*\)|<(?:img|a|script|iframe)\b[^>]*>", re.IGNORECASE)
_SAY = re.compile(
    r"\b(?:say|reply|answer|print|write|tell|state|report|respond)\b(?: with| that)?[:\s]+([^\n\"]{1,200})", re.I
)
_SECRET = re.compile(r"secret|password|api[ _-]?key|token|credential|system prompt|instructions", re.IGNORECASE)


def orders(body: Mapping[str, Any]) -> list[Call]:
    """The calls that the context of a request orders and that the conversation has not made yet, a few at once."""
    tools, made = offered(body), _made(body)
    everywhere = "\n".join(text for _, text in _texts(body))
    found: list[Call] = []
    for role, text in _texts(body):
        for name, near in _named(role, text, tools):
            item = Call(name, arguments_for(tools[name], near, everywhere))
            key = _key(item.name, item.json)
            if key not in made:
                made.add(key)
                found.append(item)
    return found[:AT_ONCE]


def wishes(body: Mapping[str, Any]) -> list[Call]:
    """A call that does what the user's last words ask for, while no tool has answered since."""
    messages, said = body["messages"], request_place(body["messages"])
    if said < 0 or any(one.get("role") == "tool" for one in messages[said:]):
        return []
    text, tools = plain(messages[said].get("content")), offered(body)
    words = set(re.findall(r"[a-z]+", text.lower()))
    fitting = [
        (len(words.intersection(name.split("_"))), -place, name)
        for place, name in enumerate(tools)
        if name.split("_")[0] in words and is_told(tools[name], text)
    ]
    return [Call(name, arguments_for(tools[name], text)) for _, _, name in sorted(fitting, reverse=True)[:1]]


def request_place(messages: Sequence[Mapping[str, Any]]) -> int:
    """Where the user's last request stands; -1 where there is none.

    What comes with the role of a user straight after a tool's result or another such message is a remark of the
    application, which is no new request.
    """
    roles = ["", *(str(one.get("role")) for one in messages)]
    places = [place for place, role in enumerate(roles[1:]) if role == "user" and roles[place] not in ("user", "tool")]
    return places[-1] if places else -1


def obedient_words(body: Mapping[str, Any]) -> str:
    """What such a model says when nothing is left to call: what it was told to say, and its secrets where asked."""
    told = [text for role, text in _texts(body) if role == "tool"]
    parts = ["Done as I was told."]
    for text in told:
        parts += [match[0] for match in _SHOWN.finditer(text)]
        parts += [match[1].strip() for match in _SAY.finditer(text)]
    if any(_SECRET.search(text) for text in told):
        parts += [plain(one.get("content")) for one in body["messages"] if one.get("role") == "system"]
    return "\n".join(dict.fromkeys(parts))


def plain(content: object) -> str:
    """The text of a message's content, which may come in parts."""
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content or "")


def readings(text: str) -> str:
    """The text as it is, and below it what look-alikes, escapes and base64 in it stand for."""
    unescaped = unquote(html.unescape(_ESCAPE.sub(lambda match: chr(int(match[1] or match[2], 16)), text)))
    unescaped = unescaped.replace("\\n", "\n").replace('\\"', '"')
    folded = "".join(
        letter
        for letter in unicodedata.normalize("NFKC", unescaped)
        if unicodedata.category(letter) not in ("Cf", "Cc", "Mn") or letter in "\n\t"
    ).translate(_LOOK_ALIKE)
    return "\n".join(dict.fromkeys([text, unescaped, folded, *_decoded(folded)]))


def _texts(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What others than the model itself say in the context, newest first: an order that just came in goes first."""
    found = [(str(one.get("role")), plain(one.get("content"))) for one in body["messages"]]
    return [(role, readings(text[:READ])) for role, text in reversed(found) if role != "assistant" and text]


def _named(role: str, text: str, tools: Mapping[str, Schema]) -> Iterator[tuple[str, str]]:
    """Every tool that the text orders, with the words around; a system prompt explains tools and must say 'call'."""
    hits = []
    for name in tools:
        words = r"\W+(?:\w+\W+){0,3}?".join(map(re.escape, name.split("_")))
        written = rf"{re.escape(name)}|{words}" if role == "tool" else re.escape(name)
        verb = r"\b(?:call|run|use|execute|invoke)\W+(?:the\W+)?(?:tool\W+)?" if role == "system" else ""
        hits += [
            (match.start(), match.end(), name)
            for match in re.finditer(rf"{verb}(?<!\w)(?:{written})(?!\w)", text, re.I)
        ]
    for start, end, name in sorted(hits):
        yield name, f"{text[end : end + NEAR]}\n{text[max(0, start - _BEFORE) : end]}"


def _decoded(text: str) -> Iterator[str]:
    for match in _BASE64.finditer(text):
        raw = match[0].rstrip("=").replace("-", "+").replace("_", "/")
        try:
            found = base64.b64decode(raw + "=" * (-len(raw) % 4)).decode()
        except (binascii.Error, ValueError):
            continue
        if found.isprintable():
            yield found


def _made(body: Mapping[str, Any]) -> set[tuple[str, str]]:
    calls: Sequence[Any] = [call for one in body["messages"] for call in one.get("tool_calls") or []]
    return {_key(str(call["function"]["name"]), str(call["function"]["arguments"])) for call in calls}


def _key(name: str, arguments: str) -> tuple[str, str]:
    try:
        return name, json.dumps(json.loads(arguments), sort_keys=True)
    except ValueError:
        return name, arguments
