"""Figures that say nothing of a result: 'of every 100', 'try 300 seconds', 'an AUC of 0.5 is chance'."""

import re

from agents.grounding.text import Asked
from agents.grounding.words import vocabulary

_BASES = frozenset({1, 10, 100, 1000, 10_000, 100_000, 1_000_000})
_BASE = re.compile(
    r"\b(?:per|for each|(?:for |of |in |from )?every|times out of|out of(?: every)?|of(?: each)?|imagine|suppose|say)"
    r"[\s*_~]*(?:about |the next |the first )?$",
    re.IGNORECASE,
)
_ADVICE = re.compile(
    r"\b(?:try|consider|re-?run|retrain|recommend(?!ed)\w*|suggest(?!ed)\w*|advi[sc]e|i'd|i would"
    r"|you (?:could|might|may)|we (?:could|can)|could also"
    r"|let me|let's|(?:shall|should) i|do you want|would you like|would like|want me"
    r"|if you (?:want|give|raise|need|can|set|have|lower|prefer|accept)|aim (?:for|at)|wait (?:for|until|at least)"
    r"|collect|gather|schedule|set (?:the|a|an|it|up)|(?:raise|increase|lower|reduce|extend) (?:the|it)|double the"
    r"|give it|allow|keep an eye|next steps?|e\.g\.|for example|for instance|such as|say,|hypothetical\w*|imagine"
    r"|suppose|say(?=\s*$)|might|a rerun|another run|repeat\w*|re-?check|review|alert (?:at|above|when|if)"
    r"|at least another"
    r"|more than enough|more (?:data|rows|time|budget)|(?:larger|longer) budget|what if)\b",
    re.IGNORECASE,
)
_KNOWN = re.compile(
    r"\b(?:rules? of thumb|by convention|conventional(?:ly)?|textbook|general(?:ly)? speaking)\b", re.IGNORECASE
)
_ENDS = frozenset({"0", "1", "0.5", "0.0", "1.0", "100 %", "100%", "50%", "50 %", "0%", "0 %", "100"})
_ENDS_ARE = re.compile(
    r"\b(?:perfect|chance|random|guess\w*|coin|ideal|best possible|no better|no skill|worthless|useless|flawless|scale"
    r"|no relation\w*|no drift|identical|the maximum|the minimum|means? (?:that )?(?:no|every|all|it))\b",
    re.IGNORECASE,
)
_MEANS = re.compile(r"[\s*_]*(?:is|would|means|=|\(|,? which|stands|for)\b")
_LIMITS = frozenset({"0.05", "0.01", "0.001", "5%", "5 %", "1%", "1 %", "0.1", "0.2", "0.25"})
_LIMIT = re.compile(
    r"\b(?:p[- ]?values?|p ?[<>=]|psi|significan\w+|rule of thumb|thresholds?|alpha|level)\b", re.IGNORECASE
)
_TOP = re.compile(
    r"\b(?:step|option|point|question|part|phase|stage|no\.|number|#|first|last|next|tier|section)[\s*-]*$", re.I
)
_BUDGET, _WOULD = re.compile(r"\b(?:budget|run|limit) of\s*$"), re.compile(r"\s*[a-z]+ (?:would|could|might|should)\b")
_FEW = "two|three|four|five|six|eight|ten"
_OR, _OR_BEFORE = re.compile(rf"\s+or\s+(?:{_FEW})\b"), re.compile(rf"\b(?:one|{_FEW})\s+or\s+$")
_PLACES = vocabulary("rank place position no order step")
_CLAUSE = re.compile(r"[.;:!?](?:\s|$)|\n")
_STATES = re.compile(
    r"\b(?:contains?|holds?|keeps?|measured|counts?|is|was|are|were|has|had|have|scores?|scored|reach(?:es|ed)|achiev\w+|got|gets|gave|took|takes|had|found|shows?)"
    r"[\s*_~]*(?:about |around |roughly |only |just )?$",
    re.IGNORECASE,
)
_PROPER = vocabulary("threshold split test interval limit budget cap target goal cut cutoff cut-off")


_REACH = 70
"""Letters of advice before its figure."""


def is_idle(one: Asked) -> bool:
    """Whether a figure stands for no result: the base of a rate, advice, what everybody knows."""
    figure = one.figure
    if figure.value.is_nan() or one.kind in ("level", "spread"):
        return False
    shown, before, after = figure.shown.strip(" *"), one.before, one.after
    if figure.value in _BASES and not figure.percent and _BASE.search(before[-40:]):
        return True
    if one.table and figure.step >= 1 and (one.near & _PLACES or "#" in before[-12:]):
        return True
    if not one.table and figure.step >= 1 and not figure.percent and figure.value <= 20 and _TOP.search(before[-20:]):
        return True
    begins = not before.strip(" *->\n")
    if (_BUDGET.search(before[-24:]) or (begins and one.unit is not None)) and _WOULD.match(after):
        return True  # 'a budget of 5 minutes would show'
    if _OR.match(after) or _OR_BEFORE.search(before[-12:]):
        return True  # 'two or three minutes'
    clause = f"{_CLAUSE.split(before)[-1]}\0{_CLAUSE.split(after)[0]}"
    if shown in _ENDS and _ENDS_ARE.search(clause) and (not one.metric or _MEANS.match(after)):
        return True
    if shown in _LIMITS and _LIMIT.search(clause):
        return True
    if _KNOWN.search(clause) and not one.metric and not one.table:
        return True
    return _is_advice(one, clause)


def _is_advice(one: Asked, clause: str) -> bool:
    """Whether a figure is part of what could be done, and not of what came of it."""
    told = clause.partition("\0")[0]
    found = _ADVICE.search(told) or (_ADVICE.search(clause) if not told.strip(" -*>") else None)
    if found is None or _STATES.search(told) or one.table:
        return False
    behind = told[found.end() :]
    if one.metric and (one.figure.step < 1 or one.figure.percent):
        return False
    if one.figure.percent and not _PROPER & one.words:
        return False
    return one.senses.isdisjoint({"better", "worse", "faster", "slower"}) and len(behind) < _REACH
