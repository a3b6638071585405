"""Numbers of results, each with what stands around it: its key, its mapping, the row of which list it is in."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from agents.grounding.shapes import words_in
from agents.grounding.words import Unit, vocabulary

OWNERS = -1
"""The list of all results, as it were, each a row with the names of the models that it is about."""
_STATES = vocabulary(
    "val validation valid cv oof test holdout train mean best final before after old new current previous"
)
WORTH = vocabulary("importance shap contribution attribution weight gain")
"""Words of keys that say what a column is worth to a model."""
INTERVALS = frozenset({"ci", "ci95", "ci90", "interval"})
BOUNDS = frozenset({"ci", "ci95", "ci90", "interval", "lower", "upper", "low", "high", "lo", "hi"})
CALCULATED = "calculated"
"""The key of what the tool `calculate` worked out."""
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
    tokens: frozenset[str] = frozenset()
    """All words by which a text may speak of it: of keys, of names of rows, of texts beside it, `@` and its metric, `#`
    and a number of its row."""
    names: frozenset[str] = frozenset()
    """Those of them that are no words of keys."""
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
    def spoken(self) -> frozenset[str]:
        """The words of its key, as they are looked for in texts."""
        return words_in(self.key)

    @property
    def own(self) -> frozenset[str]:
        """The words of the names of its row."""
        inner = [labels for group, labels in self.rows if group != OWNERS][-1:]
        return frozenset(word for labels in inner for label in labels for word in words_in(label))

    @property
    def is_bound(self) -> bool:
        """Whether it is an end of an interval."""
        return bool(self.words & BOUNDS or self.path & INTERVALS)

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
    by_core: dict[frozenset[str], list[Record]] = field(default_factory=lambda: defaultdict(list))
    by_key: dict[str, list[Record]] = field(default_factory=lambda: defaultdict(list))
    by_metric: dict[str, list[Record]] = field(default_factory=lambda: defaultdict(list))
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
            self.by_core[core(record.words)].append(record)
            self.by_key[record.key].append(record)
            if record.metric:
                self.by_metric[record.metric].append(record)
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

    @cached_property
    def _by_value(self) -> tuple[list[float], list[int]]:
        order = sorted(range(len(self.every)), key=lambda place: self.every[place].value)
        return [self.every[place].value for place in order], order

    def between(self, low: float, high: float) -> Iterator[int]:
        """The places in `every` of the numbers from `low` to `high`. Only once all are kept."""
        values, order = self._by_value
        yield from order[bisect_left(values, low) : bisect_right(values, high)]

    def rivals(self, record: Record) -> list[Record]:
        """The numbers that a text may mean instead: of the same mapping, column, key or metric."""
        alike = [*self.by_core[core(record.words)], *(self.by_metric[record.metric] if record.metric else ())]
        return [
            *self.by_place[record.place],
            *(self.by_column[record.column] if record.rows else ()),
            *(other for other in alike if _role(other) == _role(record) and _is_near(other, record)),
        ]


def _is_near(other: Record, record: Record) -> bool:
    """Whether two numbers are of one result, or stand in the same place of two."""
    staged = other.stage != record.stage and "" not in (other.stage, record.stage)
    return other.result == record.result or staged or core(other.path) == core(record.path)


def core(words: frozenset[str]) -> frozenset[str]:
    """The words of a key without those that say the stage or the state: `val_rmsle` is of rmsle."""
    return words - _STATES or words


def _role(record: Record) -> tuple[bool, bool]:
    return record.is_bound, bool(record.path & WORTH)
