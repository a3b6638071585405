"""A second look at figures that a close reading does not find: taken as true unless the text contradicts it.

The close reading knows the results of our own tools and asks that a figure is where the text says. Here a number of
any result will do, unless what the text says beside it is said of a neighbour: of another metric, another row of the
same list, another key of the same mapping, another unit, the test instead of the validation. What no result holds may
follow from figures nearby (agents.grounding.reckoned).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from agents.grounding.context import SURE, Context
from agents.grounding.contradiction import contradicts
from agents.grounding.facts import Result
from agents.grounding.holding import fits, holding
from agents.grounding.naming import Names
from agents.grounding.operands import Pool
from agents.grounding.reckoned import reckon
from agents.grounding.records import Record, Records
from agents.grounding.text import Asked
from agents.grounding.walking import records_of

_BLOCK = re.compile(r"\n\s*\n")
_LEVELS = ("ci", "ci95", "interval", "confidence", "lower", "low", "lo", "level", "bootstrap", "high")
"""Words of keys by which a result has intervals, and so a level."""

_AND = re.compile(r"\W*[a-z]+\W+(?:and )?", re.IGNORECASE)
_DOTTED = re.compile(r"\d{1,3}(?:\.\d{3})+")
_BESIDE = 0.7
"""How near the key of a share must stand to a figure that tells it in percent without saying so."""
QUESTIONS = "said:"
"""What the ids of a user's messages begin with: the last one says what an answer is about."""
_LONGEST_QUESTION = 200
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
        questions = [str(result["said"]) for result in results if str(result["id"]).startswith(QUESTIONS)]
        self._question = f"{questions[-1][-_LONGEST_QUESTION:]}\n" if questions else ""
        self._records: Records | None = None
        self._names: Names | None = None

    @property
    def records(self) -> Records:
        """All numbers of the results."""
        if self._records is None:
            self._records = records_of(self._results)
        return self._records

    @property
    def names(self) -> Names:
        """The names in which results have figures."""
        if self._names is None:
            self._names = Names(self._results)
        return self._names

    def find(
        self, text: str, asked: Sequence[Asked], held: Sequence[str | None], counted: Sequence[bool], before: str = ""
    ) -> list[str | None]:
        """The result of each figure that a closer reading did not find; those in `held` stay as they are. `counted`
        says of each whether results are known to count what it counts."""
        if all(held):
            return list(held)
        before = f"{self._question}{before}"
        said = [
            _Said(
                one,
                len(_BLOCK.findall(text, 0, one.figure.span[0])),
                Context(one, text, self.records, asked, counts=known, said=before),
            )
            for one, known in zip(asked, counted, strict=True)
        ]
        found = list(held)
        for each, known in zip(said, found, strict=True):
            each.held = self._direct(each)
            if not each.held and known is not None and not each.one.kind and not each.one.figure.value.is_nan():
                each.held = [record for record in holding(each.one, self.records) if not record.mark]
        for each in said:
            if not each.held:
                each.held = self._in_company(each, said)
        for _ in range(2):  # what follows from what follows
            for number in range(len(said)):
                if found[number] is None:
                    found[number] = self._one(number, said)
        for number, result in self._lasting(said).items():
            found[number] = found[number + 1] = result
        for number, each in enumerate(said):
            if found[number] is None and not each.one.figure.value.is_nan():
                found[number] = self.names.holder(each.one, text) or self._share_of_key(number, said)
        return found

    def _share_of_key(self, number: int, said: Sequence[_Said]) -> str | None:
        """The result with a key such as `p90`, where the sentence has its value: '90 % within 9.8 ms'."""
        one = said[number].one
        if not one.figure.percent:
            return None
        key = re.compile(rf"(?<!\d){one.figure.value * 100:f}".rstrip("0").rstrip(".") + r"(?!\d)")
        beside = [other for other in said if other.one.sentence == one.sentence and other is not said[number]]
        return next((record.result for other in beside for record in other.held if key.search(record.key)), None)

    def _lasting(self, said: Sequence[_Said]) -> dict[int, str]:
        """'5 hours and 45 minutes': the first figures of such, with the result that holds them together."""
        found = {}
        for number, (first, second) in enumerate(pairwise(said)):
            a, b = first.one, second.one
            if _is_followed(a, b) and (held := self._together(a, b)) is not None:
                found[number] = held
        return found

    def _together(self, a: Asked, b: Asked) -> str | None:
        assert a.unit is not None
        assert b.unit is not None
        size = float(b.unit.size)
        total = float(a.figure.value) * float(a.unit.size) / size + float(b.figure.value)
        return next(
            (
                record.result
                for record in self.records.every
                if record.unit is not None
                and record.unit.kind == "time"
                and abs(record.value * float(record.unit.size) / size - total) <= float(b.figure.step) / 2
            ),
            None,
        )

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
        if each.held and (one.pair != 1 or self._from_to(number, said)):
            return each.held[0].result
        made = reckon(each.context, self._pool(number, said))
        if made is None:
            return None
        each.held = [made]
        return made.result

    def _from_to(self, number: int, said: Sequence[_Said]) -> bool:
        """Whether a figure and the next are no interval: 'from 3 to 5', '(3 to 5)' of one thing that changed."""
        one = said[number].one
        if not one.words.isdisjoint(_INTERVAL):
            return False
        ends = [[record for record in each.held if not record.is_bound] for each in said[number : number + 2]]
        return _FROM.search(one.before) is not None or (len(ends) == 2 and all(ends))

    def _pair(self, number: int, said: Sequence[_Said]) -> str | None:
        """The result that holds a figure and its neighbour as the ends of an interval: side by side in a mapping."""
        for first in (number - 1, number):
            if 0 <= first < len(said) - 1 and said[first].one.pair:
                low, high = said[first].one, said[first + 1].one
                percent = high.figure.percent and not low.figure.percent  # '89.4–91.4 %'
                for scale in (1, 100) if "point" in low.words or percent else (1,):
                    for a in holding(low, self.records, scale):
                        if not a.mark:
                            for b in self.records.by_place[a.place]:
                                if b is not a and a.value <= b.value and fits(high, b, 1 if percent else scale):
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
        found = holding(one, self.records)
        if not found and each.context.is_of_points:
            found = [record for record in holding(one, self.records, 100) if not record.whole]
        if not found and 0 < one.figure.step < 1 < abs(one.figure.value) <= 100:  # a ROUGE-1 of 44.2
            near = each.context.pointer.near
            hundredths = [record for record in holding(one, self.records, 100) if 0 < record.value <= 1]
            found = [record for record in hundredths if not record.whole and near(record.spoken) >= _BESIDE]
        if not found and _DOTTED.fullmatch(one.figure.shown) and each.context.is_foreign:
            value = int(one.figure.shown.replace(".", ""))  # '1.409 Zeilen'
            found = [record for record in self.records.every if round(record.value) == value]
        found = [record for record in found if not contradicts(each.context, record)]
        if found:
            found = [record for record in found if self._is_meant(each.context, record)]
        return sorted(found, key=lambda record: -each.context.nearness(record))  # what is named first

    def _is_meant(self, at: Context, record: Record) -> bool:
        return bool(record.mark) or record.metric == at.told_as != "" or not at.pointer.elsewhere(record)

    def _in_company(self, each: _Said, said: Sequence[_Said]) -> list[Record]:
        """Records of the same mapping as those of the figures beside it: '598 (538 to 658)'."""
        one = each.one
        if one.figure.value.is_nan() or one.kind or (each.context.digits < SURE and not each.context.is_end):
            return []
        beside = [other for other in said if other.one.sentence == one.sentence and other is not each]
        places = {other.held[0].place for other in beside if other.held} - {0}
        near = [record for place in places for record in self.records.by_place[place] if fits(one, record)]
        near = [record for record in near if not contradicts(each.context, record, alone=False)]
        return [record for record in near if not each.context.pointer.elsewhere(record)]


def _is_followed(a: Asked, b: Asked) -> bool:
    """Whether two times follow each other as one: '5 hours and 45 minutes'."""
    if a.unit is None or b.unit is None or not (a.unit.kind == b.unit.kind == "time" and a.unit.size > b.unit.size):
        return False
    return _AND.fullmatch(a.after[: b.figure.span[0] - a.figure.span[1]]) is not None
