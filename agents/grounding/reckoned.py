"""Figures that follow from others of the same paragraph: sums, differences, shares, ratios, means, per 1,000."""

import math
import re
from collections.abc import Iterator, Sequence
from itertools import combinations

from agents.grounding.context import SURE, Context
from agents.grounding.holding import fits
from agents.grounding.operands import MOST, TOTALS, Operands, Pool, alike, in_unit, of_unit, scale
from agents.grounding.records import Record
from agents.grounding.shapes import STAGES
from agents.grounding.text import Asked, stems
from agents.grounding.values import EXACT, step_of
from agents.grounding.words import OVER, POINTS, RATE, SENSES, UNDER, greater_is_better, stem, vocabulary

_ADDS = vocabulary(
    "total together sum sums combined altogether add adds adding account accounts cover covers plus both"
)
_PARTS = vocabulary(
    "another remaining rest other others left remain remains still missed wrong wrongly error errors mistake mistakes "
    "without only else non not than remainder complete clean leaving leaves keep lose drop dropped no never nobody "
    "off short"
)
_IN_ALL = re.compile(r"\bin (?:all|sum)\b")
_MEANS = vocabulary("average averages averaged mean typical typically each per day weekday")
_PER_SECOND = re.compile(r"\s*(?:[a-z]+\s)?(?:/\s?s\b|(?:per|a|each|every) second\b)")
_CHANGED = vocabulary("change changes changed difference differences delta")
_DOWN = vocabulary(
    "lower less fewer smaller shorter fell falls fall drop drops dropped decrease decreased reduction reduced reduces "
    "cut cuts saves save saved saving shrank shrinks cheaper down below faster quicker"
)
_UP = vocabulary(
    "higher more greater larger bigger longer rose rises grew grows growth increase increased increases gain up above "
    "slower costs widen widens widened doubled doubles"
)
_CHANGES = vocabulary(
    "difference change changes delta gain gains gap improvement improves grew grow grows growth growing shrink "
    "save saves saved saving savings extra additional add added adds widen widens removed left leaves leave leaving "
    "too short net instead vs versus against half halves halved doubled "
    "deviate spread again optimistic pessimistic within give advantage margin distance"
)
_BETTER = vocabulary("better improvement improves improved improve improving")
_WORSE = vocabulary("worse worsened worsens deteriorated degraded")
_NO_SHARES = vocabulary("saving reduction increase decrease drop gain improvement cut fall rise growth")
_LEVELS = vocabulary("from to at")
_OF_PART = re.compile(r"\bof (?:the |all |its |these )?(?:[\d,]+ )?(train\w*|test\w*|validation)\b")
_RATIOS = vocabulary("hazard odds hr ratio")
_CELLS = vocabulary("confusion matrix")
_NEARLY = 0.8
"""Of what is 'nearly' told there must be so much."""
_TURNS = frozenset({"up", "down", "better", "worse", "faster", "slower"})
_OF = re.compile(r"\s*(?:%|percent|per cent)?\s*(?:of|are|were|is)\b")
_NEAR_BOUND = (0.75, 1.35)
"""'under 10 ms' may be said of 9.14 ms."""

Values = Iterator[tuple[float, Record]]


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


class Reckoning(Operands):
    """What can be made of the figures around one."""

    def values(self) -> Values:
        """A share is given as such, not in percent; the likeliest come first."""
        one, words = self.one, self.words
        points = POINTS.match(one.after) is not None
        sense = bool(one.senses or words & (SENSES.keys() | _CHANGES) or points or one.label == "by")
        sense = bool(one.senses or one.near & {stem(word) for word in _CHANGES}) if one.table else sense
        share = (one.figure.percent or one.kind == "fraction") and not points
        scored = self.at.is_scored and one.metric in self.records.metrics and not _OF.match(one.after)
        if one.label in _LEVELS and not _OF.match(one.after) and not one.rough:
            sense = share = False  # 'from 91 % to 68 %' says where it was
        if (
            share
            and not scored
            and one.near.isdisjoint(_NO_SHARES)
            and (one.senses.isdisjoint(_TURNS) or _OF.match(one.after))
        ):
            yield from self.shares()
        if share and (one.senses or words & (_UP | _DOWN) or (one.table and sense)):
            yield from self.changes()
        if words & _PARTS and (share or one.figure.step < 1) and one.unit is None:
            yield from ((1 - record.value, record) for record in self.wide if 0 < record.value < 1)
        if not share and (sense or words & _PARTS):
            yield from self.differences(points=points)
        if one.unit is None and not share and self.is_ratio():
            yield from self.ratios()
        if not share or words & _ADDS:
            yield from self.sums()
        if one.unit is None:
            yield from self.scaled()
        if one.rough:
            yield from self.bounds()

    def shares(self) -> Values:
        totals = [one for one in self.records.every if one.whole and not one.mark and one.words & TOTALS]
        parts = STAGES - stems(" ".join(_OF_PART.findall(f"{self.one.before} {self.one.after}")))
        totals = [one for one in totals if not one.words & parts]
        totals = sorted((one for one in totals if one.value > 1), key=lambda one: -one.value)[:MOST]
        # a number that stands beside its total somewhere is a part of that
        placed = {part.value for part in self.wide if any(self.is_total(one, part) for one in self.family(part))}
        for part in self.told if self.wholes else self.wide:
            if part.value <= 0:
                continue
            family = [one for one in self.family(part) if one.words & TOTALS and not one.words & parts]
            beside = [one for one in self.near if not one.words & parts]
            told = any(one.whole and one.value > part.value for one in self.near) or part.value in placed
            others = [*family, *beside, *(totals if part.whole and not told else ())]
            for whole in [one for one in self.wholes if one.value > part.value] or others:
                if self.is_beside(part, whole):
                    continue
                if whole.value > part.value and self.comparable(part, whole) and self.are_both(part, whole):
                    yield part.value * scale(part, whole) / whole.value, part
                    if self.words & _PARTS:
                        yield 1 - part.value / whole.value, part
            column = self.records.by_column[part.column] if part.rows else self.records.by_place[part.place]
            total = sum(one.value for one in column if alike(one, part))
            if total > part.value:
                yield part.value / total, part
        for whole in self.wholes:  # 'of the 480 server errors, 85 % were 503s'
            for part in self.near:
                if 0 < part.value < whole.value and part.whole == whole.whole:
                    yield part.value / whole.value, part

    def changes(self) -> Values:
        down, up = self.words & _DOWN, self.words & _UP
        for record in self.wide:
            if record.words & _RATIOS and record.value > 0:  # a hazard ratio of 1.87 is 87 % more
                yield abs(record.value - 1), record
        for a, b in self.partners():
            small, big = sorted((abs(a.value * scale(a, b)), abs(b.value)))
            falls = self._falls(a)
            if falls is not False and (not up or down or falls):
                yield (big - small) / big, a
            if falls is not True and (not down or up or self.words & {"faster", "quicker"}):
                yield (big - small) / small, a

    def _falls(self, record: Record) -> bool | None:
        """Whether 'better' or 'worse' says that a metric went down; None where no such word, or no metric, is there."""
        better, worse = self.words & _BETTER, self.words & _WORSE
        if not record.metric or bool(better) == bool(worse):
            return None
        return greater_is_better(record.metric) == bool(worse)

    def differences(self, *, points: bool) -> Values:
        one = self.one
        size = 100 if points and not one.figure.percent else 1
        for a, b in self.partners():
            if of_unit(one, a) and not (fits(one, a) or fits(one, b)):  # less what is next to nothing
                value = (a.value - b.value / scale(a, b)) * in_unit(one, a) * size
                yield abs(value), a
                if one.table or self.words & _CHANGED:
                    yield -abs(value), a

    def ratios(self) -> Values:
        for a, b in self.partners():
            yield a.value * scale(a, b) / b.value, a
            yield b.value / (a.value * scale(a, b)), a
        for record in self.wide:
            if 0 < record.value < 1 and self.words & {"in", "one"}:
                yield 1 / record.value, record

    def sums(self) -> Values:
        """Totals and means of what is told, of columns, and the whole of which a part is told."""
        if self.one.unit == RATE or _PER_SECOND.match(self.one.after):
            yield from self.rates()
        if self.one.total:
            yield from self.wholes_of_parts()
        adds = bool(self.words & _ADDS) or _IN_ALL.search(f"{self.one.before[-40:]} {self.one.after[:40]}") is not None
        means = bool(self.words & _MEANS)
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

    def wholes_of_parts(self) -> Values:
        """'300 hits out of 500', where the misses are 200."""
        for part in (one for one in self.near[:4] if one.whole):
            for other in self.records.by_place[part.place]:
                if other is not part and other.whole:
                    yield part.value + other.value, part
            if part.rows:
                yield sum(one.value for one in self.records.by_column[part.column]), part

    def rates(self) -> Values:
        """'1.25 million rows in 74 seconds, 16,900 a second'."""
        for amount in self.told:
            for time in self.told:
                if time.unit is not None and time.unit.kind == "time" and amount.unit is None:
                    yield amount.value / (time.value * float(time.unit.size) / 1e6), amount

    def total(self, group: Sequence[Record], *, adds: bool, means: bool) -> Values:
        first = group[0]
        if any(fits(self.one, other) for other in group):
            return  # and what is next to nothing
        if not of_unit(self.one, first) or not all(self.comparable(first, other) for other in group[1:]):
            return
        total = sum(other.value for other in group) * in_unit(self.one, first)
        if adds:
            yield total, first
        if means:
            yield total / len(group), first

    def scaled(self) -> Values:
        """'about 317 of every 1,000', '20 % of 2,350 are 470'."""
        one = self.one
        if POINTS.match(one.after):
            return
        for record in self.wide:
            if 0 < record.value < 1:
                yield from ((record.value * base, record) for base in self.bases)
                if self.one.figure.step >= 1 and self.is_told(record):
                    wholes = [*self.wide, *self.records.by_place[record.place]]
                    counted = frozenset(one.nouns)
                    yield from (
                        (record.value * other.value, record)
                        for other in wholes
                        if other.whole and other.words & counted
                    )
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
            value = record.value * in_unit(one, record) if of_unit(one, record) else 0.0
            if UNDER.search(one.rough) and _NEAR_BOUND[0] * shown < value <= shown:
                yield shown, record
            if OVER.search(one.rough) and shown <= value < _NEAR_BOUND[1] * shown:
                yield shown, record


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
            return max(shown - step, _NEARLY * shown) < value <= shown
    return abs(shown - value) <= step / 2 * (1 + 1e-6) + 1e-12
