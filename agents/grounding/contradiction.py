"""Whether what a text says beside a figure speaks against a number of the results that has its value."""

import re

from agents.grounding.context import REACH, SURE, Context, plain, stands, words_in
from agents.grounding.holding import VAGUE, fits
from agents.grounding.records import BASELINES, CALCULATED, OWNERS, WORTH, Record
from agents.grounding.sentence import has_stage, stage_of
from agents.grounding.words import NUMBERED, UNITS, is_against, vocabulary

_FAR, _LOOSE, _NEAR, _AT = 0.1, 0.3, 0.5, 0.85
"""How near a word of a number must stand to a figure of few digits."""
_MANY = 4
"""Digits from which only the nearest words tell whose a figure is."""
_BOUNDED = re.compile(
    r"\b(?:max(?:imum)?|min(?:imum)?|highest|lowest|largest|smallest|between|ranges?|spans?|peaks?|most|least|longest"
    r"|shortest|weakest|strongest|slowest|fastest|from|to|lower|upper|low end|high end|bounds?|limits?"
    r"|at (?:least|most)|worst|best case|above|below|under|over|down to|up to|as (?:low|high) as|fences?|bins?)\b",
    re.IGNORECASE,
)
_BASELINES_TOLD = BASELINES | vocabulary("constant guessing guess always trivial nobody everybody chance")
_BREAKS = re.compile(r"[,;)]|\b(?:and|but|while|from|against|versus|to)\b")
_EXTREMES, _MIDDLES = vocabulary("minimum maximum"), vocabulary("mean median value")
_COUNTS = vocabulary("total row support count size n observation member")
_SUMS = vocabulary(
    "total together sum altogether both add adding account overall all combine combined make up in whole entire"
)
_MEANS = vocabulary("mean typical each per average day daily week weekly month monthly")
_ALIKE = {"macro_f1": "f1", "balanced_accuracy": "accuracy", "average_precision": "precision"}
_COMPARED = re.compile(
    r"[\s*_`]*(?:%|[a-zµ]{1,7})?[\s*_`]*(?:vs\.?|versus|against|instead of|compared)\b", re.IGNORECASE
)
_WORTH_TOLD = vocabulary(
    "importance important drop shuffle shuffled shuffling cost lose loss matter relie rely worth weight contribute "
    "contribution shap push pushed"
)
_COUNTED = vocabulary("model column row job check variant candidate run feature dataset alert")
_MEASURED = vocabulary(
    "second ms minute time took take latency fast faster slow slower size mb kb large small p95 p50 median"
)
_EMPTY = vocabulary("value name n count number id unit")


def contradicts(at: Context, record: Record, *, alone: bool = True) -> bool:
    """Whether what the text says beside a figure is said of a neighbour of the record. One that is `alone`, with no
    figure of the same mapping beside it, must have something to do with the words around."""
    return (
        _by_mark(at, record)
        or _by_metric(at, record)
        or (alone and _by_chance(at, record))
        or _by_key(at, record)
        or _by_row(at, record)
    )


def _by_mark(at: Context, record: Record) -> bool:
    one = at.one
    if record.mark == "wanted":
        return bool(one.metric) or not ((record.unit and one.unit) or at.near & record.words)
    if record.mark in ("sum", "mean"):
        counts = record.mark == "sum" and record.words & _COUNTS and at.digits >= SURE
        if one.words.isdisjoint(_SUMS if record.mark == "sum" else _MEANS) and not counts:
            return True
        return at.digits < SURE and not (record.words & {*one.nouns, *at.near} or record.words & _COUNTS)
    if record.mark in ("said", "length") and at.digits < SURE:
        if at.counts and (record.mark == "said" or at.pointer.near(record.words - {*one.nouns}) < _LOOSE):
            return True  # what is counted is known, and is not this
        if record.mark == "said" and not at.near & (record.words - _COUNTED):
            return True
    return record.mark == "said" and bool(one.metric) and one.figure.step < 1


def _by_metric(at: Context, record: Record) -> bool:
    one, records = at.one, at.records
    if record.words & _EXTREMES and any(other.words & _MIDDLES for other in records.by_place[record.place]):
        return not (at.is_end or _BOUNDED.search(one.before[-60:]) or _BOUNDED.search(one.after[:40]))
    if record.is_bound:
        return not (at.is_end or _BOUNDED.search(one.before[-60:]))
    if not one.metric:
        return False
    if record.metric:
        alike = one.metric == record.metric or _ALIKE.get(one.metric) == record.metric
        alike = alike or (_ALIKE.get(record.metric) == one.metric and one.metric not in records.metrics)
        if record.metric == at.told_as:
            return False
        if not alike and (at.is_scored or not at.near & record.words):
            return True
        return alike and (_by_stage(at, record) or _by_baseline(at, record))
    if at.is_scored:
        return True
    if one.metric not in records.metrics or one.figure.step >= 1 or record.unit is not None:
        return False
    if record.words & WORTH and one.words & _WORTH_TOLD:
        return False
    return at.digits < SURE and at.pointer.near(record.words | record.spoken) < _LOOSE


def _by_stage(at: Context, record: Record) -> bool:
    """Whether the text says 'test', and the record is of the validation, or the other way."""
    stage = stage_of(at.one.before[-REACH:], _BREAKS.split(at.one.after, maxsplit=1)[0]) or (
        "" if has_stage(at.one.after) else stage_of(at.line, "")
    )
    return "" not in (stage, record.stage) and stage != record.stage


def _by_baseline(at: Context, record: Record) -> bool:
    """Whether the text speaks of a baseline, and the record does not, or the other way."""
    if not {(record.metric, True), (record.metric, False)} <= at.records.based:
        return False
    return record.is_baseline == _BASELINES_TOLD.isdisjoint(at.told)


def _by_chance(at: Context, record: Record) -> bool:
    """Whether a figure of few digits has nothing to do with a record: it is met by chance among many."""
    one = at.one
    if record.key == CALCULATED:
        return False
    counts = at.digits >= SURE and bool(record.words & _COUNTS)
    if at.counts and not counts and (another := _is_another_count(at, record)) is not None:
        return another
    if record.words & WORTH and not one.table and not at.around & _WORTH_TOLD:
        return at.pointer.near(record.own) < _NEAR
    if record.words & WORTH and not one.table and at.pointer.near(record.own) >= _NEAR:
        return False
    if record.unit is not None and one.unit is not None and at.digits > 1 and not _names_of(record):
        return False  # '87 minutes' of `seconds`
    if record.unit is not None and one.unit is None and not (one.table or one.pair or one.earlier):
        return not at.near & (record.words | _MEASURED)
    return not (counts or _is_sure(at, record) or _has_a_word(at, record))


def _is_another_count(at: Context, record: Record) -> bool | None:
    """Whether what the figure counts is known to be counted elsewhere; None where that says nothing."""
    one = at.one
    if not record.whole and not one.rough and at.digits <= SURE:
        return True
    if record.whole and record.words.isdisjoint(one.nouns[:3]) and not (one.part or one.total):
        return at.pointer.near(record.words) < _NEAR and at.pointer.near(record.own or record.names) < _AT
    return None


def _names_of(record: Record) -> frozenset[str]:
    return record.words - UNITS.keys() - VAGUE


def _is_sure(at: Context, record: Record) -> bool:
    """Whether a figure needs no word in common with a record: by its digits, as a part, a score, or the row's name."""
    one, digits = at.one, at.digits
    if one.part and record.whole and not record.mark:
        return True
    if digits > SURE or (record.whole and digits == SURE and record.mark != "length"):
        return True
    if record.metric and record.metric in (one.metric, _ALIKE.get(one.metric), at.told_as):
        return True
    if one.label in NUMBERED and record.whole and (record.mark == "said" or one.label in record.path):
        return True  # 'grade 8'
    return digits > 1 and any(at.names(label) for label in record.labels)


def _has_a_word(at: Context, record: Record) -> bool:
    """Whether a word of a record stands as near to the figure as its digits ask for."""
    one, digits = at.one, at.digits
    own = (record.words | record.path) - VAGUE
    if digits > 1:
        own |= (words_in(record.labels) | frozenset(record.metric.split("_"))) - VAGUE
    if record.whole:
        own |= record.words
    words = at.near if digits == 1 else at.near | one.words if digits < SURE else at.around
    spoken = own if digits == 1 else own | record.own | record.spoken
    return bool(words & own) or at.pointer.near(spoken) >= (_NEAR if digits < SURE else _FAR)


def _by_key(at: Context, record: Record) -> bool:
    """Whether the words beside a figure are those of another key of the record's mapping."""
    if record.mark or at.digits > _MANY:
        return False
    own = at.near & (record.path | words_in(record.labels))
    row = at.records.by_row[record.rows[-1]] if record.rows and record.rows[-1] in at.records.by_row else ()
    for other in (*at.records.by_place[record.place], *row):
        if other.path != record.path and other.whole == record.whole and _kind(other) == _kind(record):
            theirs = at.near & ((other.path | words_in(other.labels)) - _EMPTY)
            if theirs > own and not fits(at.one, other) and not at.pointer.is_told(other):
                return True
    return False


def _kind(record: Record) -> str:
    return record.unit.kind if record.unit else ""


def _by_row(at: Context, record: Record) -> bool:
    """Whether the text names another row of the record's list than its own."""
    if at.digits > _MANY or record.key == CALCULATED or record.metric == at.told_as != "":
        return False
    if at.one.table and record.numbers is not None:
        group, number = record.numbers
        if number not in at.beside and at.beside & at.records.numbers[group]:
            return True
    if record.is_baseline and not _BASELINES_TOLD.isdisjoint(at.told):
        return False
    if at.one.label in NUMBERED and at.one.label in record.words:
        return False  # 'version 2' says itself which
    against = is_against(at.one.before.rstrip("€$£*~")) or _COMPARED.match(at.one.after) is not None
    if record.metric and not against:
        named = [
            other for other in at.named(record.metric) if other.stage == record.stage and not at.pointer.is_told(other)
        ]
        if named and not any(record.whose & other.whose for other in named) and not at.is_called(record, named):
            return True
    lists = [(group, labels, at.records.labels[group] - labels) for group, labels in record.rows if labels]
    if any(others and _at_another(at, labels, others) for _, labels, others in lists):
        return True
    return not against and any(others and _of_another(at, record, group, labels) for group, labels, others in lists)


def _at_another(at: Context, labels: frozenset[str], others: frozenset[str]) -> bool:
    """Whether the figure stands right at another row's name."""
    if at.one.table and at.first(labels) > at.first(others):
        return True
    bound = {plain(name).strip() for name in at.one.names[: at.one.beside]}
    return bool(bound & others and not bound & labels)


def _of_another(at: Context, record: Record, group: int, labels: frozenset[str]) -> bool:
    """Whether only another row's name stands in the sentence, or before it."""
    others = at.records.labels[group] - labels
    if any(map(at.names, labels)):
        return False
    if any(map(at.names, others)):
        return True
    if group == OWNERS and not any(letter.isdigit() for label in labels for letter in label):
        return False  # who is 'it' may be said anywhere
    told = frozenset(
        label for other in at.records.by_column[record.column] if at.pointer.is_told(other) for label in other.whose
    )
    others = others - told
    few = at.digits < SURE and not record.mark and not record.metric
    mine = any(stands(label, at.earlier) for label in labels)
    return not mine and (few or (record.metric != "" and any(stands(label, at.earlier) for label in others)))
