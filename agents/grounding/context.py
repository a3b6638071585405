"""What a text says around a figure."""

import re
from collections.abc import Sequence
from decimal import Decimal
from functools import cached_property

from agents.grounding.holding import VAGUE
from agents.grounding.pointing import Pointer
from agents.grounding.records import Record, Records
from agents.grounding.sentence import CLAUSE, metrics_of
from agents.grounding.shapes import words_in as words_of_name
from agents.grounding.text import Asked, stems
from agents.grounding.words import POINTS, UNITS, stem, vocabulary

_JOINT = 5
"""Letters between the ends of an interval, such as ' to €'."""
_EARLIER = 400
"""Letters before a figure in which it may be said whose it is."""
REACH = 90
"""Letters before a figure in which 'test' or 'validation' is said of it."""
_SHORT = 3
"""Letters of a name that is no common word."""
SURE = 3
"""Digits of a figure that is hardly met by chance."""
_WORDS = re.compile(r"[A-Za-z]+\d*")
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
_LIMITS = vocabulary("limit allowed maximum threshold cap tolerance target required minimum")
_SCORES = re.compile(
    r"[\s*_`:=(|~≈]*(?:(?:scores?|values?|of|is|was|at|reaches|reached|about|around|over|nearly|almost|exactly|now|only|just"
    r"|has|had|a|an|the|test|validation)[\s*_`:=(|~≈]+){0,4}[€$]?"
)
"""What stands between the name of a metric and its value."""
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
        return self._text[: self.one.figure.span[0]].rsplit("\n", 1)[-1][-2 * REACH :]

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
    def told_as(self) -> str:
        """The score that is told without its name: 'precision' of '58 % of its warnings are right'."""
        clause = _CLAUSE_END.split(self.one.after)[0]
        if self.is_scored or not self.one.figure.percent:
            return ""
        return next((metric for metric, words in _TOLD_AS.items() if words.search(clause)), "")

    @cached_property
    def is_foreign(self) -> bool:
        """Whether the text is in a language that writes 1.409 for fourteen hundred and nine."""
        return len(set(_FOREIGN.findall(self._text.casefold()))) >= _FOREIGN_WORDS

    @cached_property
    def digits(self) -> int:
        return digits_of(self.one)

    def names(self, label: str) -> bool:
        """Whether the name of a row stands in the sentence, whole or by all its words."""
        if stands(label, self.sentence):
            return True
        if label.isdecimal() and self.one.table:
            return float(label) in self.beside
        words = {stem(word) for word in _WORDS.findall(label)} - VAGUE - UNITS.keys()
        return len(words) > 1 and words <= self.one.words

    def first(self, labels: frozenset[str]) -> int:
        """Where the first of some names stands: in a table, the one of the row comes before those of the heads."""
        places = [self.before.find(label) for label in labels if stands(label, self.before)]
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


def stands(label: str, text: str) -> bool:
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
