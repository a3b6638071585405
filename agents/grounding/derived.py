"""Figures that no result holds but that follow from some: differences, ratios, shares and changes in percent.

They are looked for only where words of the sentence say that a figure is one, and between facts that can be set
against each other: of one metric, one unit, or one kind of count.
"""

import re
from collections.abc import Iterator
from decimal import Decimal, DivisionByZero, InvalidOperation, localcontext

from agents.grounding.facts import Fact, Index, bits, union
from agents.grounding.text import Asked, stems
from agents.grounding.values import fits
from agents.grounding.words import POINTS, TIMES, greater_is_better, vocabulary

MOST = 120
"""Facts on each side of a comparison that are tried."""
EXACT, ROUGH = Decimal("0.006"), Decimal("0.03")
_TIME_WORDS = vocabulary("fast faster slow slower quick quicker long longer latency time")
_SIZE_WORDS = vocabulary("smaller larger bigger size lighter heavier")
_STAGES = vocabulary("validation test overfit overfitting sealed")
_SHARED = vocabulary("row column feature model candidate value class alert job dataset check")
_PLACES = frozenset({"from", "to", "at"})
_ENTITIES = vocabulary(
    "customer member client patient person people user case passenger visitor order wine tumour tumor flower machine"
)
"""What the rows of tables often are."""
_OF = re.compile(r"\s*(?:%|percent|per cent)?\s*of\b")


def derived(index: Index, one: Asked, told: int) -> int:
    """The first fact of a pair that a figure follows from; 0 where it follows from none. Where the text has `told`
    some that could be of the pair, one of these must be."""
    with localcontext() as context:
        context.prec = 28
        if one.kind == "fraction" or (one.figure.percent and not one.senses):
            return _share(index, one)
        ratio = one.kind == "twice" or one.ratio or TIMES.match(one.after) is not None or one.figure.shown[-1:] in "x×"
        if not (ratio or one.senses or POINTS.match(one.after)):
            return 0
        if not ratio and not one.figure.percent and (one.label in _PLACES or one.before.endswith("(")):
            return 0  # 'from 0.81' is where it was, '(0.81)' what it is
        operands = _operands(index, one, ratio)
        told &= operands
        for first, second in _pairs(index, one, operands, told):
            if told and not told & (1 << first | 1 << second):
                continue
            if any(_shown(one, value) for value in _values(index.facts[first], index.facts[second], one, ratio)):
                return 1 << first
        return _share(index, one) if one.figure.percent else 0


def _operands(index: Index, one: Asked, ratio: bool) -> int:
    """The facts that may be set against each other, by what the text speaks of."""
    marks = index.marks
    recorded = index.every & ~(marks["unknown"] | marks["said"] | marks["wanted"])
    fields = recorded & ~(marks["needing"] | marks["bound"] | marks["change"])
    if one.unit is not None:
        return fields & index.units[one.unit.kind]
    words = {*one.near, *re.findall(r"[a-z]+", one.after[:60].casefold())[:6]}
    topic = 0 if one.metric else index.metrics[one.topic]
    if ratio or one.figure.percent:
        if words & _SIZE_WORDS:
            return fields & (index.units["size"] | topic)
        if words & _TIME_WORDS or one.senses & {"faster", "slower"}:
            return fields & (index.units["time"] | index.units["rate"])
    if one.metric and index.metrics[one.metric]:
        return fields & index.metrics[one.metric]
    if (ratio or one.figure.percent) and one.earlier is not None:
        return fields & index.units[one.earlier.kind]
    counted = union(index.words[noun] for noun in one.nouns)
    if counted and not POINTS.match(one.after):
        return recorded & counted
    if topic:
        return fields & topic
    if one.figure.percent and not one.sides and not POINTS.match(one.after):
        return 0
    return fields & union(index.metrics.values())


def _pairs(index: Index, one: Asked, operands: int, told: int = 0) -> Iterator[tuple[int, int]]:
    """Which facts are set against which: those of two names of the sentence; of one and any other; or of one result."""
    sides = [side for name in one.sides if (side := index.about(name, operands)) != operands]
    if "baseline" in one.words and "baseline" not in one.sides:
        sides.append(operands & index.path["baseline"])
    sides = _apart(sides)
    if one.stage and not sides:
        sides = [side for name in one.names if (side := index.about(name, operands))][:1]
    if len(sides) == 1:
        yield from _between(index, one, sides[0], operands)
        yield from _between(index, one, operands & ~sides[0], sides[0])
    elif not sides:
        yield from ((a, b) for a, b in _between(index, one, operands, operands) if _together(index, a, b))
    for n, first in enumerate(sides):
        for second in sides[n + 1 :]:
            found = list(_between(index, one, first & ~second or first, second & ~first or second))
            if not told:
                found = [(a, b) for a, b in found if _together(index, a, b)] or found
            yield from found
            if not one.ordered:
                yield from ((b, a) for a, b in found)


def _apart(sides: list[int]) -> list[int]:
    """Names of the same facts, such as 'the dummy baseline', as one."""
    apart: list[int] = []
    for side in sides:
        same = next((n for n, other in enumerate(apart) if side & other in (side, other)), None)
        if side and same is None:
            apart.append(side)
        elif side and same is not None:
            apart[same] &= side
    return apart


def _together(index: Index, a: int, b: int) -> bool:
    return index.facts[a].result == index.facts[b].result


def _between(index: Index, one: Asked, left: int, right: int) -> Iterator[tuple[int, int]]:
    seconds = [(place, index.facts[place]) for place in bits(right)][:MOST]
    for a in list(bits(left))[:MOST]:
        first = index.facts[a]
        yield from ((a, b) for b, second in seconds if a != b and _alike(first, second, one))


def _alike(a: Fact, b: Fact, one: Asked) -> bool:
    """Whether two facts can be set against each other."""
    if a.metric != b.metric or (a.unit and a.unit.kind) != (b.unit and b.unit.kind):
        return False
    if a.metric:
        return _stage(a) == _stage(b) or "" in (_stage(a), _stage(b)) or not one.words.isdisjoint(_STAGES)
    return a.words == b.words or (a.unit is None and not a.words.isdisjoint(b.words))


def _stage(fact: Fact) -> str:
    if "baseline" in fact.path or "baseline" in fact.names:
        return ""
    return "validation" if "validation" in fact.path else "test"


def _values(a: Fact, b: Fact, one: Asked, ratio: bool) -> Iterator[Decimal]:
    """What the text may mean by a figure made of `a`, which it speaks of, and `b`, which it is set against."""
    x, y = _in_unit(a, one), _in_unit(b, one)
    right = _is_so(a, b, x > y, one)
    if right is False or not x or not y:
        return
    try:
        if ratio:
            yield from (x / y, y / x) if right is None else (max(x, y) / min(x, y),)
        elif POINTS.match(one.after):
            yield abs(x - y) * (1 if one.figure.percent else 100)
            if max(abs(x), abs(y)) > 1:
                yield abs(x - y)
        elif one.figure.percent:
            yield abs(x - y) / abs(y)
            if one.senses & {"faster", "slower"}:
                yield abs(y - x) / abs(x)
        elif one.figure.value >= 0:
            yield abs(x - y)
        elif one.senses == {"either"} and len(one.sides) > 1:
            yield x - y
    except (DivisionByZero, InvalidOperation):
        return


def _in_unit(fact: Fact, one: Asked) -> Decimal:
    if fact.unit is None:
        return fact.value
    return fact.value * fact.unit.size / (one.unit.size if one.unit else 1)


def _is_so(a: Fact, b: Fact, more: bool, one: Asked) -> bool | None:
    """Whether the word for more or less fits the two in their order; None where no single word says."""
    if len(one.senses) != 1 or one.figure.signed or a.value == b.value:
        return None
    (sense,) = one.senses
    if sense in ("up", "down"):
        return more == (sense == "up")
    if sense in ("better", "worse"):
        good = greater_is_better(a.metric) if a.metric else a.unit is None
        return (more == good) == (sense == "better")
    if sense in ("faster", "slower") and a.unit is not None and a.unit.kind != "size":
        return (more == (a.unit.kind == "rate")) == (sense == "faster")
    return None


def _shown(one: Asked, value: Decimal) -> bool:
    if one.kind == "twice":
        return abs(value - one.figure.value) <= (Decimal("0.5") if one.rough else Decimal("0.25"))
    if one.figure.percent and value == value.to_integral_value():
        value = value.quantize(Decimal("0.0001"))  # no count, though it is whole
    return fits(one.figure, value, one.rough)


def _share(index: Index, one: Asked) -> int:
    """Shares of counts: '20 % of the rows', 'half of the columns', 'keeps 97 % of the accuracy'."""
    if one.metric and index.metrics[one.metric]:
        return _kept(index, one)
    if one.kind != "fraction" and not _OF.match(one.after):
        return 0
    behind = stems(" ".join(re.split(r"[.,;:(]", one.after, maxsplit=1)[0].split()[:7]))
    nouns = behind & _SHARED | (frozenset({"row"}) if behind & _ENTITIES else frozenset())
    marks = index.marks
    counts = marks["whole"] & ~(marks["wanted"] | marks["unit"])
    wholes = union(index.words[noun] for noun in nouns) & counts & ~(marks["needing"] | marks["said"])
    parts = (union(index.words[word] for word in one.words) | union(index.names[name] for name in one.sides)) & counts
    for name in one.names:
        wholes, parts = index.about(name, wholes) or wholes, index.about(name, parts) or parts
    for place in list(bits(wholes))[:MOST]:
        whole = index.facts[place]
        if whole.value <= 0 or not whole.words - nouns - {"model", "candidate"} <= behind:
            continue
        for part in bits(parts):
            value = index.facts[part].value
            if _together(index, part, place) and 0 <= value <= whole.value and _is_share(one, value / whole.value):
                return 1 << part
    return 0


def _kept(index: Index, one: Asked) -> int:
    """What is left of a score: 'keeps 97 % of the accuracy'."""
    if "of" not in one.after[:8].split():
        return 0
    marks = index.marks
    scores = index.metrics[one.metric] & ~(marks["change"] | marks["bound"] | marks["wanted"] | marks["unknown"])
    for first, second in _pairs(index, one, scores):
        a, b = index.facts[first].value, index.facts[second].value
        if b and _is_share(one, a / b):
            return 1 << first
    return 0


def _is_share(one: Asked, value: Decimal) -> bool:
    if one.kind == "fraction":
        return abs(value - one.figure.value) <= (ROUGH if one.rough else EXACT)
    if value == value.to_integral_value():
        return one.figure.value == value
    return fits(one.figure, value, one.rough)
