"""Readers of what an optimised model must hold: how long an answer may take, how much may be lost, how large it may be.

'5 ms', 'half a second per row', 'lose at most 1 % f1', 'accuracy must not fall', 'below 2 MB'. In a goal to train for
('predict whether a call takes more than 5 ms') such words belong to the goal.
"""

import re
from dataclasses import replace

from agents.offline.slots import Reader, Slots, group_of, take
from agents.offline.words import NUMBER, number

MADE_TO_PREDICT = re.compile(
    r"\b(?:make|let|get|have|want|need|speed|optimi[sz]e)\b(?:\s+\w+){0,3}?\s+(?:to\s+)?(?:predict|classify|score|label)\w*"
    r"\s+(?:(?:a|one|each|every)\s+\w+\s+)?(?:in|within|under|below|at|faster|quicker|quickly|fast)\b",
    re.IGNORECASE,
)
"""'make it predict in 5 ms': no goal to train for, though it holds the word."""

_ONNX_FILE = re.compile(r"[\"'`]([^\"'`]{1,400}\.onnx)[\"'`]|(?<![\w.])([\w.~/\\+@%:-]{1,400}\.onnx)\b", re.IGNORECASE)
_SETTING = re.compile(
    r"\b(?P<name>prefer|variants?|calibration|max_latency_ms|max_drop|max_size_mb)\s*(?:=|:)\s*", re.IGNORECASE
)

_MILLI = {"m": 1.0, "u": 1e-3, "µ": 1e-3, "μ": 1e-3}
_SHORT_UNIT = r"(?P<unit>(?:m|u|µ|μ)s|(?:milli|micro)[- ]?sec(?:ond)?s?|millis|msecs?)"
_SHORT_TIME = re.compile(
    rf"(?<![\w.])(?P<number>{NUMBER})\s*-?\s*{_SHORT_UNIT}(?!\w)|\bmax_latency_ms\s+(?P<bare>{NUMBER})", re.IGNORECASE
)
_SECONDS = rf"(?P<number>{NUMBER})\s*-?\s*(?:s|secs?|seconds?)(?!\w)"
_PART = r"an?\s+(?P<part>tenth|hundredth|thousandth|quarter)\s+of\s+a\s+second"
_PARTS = {"tenth": 100.0, "hundredth": 10.0, "thousandth": 1.0, "quarter": 250.0}
_ONE = r"(?:rows?|predictions?|answers?|requests?|calls?|customers?|samples?|images?|texts?|messages?)"
_SECONDS_AN_ANSWER = (
    re.compile(
        r"\b(?:answer(?:s|ing)?|respond(?:s|ing)?|response|repl(?:y|ies)|latency|inference)\b(?:\s+\w+){0,5}?\s+"
        rf"(?:in|within|under|below|of|than|is|most)\s+{_SECONDS}",
        re.IGNORECASE,
    ),
    re.compile(rf"(?<![\w.]){_SECONDS}\s+(?:per|an?|for (?:an?|one|each|every))\s+{_ONE}\b", re.IGNORECASE),
)
_PART_OF_A_SECOND = re.compile(rf"\b{_PART}\b", re.IGNORECASE)

_BYTES = {"k": 1e-3, "m": 1.0, "g": 1e3}
_SIZE = re.compile(
    rf"(?<![\w.])(?P<number>{NUMBER})\s*-?\s*(?P<unit>[kmg]i?b|(?:kilo|mega|giga)bytes?|megs?)(?!\w)"
    rf"|\bmax_size_mb\s+(?P<bare>{NUMBER})",
    re.IGNORECASE,
)

_RATE = re.compile(rf"\b{_ONE}\s+(?:per|a|an|each|every)\s+(?:second|sec|s|minute|hour)\b", re.IGNORECASE)

_UNIT = r"(?:%|percent(?:age)?(?: points?)?|per cent|(?:percentage )?points?|pp|pts?)(?!\w)"
_LOSS = (
    r"(?:los(?:e|es|ing|t)|(?<!log )(?<!log_)(?<!log-)(?<!entropy )loss(?:es)?|drop(?:s|ped|ping)?|fall(?:s|ing)?|"
    r"worse|decreas\w+|degrad\w+|sacrific\w+|giv(?:e|ing) up|given up|costs?|reduc\w+|go(?:es|ing)? down|down by|"
    r"declin\w+|tolera\w+|max_drop|allow\w*|penalty|trad(?:e|ing)|afford|spar(?:e|ing)|suffers?|accept|off|"
    r"below the original|(?:accuracy|quality|metric) budget|guard|tolerance|slack|margin)"
)
_QUALITY = r"(?:f-?1|accura\w+|auc|roc_auc|recall|precision|rmse|mae|r2|quality|performance|scores?|metric|log_loss)"
_BETWEEN = r"(?:[^.;,!?\d]|,(?=\s*at most)){0,45}?"
_LOST = (
    re.compile(
        rf"\b(?P<verb>{_LOSS})\b(?P<between>{_BETWEEN})(?<![\w.])(?P<number>{NUMBER})\s*-?\s*(?P<unit>{_UNIT})",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b(?P<verb>{_LOSS})\b(?P<between>{_BETWEEN})(?<![\w.])(?P<number>0?\.\d+|max_drop \d+)(?![\w.]*\d)",
        re.IGNORECASE,
    ),
    re.compile(rf"\bmax_drop(?P<between>\s+)(?P<number>{NUMBER})", re.IGNORECASE),
    re.compile(
        rf"(?<![\w.])(?P<number>{NUMBER})\s*-?\s*(?P<unit>{_UNIT})(?P<between>(?:\s+[\w-]+){{0,4}}?\s+){_LOSS}\b",
        re.IGNORECASE,
    ),
    re.compile(rf"(?<![\w.])(?P<number>0?\.\d+)(?P<between>(?:\s+[\w-]+){{0,4}}?\s+){_LOSS}\b", re.IGNORECASE),
    re.compile(rf"(?<![\w.])(?P<number>0?\.\d+)(?P<between>\s+(?:of\s+)?(?:the\s+)?{_QUALITY}\b)", re.IGNORECASE),
    re.compile(
        rf"(?<![\w.])(?P<number>{NUMBER})\s*-?\s*(?P<unit>{_UNIT})(?P<between>\s+(?:of\s+)?(?:the\s+)?{_QUALITY}\b)",
        re.IGNORECASE,
    ),
)
_BARE_SHARE = re.compile(
    rf"^\W*(?:(?:and|now|with|at|most|up|to|make|it|ok|or|rather|say|only|then)\s+)*(?P<number>{NUMBER})\s*-?\s*"
    rf"(?P<unit>{_UNIT})(?:\s+(?:then|instead|please|only))*\W*$",
    re.IGNORECASE,
)
_KEPT = (
    re.compile(
        rf"\b(?:keep|retain|preserve|maintain)\w*(?P<between>{_BETWEEN})(?<![\w.])(?P<number>{NUMBER})\s*(?P<unit>{_UNIT})"
        rf"(?=\s+(?:of\s+)?(?:the |its |original )*{_QUALITY})",
        re.IGNORECASE,
    ),
)
_NOTHING_LOST = (
    re.compile(
        r"\b(?:no|zero|without(?: any)?|not any)\s+(?!(?:significant|noticeable|big|large|major|much|real|too|great)\b)"
        rf"(?:{_QUALITY}\s+)?(?:loss|drop|losing|decrease|degradation|dropping|reducing|hurting|sacrificing|penalty)\b"
        rf"(?!\s+(?:much|too|a lot)\b)(?:(?=.*\b{_QUALITY}\b)|\W*$)",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b{_QUALITY}\b\s+(?:must|should|may|can|shall|does|do|will)\s?(?:not|n['’]?t)\s+(?:drop|fall|get worse|"
        r"suffer|decrease|go down|change|decline|be lost)\b(?!\s+(?:much|a lot|too|by|more|below|under))",
        re.IGNORECASE,
    ),
    re.compile(rf"\b(?:same|equal|unchanged|identical)\s+{_QUALITY}\b|\blossless(?:ly)?\b", re.IGNORECASE),
    re.compile(
        r"\b(?:keep|preserve|retain|maintain)\w*\s+(?:the |its |all )*(?:f-?1|accuracy|auc|recall|precision)\b"
        r"(?!\s+(?:columns?|fields?|features?|high|good|up|above|over|reasonabl\w+|ok|within|at|of|on|in)\b)",
        re.IGNORECASE,
    ),
)
_AT_LEAST = re.compile(
    rf"\b{_QUALITY}\b(?:\s+\w+){{0,3}}\s+(?:above|over|at least|not below|no less than|higher than|>=?)\s+"
    rf"(0?\.\d+|\d\d(?:\.\d+)?\s*(?:%|percent))|"
    rf"\bat least (?:an? )?(0?\.\d+|\d\d(?:\.\d+)?\s*(?:%|percent)) {_QUALITY}\b",
    re.IGNORECASE,
)


def onnx_file(slots: Slots) -> Slots:
    """'model.onnx' is a file to write: no model is read from one."""
    match, rest = take(slots, _ONNX_FILE, "_onnx_")
    return slots if match is None else replace(slots, out=group_of(match), rest=rest)


def floor_of(text: str) -> str | None:
    """The least value of a metric, where one is asked for ('f1 above 0.8'): a goal says what may be lost instead."""
    match = _AT_LEAST.search(text)
    return None if match is None else next(group for group in match.groups() if group)


def _settings(slots: Slots) -> Slots:
    """'prefer=size' is a setting, and no value of a row."""
    return replace(slots, rest=_SETTING.sub(lambda match: f"{match.group('name')} ", slots.rest))


def _of_a_goal(slots: Slots) -> bool:
    return slots.strict and MADE_TO_PREDICT.search(slots.rest) is None


def _latency(slots: Slots) -> Slots:
    if _of_a_goal(slots):
        return slots
    match, rest = take(slots, _SHORT_TIME, "_latency_")
    if match is not None:
        factor = 1.0 if match.group("bare") else _factor_of(match.group("unit"))
        value = number(match.group("bare") or match.group("number")) * factor
        # '-5 ms' is no latency, and the tool says so; it must not be taken for 5
        negative = re.search(r"(?:^|\s)-$", slots.rest[: match.start()]) is not None
        return replace(slots, latency_ms=-value if negative else value, rest=rest)
    match, rest = take(slots, _PART_OF_A_SECOND, "_latency_")
    if match is not None:
        return replace(slots, latency_ms=_PARTS[match.group("part").lower()], rest=rest)
    for pattern in _SECONDS_AN_ANSWER:
        match = pattern.search(slots.rest)
        if match is not None:
            rest = f"{slots.rest[: match.start('number')]} _latency_ {slots.rest[match.end() :]}"
            return replace(slots, latency_ms=1e3 * number(match.group("number")), rest=rest)
    return slots


def _factor_of(unit: str) -> float:
    return 1e-3 if unit.lower().startswith("micro") else _MILLI[unit[0].lower()]


def _rate(slots: Slots) -> Slots:
    """'rows per second' is a throughput: no time, and no second of a list."""
    return slots if _of_a_goal(slots) else replace(slots, rest=_RATE.sub(" _rate_ ", slots.rest))


def _size(slots: Slots) -> Slots:
    match, rest = take(slots, _SIZE, "_size_")
    if match is None or _of_a_goal(slots):
        return slots
    factor = 1.0 if match.group("bare") else _BYTES[match.group("unit")[0].lower()]
    return replace(slots, size_mb=number(match.group("bare") or match.group("number")) * factor, rest=rest)


def _loss(slots: Slots) -> Slots:
    """The share that may be lost; the words between stay, since they may name the metric."""
    if _of_a_goal(slots):
        return slots
    for patterns, kept in ((_KEPT, True), (_LOST, False)):
        for pattern in patterns:
            match = pattern.search(slots.rest)
            if match is not None:
                value = _share(match)
                rest = f"{slots.rest[: match.start()]} {match.group('between')} _loss_ {slots.rest[match.end() :]}"
                return replace(slots, max_drop=round(1 - value if kept else value, 9), rest=rest)
    for pattern in _NOTHING_LOST:
        match = pattern.search(slots.rest)
        if match is not None:
            named = " ".join(re.findall(_QUALITY, match.group(), re.IGNORECASE))
            rest = f"{slots.rest[: match.start()]} {named} _loss_ {slots.rest[match.end() :]}"
            return replace(slots, max_drop=0.0, rest=rest)
    return slots


def _no_cells(slots: Slots) -> Slots:
    """'make it fit a phone: at most 1 MB' tells no value of a row."""
    if slots.latency_ms is slots.size_mb is slots.max_drop is None:
        return slots
    return replace(slots, rest=re.sub(r":\s", ", ", slots.rest))


def bare_share(text: str) -> float | None:
    """'half a percent' and nothing else."""
    match = _BARE_SHARE.match(text)
    return None if match is None else _share(match)


def _share(match: re.Match[str]) -> float:
    """Percent and points are hundredths; a number from 1 on can be nothing else."""
    value = number(match.group("number"))
    return value / 100 if match.groupdict().get("unit") or value >= 1 else value


GOALS: tuple[Reader, ...] = (_settings, _rate, _latency, _size, _loss, _no_cells)
"""Before the amounts: '5 ms' is no budget, and 'half a second per row' neither."""
