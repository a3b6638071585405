"""Whether a word is a setting or a part of the goal: 'predict forest cover' asks for no forest, 'with a forest' does.

A goal may hold any word, so beside one a setting counts only in an explicit form: after a word that asks for it ('use',
'only', 'best' ...) or as a clause of its own, and never before another noun.
"""

import re

from agents.offline.tables import FAMILIES, METRICS

GOAL = re.compile(
    r"\b(?:predict(?:s|ing)?|forecast(?:s|ing)?|classif(?:y|ies|ying)|detect(?:s|ing)?|regress|guess|who|whether|"
    r"which (?!(?:model|metric|candidate|column|feature|variable|factor|one|of|data|job)s?\b)\w+)\b",
    re.IGNORECASE,
)
"""Words that begin a goal."""

_BESIDE = (
    r"(?:\s+(?:a|an|any|the|its|my|our|one|only|just|some|plain|simple|small|tiny|little|big|possible|most|is|for|of|as|"
    r"both|=|:))*\s*$"
)
_FREE = re.compile(
    r"(?:^|[,;.:!?(]|(?<!\w)_\w+_)\s*(?:(?:and|or|nor|but|also|now|then|please|plus|&)\s+)*$", re.IGNORECASE
)
_CLOSED = re.compile(
    r"\s*(?:$|[,;.:!?)]|_|(?:but|with|within|without|in|on|from|using|please|as|for|too|also|only|now|instead|again|to|"
    r"then|when|if|models?|classifiers?|regressors?|algorithms?|score|metric|alone|at|this|by|because|not|no)\b)",
    re.IGNORECASE,
)
_AND = re.compile(r"\s*(?:and|or|nor|&)\s+(?:(?:a|an|the)\s+)?", re.IGNORECASE)
_GOES_ON = re.compile(
    r"_|(?:use|using|train|with|without|no|not|only|drop|leave|ignore|exclude|skip|best|optimi\w+|maximi\w+|minimi\w+|"
    r"seed|within|explain|show|then|predict|call|name)\b",
    re.IGNORECASE,
)
_ASKS_METRIC = re.compile(
    r"\b(?:best|optimi[sz](?:e|ed|ing)|maximi[sz](?:e|ed|ing)|minimi[sz](?:e|ed|ing)|metric|scor(?:e|ed|ing)|"
    r"judg(?:e|ed|ing)|measured|by|with|use|using|high|highest|low|lowest|good|better|tuned?|care|about|go for|try)"
    + _BESIDE,
    re.IGNORECASE,
)
_ASKS_FAMILY = re.compile(
    r"\b(?:use|using|with|only|just|by|via|try|trying|re-?train|train|training|fit|fitting|run|add|also|no|not|nor|"
    r"without|except(?: for)?|but|exclude|excluding|drop|skip|leave out|want|include|models|candidates|student|"
    r"(?:distil|compress|shrink|turn)\w*\b[^,;.]*\b(?:in)?to)" + _BESIDE,
    re.IGNORECASE,
)
_ASKS_PLACE = re.compile(r"\b(?:use|using|with|via|only|just|on|to|about|try)" + _BESIDE, re.IGNORECASE)
_SURELY_ASKS_PLACE = re.compile(
    r"\b(?:(?:train|fit|run)(?:ing)?(?: (?:it|them|this|the models?|everything|networks?))? on|use|using)" + _BESIDE,
    re.IGNORECASE,
)
_OWN_CLAUSE = re.compile(
    r"(?:^|[,;.:!?(]|(?<!\w)_\w+_)\s*(?:(?:and|but|now|then|please|again)\s+)*(?:(?:on|in|with|over|by|use|using|via)\b)?"
    + _BESIDE,
    re.IGNORECASE,
)
_MACHINES = re.compile(
    r"\b(?:load|usage|utili[sz]ation|temperature|overheat\w*|jobs?|kernels?|crash\w*|fail\w*|latency|throughput|power|fps|"
    r"servers?|hosts?|clusters?|machines?|processors?|workloads?|benchmarks?|memory|run ?times?|speed|clock|"
    r"hardware)\b",
    re.IGNORECASE,
)
_MAKES = re.compile(r"\b(?:need|get me|build|make|create|give me|i want)\s*$", re.IGNORECASE)
_IN_A_GOAL = re.compile(
    r"\b(?:which|who|whether|if|that|will|would|may|might|likely to|going to|about to)(?:\s+\w+){0,4}\s*$",
    re.IGNORECASE,
)
_CAN_BE_DONE_BY_ANYONE = re.compile(r"\s*(?:drop|skip|ignore|exclude|remove|omit|leave)\b", re.IGNORECASE)


def asks_metric(text: str, start: int, end: int) -> bool:
    """Whether the metric that stands at `text[start:end]` is one to judge by."""
    return _explicit(_ASKS_METRIC, text, start, end)


def asks_family(text: str, start: int, end: int) -> bool:
    """Whether the family that stands at `text[start:end]` is one to train, or not to train."""
    if _explicit(_ASKS_FAMILY, text, start, end):
        return True
    made = text[start:end].lower().startswith(("a ", "an ")) and _MAKES.search(text[:start])
    return bool(made and _closed(text[end:]))


def asks_place(text: str, start: int, end: int, strict: bool, asked: bool = False) -> bool:
    """Whether the device, or the number of processes, at `text[start:end]` is what to train on, or in.

    In a goal about machines ('predict the load on the cpu') it is, more likely, a part of the goal. `asked` says that
    the text itself holds the word that asks.
    """
    before, after = text[:start], text[end:]
    if not _closed(after):
        return False
    if strict and (_MACHINES.search(before) or _MACHINES.search(after)):
        asks = _SURELY_ASKS_PLACE.search(before)
        sure = asks is not None and not _IN_A_GOAL.search(before[: asks.start()])
        return sure or _OWN_CLAUSE.search(before) is not None
    return asked or bool(_ASKS_PLACE.search(before) or _OWN_CLAUSE.search(before))


def is_of_the_goal(text: str, start: int, end: int) -> bool:
    """Whether the verb of leaving out at `text[start:end]` is what somebody does: 'which customers skip a payment'."""
    return bool(_CAN_BE_DONE_BY_ANYONE.match(text[start:end]) and _IN_A_GOAL.search(text[:start]))


def _explicit(asks: re.Pattern[str], text: str, start: int, end: int) -> bool:
    before = text[:start]
    return bool(_closed(text[end:]) and (asks.search(before) or _FREE.search(before)))


def _closed(after: str) -> bool:
    """Whether what follows leaves the word standing for itself: 'linear and lightgbm' does, 'linear speed' does not."""
    joined = _AND.match(after)
    if joined is None:
        return bool(_CLOSED.match(after))
    listed = any(pattern.match(after, joined.end()) for pattern, _ in (*FAMILIES, *METRICS))
    return listed or bool(_GOES_ON.match(after, joined.end()))
