"""Whether what a text says beside a figure speaks against a number of the results that has its value."""

import re
from collections.abc import Sequence
from decimal import Decimal
from functools import cached_property

from agents.grounding.holding import VAGUE, fits
from agents.grounding.pointing import Pointer
from agents.grounding.records import BASELINES, OWNERS, WORTH, Record, Records
from agents.grounding.sentence import CLAUSE, has_stage, metrics_of, stage_of
from agents.grounding.shapes import words_in as words_of_name
from agents.grounding.text import Asked, stems
from agents.grounding.words import POINTS, UNITS, is_against, stem, vocabulary

_CLOSE = 30
_FAR, _LOOSE, _NEAR, _AT = 0.1, 0.3, 0.5, 0.85
"""How near a word of a number must stand to a figure of few digits."""
_JOINT = 5
"""Letters between the ends of an interval, such as ' to €'."""
_EARLIER = 400
"""Letters before a figure in which it may be said whose it is."""
_REACH = 90
"""Letters before a figure in which 'test' or 'validation' is said of it."""
_SHORT = 3
"""Letters of a name that is no common word."""
_MANY = 4
"""Digits from which only the nearest words tell whose a figure is."""
SURE = 3
"""Digits of a figure that is hardly met by chance."""
_WORDS = re.compile(r"[A-Za-z]+\d*")
_BOUNDED = re.compile(
    r"\b(?:max(?:imum)?|min(?:imum)?|highest|lowest|largest|smallest|between|ranges?|spans?|peaks?|most|least|longest"
    r"|shortest|weakest|strongest|slowest|fastest|from|to|lower|upper|low end|high end|bounds?|limits?"
    r"|at (?:least|most)|worst|best case|above|below|under|over|down to|up to|as (?:low|high) as|fences?|bins?)\b",
    re.IGNORECASE,
)
_BASELINES_TOLD = BASELINES | vocabulary("constant guessing guess always trivial nobody everybody chance")
_BREAKS = re.compile(r"[,;)]|\b(?:and|but|while|from|against|versus|to)\b")
_FOREIGN = re.compile(
    r"\b(?:der|die|das|und|ist|nicht|auf|mit|zeilen|el|los|las|una|con|filas|il|che|sul|righe|di|les|des|est|sur|et)\b"
)
_FOREIGN_WORDS = 4
_CLAUSE_END = re.compile(r"[.,;(]")
_TOLD_AS = {
    "precision": re.compile(r"\b(?:warnings?|alarms?|flag\w*|predict\w*|alerts?)\b.*\b(?:right|correct|true|real)\b"),
    "recall": re.compile(r"\b(?:catch\w*|caught|found|finds?|spot\w*|recogni[sz]\w*|detect\w*)\b"),
}
"""How scores are told without their names: '58 % of its warnings are right'."""
_EXTREMES, _MIDDLES = vocabulary("minimum maximum"), vocabulary("mean median value")
_LIMITS = vocabulary("limit allowed maximum threshold cap tolerance target required minimum")
_COUNTS = vocabulary("total row support count size n observation member")
_SUMS = vocabulary(
    "total together sum altogether both add adding account overall all combine combined make up in whole entire"
)
_MEANS = vocabulary("mean typical each per average day daily week weekly month monthly")
_ALIKE = {"macro_f1": "f1", "balanced_accuracy": "accuracy", "average_precision": "precision"}
_SCORES = re.compile(
    r"[\s*_`:=(|~≈]*(?:(?:scores?|values?|of|is|was|at|reaches|reached|about|around|over|nearly|almost|exactly|now|only|just"
    r"|has|had|a|an|the|test|validation)[\s*_`:=(|~≈]+){0,4}[€$]?"
)
"""What stands between the name of a metric and its value."""
_COMPARED = re.compile(
    r"[\s*_`]*(?:%|[a-zµ]{1,7})?[\s*_`]*(?:vs\.?|versus|against|instead of|compared)\b", re.IGNORECASE
)
_NUMBERED = vocabulary(
    "grade class label digit category group level version bin cluster fold epoch trial quarter day week horizon layer"
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
_SAME = {"limit": "maximum", "allowed": "maximum", "cap": "maximum", "target": "maximum", "goal": "maximum"}


class Context:
    """What a text says around a figure."""

    def __init__(
        self, one: Asked, text: str, records: Records, asked: Sequence[Asked], *, counts: bool, said: str = ""
    ) -> None:
        """`counts` says that results are known to count what the figure counts; `said` is what stood before the
        text."""
        self.one, self.records, self.counts = one, records, counts
        self._text, self.asked, self._said = text, asked, said[-_EARLIER:]
        self._names: dict[str, bool] = {}
        self._scores: dict[str, list[Record]] = {}

    @cached_property
    def pointer(self) -> Pointer:
        before = self._text[: self.one.sentence] if not self.one.table else ""
        return Pointer(self.one, self.asked, self.records, f"{self._said}{before}"[-_EARLIER:])

    @cached_property
    def beside(self) -> frozenset[float]:
        """The figures of its sentence, or of its row of a table."""
        return frozenset(float(other.figure.value) for other in self.asked if other.sentence == self.one.sentence)

    @cached_property
    def near(self) -> frozenset[str]:
        """The words beside the figure, and the one right before it."""
        near = self.one.near | {self.one.label, *self.one.nouns} - {""}
        return near | {_SAME[word] for word in near if word in _SAME}

    @cached_property
    def around(self) -> frozenset[str]:
        """Those of its sentence and of what was said just before."""
        start = self.one.figure.span[0]
        return self.near | self.one.words | stems(self._text[max(0, start - 200) : start])

    @cached_property
    def before(self) -> str:
        return plain(self.one.before)

    @cached_property
    def after(self) -> str:
        return plain(self.one.after)

    @cached_property
    def sentence(self) -> str:
        return f"{self.before}\0{self.after}"

    @cached_property
    def earlier(self) -> str:
        start = self.one.figure.span[0]
        return plain(f"{self._said}{self._text[max(0, start - _EARLIER) : start]}")

    @cached_property
    def is_end(self) -> bool:
        """Whether it is told as an end of an interval."""
        start = self.one.figure.span[0]
        return bool(self.one.pair) or any(
            other.pair and 0 < start - other.figure.span[1] <= _JOINT for other in self.asked
        )

    @cached_property
    def line(self) -> str:
        """What stands before it in its line."""
        return self._text[: self.one.figure.span[0]].rsplit("\n", 1)[-1][-2 * _REACH :]

    @cached_property
    def told(self) -> frozenset[str]:
        """The words of its clause."""
        clause = CLAUSE.split(self.one.before)[-1] if not self.one.table else self.one.before
        return stems(f"{clause} {CLAUSE.split(self.one.after)[0][:60]}")

    @cached_property
    def is_scored(self) -> bool:
        """Whether the name of a metric stands right before the figure, so that it is a value of it."""
        before = self.one.before[-60:]
        last = max((end for _, end, _ in metrics_of(before)), default=-1)
        return last >= 0 and _SCORES.fullmatch(before[last:]) is not None

    @cached_property
    def is_of_points(self) -> bool:
        """Whether it is a limit of what its sentence tells in points: 'a gap of 7 points exceeds the allowed 5'."""
        one = self.one
        limit = one.figure.step >= 1 and not one.figure.percent and self.near & _LIMITS
        return bool(limit) and any(POINTS.match(other.after) for other in self.asked if other.sentence == one.sentence)

    @cached_property
    def is_foreign(self) -> bool:
        """Whether the text is in a language that writes 1.409 for fourteen hundred and nine."""
        return len(set(_FOREIGN.findall(self._text.casefold()))) >= _FOREIGN_WORDS

    @cached_property
    def digits(self) -> int:
        return digits_of(self.one)

    def names(self, label: str) -> bool:
        """Whether the name of a row stands in the sentence, whole or by all its words."""
        if _stands(label, self.sentence):
            return True
        if label.isdecimal() and self.one.table:
            return float(label) in self.beside
        words = {stem(word) for word in _WORDS.findall(label)} - VAGUE - UNITS.keys()
        return len(words) > 1 and words <= self.one.words

    def first(self, labels: frozenset[str]) -> int:
        """Where the first of some names stands: in a table, the one of the row comes before those of the heads."""
        places = [self.before.find(label) for label in labels if _stands(label, self.before)]
        return min(places, default=len(self.before))

    def named(self, metric: str) -> list[Record]:
        """The scores of a metric that are those of a model that the sentence names."""
        if metric not in self._scores:
            self._scores[metric] = [
                record
                for record in self.records.every
                if record.metric == metric and not record.is_bound and any(self._named(label) for label in record.whose)
            ]
        return self._scores[metric]

    def is_called(self, record: Record, named: Sequence[Record]) -> bool:
        """Whether a name of the sentence is also one of a record: its model is a 'lightgbm'."""
        labels = {label for other in named for label in other.whose if self._named(label)}
        return any(words_of_name(label) <= record.tokens for label in labels)

    def _named(self, label: str) -> bool:
        if label not in self._names:
            self._names[label] = self.names(label)
        return self._names[label]

    def nearness(self, record: Record) -> int:
        """How many of the words around are the record's."""
        return 2 * len(self.near & record.words) + len(self.around & (record.path | words_in(record.labels)))


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
        told_as = _TOLD_AS.get(record.metric)
        if not alike and not at.is_scored and told_as is not None and told_as.search(_CLAUSE_END.split(one.after)[0]):
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
    stage = stage_of(at.one.before[-_REACH:], _BREAKS.split(at.one.after, maxsplit=1)[0]) or (
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
    counts = at.digits >= SURE and bool(record.words & _COUNTS)
    if at.counts and not counts and (another := _is_another_count(at, record)) is not None:
        return another
    if record.words & WORTH and not one.table and not at.around & _WORTH_TOLD:
        return at.pointer.near(record.own) < _NEAR
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
    if record.metric and record.metric in (one.metric, _ALIKE.get(one.metric)):
        return True
    if one.label in _NUMBERED and record.whole and (record.mark == "said" or one.label in record.path):
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
    if record.mark:
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
    if at.digits > _MANY:
        return False
    if at.one.table and record.numbers is not None:
        group, number = record.numbers
        if number not in at.beside and at.beside & at.records.numbers[group]:
            return True
    if record.is_baseline and not _BASELINES_TOLD.isdisjoint(at.told):
        return False
    if at.one.label in _NUMBERED and at.one.label in record.words:
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
    few = at.digits < SURE and not record.mark and not record.metric
    mine = any(_stands(label, at.earlier) for label in labels)
    return not mine and (few or (record.metric != "" and any(_stands(label, at.earlier) for label in others)))


def _stands(label: str, text: str) -> bool:
    if len(label) < _SHORT or label not in text:
        return False
    return re.search(rf"(?<!\w){re.escape(label)}(?!(?!s\b)\w)", text) is not None


def digits_of(one: Asked) -> int:
    """How many digits of a figure count."""
    figure = one.figure
    if figure.step >= 1 and not one.rough and not figure.percent:
        return figure.value.adjusted() + 1
    if figure.percent and figure.step >= Decimal("0.01"):
        return len(figure.value.normalize().as_tuple().digits)
    exponent = figure.step.as_tuple().exponent
    return max(0, figure.value.adjusted() - (exponent if isinstance(exponent, int) else 0)) + 1 if figure.value else 1


def plain(text: str) -> str:
    """A text in which names stand as those of rows are kept: small, without lines and marks."""
    return re.sub(r"[_`*]+", " ", text).casefold().replace("-", "")


def words_in(labels: frozenset[str]) -> frozenset[str]:
    """The stems of the words of names."""
    return frozenset(stem(word) for label in labels for word in _WORDS.findall(label))
