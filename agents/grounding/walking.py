"""Walks through results whatever their shape and keeps each of their numbers as a record.

Results of our own tools are read closely by agents.grounding.results. Others' are known by no vocabulary: here a
number is told from its neighbours by the words of keys, and the rows of a list by the names in them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from agents.grounding.counts import confused, counts_of, per_class
from agents.grounding.facts import Result
from agents.grounding.records import INTERVALS, OWNERS, Record, Records
from agents.grounding.shapes import (
    LONGEST_LABEL,
    MOMENT,
    STAGES,
    are_rows,
    counting,
    heads_of,
    is_matrix,
    is_number,
    metric_in,
    metric_in_key,
    named_counts,
    naming,
    number_token,
    numbering,
    plain_name,
    told,
    words_in,
)
from agents.grounding.words import UNITS, Unit, stem, unit_of_key, vocabulary, words_of

LONGEST_TEXT = 4000
LONGEST_TAG = 40
_HUMPS = re.compile(r"(?<=[a-z])(?=[A-Z])")
_DEEP = 3
_SENTENCE = 4
"""Spaces from which a text is a sentence and no name."""
_MOST_PARTS = 12
_WHOLES = vocabulary("total row n count all")
"""Words of keys that are the total of their neighbours."""
_DIGITS = re.compile(
    r"(?<![A-Za-z0-9.,-])(?:p(?=\d{1,3}(?![A-Za-z0-9])))?(\d+(?:[.,]\d+)*)"
    r"(k|K|M|pct|percent|%|ms|s|d|h|x|MB|GB|kB)?(?![A-Za-z0-9])"
)
_SPREAD = vocabulary("std deviation stderr se var variance p pvalue seed version threshold probability psi")
"""Words of keys whose numbers are no scores, whatever metric is told beside them."""
_STAGES = {
    "test": frozenset({"test", "tested", "holdout", "final"}),
    "validation": frozenset({"validation", "val", "valid", "cv", "oof"}),
    "train": frozenset({"train"}),
}
_SPREADS = vocabulary("histogram bin quartile quantile edge grid interval range")
"""Of lists whose mean says nothing."""
_SUFFIXES = {word: UNITS[name] for word, name in (("ms", "ms"), ("s", "s"), ("d", "day"), ("h", "h"), ("MB", "mb"))}
_WANTED = frozenset({"arguments", "args", "argument", "wanted", "asked"})
_COMMON = vocabulary(
    "yes no not and all any none other others true false first last test train high low good bad done open "
    "ok pass fail passed failed error warning info success value mean total number text date string"
)


@dataclass(frozen=True, slots=True)
class _At:
    result: str
    path: tuple[str, ...] = ()
    place: int = 0
    rows: tuple[tuple[int, frozenset[str]], ...] = ()
    numbers: tuple[int, float] | None = None
    tags: frozenset[str] = frozenset()
    """Words of the texts that stand beside it and above."""
    depth: int = 0
    """How much of the path leads to the row that it is in."""
    metric: str = ""
    unit: Unit | None = None


def records_of(results: Sequence[Result]) -> Records:
    """The numbers of results, without what users said."""
    walk = _Walk()
    walk.several(results)
    for result in results:
        if "said" not in result:
            content = {key: value for key, value in result.items() if key != "id"}
            owners = {plain_name(owner) for owner in _owners(content)}
            alone = len(owners) == 1
            walk.take(content, _At(str(result["id"]), rows=((OWNERS, frozenset(owners)),) if alone else ()))
    return walk.found


def _stages(words: frozenset[str]) -> Iterator[str]:
    yield from (stage for stage, marks in _STAGES.items() if words & marks)


def _unit_of(value: Mapping[object, object]) -> Unit | None:
    """The unit that a mapping says of its numbers by a text: `{"name": "p95_ms", ...}`, `{"unit": "MB", ...}`."""
    name, unit = value.get("name") or value.get("metric"), value.get("unit")
    if isinstance(unit, str) and unit.casefold() in UNITS:
        return UNITS[unit.casefold()]
    return unit_of_key(name) if isinstance(name, str) and "_" in name else None


def _are_measures(value: Mapping[object, object]) -> bool:
    """Whether a mapping holds broken numbers alone, as the parts of what its neighbours measure."""
    return len(value) > 1 and all(isinstance(item, float) for item in value.values())


def _tags(value: Mapping[object, object]) -> frozenset[str]:
    """The words of the short texts of a mapping, by which it says what it is about."""
    texts = [
        item
        for key, item in value.items()
        if isinstance(item, str)
        and len(item) <= LONGEST_TAG
        and key not in ("tool", "id", "status")
        and item.count(" ") < _SENTENCE
    ]
    words = frozenset(word for text in texts if not MOMENT.search(text) for word in words_in(text))
    return frozenset(word for word in words if not word.isdecimal())


def _owners(value: object, depth: int = 0) -> Iterator[str]:
    """The ids of models that a result is about, unless it lists several."""
    if isinstance(value, Mapping) and depth < _DEEP:
        for key, item in value.items():
            if isinstance(item, str) and len(item) <= LONGEST_LABEL and str(key) in ("model", "model_id", "variant"):
                yield item
            elif isinstance(item, Mapping):
                yield from _owners(item, depth + 1)


class _Walk:
    def __init__(self) -> None:
        self.found = Records()
        self._places = 0

    def take(self, value: object, at: _At) -> None:
        if isinstance(value, bool) or value is None:
            return
        if isinstance(value, int | float):
            self._number(value, at)
        elif isinstance(value, str):
            self._text(value, at)
        elif isinstance(value, Mapping):
            self._mapping(value, at)
        elif isinstance(value, Sequence):
            self._list(value, at)

    def several(self, results: Sequence[Result]) -> None:
        """How many results are about a thing of one kind: five that each have a `model`."""
        for key in {key for result in results for key, value in result.items() if isinstance(value, str)} - {
            "id",
            "said",
        }:
            named = {str(result[key]): str(result["id"]) for result in results if isinstance(result.get(key), str)}
            if len(named) > 1:
                words = words_of(str(key))
                self.found.keep(
                    Record(
                        float(len(named)),
                        next(iter(named.values())),
                        words=words,
                        path=words,
                        whole=True,
                        mark="length",
                    )
                )

    def _next(self) -> int:
        self._places += 1
        return self._places

    def _mapping(self, value: Mapping[object, object], at: _At) -> None:
        at = replace(at, place=self._next(), metric=metric_in(value) or at.metric, tags=at.tags | _tags(value))
        at = replace(at, unit=at.unit or _unit_of(value))
        spoken = {unit for key in value if (unit := unit_of_key(str(key))) is not None}
        shared = next(iter(spoken)) if len(spoken) == 1 else None
        group = self._next() if are_rows(list(value.values())) else 0
        for key, item in value.items():
            word = str(key)
            path = (*at.path, word)
            below = replace(at, path=path, metric=metric_in_key(word) or at.metric, unit=unit_of_key(word) or at.unit)
            if shared is not None and below.unit is None and isinstance(item, Mapping):
                below = replace(below, unit=shared if _are_measures(item) else None)
            if group:
                below = replace(below, rows=(*at.rows, (group, told(word))), depth=len(path))
            for part in words_of(word):
                self.found.keys.setdefault(part, at.result)
            if word in ("level", "confidence", "confidence_level") and is_number(item):
                self.found.levels.add(float(item) if item < 1 else float(item) / 100)
            if found := re.search(r"(?:ci|interval|cover|coverage|lo|hi)_?(80|90|95|99)$", word):
                self.found.levels.add(int(found[1]) / 100)
            self._said(word, below)
            if is_matrix(item):
                self._matrix(item, below, heads_of(value, item))
            else:
                self.take(item, below)
        self._total(value, at)
        self._counts(at.path[-1] if at.path else "", value, at)
        for word, number in confused(value):
            self._number(number, replace(at, path=(*at.path, word), metric=metric_in_key(word)))

    def _total(self, value: Mapping[object, object], at: _At) -> None:
        """What the whole numbers of a mapping add up to, where it tells no total itself: of the parts of a split."""
        counts = {str(key): item for key, item in value.items() if isinstance(item, int) and not isinstance(item, bool)}
        if len(counts) < len(value) or not 1 < len(counts) <= _MOST_PARTS or min(counts.values()) < 0:
            return
        total = float(sum(counts.values()))
        if any(item * 2 >= total and words_of(key) & _WHOLES for key, item in counts.items()):
            return
        words = frozenset({"row"}).union(*map(words_of, at.path[-1:]))
        self.found.keep(Record(total, at.result, words=words, path=words, place=at.place, whole=True, mark="sum"))

    def _list(self, value: Sequence[object], at: _At) -> None:
        mappings = [item for item in value if isinstance(item, Mapping)]
        if mappings and len(mappings) == len(value):
            group, named, counted = self._next(), naming(mappings), counting(mappings)
            numbered = numbering(mappings)
            for row in mappings:
                number = row.get(counted) if counted is not None else None
                below = replace(at, numbers=(group, float(number)) if is_number(number) else at.numbers)
                labels = frozenset(label for key in named if isinstance(row.get(key), str) for label in told(row[key]))
                below = replace(below, tags=below.tags | {number_token(key, row[key]) for key in numbered})
                self.take(row, replace(below, rows=(*at.rows, (group, labels - _COMMON)), depth=len(at.path)))
            self._added(group, at)
        elif is_matrix(value):
            self._matrix(value, at, ())
        elif pairs := named_counts(value):
            group, place = self._next(), self._next()
            for name, count in pairs:
                cell = replace(at, tags=at.tags | words_in(name), rows=(*at.rows, (group, told(name) - _COMMON)))
                self._number(count, replace(cell, place=place))
        else:
            place = self._next()
            for item in value:
                self.take(item, replace(at, place=place))
            numbers = [item for item in value if is_number(item)]
            if len(numbers) == len(value) > 1 and not words_of(at.path[-1] if at.path else "") & (INTERVALS | _SPREADS):
                self._number(sum(numbers) / len(numbers), replace(at, place=place), mark="mean")
        if value:
            self._counts(at.path[-1] if at.path else "", value, at)

    def _added(self, group: int, at: _At) -> None:
        """What the columns of a list add up to, and their means."""
        for column in [column for column in self.found.by_column if column[0] == group]:
            members = self.found.by_column[column]
            total = sum(member.value for member in members)
            for mark, value in (("sum", total), ("mean", total / len(members))):
                record = replace(members[0], value=value, place=at.place, rows=at.rows, column=(0, ""), mark=mark)
                self.found.keep(replace(record, whole=record.whole and mark == "sum"))

    def _matrix(self, value: Sequence[Sequence[float]], at: _At, heads: Sequence[str]) -> None:
        """A square table with the same heads on both sides, or without: also what its rows and columns add up to."""
        place, group = self._next(), self._next()
        for n, row in enumerate(value):
            for m, cell in enumerate(row):
                named = frozenset({heads[n], heads[m]}) if heads else frozenset[str]()
                self._number(cell, replace(at, place=place, rows=(*at.rows, (group, named)), depth=len(at.path)))
        columns = list(zip(*value, strict=True))
        for n, line in enumerate([*value, *columns]):
            named = frozenset({heads[n % len(heads)]}) if heads else frozenset[str]()
            below = replace(at, path=(*at.path, "total"), place=place, rows=(*at.rows, (group, named)))
            self._number(sum(line), below)
            if len(value) == len(columns):
                missed = sum(line) - value[n % len(value)][n % len(value)]
                self._number(missed, replace(below, path=(*at.path, "missed_wrong_errors")))
        for word, named, number in per_class(value, heads):
            below = replace(at, path=(*at.path, word), place=place, metric=metric_in_key(word))
            self._number(number, replace(below, rows=(*at.rows, (group, named))))
        if len(value) == len(columns):
            right, every = sum(value[n][n] for n in range(len(value))), sum(map(sum, value))
            for word, number in (("right_correct", right), ("wrong_errors_mistakes", every - right), ("total", every)):
                self._number(number, replace(at, path=(*at.path, word), place=place))

    def _counts(self, key: str, value: object, at: _At) -> None:
        for one in counts_of(key, value, at.metric):
            words = one.words | one.needs
            length = Record(float(one.value), at.result, key, words, words, at.place, whole=True, mark="length")
            self.found.keep(replace(length, tokens=words))

    def _number(self, value: float, at: _At, mark: str = "") -> None:
        key = at.path[-1] if at.path else ""
        words, path = words_of(key), frozenset(word for part in at.path for word in words_of(part))
        score = not words & _SPREAD and at.unit is None
        stage = next((stage for part in reversed(at.path) for stage in _stages(words_of(part))), "")
        self.found.keep(
            Record(
                float(value),
                at.result,
                key,
                words,
                path,
                at.place,
                at.rows,
                (at.rows[-1][0], ".".join(at.path[at.depth :])) if at.rows else (0, ""),
                self._tokens(at, stage),
                self._called(at),
                at.numbers,
                at.metric if score and not (isinstance(value, int) and not metric_in_key(key)) else "",
                at.unit,
                stage,
                isinstance(value, int),
                mark or ("wanted" if _WANTED & {part.casefold() for part in at.path} else ""),
            )
        )

    def _called(self, at: _At) -> frozenset[str]:
        names = frozenset(word for _, labels in at.rows for label in labels for word in words_in(label))
        return (names | at.tags) - STAGES

    def _tokens(self, at: _At, stage: str) -> frozenset[str]:
        keys = [word for part in at.path for word in words_in(_HUMPS.sub(" ", part)) if not word.isdecimal()]
        names = [word for _, labels in at.rows for label in labels for word in words_in(label)]
        about = frozenset([*keys, *names, *at.tags])
        own = [f"@{at.metric}"] if at.metric else []
        return about - STAGES | {*own, stage} - {""} if stage else about | {*own}

    def _text(self, value: str, at: _At) -> None:
        if len(value) <= LONGEST_TEXT:
            self._said(value, at)

    def _said(self, text: str, at: _At) -> None:
        """Figures in texts and keys: 'over_200ms', 'exceeded 4 GB'."""
        plain = MOMENT.sub(" ", text).replace("_", " ")
        for found in _DIGITS.finditer(plain):
            shown = found[1].replace(",", "")
            if shown.count(".") > 1:
                continue
            words = frozenset(stem(word) for word in re.findall(r"[A-Za-z]+", plain[:200]))
            mark = "wanted" if _WANTED & set(at.path) else "said"
            unit = _SUFFIXES.get(found[2] or "")
            record = Record(
                float(shown),
                at.result,
                words=words,
                path=words,
                place=at.place,
                unit=unit,
                whole="." not in shown,
                mark=mark,
            )
            self.found.keep(record)
            if found[2] and found[2] in "kKM":
                self.found.keep(replace(record, value=record.value * (1e6 if found[2] == "M" else 1e3)))
