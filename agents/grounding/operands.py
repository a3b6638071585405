"""Which numbers a figure may be made of: those that are told around it, and their neighbours in the results."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from agents.grounding.context import SURE, Context, digits_of
from agents.grounding.records import Record, core
from agents.grounding.shapes import STAGES
from agents.grounding.text import Asked
from agents.grounding.words import METRIC, POINTS, TIMES, vocabulary

TOTALS = vocabulary("total row n count size support evaluated request sample every all observation check day positive")
BINS = vocabulary("histogram quartile bin")
"""Of keys whose numbers only say how values are spread."""
_KINDS = vocabulary("column feature model class")
"""Counts that are no part of other counts."""
_NO_AMOUNTS = vocabulary("version seed level fold epoch rank place id year")
"""Of keys whose numbers are no amounts."""
BASES = frozenset({10.0, 100.0, 1000.0, 10_000.0, 100_000.0, 1_000_000.0})
MOST = 40
_RIGHT_BESIDE = 0.75
FAR = 0.2
"""How far a word may stand that says which other number is meant."""
_RECENT = 160
"""Letters."""
WORD = re.compile(r"[a-zΔ]+")
CLAUSE = re.compile(r"(?:(?<!\bi\.e)(?<!\be\.g)[.]|[;:!?])(?:\s|$)|\n|\s[–—-]\s")
_WHOLE = re.compile(r"\b(?:of|out of|from|among|to)[\s*_~]*(?:the |all |its |these |those )*$")
_NAME = re.compile(r"\w*_\w+")
"""'mean_area' speaks of no mean."""
_MORE = re.compile(
    r"\b(?:more|less|fewer|greater|higher|lower) than "
    r"(?=[\d€$£<>]|twice|half|double|(?:an? )?(?:two|three|four|five|six|seven))"
)
_RATIO_BEFORE = re.compile(
    r"\b(?:factor|ratio|speed-?up|per|every|one in|1 in)(?: of)?[\s*_~]*(?:about |roughly )?$", re.I
)
_RATIO_AFTER = re.compile(
    r"[\s*_]*(?:times|[x×](?!\w)|-?fold|to (?:one|1)\b|as (?:many|much|long|large|big|fast)"
    r"|\w* ?\w+ (?:per|for every|for each)\b|(?:negatives|positives|others)\b)",
    re.I,
)
Said = Sequence[tuple[Asked, Record]]


@dataclass(frozen=True)
class Pool:
    """What else the paragraph states: in the same sentence, and around it, the nearest first."""

    sentence: Said
    around: Said
    figures: frozenset[float] = frozenset()
    """Of all these, also where no result holds them."""


class Operands:
    """The numbers around a figure, and which of them can be set against each other."""

    def __init__(self, at: Context, pool: Pool) -> None:
        one, records = at.one, at.records
        self.at, self.one, self.records = at, one, records
        text = f"{CLAUSE.split(one.before)[-1]} {CLAUSE.split(one.after)[0]}"
        self.words = frozenset(WORD.findall(METRIC.sub(" ", _MORE.sub(" ", _NAME.sub(" ", text.casefold())))))
        few = digits_of(one) < SURE
        self.near = usable(record for _, record in pool.sentence)
        self.stated = list(self.near)
        self.told = [*self.near, *usable(record for said, record in pool.around if self._is_recent(said))]
        self.wholes = usable(record for said, record in pool.sentence if _WHOLE.search(said.before[-40:]))
        self.near += [record for record in self._named_beside() if record not in self.near]
        self.near += [record for record in self._anchored() if record not in self.near]
        around = usable(record for said, record in pool.around if not few or self._is_recent(said))
        around = [] if one.table and self.near else around
        measured = self._of_its_unit()
        self.told += measured if len(measured) == 2 else []
        self.wide = [*self.near, *around, *measured]
        self.parts = {each.value for each in records.every if each.whole and each.words & STAGES}
        self.counts = {each.value for each in records.every if each.whole}
        self._names: dict[str, bool] = {}
        self.bases = set(pool.figures & BASES)
        found = re.findall(
            r"(?<![\d.,])(?:1,000,000|100,000|10,000|1,?000|100|10)(?![\d.,]?\d)", f"{one.before} {one.after}"
        )
        self.bases |= {float(base.replace(",", "")) for base in found}
        if self.words & {"thousand", "hundred"}:
            self.bases |= {100.0, 1000.0}

    def _is_recent(self, said: Asked) -> bool:
        """Whether a figure stands shortly before this one, so that 'that is 3 points less' is said of it."""
        return 0 < self.one.figure.span[0] - said.figure.span[1] < _RECENT

    def _of_its_unit(self) -> list[Record]:
        """The numbers of the figure's unit that stand in one mapping with what is told beside it."""
        if self.one.unit is None or any(of_unit(self.one, record) for record in self.near):
            return []
        found = [other for record in self.told for other in self.records.by_place[record.place]]
        return usable(other for other in found if of_unit(self.one, other))[: MOST // 4]

    def _named_beside(self) -> list[Record]:
        """Counts whose row is named right beside a share: 'contract: 55 % monthly'."""
        if not self.one.figure.percent:
            return []
        near = self.at.pointer.near
        found = (one for one in self.records.every if one.whole and not one.mark and one.own)
        least = FAR if self.wholes else _RIGHT_BESIDE
        return [one for one in found if all(near(frozenset({word})) >= least for word in one.own)][: MOST // 4]

    def _anchored(self) -> list[Record]:
        """Records of which all words of the key stand in the sentence."""
        spoken = self.one.words
        found = [
            record
            for record in self.records.every
            if not record.mark and record.value and len(record.words - {"n"}) > 1 and record.words - {"n"} <= spoken
        ]
        return found[: MOST // 4]

    def family(self, record: Record) -> list[Record]:
        """Its neighbours in a mapping, the same number of other rows, and those of its metric."""
        column = self.records.by_column[record.column] if record.rows else ()
        metric = [one for one in self.records.every if one.metric == record.metric] if record.metric else []
        same = [one for one in self.records.by_key[record.key] if one.path == record.path] if record.key else []
        found = [*self.records.by_place[record.place], *column, *metric[: MOST // 2], *same]
        return [one for one in found if not one.is_bound and not one.path & BINS][:MOST]

    def is_ratio(self) -> bool:
        one = self.one
        beside = _RATIO_BEFORE.search(one.before[-30:]) or _RATIO_AFTER.match(one.after)
        shown = one.figure.shown[-1:] in "x×"
        return bool(beside or shown or TIMES.match(one.after) or one.ratio or one.kind == "twice")

    def are_both(self, part: Record, whole: Record) -> bool:
        return whole.whole == part.whole or (self.is_told(part) and self.is_told(whole))

    def is_beside(self, part: Record, whole: Record) -> bool:
        """Whether a count is no total but another part: 88 rows to test are no share of the 354 to train."""
        if whole.whole and whole.value in self.parts:
            return True
        if not whole.whole or any(whole is each for each in self.wholes):
            return False
        if (
            whole.words & STAGES
            or (part.words & _KINDS and not whole.words & _KINDS)
            or (part.rows and whole.column == part.column)
        ):
            return True
        return whole.place == part.place and part.value + whole.value in self.counts

    def is_total(self, one: Record, part: Record) -> bool:
        return one.whole and one.value > part.value and bool(one.words & TOTALS) and not one.words & STAGES

    def partners(self) -> Iterator[tuple[Record, Record]]:
        """Two numbers to set against each other: where two of a kind are told, these."""
        pairs = [(a, b) for a in self.stated for b in self.stated if a is not b and a.value != b.value]
        pairs = [(a, b) for a, b in pairs if _are_same(a, b) and self._may_be(a) and self._may_be(b)]
        yield from pairs or self._others()

    def _may_be(self, record: Record) -> bool:
        """Whether a difference, ratio or change that the text tells may be one of a number."""
        one = self.one
        if POINTS.match(one.after) or one.metric:
            return not record.whole and abs(record.value) <= 1 and one.metric in ("", record.metric)
        if one.unit is not None:
            return of_unit(one, record)
        return one.figure.percent or self.is_ratio() or record.whole == (one.figure.step >= 1)

    def _others(self) -> Iterator[tuple[Record, Record]]:
        for a in self.wide:
            for b in [*self.wide, *self.family(a)]:
                if a is b or not (a.value and b.value) or not self.comparable(a, b) or self.is_other(b, a):
                    continue
                if (
                    a.place == b.place
                    or self.is_told(b)
                    or self._is_only(b)
                    or self.at.pointer.near(b.tokens - a.tokens) > FAR
                ):
                    yield a, b

    def comparable(self, a: Record, b: Record) -> bool:
        """Whether two numbers can be set against each other: of one kind, or both told right there."""
        if a.metric and b.metric and a.metric != b.metric:
            return False
        return alike(a, b) or (self.is_told(a) and (self.is_told(b) or a.place == b.place) and _of_one_unit(a, b))

    def _is_only(self, record: Record) -> bool:
        """Whether there are but two numbers of a kind, so that nobody has to name the other."""
        return len(self.records.by_key[record.key]) == 2

    def is_told(self, record: Record) -> bool:
        return any(record is other for other in self.told)

    def is_other(self, record: Record, first: Record) -> bool:
        """Whether it is of a row that the sentence does not name, though it names others of the list than the
        first's."""
        for group, labels in record.rows:
            named = map(self._named, self.records.labels[group] - labels - first.labels)
            if labels and not any(map(self._named, labels)) and any(named):
                return True
        return False

    def _named(self, label: str) -> bool:
        if label not in self._names:
            self._names[label] = self.at.names(label)
        return self._names[label]


def usable(records: Iterable[Record]) -> list[Record]:
    return [
        record
        for record in records
        if record.value and not record.is_bound and not record.path & BINS and not record.words & _NO_AMOUNTS
    ][:MOST]


def alike(a: Record, b: Record) -> bool:
    """Whether two numbers can be set against each other."""
    if (a.unit and a.unit.kind) != (b.unit and b.unit.kind):
        return False
    if a.metric or b.metric:
        return a.metric == b.metric
    if a.whole and b.whole and a.key and b.key:
        return a.place == b.place or not a.words.isdisjoint(b.words) or a.key == b.key or bool(a.words & TOTALS)
    return a.key == b.key or (a.whole and b.whole) or a.unit is not None or not (a.key and b.key)


def _are_same(a: Record, b: Record) -> bool:
    """Whether two numbers are the same of two things: a score of two models, before and after."""
    if "said" in (a.mark, b.mark) or not alike(a, b):
        return False
    return a.metric != "" or a.key == b.key or core(a.words) == core(b.words)


def _of_one_unit(a: Record, b: Record) -> bool:
    if (a.unit and a.unit.kind) != (b.unit and b.unit.kind):
        return False
    return a.whole == b.whole or min(abs(a.value), abs(b.value)) > 1  # a share is no amount


def scale(a: Record, b: Record) -> float:
    return float(a.unit.size / b.unit.size) if a.unit and b.unit else 1.0


def of_unit(one: Asked, record: Record) -> bool:
    """Whether a record is of the unit that the text says, if it says one."""
    return one.unit is None or (record.unit is not None and record.unit.kind == one.unit.kind)


def in_unit(one: Asked, record: Record) -> float:
    return float(record.unit.size / one.unit.size) if one.unit and record.unit else 1.0
