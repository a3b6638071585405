"""Conditions in the words of a goal: 'if it is good', 'unless it is slow', 'only when it passes'.

A plan judges nothing on its way, so a step that is asked for under a condition is left to a person. What only says when
a later step is done anyway ('once it is trained') is none, and neither is a courtesy ('if possible').
"""

import re
from collections.abc import Collection, Sequence

MODEL = (
    r"(?:it|this|that|them|(?:(?:the|my|our|this|that|a|whatever)\s+)?(?:(?:best|final|new|trained|winning|resulting)\s+)?"
    r"(?:models?|one|winner|result|best|champion))"
)
Clauses = Sequence[tuple[str, str]]
"""Each clause of a text with what separates it from the next."""

_MOST_SAID = 120
_CONDITION = (
    r"(?:if|unless|until|till|when(?:ever)?|once(?!\s+(?:more|again|a)\b)(?=\s+\w)|(?:as|so)\s+(?:soon|long)\s+as|"
    r"in\s+(?:the\s+)?(?:case|event)|provid(?:ed|ing)|assuming|supposing|given\s+that|on\s+(?:the\s+)?condition|"
    r"subject\s+to|pending|depending\s+on|only\s+after|not\s+before|should\s+(?:it|you|they|the\s+model|this|that))\b"
)
_ANY = re.compile(rf"\b{_CONDITION}", re.IGNORECASE)
_LATE = re.compile(
    rf"\b(?:{_CONDITION}|(?:only|after|before|later|tomorrow|tonight|some ?day|eventually|soon|yet|ask|let me|say so|"
    r"(?:i|we) say|confirm\w*|approv\w*|permission|consent)\b)",
    re.IGNORECASE,
)
_OPENS = re.compile(rf"^\W*(?:(?:but|and|so|only|then|also|please)\W+)*{_CONDITION}", re.IGNORECASE)
_TRAILS = re.compile(r"^\W*(?:but\W+)?(?:only|unless|provid\w+|assuming|as long as)\b", re.IGNORECASE)
"""What follows the order that it is about, after a comma as well."""
_POLITE = re.compile(
    r"\bif\s+(?:(?:it(?:['’]s|\s+is)?|at\s+all|that['’]s)\s+)?possible\b|"
    r"\bif\s+you\s+(?:can|could|like|want|please|would|may|don['’]?t\s+mind)\b",
    re.IGNORECASE,
)
_READY = re.compile(
    r"\b(?:once|when|as\s+soon\s+as|after)\s+(?:(?:it|that|this|everything|(?:the\s+)?(?:model|training))"
    r"(?:\s+(?:is|has|was)(?:\s+been)?|['’]s)?\s+)?"
    r"(?:trained|done|ready|finished|there|complete|completed|over|made|built|through|finishes|ends)\b",
    re.IGNORECASE,
)
_ABOUT = (
    r"(?:it|that|this|they|all|everything|not|the\s+(?:\w+\s+){0,2}?(?:models?|tests?|results?|scores?|winner|one)|"
    r"(?:the\s+)?(?:f-?1|accuracy|(?:roc[_ -]?)?auc|recall|precision|rmse|mae|r2|quality|validation|metric)|"
    r"good|better|worse|ok(?:ay)?|fine|fast|faster|slow|slower|small|smaller|passed|needed|necessary)"
)
_ORDER = (
    r"(?<!\bwe\s)(?<!\bi\s)(?<!\byou\s)(?<!\bthey\s)(?<!\bto\s)(?<!\band\s)(?<!\bor\s)(?<!\bnot\s)(?<!n['’]t\s)"
    r"(?<!\bcan\s)(?<!\bcould\s)(?<!\bshould\s)(?<!\bwould\s)(?<!\bwill\s)(?<!\bmust\s)(?<!\bit\s)"
    r"(?:promote|ship|deploy|release|put|bring|make|watch|monitor|keep\s+an\s+eye\s+on|explain|test|optimi[sz]e|compress|"
    rf"shrink|quanti[sz]e|prune|export|roll\s+out|tune|plan|plan\s+how\s+to\s+deploy)\s+"
    rf"(?:{MODEL}|(?:the|its|a)\s+(?:deployment|roll-?out))(?!\w)"
)
_LED = re.compile(
    rf"(?P<condition>\b(?:only\s+)?{_CONDITION}\s+{_ABOUT}\b.{{0,120}}?)(?P<gap>\s+)(?={_ORDER})",
    re.IGNORECASE | re.DOTALL,
)


def conditional(clause: str) -> bool:
    """Whether the clause sets a condition for any kind of step."""
    return _ANY.search(_settled(clause)) is not None


def waits(clause: str) -> bool:
    """Whether the clause sets a condition, or another time or a word of somebody, for a step that others notice."""
    return _LATE.search(_POLITE.sub("", clause)) is not None


def opens(clause: str) -> bool:
    """Whether the clause begins with a condition."""
    return _OPENS.match(_settled(clause)) is not None


def apart(clause: str) -> list[tuple[str, str]]:
    """The clause, cut before and after a condition that an order follows: 'test it | when it passes | promote it'."""
    pieces: list[tuple[str, str]] = []
    start = 0
    for led in _LED.finditer(clause):
        if not conditional(led["condition"]):
            continue
        before, condition = clause[start : led.start()], led["condition"]
        pieces += [(before, ""), (condition, led["gap"])] if before.strip() else [(before + condition, led["gap"])]
        start = led.end()
    return [*pieces, (clause[start:], "")]


def said(clauses: Clauses, places: Collection[int]) -> str:
    """The clauses at these places, as they were said."""
    words = ", ".join(clauses[place][0].strip() for place in sorted(places))
    return words if len(words) <= _MOST_SAID else f"{words[:_MOST_SAID]}…"


def governing(clauses: Clauses, steps: Sequence[bool], at: int) -> frozenset[int]:
    """The places of the conditions under which the step at `at` is asked for; `steps` says which clauses name one."""
    own = {at} if conditional(clauses[at][0]) else set()
    return frozenset({*own, *_before(clauses, steps, at), *_after(clauses, steps, at)})


def _before(clauses: Clauses, steps: Sequence[bool], at: int) -> set[int]:
    """'if it is good, promote it and watch it': one condition may lead several steps of its sentence."""
    place = at - 1
    while place >= 0 and not _ends(clauses[place][1]):
        if opens(clauses[place][0]) and not steps[place]:
            trails = place > 0 and steps[place - 1] and _TRAILS.match(clauses[place][0])
            return set() if trails else {place}
        if not steps[place] or conditional(clauses[place][0]):
            return set()
        place -= 1
    return set()


def _after(clauses: Clauses, steps: Sequence[bool], at: int) -> set[int]:
    """'test it, but only if it is quick'; 'test it, if it passes, promote it' sets no condition to the test."""
    place = at + 1
    if place >= len(clauses) or steps[place] or _ends(clauses[at][1]) or not opens(clauses[place][0]):
        return set()
    led = place + 1 < len(clauses) and steps[place + 1] and not _ends(clauses[place][1])
    return set() if led and not _TRAILS.match(clauses[place][0]) else {place}


def _ends(separator: str) -> bool:
    return re.search(r"[.!?;\n]", separator) is not None


def _settled(clause: str) -> str:
    """The clause without what is a condition by its form only."""
    return _READY.sub("", _POLITE.sub("", clause))
