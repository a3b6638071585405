"""Whether what a text states stands in the results it is about.

A figure must be held by a result, and by the part of it that the text says: beside the name of a metric, a model or a
column it must be theirs. What the text says to be a difference, a ratio, a share or a count is worked out again.
Where a text does not say what a figure is about, any result that holds it will do.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from agents.claims import Name, figures_in, names_in, one_spaced, stands_in
from agents.grounding.days import all_in, days_in
from agents.grounding.derived import derived
from agents.grounding.facts import Result, bits
from agents.grounding.holding import holding
from agents.grounding.idle import is_idle
from agents.grounding.names import near_misses, numbered_starts, strangers
from agents.grounding.pointing import Pointer
from agents.grounding.results import index_of
from agents.grounding.scope import counted_by, holders
from agents.grounding.second_look import SecondLook
from agents.grounding.text import Asked, asked_in
from agents.grounding.told_twice import told_twice
from agents.grounding.values import fits
from agents.grounding.words import POINTS, vocabulary

_SHIFT = re.compile(r"\s*(?:lower|higher|better|worse|smaller|larger|bigger|below|above|behind|ahead)\b")
_CHANGES = vocabulary(
    "difference diff gap gain drop delta change improvement loss lost importance lift spread deviation std margin cost "
    "by"
)
_SHARE_OF = re.compile(r"[\s\w-]{0,30}\((?:about |around |roughly |~|≈)?")
_SHORT = 3
"""Letters of a name that may stand in any text by chance."""


@dataclass(frozen=True)
class Claim:
    """A figure or a name that a text states. `result_id` is the first result that holds it; None when none does."""

    value: str
    span: tuple[int, int]
    grounded: bool
    result_id: str | None = None


def check(text: str, results: Sequence[Result]) -> list[Claim]:
    """Every figure and every name that `text` states, in order, each with the result that holds it.

    Args:
        results: JSON-like dictionaries, each with an `id`; the ids themselves are no figures. What a user said is
            given as `{"id": "said:1", "said": "..."}`: it grounds a figure only where no metric and nothing counted
            stands beside it, and one with a unit only where the text speaks of a budget, a limit or a wish.
    """
    return Facts(results).check(text)


class Facts:
    """Results made ready to check many texts against, as the sentences of a stream."""

    def __init__(self, results: Sequence[Result]) -> None:
        self._index = index_of(results)
        self._second = SecondLook(results)
        self._numbered = numbered_starts(self._index.known)

    def check(self, text: str, before: str = "") -> list[Claim]:
        """As `check`. `before` is what was said before `text`, which may say what `text` is about; it is not checked
        itself, and spans count from the start of `text`."""
        claims = [
            *self._looked_at(text, asked_in(text, self._index.known, before), before),
            *map(self._name, names_in(text)),
        ]
        taken = [claim.span for claim in claims]
        claims += [
            Claim(text[start:end], (start, end), False)
            for start, end in (
                *near_misses(text, self._index.known, self._numbered),
                *strangers(text, self._speaks_of),
            )
            if not any(left < end and start < right for left, right in taken)
        ]
        return sorted(claims, key=lambda claim: claim.span)

    def _speaks_of(self, learner: str) -> bool:
        """Whether any text of the results has the name of a kind of model in it, however it is written."""
        letters = re.sub(r"\W", "", learner).casefold()
        return any(letters in re.sub(r"[\W_]", "", text).casefold() for text in self._index.texts)

    def _looked_at(self, text: str, asked: Sequence[Asked], before: str) -> list[Claim]:
        """The claims of the figures, also of those that only a second look finds."""
        claims = [
            self._unless_elsewhere(claim, one, asked) for claim, one in zip(self._figures(asked), asked, strict=True)
        ]
        counted = [counted_by(self._index, one) != 0 for one in asked]
        found = self._second.find(text, asked, [claim.result_id for claim in claims], counted, before)
        idle = [result is None and is_idle(one) for result, one in zip(found, asked, strict=True)]
        for place in told_twice(asked, [result is not None for result in found], self._second.records):
            found[place] = None
        return [
            replace(claim, grounded=result is not None, result_id=result)
            for claim, result, left in zip(claims, found, idle, strict=True)
            if not left
        ]

    def _unless_elsewhere(self, claim: Claim, one: Asked, asked: Sequence[Asked]) -> Claim:
        """The claim, not grounded where the words around it point at other numbers than those with its value."""
        if not claim.grounded or one.kind or one.figure.value.is_nan():
            return claim
        if self._is_level(one) and not derived(self._index, one, 0):
            return replace(claim, grounded=False, result_id=None)
        records = self._second.records
        held = [record for record in holding(one, records) if record.mark not in ("sum", "mean")]
        if not held or any(record.mark for record in held):
            return claim
        pointer = Pointer(one, asked, records)
        return replace(claim, grounded=False, result_id=None) if all(map(pointer.elsewhere, held)) else claim

    def _is_level(self, one: Asked) -> bool:
        """Whether a figure that is told as a difference, '12 points' or '0.03 lower', is the value of something."""
        points = POINTS.match(one.after) is not None
        if not (points or _SHIFT.match(one.after)) or one.figure.percent:
            return False
        held = holding(one, self._second.records)
        return bool(held) and not any(record.mark or record.path & _CHANGES for record in held)

    def _figures(self, asked: Sequence[Asked]) -> list[Claim]:
        claims: list[Claim] = []
        sentence, told, before, score = -1, 0, 0, 0
        number = 0
        while number < len(asked):
            one = asked[number]
            number += 1
            if one.pair:
                held = self._interval(one, asked[number], score)
                if held or one.pair == 1:
                    claims += [_claim(each, held) for each in (one, asked[number])]
                    number += 1
                    continue
            if one.sentence != sentence:
                sentence, before, told = one.sentence, told or before, 0
            found = holders(self._index, one, told or before)
            told |= found if one.metric or one.unit else 0
            if (
                found
                and (one.metric or one.figure.step < 1)
                and not (one.kind or one.unit or counted_by(self._index, one))
            ):
                score = found
            claims.append(_claim(one, self._ids(one, found)))
        return _with_parts(asked, claims)

    def _ids(self, one: Asked, found: int) -> Iterator[str]:
        yield from (self._index.facts[place].result for place in bits(found))
        if one.figure.token and not one.kind:
            # '5-fold' is the name of a method
            yield from (result for text, result in self._index.texts.items() if stands_in(one.figure.token, text))

    def _interval(self, low: Asked, high: Asked, score: int) -> list[str]:
        """The results that hold two figures as the ends of one interval: of the score that was told last, or of what
        the text names."""
        every = self._index.intervals
        found = [one for one in every if fits(low.figure, one.low, low.rough) and fits(high.figure, one.high)]
        if self._index.metrics[low.metric]:
            found = [one for one in found if one.about.metric in (low.metric, "")]
        places = {self._index.facts[place].place for place in bits(score)}
        if low.metric and any(one.about.place in places for one in every):
            return [one.about.result for one in found if one.about.place in places]
        for name in low.names:
            if any(name in one.about.names for one in every):
                of_name = [one for one in found if name in one.about.names]
                found = of_name if of_name or name == low.names[0] else found
        return [one.about.result for one in found]

    def _name(self, name: Name) -> Claim:
        first = next(self._with_name(name), None)
        return Claim(name.value, name.span, first is not None, first)

    def _with_name(self, name: Name) -> Iterator[str]:
        value = one_spaced(name.value)
        texts = self._index.texts
        if name.quoted:
            yield from (result for text, result in texts.items() if value in text)
            return
        if value in texts:
            yield texts[value]
        days = days_in(value)
        if days:
            yield from all_in(days, texts)
        elif value[:1].isdigit():
            yield from (result for text, result in texts.items() if _is_of_a_moment(value, text))
        yield from (result for text, result in self._index.sayings if stands_in(value, text))
        if len(value) > _SHORT:
            yield from (result for text, result in texts.items() if stands_in(value, text))
        # a figure in code marks is a figure
        inside = figures_in(value)
        if len(inside) == 1 and inside[0].shown == value:
            one = Asked(inside[0], "", "")
            yield from self._ids(one, holders(self._index, one))


def _with_parts(asked: Sequence[Asked], claims: Sequence[Claim]) -> list[Claim]:
    """The claims, where a percentage that nothing holds is that of '72 of 192' in its sentence, if both are held."""
    shares: dict[int, tuple[Decimal, str | None]] = {}
    for (one, part), (other, whole) in zip(
        zip(asked, claims, strict=True), [*zip(asked, claims, strict=True)][1:], strict=False
    ):
        if one.part and part.grounded and whole.grounded and other.figure.value > 0:
            shares[one.sentence] = (one.figure.value / other.figure.value, part.result_id)
    out = []
    for place, (one, claim) in enumerate(zip(asked, claims, strict=True)):
        if claim.grounded and place > 1 and _is_false_share(asked[place - 2 : place + 1]):
            claim = replace(claim, grounded=False, result_id=None)
        share, result = shares.get(one.sentence, (None, None))
        if share is not None and one.figure.percent and not claim.grounded and fits(one.figure, share, one.rough):
            claim = Claim(claim.value, claim.span, True, result)
        out.append(claim)
    return out


def _is_false_share(three: Sequence[Asked]) -> bool:
    """Whether '141 of 144 (88 %)' has another share than that of its two figures."""
    part, whole, share = three
    if not (part.part and share.figure.percent) or part.sentence != share.sentence or whole.figure.value <= 0:
        return False
    gap = whole.after[: share.figure.span[0] - whole.figure.span[1]]
    return _SHARE_OF.fullmatch(gap) is not None and not fits(
        share.figure, part.figure.value / whole.figure.value, share.rough or "about"
    )


def _is_of_a_moment(value: str, text: str) -> bool:
    """Whether a date or an hour is that of a moment."""
    moment, parted = value.replace(" ", "T"), re.split(r"[./]", value)
    if len(parted) == 3 and len(parted[2]) == 4:
        moment = f"{parted[2]}-{parted[1]:0>2}-{parted[0]:0>2}"
    if ":" in value and "-" not in value:
        return f"T{value}" in text
    return len(moment) >= 10 and text.startswith(moment)


def _claim(one: Asked, results: Iterable[str]) -> Claim:
    first = next(iter(results), None)
    return Claim(value=one.figure.shown, span=one.figure.span, grounded=first is not None, result_id=first)
