"""The numbers of results whatever their shape, each with what stands around it: key, mapping, row of which list.

Results of our own tools are read closely by agents.grounding.results. Others' are known by no vocabulary: here a
number is told from its neighbours by the words of keys, and the rows of a list by the names in them.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from agents.grounding.counts import confused, counts_of, per_class
from agents.grounding.facts import Result
from agents.grounding.shapes import (
    LONGEST_LABEL,
    MOMENT,
    are_rows,
    counting,
    heads_of,
    is_matrix,
    is_number,
    metric_in,
    metric_in_key,
    named_counts,
    naming,
    plain_name,
    told,
)
from agents.grounding.words import Unit, stem, unit_of_key, vocabulary, words_of

LONGEST_TEXT = 4000
OWNERS = -1
"""The list of all results, as it were, each a row with the names of the models that it is about."""
_DEEP = 3
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
_WANTED = frozenset({"arguments", "args", "argument", "wanted", "asked"})
_COMMON = vocabulary(
    "yes no not and all any none other others new old true false first last test train high low good bad done open "
    "ok pass fail passed failed error warning info success value mean total number text date string"
)
BOUNDS = frozenset({"ci", "ci95", "ci90", "interval", "lower", "upper", "low", "high"})
BASELINES = frozenset({"baseline", "dummy", "naive", "majority"})


@dataclass(frozen=True, slots=True)
class Record:
    """A number of a result."""

    value: float
    result: str
    key: str = ""
    words: frozenset[str] = frozenset()
    """Of its key, as stems."""
    path: frozenset[str] = frozenset()
    """Of all keys on the way to it."""
    place: int = 0
    """Numbers of one mapping share it."""
    rows: tuple[tuple[int, frozenset[str]], ...] = ()
    """The lists that it is in a row of, and the names in that row, in small letters."""
    column: tuple[int, str] = (0, "")
    """Shared by the same number of every row of a list."""
    numbers: tuple[int, float] | None = None
    """The list that it is in a row of, and the number by which that row is told from others: of its trial, its day."""
    metric: str = ""
    unit: Unit | None = None
    stage: str = ""
    whole: bool = False
    mark: str = ""
    """'said' in a text or a key, 'length' of a list, 'sum' or 'mean' of a column, 'wanted' by an argument, '' for a
    field."""

    @property
    def is_bound(self) -> bool:
        """Whether it is an end of an interval."""
        return bool((self.words | self.path) & BOUNDS)

    @property
    def is_baseline(self) -> bool:
        """Whether it is of a model that knows nothing."""
        return not (self.path | self.labels).isdisjoint(BASELINES)

    @property
    def whose(self) -> frozenset[str]:
        """The names of the rows that it is in; where there are none, that of the model that its result is about."""
        inner = [labels for group, labels in self.rows if group != OWNERS and labels]
        return frozenset(label for labels in inner for label in labels) if inner else self.labels

    @property
    def labels(self) -> frozenset[str]:
        """All names of what it stands in."""
        return frozenset(label for _, labels in self.rows for label in labels)


@dataclass
class Records:
    """All of them, by mapping and by column."""

    every: list[Record] = field(default_factory=list)
    by_place: dict[int, list[Record]] = field(default_factory=lambda: defaultdict(list))
    by_row: dict[tuple[int, frozenset[str]], list[Record]] = field(default_factory=lambda: defaultdict(list))
    by_column: dict[tuple[int, str], list[Record]] = field(default_factory=lambda: defaultdict(list))
    labels: dict[int, frozenset[str]] = field(default_factory=lambda: defaultdict(frozenset))
    """Of every row of a list."""
    numbers: dict[int, set[float]] = field(default_factory=lambda: defaultdict(set))
    metrics: set[str] = field(default_factory=set)
    based: set[tuple[str, bool]] = field(default_factory=set)
    """The metrics that are known of a baseline (True), and of another model."""
    levels: set[float] = field(default_factory=set)
    """Of intervals, as far as results say."""
    keys: dict[str, str] = field(default_factory=dict)
    """Every word of a key, and the first result that has it."""

    def keep(self, record: Record) -> None:
        self.every.append(record)
        if not record.mark:
            self.by_place[record.place].append(record)
            if record.rows:
                self.by_column[record.column].append(record)
                if record.rows[-1][0] != OWNERS and record.rows[-1][1]:
                    self.by_row[record.rows[-1]].append(record)
        self.metrics.add(record.metric)
        if record.metric:
            self.based.add((record.metric, record.is_baseline))
        for group, labels in record.rows:
            self.labels[group] |= labels
        if record.numbers is not None:
            self.numbers[record.numbers[0]].add(record.numbers[1])


@dataclass(frozen=True, slots=True)
class _At:
    result: str
    path: tuple[str, ...] = ()
    place: int = 0
    rows: tuple[tuple[int, frozenset[str]], ...] = ()
    numbers: tuple[int, float] | None = None
    depth: int = 0
    """How much of the path leads to the row that it is in."""
    metric: str = ""
    unit: Unit | None = None


def records_of(results: Sequence[Result]) -> Records:
    """The numbers of results, without what users said."""
    walk = _Walk()
    for result in results:
        if "said" not in result:
            content = {key: value for key, value in result.items() if key != "id"}
            owners = {plain_name(owner) for owner in _owners(content)}
            alone = len(owners) == 1
            walk.take(content, _At(str(result["id"]), rows=((OWNERS, frozenset(owners)),) if alone else ()))
    return walk.found


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

    def _next(self) -> int:
        self._places += 1
        return self._places

    def _mapping(self, value: Mapping[object, object], at: _At) -> None:
        at = replace(at, place=self._next(), metric=metric_in(value) or at.metric)
        group = self._next() if are_rows(list(value.values())) else 0
        for key, item in value.items():
            word = str(key)
            path = (*at.path, word)
            below = replace(at, path=path, metric=metric_in_key(word) or at.metric, unit=unit_of_key(word) or at.unit)
            if group:
                below = replace(below, rows=(*at.rows, (group, told(word))), depth=len(path))
            for part in words_of(word):
                self.found.keys.setdefault(part, at.result)
            if word in ("level", "confidence", "confidence_level") and is_number(item):
                self.found.levels.add(float(item) if item < 1 else float(item) / 100)
            if found := re.search(r"(?:ci|interval|cover|lo|hi)_?(80|90|95|99)$", word):
                self.found.levels.add(int(found[1]) / 100)
            self._said(word, below)
            if is_matrix(item):
                self._matrix(item, below, heads_of(value, item))
            else:
                self.take(item, below)
        self._counts(at.path[-1] if at.path else "", value, at)
        for word, number in confused(value):
            self._number(number, replace(at, path=(*at.path, word), metric=metric_in_key(word)))

    def _list(self, value: Sequence[object], at: _At) -> None:
        mappings = [item for item in value if isinstance(item, Mapping)]
        if mappings and len(mappings) == len(value):
            group, named, counted = self._next(), naming(mappings), counting(mappings)
            for row in mappings:
                number = row.get(counted) if counted is not None else None
                below = replace(at, numbers=(group, float(number)) if is_number(number) else at.numbers)
                labels = frozenset(label for key in named if isinstance(row.get(key), str) for label in told(row[key]))
                self.take(row, replace(below, rows=(*at.rows, (group, labels - _COMMON)), depth=len(at.path)))
            self._added(group, at)
        elif is_matrix(value):
            self._matrix(value, at, ())
        elif pairs := named_counts(value):
            group, place = self._next(), self._next()
            for name, count in pairs:
                self._number(count, replace(at, place=place, rows=(*at.rows, (group, told(name) - _COMMON))))
        else:
            place = self._next()
            for item in value:
                self.take(item, replace(at, place=place))
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
            self.found.keep(Record(float(one.value), at.result, key, words, words, at.place, whole=True, mark="length"))

    def _number(self, value: float, at: _At) -> None:
        key = at.path[-1] if at.path else ""
        words, path = words_of(key), frozenset(word for part in at.path for word in words_of(part))
        score = not words & _SPREAD and at.unit is None
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
                at.numbers,
                at.metric if score and not (isinstance(value, int) and not metric_in_key(key)) else "",
                at.unit,
                next((stage for stage, marks in _STAGES.items() if path & marks), ""),
                isinstance(value, int),
                "wanted" if _WANTED & {part.casefold() for part in at.path} else "",
            )
        )

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
            record = Record(
                float(shown), at.result, words=words, path=words, place=at.place, whole="." not in shown, mark=mark
            )
            self.found.keep(record)
            if found[2] and found[2] in "kKM":
                self.found.keep(replace(record, value=record.value * (1e6 if found[2] == "M" else 1e3)))
