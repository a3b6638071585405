"""What can be told of the shape of JSON whose keys nobody knows: which values are rows, and what names them."""

import re
from collections.abc import Mapping, Sequence
from typing import TypeGuard

from agents.grounding.words import METRIC, UNITS, metric_of, stem, vocabulary

LONGEST_LABEL = 80
MOST_CELLS = 400
_SHORT_NUMBER = 3
"""Digits of a number that names a row."""
_APART = 0.8
"""Of the rows of a list have a text of their own under a key that names them."""
_HUMPS = re.compile(r"(?<=[a-z])(?=[A-Z])")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:[T ][\d:.,+Z-]*)?")


_TOKEN = re.compile(r"(?<![\d.,])[a-z0-9]+(?![.,]?\d)")
_EMPTY = vocabulary(
    "a an the of in on at to is it by and or for with as was are be this that has have its not no time value score "
    "metric against versus model data dataset result set name number text date run file index id"
)
_ALIASES = {
    "lgbm": "lightgbm",
    "lgb": "lightgbm",
    "xgb": "xgboost",
    "cb": "catboost",
    "tfm": "transformer",
    "q50": "median",
    "p50": "median",
}
_LETTER = re.compile(
    r"(?<![\w'’.-])((?:(?<=\b[Mm]odel )|(?<=\b[Gg]roup )|(?<=\b[Vv]ariant ))A|(?<=\bfor )A(?=[.,;)])|A(?=['’]s\b| \d)"
    r"|[B-HJ-Z])(?![\w'’-](?!s\b))"
)
_LIMITS = vocabulary("limit allowed maximum threshold cap tolerance tolerated ceiling budget")
_LEASTS = vocabulary("minimum required min floor least")
_ALIASES |= dict.fromkeys(_LIMITS, "limit") | dict.fromkeys(_LEASTS, "minimum")
_CELLS = {"fp": "alarm false", "fn": "missed miss overlooked", "tp": "caught found", "tn": "correctly"}
"""How the cells of a confusion matrix are told."""
_STAGE = _ALIASES | {"val": "validation", "valid": "validation", "cv": "validation", "oof": "validation"}
STAGES = vocabulary("test validation train")


def tokens_of(text: str) -> list[tuple[str, int]]:
    """The words of a text in small letters, as stems, and where they stand."""
    found = [(stem(word.group()), word.start()) for word in _TOKEN.finditer(text)]
    return [(_STAGE.get(word, word), start) for word, start in found if word not in _EMPTY and word not in UNITS]


def letters_in(text: str) -> list[tuple[str, int]]:
    """Single letters by which a text calls things, 'model A and B', as tokens, and where they stand."""
    return [(f"letter-{found[1].casefold()}", found.start(1)) for found in _LETTER.finditer(text)]


def words_in(name: str) -> frozenset[str]:
    """The words of a name; numbers in it only where it has nothing else, as '18-29'."""
    alone = re.findall(r"(?<![A-Za-z0-9])[A-Za-z](?![A-Za-z0-9])", name)
    words = frozenset(token for token, _ in tokens_of(name.casefold()) if len(token) > 1 or token.isdecimal())
    words |= {f"letter-{letter.casefold()}" for letter in alone}
    words |= {spoken for word in words & _CELLS.keys() for spoken in _CELLS[word].split()}
    return frozenset(word for word in words if not word.isdecimal()) or words


def are_rows(values: Sequence[object]) -> bool:
    """Whether the values of a mapping are alike, so that its keys name them."""
    mappings = [value for value in values if isinstance(value, Mapping)]
    if len(mappings) < 2 or len(mappings) < len(values):
        return False
    first = set(mappings[0])
    return all(len(first & set(other)) * 2 > len(first) for other in mappings[1:])


def naming(rows: Sequence[Mapping[object, object]]) -> list[object]:
    """The keys whose texts tell the rows of a list apart."""
    found = []
    for key in rows[0]:
        values = [row.get(key) for row in rows]
        texts = [value for value in values if isinstance(value, str) and len(value) <= LONGEST_LABEL]
        apart = len(set(texts)) > max(1, len(texts) * _APART)
        if texts and len(texts) >= len(values) - 1 and apart and not MOMENT.fullmatch(texts[0]):
            found.append(key)
    return found


def counting(rows: Sequence[Mapping[object, object]]) -> object:
    """The first key, if its numbers tell the rows of a list apart."""
    first = next(iter(rows[0]), None)
    values = [row.get(first) for row in rows]
    return first if all(map(is_number, values)) and len(set(map(str, values))) == len(values) > 1 else None


def told(name: object) -> frozenset[str]:
    """How a name may stand in a text: also with its words apart, `PaymentMethod` as 'payment method'."""
    text = str(name)
    return frozenset({plain_name(text), plain_name(_HUMPS.sub(" ", text))})


def plain_name(name: str) -> str:
    """A name as it may stand in a text that is plain, too."""
    return " ".join(re.sub(r"[_*`]+", " ", name).casefold().replace("-", "").split())


def metric_in_key(key: str) -> str:
    """The metric that a key has in it: that of `val_roc_auc_mean` is roc_auc."""
    found = METRIC.search(key.casefold().replace("_", " ")) if key else None
    return metric_of(found.group().replace(" ", "_")) or metric_of(found.group()) if found else ""


def metric_in(value: Mapping[object, object]) -> str:
    """The metric of which a mapping speaks by one of its texts."""
    for key in ("metric", "validation", "goal", "name", "objective", "score", "measure"):
        item = value.get(key)
        if isinstance(item, Mapping):
            item = item.get("name") or item.get("metric")
        if isinstance(item, str) and metric_in_key(item):
            return metric_in_key(item)
    return ""


def is_matrix(value: object) -> TypeGuard[Sequence[Sequence[float]]]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        return False
    rows = [row for row in value if isinstance(row, Sequence) and not isinstance(row, str) and row]
    return (
        len(rows) == len(value)
        and len({len(row) for row in rows}) == 1
        and len(rows) * len(rows[0]) <= MOST_CELLS
        and all(is_number(cell) for row in rows for cell in row)
    )


def named_counts(value: Sequence[object]) -> list[tuple[str, float]]:
    """Pairs of a name and a number, such as the values of a column and how often each stands there."""
    found = []
    for item in value:
        if not isinstance(item, Sequence) or isinstance(item, str) or len(item) != 2:
            return []
        name, count = item
        if not isinstance(name, str) or not is_number(count):
            return []
        found.append((name, count))
    return found


def heads_of(value: Mapping[object, object], matrix: Sequence[Sequence[float]]) -> Sequence[str]:
    """The names beside a square table, of the same mapping."""
    for item in value.values():
        names = [name for name in item if isinstance(name, str)] if isinstance(item, Sequence) else []
        if not isinstance(item, str) and len(names) == len(matrix) == len(matrix[0]):
            return [plain_name(name) for name in names]
    return ()


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a value of JSON is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def number_token(key: object, value: float) -> str:
    """By which a row is known that has its own number under a key: `#epoch=3`."""
    return f"#{stem(str(key).rpartition('_')[2])}={float(value):g}"


def numbering(rows: Sequence[Mapping[object, object]]) -> list[object]:
    """The first keys whose numbers tell the rows of a list apart and are short: of an epoch, a depth, a threshold."""
    found: list[object] = []
    for key in rows[0]:
        values = [row.get(key) for row in rows]
        if not all(map(is_number, values)):
            continue
        short = all(len(f"{value:g}".strip("-0.").replace(".", "")) <= _SHORT_NUMBER for value in values)
        if not short or metric_in_key(str(key)) or len(set(map(str, values))) < len(values):
            break
        found.append(key)
    return found
