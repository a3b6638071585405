"""Counts that follow from a result: how long a list is, how many of its rows are of which kind, how many are right."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from agents.grounding.words import greater_is_better, stem, vocabulary, words_of

Row = Mapping[object, object]

_NAMED = ("model", "column", "dataset", "monitor", "alert", "variant", "job", "run", "check", "feature", "doc")
"""Keys that say what the rows of a list are."""
_OF_ONE_KIND = vocabulary("kind status state level task role effect passed tool type")
_MEASURED = vocabulary("measured fitted trained finished scored ran tried")
_USED = vocabulary("predict model from use need take feature input")
_MATTER = vocabulary("importance important matter feature shuffled shuffling")
_MISSING = vocabulary("missing gap hole lack")
_LONGEST_KIND = 24


@dataclass(frozen=True, slots=True)
class Counted:
    """A count, the words for what is counted, and the words of which a sentence that means it has one."""

    value: Decimal
    words: frozenset[str]
    needs: frozenset[str] = frozenset()
    near: bool = False
    """Whether such a word must stand beside the figure."""


def counts_of(key: str, value: object, metric: str) -> list[Counted]:
    """What can be counted in the value of a key: a list, or a mapping that is keyed by names."""
    words = words_of(key)
    if isinstance(value, Mapping):
        keyed = len(value) > 1 and all(item is None or isinstance(item, str | int | float) for item in value.values())
        alike = len({type(item) for item in value.values()}) == 1
        if not (key and keyed and alike):
            return []
        return [Counted(Decimal(len(value)), words | {"feature"}, _USED if key == "columns" else frozenset())]
    assert isinstance(value, Sequence)
    rows = [row for row in value if isinstance(row, Mapping)]
    if not value or len(rows) < len(value):
        return [Counted(Decimal(len(value)), words), *_confusion(key, value)] if value else []
    words |= _kind_of(rows[0])
    length = Counted(Decimal(len(rows)), words | {"feature"}, _MATTER if key == "importance" else frozenset())
    return [
        length,
        *_by_value(rows, words),
        *_prefixes(rows, words),
        *_inputs(key, rows),
        *_better(rows, words, metric),
    ]


def _kind_of(row: Row) -> frozenset[str]:
    """What a row is: a model, a column ..."""
    named = next((name for name in _NAMED if name in row), "")
    return frozenset({stem(named), "candidate" if "status" in row and named == "model" else ""}) - {""}


def _by_value(rows: Sequence[Row], words: frozenset[str]) -> Iterator[Counted]:
    """How many rows have which value: 11 columns, of which 4 are of the kind 'category' and 3 have missing values."""
    for key in rows[0]:
        values = [row.get(key) for row in rows]
        word = stem(str(key))
        if all(isinstance(one, str) and len(one) <= _LONGEST_KIND for one in values):
            if str(key) not in _OF_ONE_KIND or len(set(values)) == len(values):
                continue
            for one in sorted({str(one) for one in values}):
                count = Decimal(values.count(one))
                yield Counted(count, words | words_of(one), words_of(one), near=True)
                if str(key) == "status":
                    yield Counted(len(values) - count, words, words_of(one))
        elif all(one is None or isinstance(one, int | float) for one in values):
            needs = _MISSING if word == "missing" else frozenset({word})
            yield Counted(Decimal(sum(bool(one) for one in values)), words | {word}, needs, near=True)
            known = sum(one is not None for one in values)
            if 0 < known < len(values):
                yield Counted(Decimal(known), words, _MEASURED | {word})


def _prefixes(rows: Sequence[Row], words: frozenset[str]) -> Iterator[Counted]:
    """How many names begin with one word: 64 columns are pixels."""
    firsts = [str(row.get("name")).partition("_")[0] for row in rows]
    for first in sorted({first for first in firsts if firsts.count(first) > 1 and first.isalpha()}):
        yield Counted(Decimal(firsts.count(first)), words | {stem(first)}, frozenset({stem(first)}), near=True)


def _inputs(key: str, rows: Sequence[Row]) -> Iterator[Counted]:
    """All columns but the target."""
    if key == "columns":
        inputs = vocabulary("feature input predictor")
        yield Counted(Decimal(len(rows) - 1), inputs, inputs)


def _better(rows: Sequence[Row], words: frozenset[str], metric: str) -> Iterator[Counted]:
    """How many candidates do better than the dummy."""
    scores = {str(row.get("model")): row.get("validation") for row in rows}
    base = scores.get("dummy")
    if metric and isinstance(base, int | float):
        sign = 1 if greater_is_better(metric) else -1
        better = sum(isinstance(one, int | float) and sign * (one - base) > 0 for one in scores.values())
        yield Counted(Decimal(better), words, vocabulary("baseline dummy beat"))


def _confusion(key: str, value: Sequence[object]) -> Iterator[Counted]:
    """How many answers are right, and how many wrong."""
    rows = [row for row in value if isinstance(row, Sequence) and all(isinstance(cell, int) for cell in row)]
    if key == "confusion" and len(rows) == len(value):
        right = sum(row[n] for n, row in enumerate(rows) if n < len(row))
        every = sum(sum(row) for row in rows)
        yield Counted(Decimal(right), frozenset({"row"}), vocabulary("right correct correctly"))
        yield Counted(
            Decimal(every - right), frozenset({"row"}), vocabulary("wrong mistake error misclassified incorrect")
        )


_CELLS = {
    "tp": ("tp", "true_positive", "true_positives", "n_tp"),
    "fp": ("fp", "false_positive", "false_positives", "n_fp"),
    "fn": ("fn", "false_negative", "false_negatives", "n_fn"),
    "tn": ("tn", "true_negative", "true_negatives", "n_tn"),
}


def confused(value: Row) -> Iterator[tuple[str, float]]:
    """What follows from the four cells of a confusion matrix, each under a key that says what it is."""
    cells = {cell: next((value[key] for key in keys if key in value), None) for cell, keys in _CELLS.items()}
    tp, fp, fn, tn = (cell if isinstance(cell, int) else -1 for cell in cells.values())
    if min(tp, fp, fn, tn) < 0 or not tp + fp + fn + tn:
        return
    yield from (
        ("predicted_positives_flagged", tp + fp), ("predicted_negatives", fn + tn), ("actual_positives", tp + fn),
        ("actual_negatives", fp + tn), ("correct_right", tp + tn), ("wrong_errors_mistakes", fp + fn),
        ("total_rows", tp + fp + fn + tn),
    )  # fmt: skip
    shares = (
        ("accuracy", tp + tn, tp + fp + fn + tn), ("precision", tp, tp + fp), ("recall", tp, tp + fn),
        ("specificity", tn, tn + fp), ("false_alarm_rate", fp, fp + tn), ("missed_rate", fn, fn + tp),
        ("base_rate_positives", tp + fn, tp + fp + fn + tn), ("negative_predictive_value", tn, tn + fn),
        ("flagged_rate", tp + fp, tp + fp + fn + tn), ("false_discovery_rate", fp, tp + fp),
        ("majority_negatives_rate", fp + tn, tp + fp + fn + tn),
    )  # fmt: skip
    yield from ((word, part / whole) for word, part, whole in shares if whole)


def per_class(matrix: Sequence[Sequence[float]], heads: Sequence[str]) -> Iterator[tuple[str, frozenset[str], float]]:
    """Recall, precision and F1 of each class of a square table of actual against predicted ones, by its name; of one
    without names they are those of any class."""
    if any(len(row) != len(matrix) for row in matrix):
        return
    for n, row in enumerate(matrix):
        named = frozenset({heads[n]}) if heads else frozenset[str]()
        hit, actual, predicted = row[n], sum(row), sum(other[n] for other in matrix)
        if actual:
            yield "recall", named, hit / actual
        if predicted:
            yield "precision", named, hit / predicted
        if actual + predicted:
            yield "f1", named, 2 * hit / (actual + predicted)
