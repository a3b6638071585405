"""Readers of metric, models, alias, place in a list, name, values of a row, and the words for columns."""

import json
import re
from dataclasses import replace

from agents.offline.explicit import asks_family, asks_metric, is_of_the_goal
from agents.offline.slots import Reader, Slots, TargetForm, group_of, take, unquoted
from agents.offline.tables import DOUBTFUL, FAMILIES, METRICS, NO_FAMILY

_ALIAS = re.compile(r"\b(champion|challenger)\b", re.IGNORECASE)
_PRODUCTION = re.compile(
    r"\b(?:the )?(?:default|production|live(?! (?:in|at|on)\b)|official)(?: (?:model|one|version))?\b", re.IGNORECASE
)
_ORDINALS = {"first": 0, "1st": 0, "second": 1, "2nd": 1, "third": 2, "3rd": 2, "fourth": 3, "4th": 3, "fifth": 4}
_ORDINAL = re.compile(
    r"\b(?:the )?(first|1st|second|2nd|third|3rd|fourth|4th|fifth|last|(?<=the )other)"
    r"(?= (?:one|model|dataset|job|of)\b|[?.!,]|$)"
    r"(?: one| model| dataset| job)?|(?:\bnumber |\bno\. ?|#)(\d+)\b",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"\b(?:call|name) (?:it|the model|this model) (?:as )?([\w-]+)|\b(?:model )?named ([\w-]+)", re.IGNORECASE
)
_PAIR = re.compile(
    r"([A-Za-z_][\w .]*?)\s*(?:=|(?<!\s\d)(?<!\s\d\d):(?!/))\s*(.+?)(?=\s*(?:,|;|$|\band\s+[A-Za-z_][\w ]*?\s*[=:]))"
)
_SETTINGS = re.compile(
    r"\b(?:target|label|metric|models?|drop|budget|name|seed|goal|data|it|this|that|alert|alarm|labels|outcomes)\s*$",
    re.IGNORECASE,
)
_SPOKEN = re.compile(
    r"\b(?:note|plan|mind|docs?|documentation|documents|research|task|question|code|only|run|remember|forget|first)\s*$",
    re.IGNORECASE,
)
"""What a colon follows in a sentence; with '=' it is a column: 'plan=A'."""


_REFUSED = re.compile(r"\b(?:than|instead of|rather than|not by|no longer)\s+(?:the\s+|by\s+)?$", re.IGNORECASE)
"""What stands before a metric that is not wanted: 'recall instead of accuracy'."""


def _metric(slots: Slots) -> Slots:
    text = slots.rest if slots.metric is None else ""
    for pattern, name in METRICS:
        for match in pattern.finditer(text):
            if _REFUSED.search(text[: match.start()]):
                continue
            if not slots.strict or asks_metric(text, match.start(), match.end()):
                rest = f"{text[: match.start()]} _metric_ {text[match.end() :]}"
                return replace(slots, metric=name, rest=rest)
    return slots


def _families(slots: Slots) -> Slots:
    found: list[tuple[str, bool]] = []
    rest, before = slots.rest, ""
    while rest != before:  # what was found makes more of its list certain: 'linear and forest'
        before = rest
        for pattern, name in FAMILIES:
            rest = _without_family(rest, pattern, name, slots.strict, found)
    wanted = [name for name, negated in found if not negated]
    refused = [name for name, negated in found if negated]
    strange = next((name for name in wanted + refused if name.startswith("?")), None)
    return replace(
        slots,
        families=tuple(dict.fromkeys(name for name in wanted if not name.startswith("?"))),
        without=tuple(dict.fromkeys(name for name in refused if not name.startswith("?"))),
        unknown_family=strange[1:] if strange else None,
        rest=rest,
    )


def _without_family(rest: str, pattern: re.Pattern[str], name: str, strict: bool, found: list[tuple[str, bool]]) -> str:
    """The text with a placeholder for each family that `pattern` finds; `found` gets (name, whether not wanted)."""
    place = 0
    while match := pattern.search(rest, place):
        doubtful = strict or DOUBTFUL.fullmatch(match.group())
        if doubtful and not asks_family(rest, match.start(), match.end()):
            place = match.end()
            continue
        negated = NO_FAMILY.search(rest[: match.start()]) is not None
        found.append((name, negated))
        rest = f"{rest[: match.start()]} {'_nofamily_' if negated else '_family_'} {rest[match.end() :]}"
    return rest


def _alias(slots: Slots) -> Slots:
    match, rest = take(slots, _ALIAS, "_alias_")
    if match is not None:
        return replace(slots, alias=match.group(1).lower(), rest=rest)
    match, rest = take(slots, _PRODUCTION, "_alias_")
    return slots if match is None else replace(slots, alias="champion", rest=rest)


def _ordinal(slots: Slots) -> Slots:
    match, rest = take(slots, _ORDINAL, "_ordinal_")
    if match is None:
        return slots
    if match.group(2):
        return replace(slots, ordinal=int(match.group(2)) - 1, rest=rest)
    word = match.group(1).lower()
    return replace(slots, ordinal={"last": -1, "other": 1, **_ORDINALS}[word], rest=rest)


def _name(slots: Slots) -> Slots:
    match, rest = take(slots, _NAME, "_name_")
    return slots if match is None else replace(slots, name=group_of(match), rest=rest)


def _pairs(slots: Slots) -> Slots:
    """'tenure=3, Contract=Two year' is one row."""
    row: dict[str, object] = {}
    start: int | None = None
    tail = ""
    for match in _PAIR.finditer(slots.rest):
        name = _NOISE.sub("", match.group(1)).strip()
        no_cell = match.group(2).startswith("_") and not match.group(2).startswith("_quoted")
        spoken = _SPOKEN.search(match.group(1)) is not None and "=" not in match.group()[len(match.group(1)) :][:2]
        if not name or no_cell or spoken or _SETTINGS.search(match.group(1)) or name.startswith("_"):
            continue
        value, tail = _apart(match.group(2), tail)
        row[unquoted(name, slots)] = _cell(unquoted(value.strip(" .?!"), slots))
        start = match.start() if start is None else start
    if not row or start is None:
        return slots
    # the words before the first name are part of its match: keep the verb
    before = slots.rest[:start] + _leading(slots.rest[start:])
    return replace(slots, rows=(*slots.rows, row), rest=f"{before} _rows_ {tail}".rstrip())


_USING = re.compile(
    r"\s+(?:with|using|by)\s+(?:(?:the|my|our|model)\s+)*(?:_model_|_alias_|[\w.-]+\s+model\b|\w+(?:-\w+)+\W*$).*$",
    re.IGNORECASE,
)


def _apart(value: str, tail: str) -> tuple[str, str]:
    """The value of a cell without the model that it is to be predicted with: '70 with the houses model'."""
    using = _USING.search(value)
    return (value, tail) if using is None else (value[: using.start()], using.group().strip())


_NOISE = re.compile(
    r"^.*\b(?:for|with|of|when|where|if|is|has|having|and|predict|row|customer|a|an|someone|somebody|rows?|one)\b\s+",
    re.IGNORECASE,
)


def _leading(text: str) -> str:
    """What stands before the name of the first pair."""
    head = re.split(r"[=:]", text, maxsplit=1)[0]
    match = _NOISE.match(head)
    return head[: match.end()] if match else ""


def _cell(text: str) -> object:
    try:
        return json.loads(text) if re.fullmatch(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", text) else text
    except json.JSONDecodeError:
        return text


_END = (
    r"(?=\s*(?:$|[;!?]|\.(?:\s|$)|,\s+(?:and\s+)?(?:with|within|only|using|use|best|optimi\w+|without|seed|in|for|then|"
    r"predict(?:ing)?\b|train\s|classify\b|(?:explain|test|promote)\s+(?:it|the)\b|please\b|_)|"
    r"\b(?:from|using|within|with|without|in|on|by|based|instead|please|then|again|to|for|given|when|as|but|"
    r"and (?:use|train|re-?run|retrain|run|go|again|predict|then|only|with|show|try|optimi\w+|explain|_))\b|\s_))"
)
_DROP = re.compile(
    r"\b(?:without|drop(?:ping)?|ignor(?:e|ing)|exclud(?:e|ing)|leav(?:e|ing) out|except(?: for)?|"
    r"remov(?:e|ing)|don['’]?t use|do not use|never use(?= (?:the )?(?:column|feature)s? )|not using|omit(?:ting)?|"
    r"skip(?:ping)?)\s+"
    r"(?:the\s+)?(?P<column>(?:columns?|features?|fields?|variables?)\b)?\s*"
    r"(?:called\s+|named\s+)?(?!_(?!quoted)|a model|it\b|this\b|that\b|an? |"
    r"(?:my |your |that |this )?(?:notes?|memory|memories|steps?|plan)\b)(?P<names>.+?)"
    r"(?P<columns>\s+(?:column|feature|field)s?)?" + _END,
    re.IGNORECASE,
)
_LEFT_OUT = re.compile(
    r"\b(?:leave|take|keep)\s+(?:the\s+|column\s+)?((?!it\b|this\b|that\b|me\b|us\b|_)\w[\w ,]{0,60}?)\s+"
    r"out(?:\s+of\s+(?:it|this|(?:the\s+)?(?:model|training|features|inputs?|table|plan|run)))?\b(?!\s+of\b)",
    re.IGNORECASE,
)
"""'leave gender out' is 'leave out gender'."""
_JOINS = re.compile(r"\b(?:and|but|then)\s*$", re.IGNORECASE)
"""Before an order of its own: 'who survived, and ignore sex'."""
_KEEP = re.compile(
    r"\b(?:use|include|keep|put|bring|add|take|restore|with)\s+(?:back\s+)?(?:the\s+)?(?:columns?\s+)?([^,;.!?]+?)\s+"
    r"(?:again|back|after all)\b"
    r"|\b(?:un-?drop|re-?include|restore|bring back|put back|add back|stop (?:ignoring|dropping))\s+(?:the\s+)?"
    r"(?:columns?\s+)?([^,;.!?]+?)\s*(?=$|[,;.!?])",
    re.IGNORECASE,
)
_TARGETS = (
    re.compile(
        r"\b(?:--)?(?:target|label|dependent|outcome)(?:\s+(?:column|variable|field))?\s*"
        r"(?:is|=|:|should be|will be|being|called|named|\s)\s*"
        r"(?!(?:column|variable|field|is)\b)(?:the\s+)?(?:column\s+)?(.+?)" + _END,
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:predict(?:s|ing)?|forecast(?:ing)?|classif(?:y|ies|ying)|estimat(?:e|es|ing)|model(?:l?ing)?|regress(?:ing)?|"
        r"model (?:for|of))\s+(?!(?:for|with|on|in|a|using|from|that|which)\b)"
        r"(?:the\s+)?(?:column\s+)?(?:value of\s+)?(.+?)" + _END,
        re.IGNORECASE,
    ),
    re.compile(r"\b(?:i|we|rather)\s+mea(?:n|nt)\s+(?:the\s+)?(?:column\s+)?(.+?)" + _END, re.IGNORECASE),
    re.compile(r"\bfor\s+(?:predicting\s+)?(?:the\s+)?(?!_)(.+?)" + _END, re.IGNORECASE),
)

_TARGET_FORMS: tuple[TargetForm, ...] = ("named", "goal", "goal", "loose")


def _drop(slots: Slots) -> Slots:
    names: list[str] = []
    columns: list[str] = []
    rest, place = _LEFT_OUT.sub(r"leave out \1 ", slots.rest), 0
    while match := _DROP.search(rest, place):
        called = match.group("column") or match.group("columns")
        new = [part.strip() for part in re.split(r",|\band\b|\bor\b|&", match.group("names")) if part.strip()]
        new = [unquoted(re.sub(r"^(?:the|column|feature)\s+", "", name), slots) for name in new]
        called = called or (_JOINS.search(rest[: match.start()]) and slots.known.issuperset(map(str.lower, new)))
        if slots.strict and not called and is_of_the_goal(rest, match.start(), match.end()):
            place = match.end()
            continue
        names += new
        columns += new if called else []
        rest = f"{rest[: match.start()]} _drop_ {rest[match.end() :]}"
    unique = tuple(dict.fromkeys(names))
    return replace(slots, drop=unique, drop_columns=tuple(columns), rest=rest)


def _keep(slots: Slots) -> Slots:
    """'use tenure again': a column that was left out. The words stay, since they may as well mean something else."""
    names = [next(filter(None, match.groups())) for match in _KEEP.finditer(slots.rest)]
    return replace(slots, keep=tuple(unquoted(name.strip(), slots) for name in names))


def _target(slots: Slots) -> Slots:
    for place, pattern in enumerate(_TARGETS):
        match = pattern.search(slots.rest)
        if match is not None and match.group(1).strip():
            target = unquoted(match.group(1).strip(), slots)
            return replace(slots, target=target, target_form=_TARGET_FORMS[place])
    return slots


MENTIONS: tuple[Reader, ...] = (_metric, _families, _metric, _alias, _name, _pairs, _ordinal, _drop, _keep, _target)
"""In this order: what has a plain form first, so that the words of columns are read from what is left.

A metric may stand in a list after a family, so metrics are read again.
"""
