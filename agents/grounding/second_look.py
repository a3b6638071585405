"""A second look at figures that a close reading does not find: taken as true unless the text contradicts it.

The close reading knows the results of our own tools and asks that a figure is where the text says. Here a number of
any result will do, unless what the text says beside it is said of a neighbour: of another metric, another row of the
same list, another key of the same mapping, another unit, the test instead of the validation. What no result holds may
follow from figures nearby (agents.grounding.reckoned).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from agents.grounding.contradiction import SURE, Context, contradicts, fits
from agents.grounding.facts import Result
from agents.grounding.reckoned import Pool, reckon
from agents.grounding.records import Record, Records, records_of
from agents.grounding.text import Asked

_BLOCK = re.compile(r"\n\s*\n")
_LEVELS = ("ci", "ci95", "interval", "confidence", "lower", "low", "lo", "level", "bootstrap", "high")
"""Words of keys by which a result has intervals, and so a level."""

_LEVEL = 0.95
"""Of an interval of which no result says another."""
_INTERVAL = frozenset({"interval", "ci", "confidence", "between"})
_FROM = re.compile(r"\bfrom[^\d]*(?:\d[\d.,]*[^\d]*)?$")


@dataclass
class _Said:
    """A figure of the text, and the records that hold it."""

    one: Asked
    block: int
    context: Context
    held: list[Record] = field(default_factory=list)


class SecondLook:
    """Records are made ready when they are first asked for: most texts need none."""

    def __init__(self, results: Sequence[Result]) -> None:
        self._results = results
        self._records: Records | None = None

    @property
    def records(self) -> Records:
        """All numbers of the results."""
        if self._records is None:
            self._records = records_of(self._results)
        return self._records

    def find(
        self, text: str, asked: Sequence[Asked], held: Sequence[str | None], counted: Sequence[bool], before: str = ""
    ) -> list[str | None]:
        """The result of each figure that a closer reading did not find; those in `held` stay as they are. `counted`
        says of each whether results are known to count what it counts."""
        if all(held):
            return list(held)
        said = [
            _Said(
                one,
                len(_BLOCK.findall(text, 0, one.figure.span[0])),
                Context(one, text, self.records, asked, counts=known, said=before),
            )
            for one, known in zip(asked, counted, strict=True)
        ]
        found = list(held)
        for each in said:
            each.held = self._direct(each)
        for each in said:
            if not each.held:
                each.held = self._in_company(each, said)
        for _ in range(2):  # what follows from what follows
            for number in range(len(said)):
                if found[number] is None:
                    found[number] = self._one(number, said)
        return found

    def _one(self, number: int, said: Sequence[_Said]) -> str | None:
        each = said[number]
        one = each.one
        if one.figure.value.is_nan():
            return None
        if one.kind == "level":
            if float(one.figure.value) not in (self.records.levels or {_LEVEL}):
                return None
            return next((self.records.keys[word] for word in _LEVELS if word in self.records.keys), None)
        pair = self._pair(number, said)
        if pair is not None:
            return pair
        if each.held and (one.pair != 1 or (_FROM.search(one.before) and one.words.isdisjoint(_INTERVAL))):
            return each.held[0].result
        made = reckon(each.context, self._pool(number, said))
        if made is None:
            return None
        each.held = [made]
        return made.result

    def _pair(self, number: int, said: Sequence[_Said]) -> str | None:
        """The result that holds a figure and its neighbour as the ends of an interval: side by side in a mapping."""
        for first in (number - 1, number):
            if 0 <= first < len(said) - 1 and said[first].one.pair:
                low, high = said[first].one, said[first + 1].one
                for scale in (1, 100) if "point" in low.words else (1,):
                    for a in self.records.every:
                        if not a.mark and fits(low, a, scale):
                            for b in self.records.by_place[a.place]:
                                if b is not a and a.value <= b.value and fits(high, b, scale):
                                    return a.result
        return None

    def _pool(self, number: int, said: Sequence[_Said]) -> Pool:
        own = said[number]
        near = [other for other in said if other is not own and own.block - 2 <= other.block <= own.block]
        return Pool(
            [(other.one, record) for other in near if other.one.sentence == own.one.sentence for record in other.held],
            [
                (other.one, record)
                for other in sorted(near, key=lambda other: abs(other.one.figure.span[0] - own.one.figure.span[0]))
                if other.one.sentence != own.one.sentence
                for record in other.held
            ],
            frozenset(float(other.one.figure.value) for other in near if not other.one.figure.value.is_nan()),
        )

    def _direct(self, each: _Said) -> list[Record]:
        one = each.one
        if one.figure.value.is_nan() or one.kind:
            return []
        found = [record for record in self.records.every if fits(one, record)]
        found = [record for record in found if not contradicts(each.context, record)]
        return sorted(found, key=lambda record: -each.context.nearness(record))  # what is named first

    def _in_company(self, each: _Said, said: Sequence[_Said]) -> list[Record]:
        """Records of the same mapping as those of the figures beside it: '598 (538 to 658)'."""
        one = each.one
        if one.figure.value.is_nan() or one.kind or (each.context.digits < SURE and not each.context.is_end):
            return []
        beside = [other for other in said if other.one.sentence == one.sentence and other is not each]
        places = {other.held[0].place for other in beside if other.held} - {0}
        near = [record for place in places for record in self.records.by_place[place] if fits(one, record)]
        return [record for record in near if not contradicts(each.context, record, alone=False)]
