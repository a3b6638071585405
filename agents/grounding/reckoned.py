"""Figures that follow from others of the same paragraph: sums, differences, shares, ratios, means, per 1,000."""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from agents.grounding.contradiction import SURE, Context, digits_of, fits
from agents.grounding.records import Record
from agents.grounding.text import Asked, stems
from agents.grounding.values import EXACT, step_of
from agents.grounding.words import OVER, POINTS, SENSES, TIMES, UNDER, stem, vocabulary

_TOTALS = vocabulary("total row n count support evaluated request sample every all observation check day positive")
_ADDS = vocabulary(
    "total together sum sums combined altogether add adds adding account accounts cover covers plus both"
)
_PARTS = vocabulary(
    "remaining rest other others left remain remains still missed wrong wrongly error errors mistake mistakes without "
    "only else non not than remainder complete clean keep lose drop dropped no never nobody off short"
)
_MEANS = vocabulary("average averages averaged mean typical typically each per day weekday")
_RATIO_BEFORE = re.compile(
    r"\b(?:factor|ratio|speed-?up|per|every|one in|1 in)(?: of)?[\s*_~]*(?:about |roughly )?$", re.I
)
_RATIO_AFTER = re.compile(
    r"[\s*_]*(?:times|[x×](?!\w)|-?fold|to (?:one|1)\b|as (?:many|much|long|large|big|fast)"
    r"|\w* ?\w+ (?:per|for every|for each)\b|(?:negatives|positives|others)\b)",
    re.I,
)
_CHANGED = vocabulary("change changes changed difference differences delta")
_DOWN = vocabulary(
    "lower less fewer smaller shorter fell falls fall drop drops dropped decrease decreased reduction reduced reduces "
    "cut cuts saves save saved saving shrank shrinks cheaper down below faster quicker"
)
_UP = vocabulary(
    "higher more greater larger bigger longer rose rises grew grows growth increase increased increases gain up above "
    "slower"
)
_CHANGES = vocabulary(
    "difference change changes delta gain gains gap improvement improves grew grow grows growth growing shrink "
    "save saves saved saving savings extra additional net instead vs versus against half halves halved doubled "
    "deviate spread again within give advantage margin distance"
)
_OF_PART = re.compile(r"\bof (?:the |all |its |these )?(?:[\d,]+ )?(train\w*|test\w*|validation)\b")
_SPLIT = vocabulary("train test validation")
_BINS = vocabulary("histogram quartile bin")
"""Of keys whose numbers only say how values are spread."""
_CELLS = vocabulary("confusion matrix")
BASES = frozenset({10.0, 100.0, 1000.0, 10_000.0, 100_000.0, 1_000_000.0})
MOST = 40
_WORD = re.compile(r"[a-zΔ]+")
_CLAUSE = re.compile(r"[;:.!?](?:\s|$)|\n|\s[–—-]\s")
_OF = re.compile(r"\s*(?:%|percent|per cent)?\s*(?:of|are|were|is)\b")
_WHOLE = re.compile(r"\b(?:of|out of|from|among|to)[\s*_~]*(?:the |all |its |these |those )*$")
_NEAR_BOUND = (0.75, 1.35)
"""'under 10 ms' may be said of 9.14 ms."""

Values = Iterator[tuple[float, Record]]
Said = Sequence[tuple[Asked, Record]]


@dataclass(frozen=True)
class Pool:
    """What else the paragraph states: in the same sentence, and around it, the nearest first."""

    sentence: Said
    around: Said
    figures: frozenset[float] = frozenset()
    """Of all these, also where no result holds them."""


def reckon(at: Context, pool: Pool) -> Record | None:
    """The record that a figure follows from with others; None where it follows from none."""
    one = at.one
    if at.is_scored and not one.senses and POINTS.match(one.after) is None:
        return None  # 'f1 0.58' is told as a score
    if at.is_end:
        return None  # of an interval
    if at.counts and at.digits < SURE and not one.senses and one.kind == "" and not one.figure.percent:
        return None  # what is counted is known
    for value, record in Reckoning(at, pool).values():
        if _shows(one, value):
            return Record(value, record.result, unit=one.unit, whole=record.whole and value == int(value))
    return None


class Reckoning:
    """What can be made of the figures around one."""

    def __init__(self, at: Context, pool: Pool) -> None:
        one, records = at.one, at.records
        self.at, self.one, self.records = at, one, records
        text = f"{_CLAUSE.split(one.before)[-1]} {_CLAUSE.split(one.after)[0]}"
        self.words = frozenset(_WORD.findall(text.casefold()))
        few = digits_of(one) < SURE
        self.near = _usable(record for _, record in pool.sentence)
        self.near += [record for record in self._anchored() if record not in self.near]
        self.wholes = _usable(record for said, record in pool.sentence if _WHOLE.search(said.before[-40:]))
        around = () if (few or one.table) and self.near else _usable(record for _, record in pool.around)
        self.wide = [*self.near, *around]
        self._names: dict[str, bool] = {}
        self.bases = set(pool.figures & BASES)
        found = re.findall(
            r"(?<![\d.,])(?:1,000,000|100,000|10,000|1,?000|100|10)(?![\d.,]?\d)", f"{one.before} {one.after}"
        )
        self.bases |= {float(base.replace(",", "")) for base in found}
        if self.words & {"thousand", "hundred"}:
            self.bases |= {100.0, 1000.0}

    def _anchored(self) -> list[Record]:
        """Records of which all words of the key stand in the sentence."""
        spoken = self.one.words
        found = [
            record
            for record in self.records.every
            if not record.mark and record.value and len(record.words - {"n"}) > 1 and record.words - {"n"} <= spoken
        ]
        return found[: MOST // 4]

    def values(self) -> Values:
        """A share is given as such, not in percent; the likeliest come first."""
        one, words = self.one, self.words
        points = POINTS.match(one.after) is not None
        sense = bool(one.senses or words & (SENSES.keys() | _CHANGES) or points)
        sense = bool(one.senses or one.near & {stem(word) for word in _CHANGES}) if one.table else sense
        share = (one.figure.percent or one.kind == "fraction") and not points
        scored = one.metric in self.records.metrics and one.metric != "" and not _OF.match(one.after)
        if share and not scored:
            yield from self.shares()
        if share and (one.senses or words & (_UP | _DOWN) or (one.table and sense)):
            yield from self.changes()
        if words & _PARTS and (share or one.figure.step < 1) and one.unit is None:
            yield from ((1 - record.value, record) for record in self.wide if 0 < record.value < 1)
        if not share and (sense or words & _PARTS):
            yield from self.differences(points=points)
        if one.unit is None and not share and self._is_ratio():
            yield from self.ratios()
        if not share or words & _ADDS:
            yield from self.sums()
        if one.unit is None:
            yield from self.scaled()
        if one.rough:
            yield from self.bounds()

    def _is_ratio(self) -> bool:
        one = self.one
        beside = _RATIO_BEFORE.search(one.before[-30:]) or _RATIO_AFTER.match(one.after)
        return bool(beside or TIMES.match(one.after) or one.ratio or one.kind == "twice")

    def family(self, record: Record) -> list[Record]:
        """Its neighbours in a mapping, the same number of other rows, and those of its metric."""
        column = self.records.by_column[record.column] if record.rows else ()
        metric = [one for one in self.records.every if one.metric == record.metric] if record.metric else []
        found = [*self.records.by_place[record.place], *column, *metric[: MOST // 2]]
        return [one for one in found if not one.is_bound and not one.path & _BINS][:MOST]

    def shares(self) -> Values:
        totals = [one for one in self.records.every if one.whole and not one.mark and one.words & _TOTALS]
        parts = _SPLIT - stems(" ".join(_OF_PART.findall(f"{self.one.before} {self.one.after}")))
        totals = [one for one in totals if not one.words & parts]
        totals = sorted((one for one in totals if one.value > 1), key=lambda one: -one.value)[:MOST]
        # a number that stands beside its total somewhere is a part of that
        placed = {part.value for part in self.wide if any(self._is_total(one, part) for one in self.family(part))}
        for part in self.wide:
            if part.value <= 0:
                continue
            family = [one for one in self.family(part) if one.words & _TOTALS and not one.words & parts]
            beside = [one for one in self.near if not one.words & parts]
            told = any(one.whole and one.value > part.value for one in self.near) or part.value in placed
            others = [*family, *beside, *(totals if part.whole and not told else ())]
            for whole in [one for one in self.wholes if one.value > part.value] or others:
                if whole.value > part.value and whole.whole == part.whole and _alike(part, whole):
                    yield part.value * _scale(part, whole) / whole.value, part
                    if self.words & _PARTS:
                        yield 1 - part.value / whole.value, part
            column = self.records.by_column[part.column] if part.rows else self.records.by_place[part.place]
            total = sum(one.value for one in column if _alike(one, part))
            if total > part.value:
                yield part.value / total, part
        for whole in self.wholes:  # 'of the 480 server errors, 85 % were 503s'
            for part in self.near:
                if 0 < part.value < whole.value and part.whole == whole.whole:
                    yield part.value / whole.value, part

    def _is_total(self, one: Record, part: Record) -> bool:
        return one.whole and one.value > part.value and bool(one.words & _TOTALS) and not one.words & _SPLIT

    def partners(self) -> Iterator[tuple[Record, Record]]:
        for a in self.wide:
            for b in [*self.wide, *self.family(a)]:
                if a is not b and b.value and a.value and _alike(a, b) and not self.is_other(b, a):
                    yield a, b

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

    def changes(self) -> Values:
        down, up = self.words & _DOWN, self.words & _UP
        for a, b in self.partners():
            small, big = sorted((abs(a.value * _scale(a, b)), abs(b.value)))
            if not up or down:
                yield (big - small) / big, a
            if not down or up or self.words & {"faster", "quicker"}:
                yield (big - small) / small, a

    def differences(self, *, points: bool) -> Values:
        one = self.one
        scale = 100 if points and not one.figure.percent else 1
        for a, b in self.partners():
            if _of_unit(one, a) and not (fits(one, a) or fits(one, b)):  # less what is next to nothing
                value = (a.value - b.value / _scale(a, b)) * _to(one, a) * scale
                yield abs(value), a
                if one.table or self.words & _CHANGED:
                    yield -abs(value), a

    def ratios(self) -> Values:
        for a, b in self.partners():
            yield a.value * _scale(a, b) / b.value, a
            yield b.value / (a.value * _scale(a, b)), a
        for record in self.wide:
            if 0 < record.value < 1 and self.words & {"in", "one"}:
                yield 1 / record.value, record

    def sums(self) -> Values:
        adds, means = bool(self.words & _ADDS), bool(self.words & _MEANS)
        if not (adds or means):
            return
        for some, sizes in ((self.near[:8], (2, 3, 4, 5)), (self.wide[:12], (2, 3))):
            for size in sizes:
                for group in combinations(some, size):
                    yield from self.total(group, adds=adds, means=means)
        for column in {record.column for record in self.wide if record.rows}:
            members = self.records.by_column[column]
            for start, stop in combinations(range(len(members) + 1), 2):
                if stop - start > 1:
                    yield from self.total(members[start:stop], adds=adds, means=means)

    def total(self, group: Sequence[Record], *, adds: bool, means: bool) -> Values:
        first = group[0]
        if any(fits(self.one, other) for other in group):
            return  # and what is next to nothing
        if not _of_unit(self.one, first) or not all(_alike(first, other) for other in group[1:]):
            return
        total = sum(other.value for other in group) * _to(self.one, first)
        if adds:
            yield total, first
        if means:
            yield total / len(group), first

    def scaled(self) -> Values:
        """'about 317 of every 1,000', '20 % of 2,350 are 470'."""
        for record in self.wide:
            if 0 < record.value < 1:
                yield from ((record.value * base, record) for base in self.bases)
                if self.one.figure.step >= 1:
                    wholes = [*self.wide, *self.records.by_place[record.place]]
                    yield from ((record.value * other.value, record) for other in wholes if other.whole)
        if self.bases:
            cells = [one for one in self.records.every if one.path & _CELLS and one.whole and one.value][:MOST]
            total = max((one.value for one in cells), default=0.0)
            yield from ((one.value / total * base, one) for one in cells for base in self.bases)
        for base in self.bases:
            yield from ((share * base, record) for share, record in self.shares())

    def bounds(self) -> Values:
        """'both under 10 ms'."""
        one = self.one
        shown = float(one.figure.value)
        for record in self.near:
            value = record.value * _to(one, record) if _of_unit(one, record) else 0.0
            if UNDER.search(one.rough) and _NEAR_BOUND[0] * shown < value <= shown:
                yield shown, record
            if OVER.search(one.rough) and shown <= value < _NEAR_BOUND[1] * shown:
                yield shown, record


def _usable(records: Iterable[Record]) -> list[Record]:
    return [record for record in records if record.value and not record.is_bound and not record.path & _BINS][:MOST]


def _alike(a: Record, b: Record) -> bool:
    """Whether two numbers can be set against each other."""
    if (a.unit and a.unit.kind) != (b.unit and b.unit.kind):
        return False
    if a.metric or b.metric:
        return a.metric == b.metric
    if a.whole and b.whole and a.key and b.key:
        return a.place == b.place or not a.words.isdisjoint(b.words) or a.key == b.key or bool(a.words & _TOTALS)
    return a.key == b.key or (a.whole and b.whole) or a.unit is not None or not (a.key and b.key)


def _scale(a: Record, b: Record) -> float:
    return float(a.unit.size / b.unit.size) if a.unit and b.unit else 1.0


def _of_unit(one: Asked, record: Record) -> bool:
    """Whether a record is of the unit that the text says, if it says one."""
    return one.unit is None or (record.unit is not None and record.unit.kind == one.unit.kind)


def _to(one: Asked, record: Record) -> float:
    return float(record.unit.size / one.unit.size) if one.unit and record.unit else 1.0


def _shows(one: Asked, value: float) -> bool:
    shown, step = float(one.figure.value), float(one.figure.step)
    if len(one.figure.value.as_tuple().digits) > EXACT or not math.isfinite(shown):
        return False
    if (value < 0 and shown > 0) or shown == 0:
        return False
    if one.kind == "fraction":
        return abs(value - shown) <= (0.03 if one.rough else 0.012)
    if one.kind == "twice":
        return abs(value - shown) <= (0.5 if one.rough else 0.25)
    if one.rough:
        step = float(step_of(one.figure, one.rough))
        if OVER.search(one.rough):
            return shown <= value < shown + step
        if UNDER.search(one.rough):
            return shown - step < value <= shown
    return abs(shown - value) <= step / 2 * (1 + 1e-6) + 1e-12
