"""Readers of amounts: time, seed, number of models, share of test rows, how many columns to show."""

import re
from dataclasses import replace

from agents.offline.slots import Reader, Slots, group_of, take
from agents.offline.words import DIGITS, NUMBER, number

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_UNIT = r"(h|hours?|hrs?|m|mins?|minutes?|s|secs?|seconds?)"
_AMOUNT = re.compile(
    rf"(?<![\w.])(?P<sign>[-−]|minus\s+)?(?<![.,\d])(?P<number>{DIGITS}|{NUMBER}(?=[\s-]))\s*-?\s*(?P<unit>{_UNIT})(?=\b|\d)"
    r"(?P<half>\s+and a half)?",
    re.IGNORECASE,
)
_AND_HALF = re.compile(rf"(\d+|one|two|three|a|an)\s+and\s+a\s+half\s+{_UNIT}\b", re.IGNORECASE)
_BUDGET = re.compile(
    r"(?:\b(?:within|in|for|under|at most|max(?:imum)?(?: of)?|up to|about|around|only|with|use|using|take|give it|"
    r"a|the|time|budget|limit)(?: of|:|=)?\s+)*(?:_time_(?:\s*(?:and|,)?\s*_time_)*)"
    r"(?:\s+(?:budget|limit|of training|max))*",
    re.IGNORECASE,
)
_BARE_BUDGET = re.compile(
    rf"\b(?:with a |a )?(?:time )?(?:budget|limit)(?: of|=|:| is)?\s*(?P<sign>[-−])?(?P<number>{DIGITS})\b"
    # 'for 90' alone is a time; 'for 90 rows' and 'for 3 models' are not
    rf"|\bfor\s+(?P<sign2>[-−])?(?P<number2>{DIGITS})(?=\s*(?:$|[,;!?]|\.(?:\s|$)|(?:and|then|with|without|using|best|only|please)\b))",
    re.IGNORECASE,
)
_FACTORS = (
    (re.compile(r"\b(?:double|twice)(?: the| as much)? (?:time|budget|long)\b|\btwice as long\b", re.IGNORECASE), 2.0),
    (re.compile(r"\bhalf the (?:time|budget)\b|\bhalf as long\b", re.IGNORECASE), 0.5),
    (re.compile(r"\b(?:train |run |for )?(?:longer|more time|bigger budget|larger budget)\b", re.IGNORECASE), 2.0),
    (re.compile(r"\b(?:less time|shorter|smaller budget|quicker)\b", re.IGNORECASE), 0.5),
)
_SEED = re.compile(r"\b(?:with |using )?(?:the )?(?:random )?seed(?: of| is|=|:)?\s*(\d+)", re.IGNORECASE)
_MAX_MODELS = re.compile(
    rf"\b(?:train|try|fit|exactly|at most|max(?:imum)?(?: of)?|use|with)\s+({NUMBER})\s+(?:different )?"
    r"(?:models|candidates|variants)\b|\bmax_models\s*[=:]?\s*(\d+)|\b(\d+)\s+(?:models|candidates)\b",
    re.IGNORECASE,
)
_FRACTION = re.compile(
    r"\b(?:hold(?:ing)?[- ]?out|test (?:set|split|size|share|fraction)(?: of)?|seal|keep)\s*(?:of|=|:)?\s*"
    r"(\d+(?:\.\d+)?)\s*(%|percent|per cent)?(?:\s+(?:for testing|as test|of the rows))?",
    re.IGNORECASE,
)
_TOP = re.compile(rf"\btop[- ]({NUMBER})\b|\b({NUMBER}) most important\b", re.IGNORECASE)


def _budget(slots: Slots) -> Slots:
    """Zero and less are passed on as they are: the tool refuses them, with a hint."""
    total, found, rest = 0.0, False, slots.rest

    def half_first(match: re.Match[str]) -> str:
        nonlocal total, found
        found = True
        total += (number(match.group(1)) + 0.5) * _UNITS[match.group(2)[0].lower()]
        return " _time_ "

    def amount(match: re.Match[str]) -> str:
        nonlocal total, found
        found = True
        half = 0.5 if match.group("half") else 0.0
        size = number(match.group("number")) + half
        total += (-size if match.group("sign") else size) * _UNITS[match.group("unit")[0].lower()]
        return " _time_ "

    rest = _AMOUNT.sub(amount, _AND_HALF.sub(half_first, rest))
    if found:
        return replace(slots, budget=total, rest=_BUDGET.sub(" _budget_ ", " ".join(rest.split())))
    match, rest = take(slots, _BARE_BUDGET, "_budget_")
    if match is None:
        return slots
    value = number(match.group("number") or match.group("number2"))
    return replace(slots, budget=-value if match.group("sign") or match.group("sign2") else value, rest=rest)


def _factor(slots: Slots) -> Slots:
    for pattern, factor in _FACTORS:
        match, rest = take(slots, pattern, "_factor_")
        if match is not None:
            return replace(slots, factor=factor, rest=rest)
    return slots


def _whole(field: str, pattern: re.Pattern[str]) -> Reader:
    def reader(slots: Slots) -> Slots:
        match, rest = take(slots, pattern, f"_{field}_")
        return slots if match is None else replace(slots, rest=rest, **{field: int(number(group_of(match)))})  # type: ignore[arg-type]

    return reader


def _fraction(slots: Slots) -> Slots:
    match, rest = take(slots, _FRACTION, "_fraction_")
    if match is None:
        return slots
    value = float(match.group(1))
    share = value / 100 if match.group(2) or value >= 1 else value
    return replace(slots, fraction=share, rest=rest) if 0 < share < 1 else slots


AMOUNTS: tuple[Reader, ...] = (
    _whole("seed", _SEED),
    _budget,
    _factor,
    _whole("max_models", _MAX_MODELS),
    _fraction,
    _whole("top", _TOP),
)
