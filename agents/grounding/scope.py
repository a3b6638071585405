"""Which facts a figure can be, by what the text says of it: the metric, the unit, what is counted, whose it is."""

from dataclasses import replace

from agents.grounding.derived import derived
from agents.grounding.facts import Index, bits, union
from agents.grounding.text import Asked
from agents.grounding.values import fits, is_whole, matched
from agents.grounding.words import POINTS, vocabulary

_SHUFFLED = vocabulary(
    "shuffle shuffled shuffling cost importance important matter relie rely worth contribute decide permutation"
)
_CHANGES = _SHUFFLED | vocabulary(
    "lose lost loss drop fall fell gain gained improvement difference by without effect contribution decrease increase"
)
_BOUNDS = vocabulary("bound interval between range lower upper low high end least most worst confidence ci from")
_SPECIAL = {
    "p95": vocabulary("p95 percentile worst tail within most slowest"),
    "compute": vocabulary("compute computing pure itself without"),
    "cold": vocabulary("cold start starting load loading first"),
    "compile": vocabulary("compile compiled compilation compiling"),
    "peak": vocabulary("peak memory need needed use used at"),
    "memory": vocabulary("memory need needed use used would take estimate"),
    "missing": vocabulary("missing gap hole lack complete"),
    "deviation": vocabulary("deviation standard vary varies spread give or"),
}
"""What is meant only where a sentence has one of the words, if there is anything else that it can mean."""
_MEASURED = vocabulary(
    "second minute hour latency memory size took take need needed time long fast faster slow slower mb kb ms cold "
    "start answer p95 median weigh large small smaller larger"
)
_WHOLE = vocabulary("row column model job check variant candidate alert dataset monitor")
_ORDINALS = vocabulary("model candidate variant run training step job dataset alert")
_PARTS = vocabulary("train test validation")
_CLEAR = 3
"""Digits of a figure that is not told by chance."""
_EMPTY = vocabulary("name best result metric score data text value instead ms mb time")
"""Words that say nothing of where a figure is from."""


def holders(index: Index, one: Asked, told: int = 0) -> int:
    """The facts that hold a figure, or that it follows from, as what the text says that it is. `told` are those of
    the figures before it."""
    if one.figure.value.is_nan():
        return 0
    if one.kind == "level":
        levels = index.words["interval"] & index.words["confidence"]
        return matched(index, one.figure, levels | index.marks["said"], None, "", frozenset())
    if one.kind == "spread":
        return _spread(index, one)
    if one.kind:
        return derived(index, one, told)
    counted = counted_by(index, one)
    scope = _scope(index, one, counted)
    narrowed = _narrowed(index, one, scope, counted)
    found = _matched(index, one, narrowed) or _otherwise(index, one, scope, counted)
    recorded = narrowed and not narrowed & ~index.marks["important"] and "cost" not in one.senses
    # what a column is worth does not follow from other facts
    return found if found or recorded else derived(index, one, told)


def _spread(index: Index, one: Asked) -> int:
    """What stands behind ±: a deviation of what the text names, or half of an interval of its metric."""
    scope = index.words["deviation"]
    for name in one.names[: one.beside]:
        scope = index.about(name, scope) or scope
    halves = [each for each in index.intervals if fits(one.figure, abs(each.high - each.low) / 2)]
    places = {each.about.place for each in halves if not one.metric or each.about.metric == one.metric}
    ends = sum(1 << n for n in bits(index.marks["bound"]) if index.facts[n].place in places)
    return matched(index, one.figure, scope, None, "", frozenset()) or ends


def counted_by(index: Index, one: Asked) -> int:
    """The facts that count what stands behind a figure: '600 test rows'. 0 where nothing is counted."""
    if one.figure.percent or one.unit is not None or not is_whole(one.figure):
        return 0
    if one.part and one.nouns and (not index.words[one.nouns[0]] or one.nouns[0] in _PARTS):
        return 0
    counted = begun = 0
    for noun in one.nouns:
        of_noun = 0 if noun in _EMPTY else index.words[noun]
        if of_noun:
            counted, begun = (counted & of_noun or counted | of_noun), 1
        elif begun:
            break
    return counted


def _matched(index: Index, one: Asked, scope: int) -> int:
    """The facts of `scope` that a figure shows: as it is, or a hundredth of it where it is one of points."""
    figure = one.figure
    found = matched(index, figure, scope, one.unit, one.rough, one.senses)
    if found or figure.percent or not POINTS.match(one.after):
        return found
    points = replace(figure, value=figure.value / 100, step=figure.step / 100)
    return matched(index, points, scope & ~index.marks["whole"], None, one.rough, one.senses)


def _otherwise(index: Index, one: Asked, scope: int, counted: int) -> int:
    """What a figure may be where nothing in the place that the text points at holds it."""
    marks = index.marks
    if found := _enumerated(index, one) or _anywhere(index, one, scope):
        return found
    if one.wish and not one.metric and (found := _matched(index, one, scope & marks["wanted"])):
        return found
    if counted:  # '240 predictions are logged'
        return _matched(index, one, index.words[one.doing] & marks["whole"] & ~marks["length"]) if one.doing else 0
    if one.figure.percent:
        return _above(index, one)
    if one.unit is not None:  # 'linear is tuned; 10 s are left': what is nobody's, by a word of its own
        own = union(index.words[word] for word in one.near if word not in _MEASURED)
        return _matched(index, one, scope & own & index.marks["nameless"])
    if one.label in _ORDINALS and one.figure.step >= 1:  # 'model 2' is one of several
        several = index.words[one.label] & marks["length"]
        found = sum(1 << n for n in bits(several) if 1 <= one.figure.value <= index.facts[n].value)
        if found:
            return found
    beside = one.names[: one.beside]
    if found := _above(index, one):
        return found
    if one.metric or not all(index.about(name, marks["wanted"]) for name in beside):
        return 0
    return _matched(index, one, _narrowed(index, one, marks["wanted"], 0))  # what was asked for may be repeated


def _enumerated(index: Index, one: Asked) -> int:
    """'three columns (months, plan, note)': what is counted is named."""
    if not one.nouns or one.figure.step < 1 or one.figure.percent or one.unit is not None:
        return 0
    for kind in {kind for name in one.sides for kind in index.kinds[name]}:
        named = [name for name in one.sides if kind in index.kinds[name]]
        if len(named) == one.figure.value:
            return index.names[named[0]] & -index.names[named[0]]
    return 0


def _above(index: Index, one: Asked) -> int:
    """What a result that is about a name says of no part alone: how much a student keeps of what its teacher has."""
    if one.metric or one.figure.step >= 1 or not one.beside:
        return 0
    results = {index.facts[n].result for name in one.names[: one.beside] for n in bits(index.names[name])}
    found = _matched(index, one, index.marks["general"] & ~(index.marks["unit"] | index.marks["wanted"]))
    return sum(1 << n for n in bits(found) if index.facts[n].result in results)


def _anywhere(index: Index, one: Asked, scope: int) -> int:
    """A score or a measure whose sentence has several names of a kind, but none that it clearly belongs to."""
    kinds = [kind for name in {*one.names, *one.sides} for kind in index.kinds[name]]
    several = one.names and len(kinds) > len(set(kinds))
    unclear = several and not one.beside and not one.table and (one.metric or one.unit)
    if not unclear or len(one.figure.value.as_tuple().digits) < _CLEAR:
        return 0
    about = union(index.about(name, scope) for name in {*one.names, *one.sides})
    return _matched(index, one, _narrowed(index, replace(one, names=()), about, 0))


def _scope(index: Index, one: Asked, counted: int) -> int:
    """The facts of the kind that is asked for: of the unit, the metric, what is counted."""
    units = index.marks["unit"]
    scope = index.every & ~_unsaid(index, one)
    if not one.wish:
        scope &= ~index.marks["wanted"]
    if one.unit is not None:
        return scope & (index.units[one.unit.kind] or ~units)
    if one.figure.percent:
        scope &= ~(units | index.marks["odd"])
    elif one.nouns and one.nouns[0] in _WHOLE and not is_whole(one.figure):
        return 0
    elif counted:
        return scope & counted
    elif not (one.metric or one.table or one.words & _MEASURED):
        scope &= ~units
    labelled = one.figure.step >= 1 and _labelled(index, one) & scope
    if one.metric and not labelled and index.metrics:
        scope &= index.metrics[one.metric]  # what was not measured is nowhere
    return scope


def _unsaid(index: Index, one: Asked) -> int:
    """The facts that a sentence must speak of to mean them, and does not."""
    marks = index.marks
    said = union(index.words[word] for word in one.words)
    unsaid = marks["worded"] & ~marks["wanted"] & ~said
    if one.part:
        unsaid |= marks["needing"] & ~union(index.needs[word] for word in one.words)
    elif any(index.words[noun] for noun in one.nouns):
        spoken = union(index.needs[word] for word in one.words) & ~marks["near"]
        close = 0 if one.total else union(index.needs[word] for word in one.near)
        unsaid |= marks["needing"] & ~(spoken | close)
    if one.metric or one.stage:
        if one.words.isdisjoint(_CHANGES) and not one.senses:
            unsaid |= marks["change"]
        if one.near.isdisjoint(_BOUNDS):
            unsaid |= marks["bound"]
        if one.words.isdisjoint(_SHUFFLED):
            unsaid |= marks["important"]
    return unsaid


def _labelled(index: Index, one: Asked) -> int:
    """The facts of the word that a figure stands behind: 'version 2', 'Rows: 600'."""
    if not one.label or one.label in _EMPTY or one.label == "model" or one.label in index.names:
        return 0
    labelled = index.words[one.label] & ~(index.marks["needing"] | index.marks["said"])
    return labelled & ~index.marks["whole"] if one.figure.step < 1 else labelled


def _narrowed(index: Index, one: Asked, scope: int, counted: int) -> int:
    """The part of `scope` that is about what the text names. A name that nothing in the scope is about says nothing."""
    marks = index.marks
    if not one.figure.percent and not counted:
        scope = scope & _labelled(index, one) or scope
    if one.metric and one.stage:
        scope = scope & index.stage(one.stage) or scope
    measured = one.metric or one.unit
    names = (*one.names, *one.topics) if measured else one.names if counted else one.names[: one.beside]
    used: set[str] = set()
    for name in names:
        about = index.about(name, scope, itself=bool(counted))
        if one.metric and not about & ~marks["important"] and (one.words.isdisjoint(_SHUFFLED) or "cost" in one.senses):
            continue  # a column has no score
        if about and not index.kinds[name] <= used:
            scope = about | (scope & marks["length"] & marks["nameless"] if counted else 0)
            used |= index.kinds[name]
    if one.figure.percent and one.nouns:
        scope = scope & index.words[one.nouns[0]] & ~marks["whole"] or scope
    elif not one.near.isdisjoint(_SHUFFLED) and not one.unit and one.figure.step < 1:
        scope = scope & marks["important"] or scope
    for word in () if counted else one.near & _SPECIAL.keys():
        scope = scope & index.words[word] or scope
    special = union(index.words[word] for word, others in _SPECIAL.items() if one.words.isdisjoint(others))
    return scope & ~special or scope
