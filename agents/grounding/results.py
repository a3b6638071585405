"""From results to facts: a walk through JSON that notes what each number stands under, and counts what it can."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache

from agents.claims import INTERVAL_LEVEL, one_spaced
from agents.grounding.counts import Counted, counts_of
from agents.grounding.facts import Fact, Index, Interval, Result
from agents.grounding.shapes import is_number
from agents.grounding.text import asked_in
from agents.grounding.words import Unit, metric_of, stem, unit_of_key, vocabulary, words_of

NAMING = vocabulary(
    "model name column dataset source monitor alert kind variant target best chosen challenger champion previous data "
    "job run feature retraining rows_where slice label classes made_from path out nearest doc student teacher "
    "roll_back_to frontier drifted top variants candidates check"
)
"""Keys whose values are what the rest of a mapping is about."""
SAYING = vocabulary(
    "notes note warnings verdict reason reasons findings sentence detail details machine split summary policy schedule "
    "window title method why hint guard_rows next_steps shows reference description what said error found goal says"
)
"""Keys whose values are sentences that a tool wrote: the figures in them may be repeated."""
PATHS = vocabulary("report path package out full card plots source")
KINDS = vocabulary("number integer category text datetime boolean identifier image")
ROLES = vocabulary("teacher student champion challenger baseline")
WANTED = vocabulary("argument budget goal limit max timeout allowed asked")
NULLS = vocabulary("validation value metric seconds champion_value challenger_value drop p psi effect")
ALIKE = {
    **dict.fromkeys(vocabulary("kind best chosen nearest variant student teacher candidate top frontier"), "model"),
    **dict.fromkeys(vocabulary("feature importance columns missing drifted"), "column"),
}
"""Keys of names that are of one kind: a figure can be about one of a kind only."""
STOP = vocabulary(
    "in of to by at on is was are the a an it its and or for with from than that this be as would take took takes will "
    "could can may has have had more less so not"
)
LONGEST_NAME = 80
LONGEST_TEXT = 4000
UNKNOWN = Decimal("NaN")
_ID = re.compile(r"(?:ds|mdl|mon|run|job)_")
_QUOTED = re.compile(r"(?<!\w)'[^'\n]{1,80}'(?!\w)")


@dataclass(frozen=True, slots=True)
class _At:
    """Where in a result a walk is, and what is known there."""

    result: str
    place: int = 0
    path: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()
    metric: str = ""
    unit: Unit | None = None
    keyed: bool = False
    """Its keys are names: of class_shares, or how many rows of latency_ms."""
    rows: str = ""
    """The key of the list that it is in."""

    @property
    def key(self) -> str:
        return self.path[-1] if self.path else ""


def index_of(results: Sequence[Result]) -> Index:
    """The facts of results, each a mapping with an `id`."""
    walk = _Walk()
    for result in results:
        content = {key: value for key, value in result.items() if key != "id"}
        walk.take(content, _At(str(result["id"])))
    return walk.close()


class _Walk:
    def __init__(self) -> None:
        self.index = Index()
        self.places = 0
        self.told: list[tuple[str, _At]] = []
        self.alike: dict[str, set[str]] = {}
        """What else an id is called: the name of a dataset, the target of a model."""

    def take(self, value: object, at: _At) -> None:
        if isinstance(value, Mapping):
            self._mapping(value, at)
        elif isinstance(value, str):
            self._text(value, at)
        elif isinstance(value, Sequence):
            self._list(value, at)
        elif value is None or is_number(value):
            self._number(value, at)

    def close(self) -> Index:
        """The index, once all is taken in: sentences are read last, as they speak of the names."""
        for name in list(self.index.names):
            self.index.spell(name)
        for text, at in self.told:
            self._say(text, at)
        for identity, others in sorted(self.alike.items(), reverse=True):  # models before their datasets
            for name in others & self.index.names.keys():
                self.index.linked[name] |= self.index.names[identity] | self.index.linked[identity]
        self.index.sort()
        return self.index

    def _mapping(self, value: Mapping[object, object], at: _At) -> None:
        self.places += 1
        keyed = bool(at.path) and all(item is None or is_number(item) for item in value.values())
        here = replace(
            at,
            place=self.places,
            names=self._names(value, at),
            metric=_metric(value) or at.metric,
            keyed=keyed,
            rows="",
        )
        for key, item in value.items():
            word = str(key)
            self.index.texts.setdefault(word, at.result)
            self.take(
                item,
                replace(
                    here,
                    path=(*at.path, word),
                    names=self._names_at(word, value, here),
                    metric=metric_of(word) or here.metric,
                    unit=unit_of_key(word) or at.unit,
                ),
            )
        for low, high in _ends(value):
            self._interval(low, high, here)
        self._count(counts_of(at.key, value, here.metric), here)
        if value.get("ci"):
            self._count([Counted(INTERVAL_LEVEL, frozenset({"interval", "confidence"}))], here)

    def _names(self, value: Mapping[object, object], at: _At) -> frozenset[str]:
        """What a mapping is about: its own names, and those of what it stands in. A row about one model is not about
        the model that is best of all."""
        own = frozenset(self._named(value, at.rows))
        self._liken(value)
        kinds = {kind for name in own for kind in self.index.kinds[name]} & {"model", "column", "mdl_"}
        return own | {name for name in at.names if not (kinds and self.index.kinds[name] <= kinds)}

    def _names_at(self, word: str, value: Mapping[object, object], at: _At) -> frozenset[str]:
        """What the value of a key is about."""
        names = at.names
        if at.keyed and not metric_of(word) and at.key != "figures" and not word.isdecimal():
            names |= {self._kind(word, at.key)}
        if word in ROLES:
            names |= {self._kind(word, "role")}
        if word == "baseline":  # it is no score of the best model
            names = frozenset(name for name in names if "model" not in self.index.kinds[name])
        if word.endswith("_value"):
            side = word.removesuffix("_value")
            names |= {self._kind(side, "role"), self._kind(str(value.get(side, side)), "model")}
        return names

    def _named(self, value: Mapping[object, object], rows: str) -> Iterator[str]:
        summary = value.get("summary")
        if isinstance(summary, Mapping):
            yield from self._named(summary, "")
        for key, item in value.items():
            word = str(key)
            if word not in NAMING or not isinstance(item, str) or not 0 < len(item) <= LONGEST_NAME:
                continue
            if item not in KINDS and not metric_of(item):
                yield self._kind(item, stem(rows) if word == "name" and rows else word)
                if word == "model" and item == "dummy":
                    yield self._kind("baseline", "role")

    def _kind(self, name: str, key: str) -> str:
        found = _ID.match(name)
        self.index.kinds.setdefault(name, set()).add(found.group() if found else ALIKE.get(key, key))
        return name

    def _liken(self, value: Mapping[object, object]) -> None:
        model, dataset = str(value.get("model")), str(value.get("dataset"))
        if model.startswith("mdl_"):
            others = {str(value[key]) for key in ("target", "dataset", "name") if value.get(key)}
            self.alike.setdefault(model, set()).update(others)
        elif dataset.startswith("ds_") and value.get("name"):
            self.alike.setdefault(dataset, set()).update({str(value["name"]), str(value.get("source"))})

    def _list(self, value: Sequence[object], at: _At) -> None:
        numbers = [item for item in value if is_number(item)]
        if len(numbers) == len(value) == 2:
            self._interval(numbers[0], numbers[1], at)
        parts = ("lower", "median", "upper") if at.key == "quartiles" and len(numbers) == len(value) == 3 else ()
        for place, item in enumerate(value):
            path = (*at.path, parts[place]) if parts else at.path
            self.take(item, replace(at, path=path, rows=at.key))
        if len(numbers) < len(value):
            self._count(counts_of(at.key, value, at.metric), at)

    def _text(self, value: str, at: _At) -> None:
        text = one_spaced(value)
        self.index.texts.setdefault(text, at.result)
        if at.key in SAYING or at.key in PATHS:
            self.index.sayings.append((text, at.result))
        if at.key in SAYING and len(value) <= LONGEST_TEXT and any(letter.isdigit() for letter in value):
            self.told.append((value, at))

    def _say(self, text: str, at: _At) -> None:
        """Take in the figures of a sentence of a tool, as what they are said to be. Quoted names are none."""
        plain = _QUOTED.sub(lambda found: "'" + "_" * (len(found.group()) - 2) + "'", text)
        for one in asked_in(plain, self.index.known):
            if one.figure.value.is_nan() or one.kind:
                continue
            fact = self._fact(
                one.figure.value,
                at,
                words=frozenset((*one.nouns[:2], one.label)) - STOP - {""},
                marks={"said", *({"wanted"} if "said" in at.path else ()), *({"total"} if one.total else ())},
            )
            # a sentence says itself of which model it speaks
            others = {name for name in fact.names if self.index.kinds[name] != {"model"}}
            names = frozenset((*others, *one.names[: max(1, one.beside)]))
            self.index.keep(replace(fact, names=names, metric="" if one.unit else one.metric, unit=one.unit))

    def _number(self, value: int | float | None, at: _At) -> None:
        if value is None and at.key not in NULLS and at.unit is None:
            return
        words = words_of(at.key)
        if len(at.path) > 1 and (at.key in ("value", "count") or at.keyed or at.path[-2] == "quartiles"):
            words |= words_of(at.path[-2])
        number = UNKNOWN if value is None else decimal(value)
        if at.unit is None and "percent" in words:
            number = number.scaleb(-2)
        is_score = not isinstance(value, int) or metric_of(at.key)
        odd = at.unit is not None or (words & vocabulary("row version looks seed deviation") and not metric_of(at.key))
        fact = self._fact(number, at, words=words)
        wanted = {"wanted"} if at.key.startswith(("max_", "budget")) else set()
        self.index.keep(
            replace(
                fact,
                key=at.key,
                metric=at.metric if is_score and not odd else "",
                unit=at.unit,
                marks=fact.marks | wanted,
            )
        )
        if at.keyed and at.key.isdecimal():
            self._count([Counted(Decimal(at.key), frozenset({"row"}))], at)

    def _count(self, counts: Sequence[Counted], at: _At) -> None:
        for one in counts:
            marks = {"length", *({"near"} if one.near else ())}
            self.index.keep(replace(self._fact(one.value, at, words=one.words, marks=marks), needs=one.needs))

    def _interval(self, low: float, high: float, at: _At) -> None:
        if not (decimal(low).is_finite() and decimal(high).is_finite()):
            return
        about = replace(self._fact(decimal(low), at), metric=at.metric)
        self.index.intervals.append(Interval(decimal(low), decimal(high), about))

    def _fact(
        self,
        number: Decimal,
        at: _At,
        words: frozenset[str] = frozenset(),
        marks: frozenset[str] | set[str] = frozenset(),
    ) -> Fact:
        path = _words(at.path)
        wanted = {"wanted"} if path & WANTED else set()
        return Fact(number, at.result, at.place, "", words, path, at.names, marks=frozenset(marks | wanted))


def decimal(value: float) -> Decimal:
    """A number of JSON as it is written."""
    return Decimal(repr(value))


def _metric(value: Mapping[object, object]) -> str:
    """The metric that a mapping's scores are of: its own `metric`, or that of its validation or goal."""
    for key in ("metric", "validation", "goal", "name"):
        item = value.get(key)
        if isinstance(item, Mapping):
            item = item.get("name") or item.get("metric")
        if isinstance(item, str) and metric_of(item):
            return metric_of(item)
    return ""


def _ends(value: Mapping[object, object]) -> Iterator[tuple[float, float]]:
    """The ranges of a column: from the least to the most, and its middle half."""
    middle = value.get("quartiles")
    pairs = [(value.get("minimum"), value.get("maximum"))]
    if isinstance(middle, Sequence) and len(middle) == 3:
        pairs.append((middle[0], middle[2]))
    for low, high in pairs:
        if is_number(low) and is_number(high):
            yield low, high


@lru_cache(maxsize=2000)
def _words(path: tuple[str, ...]) -> frozenset[str]:
    return frozenset(word for key in path for word in words_of(key))
