"""What tool results hold, as facts ready to be looked up: by value, unit, metric, word, name and mark.

A set of facts is an int with a bit for each, so that narrowing by a word or a name is one `&`.
"""

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from agents.grounding.words import ERRORS, Unit, vocabulary

Result = Mapping[str, object]

_PARTS = vocabulary("model column role variant mdl_")
"""Kinds of names of which a result can have several."""
CHANGES = vocabulary("importance drop lost loss change improvement against parity error noise effect")
ODD = vocabulary(
    "mean deviation minimum maximum quartile histogram relation psi p effect parity lower upper median outlier top"
)


@dataclass(frozen=True, slots=True)
class Fact:
    """A number of a result. `unit` says what one of it is: 'ms' of a key `p95_ms`."""

    value: Decimal
    result: str
    place: int
    """Facts of one mapping share it."""
    key: str
    words: frozenset[str]
    """Of its key, as stems."""
    path: frozenset[str]
    """Of all keys on the way to it."""
    names: frozenset[str]
    metric: str = ""
    unit: Unit | None = None
    needs: frozenset[str] = frozenset()
    """A sentence that means it has one of these words."""
    marks: frozenset[str] = frozenset()
    """'wanted': asked for by somebody, such as a budget; 'said': in a sentence, not a field; 'total': the second of
    'k of n' there; 'length': of a list; 'near': its needs must stand beside the figure."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Two numbers that a result holds as a pair, and what they are about."""

    low: Decimal
    high: Decimal
    about: Fact


@dataclass
class Index:
    """The facts of some results."""

    facts: list[Fact] = field(default_factory=list)
    intervals: list[Interval] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    """Every text and key of the results, and the first result that has it."""
    sayings: list[tuple[str, str]] = field(default_factory=list)
    """Texts in which a name may stand among others, each with its result: notes, paths, errors, what a user said."""
    words: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    path: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    names: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    linked: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """What has a name by way of an id: the facts of a dataset's models are about the dataset too."""
    metrics: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    units: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    needs: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    marks: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    kinds: dict[str, set[str]] = field(default_factory=dict)
    """What each name is one of: 'model', 'column', the first letters of an id."""
    known: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """Names by their first word in small letters: each as it is read in a text, and as it is held."""
    _sorted: dict[str, tuple[list[float], list[int]]] = field(default_factory=dict)

    @property
    def every(self) -> int:
        return (1 << len(self.facts)) - 1

    def keep(self, fact: Fact) -> None:
        """Take in a fact. One that is infinite is none."""
        if fact.value.is_infinite():
            return
        bit = 1 << len(self.facts)
        self.facts.append(fact)
        for table, keys in (
            (self.words, fact.words), (self.path, fact.path), (self.names, fact.names), (self.needs, fact.needs),
            (self.marks, _marks(fact)), (self.metrics, {fact.metric} - {""}),
            (self.units, {fact.unit.kind} if fact.unit else set()),
        ):  # fmt: skip
            for key in keys:
                table[key] |= bit

    def sort(self) -> None:
        """Make ready for `near`. To be called after the last fact."""
        parts = {name for name, kinds in self.kinds.items() if kinds & _PARTS}
        self.marks["general"] = self.every & ~union(self.names[name] for name in parts)
        found: dict[str, list[tuple[float, int]]] = {"": []}
        for n, fact in enumerate(self.facts):
            if not fact.value.is_nan():
                found[""].append((float(fact.value), n))
                if fact.unit is not None:
                    found.setdefault(fact.unit.kind, []).append((float(fact.value * fact.unit.size), n))
        for kind, pairs in found.items():
            pairs.sort()
            self._sorted[kind] = ([value for value, _ in pairs], [n for _, n in pairs])

    def spell(self, name: str) -> None:
        """Let a name be found in texts, also with blanks for its lines."""
        for shown in {name.casefold(), name.casefold().replace("_", " ")}:
            first = re.match(r"[\w.:-]*\w", shown)
            if first is not None:
                self.known.setdefault(first.group(), []).append((shown, name))

    def near(self, low: float, high: float, kind: str = "") -> list[int]:
        """The places of the facts from `low` to `high`: in the smallest unit of a kind ('time', 'size'), or bare."""
        values, order = self._sorted.get(kind, ([], []))
        return order[bisect_left(values, low) : bisect_right(values, high)]

    def stage(self, stage: str) -> int:
        """The scores of the test, or those of the validation."""
        return self.marks["tested"] if stage == "test" else self.path["validation"] | self.path["baseline"]

    def about(self, name: str, scope: int, *, itself: bool = False) -> int:
        """The facts of `scope` that have a name, itself or by way of an id; if `itself`, the latter only where there
        are none of the former: a dataset's columns are not those of its models."""
        own, linked = scope & self.names[name], scope & self.linked[name]
        return own or linked if itself else own | linked


def bits(mask: int) -> Iterator[int]:
    """The places of the bits that are set, the lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def union(masks: Iterable[int]) -> int:
    """All facts of some sets."""
    every = 0
    for mask in masks:
        every |= mask
    return every


def _marks(fact: Fact) -> Iterator[str]:
    yield from fact.marks
    tests = {
        "unit": fact.unit is not None,
        "needing": bool(fact.needs),
        "whole": fact.value.as_tuple().exponent == 0,
        "unknown": fact.value.is_nan(),
        "nameless": not fact.names,
        "important": "importance" in fact.words,
        # what nobody tells in percent
        "odd": bool(fact.words & ODD) or fact.metric in ERRORS,
        # what a score loses or gains, as against scores themselves
        "change": bool(fact.metric and fact.words & CHANGES),
        "bound": fact.key.endswith("ci"),
        "tested": bool(fact.metric and fact.path & {"metric", "other"}) and "validation" not in fact.path,
        "worded": "said" in fact.marks and bool(fact.words),
    }
    yield from (mark for mark, holds in tests.items() if holds)
