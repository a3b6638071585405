"""A figure that one sentence tells of two things: as many numbers of the results must have its value.

'A has 0.84 and B 0.84' and 'an average precision of 0.46 (0.38 to 0.46)' are how a wrong figure looks that was taken
from its neighbour.
"""

from collections import defaultdict
from collections.abc import Sequence

from agents.grounding.holding import holding
from agents.grounding.pointing import Pointer
from agents.grounding.records import Record, Records
from agents.grounding.text import Asked

_LONG = 3
"""The power of ten from which a whole number is no count of something small."""
_END = 10
"""What it counts that both are ends of an interval: more than all words."""
_ALIKE = 0.05
"""Of a difference in nearness that decides nothing."""


def told_twice(asked: Sequence[Asked], grounded: Sequence[bool], records: Records) -> set[int]:
    """The places of figures for which no number of the results is left."""
    groups: dict[tuple[int, str], list[int]] = defaultdict(list)
    for place, one in enumerate(asked):
        if grounded[place] and not (one.kind or one.part or one.total or one.figure.value.is_nan()):
            groups[one.sentence, f"{one.figure.value}{one.figure.percent}{one.unit}"].append(place)
    twice = [places for places in groups.values() if len(places) > 1]
    twice = [places for places in twice if any(_is_measure(asked[place]) or _is_end(place, asked) for place in places)]
    return {place for places in twice for place in _left_out(places, asked, records)}


def _is_end(place: int, asked: Sequence[Asked]) -> bool:
    return bool(asked[place].pair) or (place > 0 and bool(asked[place - 1].pair))


def _is_measure(one: Asked) -> bool:
    figure = one.figure
    long = figure.value.adjusted() >= _LONG and not one.nouns
    return figure.step < 1 or figure.percent or one.unit is not None or long


def _left_out(places: Sequence[int], asked: Sequence[Asked], records: Records) -> list[int]:
    held = [record for record in holding(asked[places[0]], records) if not record.mark]
    numbers = {(record.value, record.key, record.place if not record.rows else record.rows[-1]) for record in held}
    if not held or len(numbers) >= len(places) or asked[places[0]].figure.value in (0, 1):
        return []
    nearness = {place: _nearness(place, asked, held, records) for place in places}
    best = max(nearness.values())
    ahead = [place for place in places if nearness[place] > best - _ALIKE]
    return [place for place in places if place not in ahead] or list(places)


def _nearness(place: int, asked: Sequence[Asked], held: Sequence[Record], records: Records) -> float:
    """How near the words of the numbers stand to a figure; an end of an interval is none of a score."""
    one = asked[place]
    is_end = _is_end(place, asked)
    pointer = Pointer(one, asked, records)
    return max(
        sum(pointer.near(frozenset({token})) for token in record.tokens) + _END * (record.is_bound and is_end)
        for record in held
    )
