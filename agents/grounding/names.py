"""Words that are nearly a known name: `lightgbm-t2` where only lightgbm-t1 is known, 'the column tenur'."""

import re
from collections.abc import Callable, Iterator

from agents.claims import without_quoted
from agents.grounding.sentence import Known

_NUMBERED = re.compile(
    r"(?<![\w.:/-])([A-Za-z][A-Za-z_-]*?[A-Za-z_-])(\d{1,3})(?![\w-]|[.:]\w)|(?<![\w.:/-])([A-Za-z])(\d{1,3})(?![\w-]|[.:]\w)"
)
_INTRODUCED = re.compile(
    r"\b(?:column|feature|target|dataset|model|variant|candidate)s?\s+([A-Za-z][\w-]{3,})(?![\w-]|\.\w)", re.IGNORECASE
)
_LEARNERS = re.compile(
    r"\b(xgboost|catboost|lightgbm|adaboost|random forest|extra ?trees|gradient boosting|elastic ?net|ridge|lasso"
    r"|tabnet|ft-transformer|naive bayes|decision tree|k-?nn|svm|svc|mlp)\b(?=[^.;:!?\n]{0,40}?\d)",
    re.IGNORECASE,
)
_IDEAS = re.compile(r"\b(?:try|like|such as|e\.g\.|instead|could|would|unlike|add|why|no|not)\b", re.IGNORECASE)
_ENDS_IN_NUMBER = re.compile(r"([a-z][a-z_-]*)\d{1,3}")
_LEAST = 5
_ENDINGS = re.compile(r"(?:s|es|ed|d|ing|er|ly|'s)?")


def numbered_starts(known: Known) -> frozenset[str]:
    """What the known names that end in a number begin with: 'lightgbm-t' of lightgbm-t1."""
    return frozenset(found[1] for name in known if (found := _ENDS_IN_NUMBER.fullmatch(name)))


def near_misses(text: str, known: Known, numbered: frozenset[str]) -> Iterator[tuple[int, int]]:
    """Where words stand that are no known name, but would be with another number or one letter changed."""
    plain = without_quoted(text)
    for found in _NUMBERED.finditer(plain):
        start = found.group(1) or found.group(3)
        if start.casefold() in numbered and found.group().casefold() not in known:
            yield found.span()
    for found in _INTRODUCED.finditer(plain):
        word = found.group(1).casefold()
        if word not in known and any(_is_near(word, name) for name in known if abs(len(name) - len(word)) < 2):
            yield found.span(1)


def strangers(text: str, known: Callable[[str], bool]) -> Iterator[tuple[int, int]]:
    """Where a kind of model is said to have a figure that no result speaks of. `known` says whether one does."""
    for found in _LEARNERS.finditer(without_quoted(text)):
        before = text[max(0, found.start() - 60) : found.start()]
        if not _IDEAS.search(before) and not known(found.group(1)):
            yield found.span(1)


def _is_near(word: str, name: str) -> bool:
    """Whether one letter is missing, too many, another, or has changed places with its neighbour; an ending is none."""
    if len(name) < _LEAST or word[0] != name[0]:
        return False
    if word.startswith(name):
        return _ENDINGS.fullmatch(word[len(name) :]) is None
    first = next((n for n, (a, b) in enumerate(zip(word, name, strict=False)) if a != b), min(len(word), len(name)))
    rest, other = word[first:], name[first:]
    swapped = rest[:2] == other[1::-1] and rest[2:] == other[2:] and len(rest) > 1
    return swapped or rest[1:] == other[1:] or rest[1:] == other or rest == other[1:]
