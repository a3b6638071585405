"""Whether the words around a figure point at another number of the results than the one that has its value.

Two numbers of one kind, such as the same score of two models, differ by some of their words: keys, names of rows, what
else their mapping says of itself, the number of their row. The one whose own words stand nearer to the figure is the
one that the text speaks of, whatever the figure is.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from agents.grounding.holding import fits
from agents.grounding.records import CALCULATED, Record, Records
from agents.grounding.sentence import metrics_of
from agents.grounding.shapes import STAGES, letters_in, tokens_of, words_in
from agents.grounding.text import Asked
from agents.grounding.words import METRIC, lowered, vocabulary

_BOUND = re.compile(
    r"[,;)]|[–—→]|\b(?:out of|and|but|while|whereas|versus|vs|against|than|to|from|instead|compared|then|or|though"
    r"|although)\b"
)
_HELD_OUT = re.compile(r"\b(?:held|hold)[- ]out\b")
_MODIFIER = re.compile(r"\b(?:f1|auc|recall|precision|accuracy)(?=[- ](?:model|models|tuned|optimi[sz]ed|version)\b)")
_VALIDATED = re.compile(r"\bvalidated (?:by|on|with|in) (?:a |the )?holdout\b")
_VERBS = re.compile(r"\b(?:trained|tested)\b")
"""They say what was done, not on which rows."""
_COUNTS = "#"
"""In place of the word before a number that counts something, and so names no row."""
_LITTLE = 0.34
"""The same, where none of its own words stand in the sentence."""
_MARGIN = 0.12
"""By how much the words of another number must be nearer."""
_LEAST = 0.4
"""How near words must stand to speak against a number."""
_RIGHT_AT = 0.95
"""How near the words of a number must stand that another figure states, for two figures that changed places."""
_BOUND_NAME = 1.1
"""Of a name that a figure is known to be of, as in 'a and b have 1 and 2'."""
_INHERITED = 0.5
"""Of a name that the sentence goes on about: 'It costs 0.1.'"""
_AFTER = 0.9
_PREFIX = 3
_ROOT = 5
"""Letters at the beginning of words that come from one."""
_CLOSE = 24
"""Letters between a figure and what it counts."""
_METRIC_WORDS = vocabulary("auc roc accuracy f1 precision recall rmse mae r2 log loss balanced average macro")
_LUMPED = frozenset({"right_correct", "wrong_errors_mistakes", "missed_wrong_errors"})
"""Keys of what the cells of a matrix add up to: 'predicted correctly' may be said of a cell too."""
_MOST = 60
_GAP = 24
_JUST = 80
"""Letters before a sentence in which stands what it goes on about."""
_GOES = re.compile(r"\b(?:to|from|instead of|versus|vs|against|than)\b|[–→-]")
_NAMED = 0.15
"""How near a name must stand where nothing of the number's own is said."""
_SAME = 40
"""Numbers of one key that are looked at."""


@dataclass(frozen=True, slots=True)
class _Word:
    token: str
    start: int
    near: float
    """1 right at the figure, less with every figure and every break of the sentence between."""
    label: str = ""
    """Of a number: the word before it."""


class Pointer:
    """What the words around one figure point at."""

    def __init__(self, one: Asked, asked: Sequence[Asked], records: Records, earlier: str = "") -> None:
        """`earlier` is what was said before the figure's sentence."""
        self._one, self._records, self._earlier = one, records, earlier
        self._others = [other for other in asked if other is not one]
        self._beside = [other for other in self._others if other.sentence == one.sentence]
        self._found: dict[str, float] = {}
        self._said: dict[str, frozenset[str]] = {}

    def elsewhere(self, record: Record) -> bool:
        """Whether the words point at another number than `record`, which has the figure's value."""
        return record.key != CALCULATED and any(self._nearer(other, record) for other in self._rivals(record))

    def _nearer(self, other: Record, record: Record) -> bool:
        if record.own and record.own <= other.own and self.near(record.own) >= _AFTER:
            return False  # '136 spam were caught' are no cell of ham and spam
        marks = other.tokens - record.tokens
        if record.tokens.isdisjoint(STAGES):
            marks -= STAGES  # it may be of the test and not say so
        if record.unit is not None:  # 'took 33 s and has an AUC of': no metric tells times apart
            marks = frozenset(mark for mark in marks if mark[:1] != "@" and not METRIC.fullmatch(mark))
        if record.metric == other.metric:
            marks = frozenset(mark for mark in marks if mark[:1] != "@" and mark not in _METRIC_WORDS)
        theirs = self.near(marks)
        if self._one.total:  # 'nine of 38 features drifted'
            theirs = self.near(marks - self._explained(other.key))
        if self._is_partner(other):
            return False
        own = self.near(record.tokens - other.tokens | (record.own - other.own))
        if not own and not self._just_said.isdisjoint(record.own - other.own):
            own = _INHERITED
        if (
            not own
            and not self.is_told(other)
            and self._is_named(other.names - record.names, record.names - other.names, scored=record.metric != "")
        ):
            return True
        if theirs < (_LEAST if own else _LITTLE) or theirs <= own + _MARGIN:
            return False
        return (theirs >= _RIGHT_AT and own < _LEAST) or not self.is_told(other)

    def _is_named(self, names: frozenset[str], own: frozenset[str], *, scored: bool) -> bool:
        """Whether names stand in the sentence, or of a score before it where none of the number's own do."""
        if self.near(names) >= _NAMED:
            return True
        said = self._said_before
        return scored and not said.isdisjoint(names) and said.isdisjoint(own)

    @cached_property
    def _just_said(self) -> frozenset[str]:
        return frozenset(token for token, _ in tokens_of(_plain(self._earlier[-_JUST:])))

    @cached_property
    def _said_before(self) -> frozenset[str]:
        return frozenset(token for token, _ in tokens_of(_plain(self._earlier)))

    def _is_partner(self, record: Record) -> bool:
        """Whether the figure that this one goes to or comes from states a number: 'cuts it from 4 MB to 2 MB'."""
        one = self._one
        for other in self._beside:
            first, second = sorted((one, other), key=lambda each: each.figure.span)
            gap = first.after[: second.figure.span[0] - first.figure.span[1]]
            if len(gap) < _GAP and _GOES.search(gap) and fits(other, record):
                return True
        return False

    def is_told(self, record: Record) -> bool:
        """Whether another figure of the sentence states a number, so that its words are that figure's."""
        return any(fits(other, record) for other in self._others)

    def _explained(self, key: str) -> frozenset[str]:
        """The words of the numbers of a key that other figures of the sentence state: they are said of those."""
        if key not in self._said:
            told = [
                each for each in self._records.by_key[key][:_SAME] if any(fits(other, each) for other in self._beside)
            ]
            self._said[key] = frozenset().union(*(each.tokens for each in told))
        return self._said[key]

    def _rivals(self, record: Record) -> list[Record]:
        found = self._records.rivals(record)[:_MOST]
        return [
            other
            for other in found
            if other.value != record.value
            and other.whole == record.whole
            and _kind(other) == _kind(record)
            and other.key not in _LUMPED
            and not fits(self._one, other)
        ]

    def near(self, tokens: frozenset[str]) -> float:
        """How near the nearest of some words stands; 0 where none does."""
        return max((self._near(token) for token in tokens), default=0.0)

    def _near(self, token: str) -> float:
        if token not in self._found:
            self._found[token] = self._search(token)
        return self._found[token]

    def _search(self, token: str) -> float:
        words = self._words
        if token[:1] == "#":
            key, _, value = token[1:].partition("=")
            return max(
                (word.near for word in words if word.token == f"#{value}" and self._may_be(word.label, key)),
                default=0.0,
            )
        best = max((word.near for word in words if word.token == token), default=0.0)
        if best or token[:1] == "@" or len(token) < 2 or not token.isalpha():
            return best
        best = max((word.near for word in words if _are_kin(token, word.token)), default=0.0)
        return best or self._short_for(token)

    def _may_be(self, label: str, key: str) -> bool:
        """Whether a number that stands behind a word may be one of a key: 'depth 5' is no trial."""
        return label.startswith(key) or (label not in self._records.keys and label != _COUNTS)

    def _short_for(self, token: str) -> float:
        """How near the words stand that a name is short for: 'rf', 'logreg', 'histgb' of 'histogram gradient ...'."""
        words = sorted(self._words, key=lambda word: word.start)
        return max(
            (
                min(word.near for word in words[first : first + count])
                for first in range(len(words))
                for count in (1, 2, 3)
                if first + count <= len(words)
                and words[first].token[:1] == token[:1]
                and _is_short(token, [word.token for word in words[first : first + count]])
            ),
            default=0.0,
        )

    @cached_property
    def _words(self) -> list[_Word]:
        one = self._one
        before = _plain(one.before)
        if one.table:
            words = [_Word(token, place, 1.0) for token, place in tokens_of(before)]
            words += [_Word(f"@{name}", start, 1.0) for start, _, name in metrics_of(before)]
            return words + [_Word(_number(other), 0, 0.8, _label(other)) for other in self._beside]
        after = _plain(one.after)
        start, end = one.figure.span
        left = sorted(start - other.figure.span[0] for other in self._beside if other.figure.span[0] < start)
        right = sorted(other.figure.span[0] - end for other in self._beside if other.figure.span[0] >= end)
        size = len(before)
        bounds = [size - found.start() for found in _BOUND.finditer(before)]
        stops = [found.start() for found in _BOUND.finditer(after)]
        words = [
            *(_Word(token, place, _weight(size - place, left, bounds)) for token, place in letters_in(one.before)),
            *(
                _Word(token, place, _AFTER * _weight(place, right, stops, after=True))
                for token, place in letters_in(one.after)
            ),
        ]
        for token, place in _named(before):
            way = size - place
            ahead = [each for each in left if each > way]
            taken = bool(ahead) and _is_taken(before, size - min(ahead), place, [size - each for each in bounds])
            words.append(_Word(token, place - size, _weight(way, [*left, 0] if taken else left, bounds)))
        words += [
            _Word(token, place + 1, _AFTER * _weight(place, right, stops, after=True)) for token, place in _named(after)
        ]
        words.append(_Word(_number(one), 0, 1.0, _label(one)))
        words += [_Word(word, 0, _BOUND_NAME) for name in one.names[: one.beside] for word in words_in(name)]
        words += [_Word(word, 0, _INHERITED) for name in one.names[one.beside :] for word in words_in(name)]
        for other in self._beside:
            way = other.figure.span[0] - end if other.figure.span[0] >= end else start - other.figure.span[1]
            if other.figure.span[0] < start:
                near = _weight(way, [each for each in left if each <= way], bounds)
            else:
                near = _AFTER * _weight(way, right, stops, after=True)
            words.append(_Word(_number(other), 0, near, _label(other)))
        return words


def _plain(text: str) -> str:
    """A text in small letters, each in its place, without what only says which model is meant: 'the F1 model'."""
    text = _HELD_OUT.sub("holdout ", lowered(text))
    text = _VALIDATED.sub(lambda found: "validation".ljust(len(found.group())), text)
    text = _VERBS.sub(lambda found: " " * len(found.group()), text)
    return _MODIFIER.sub(lambda found: " " * len(found.group()), text)


def _is_taken(text: str, figure: int, place: int, breaks: Sequence[int]) -> bool:
    """Whether a word is said of another figure before it: it stands right behind that, and not as close to the one
    asked for, or the sentence breaks behind it and not before."""
    if any(place < each for each in breaks) and not any(figure < each <= place for each in breaks):
        return True
    gap = re.sub(r"^[\d.,]*\s?%?", "", text[figure:place])
    return len(gap) < _CLOSE and len(gap) < len(text) - place - _CLOSE // 2 and not _BOUND.search(gap)


def _named(text: str) -> list[tuple[str, int]]:
    return [*tokens_of(text), *((f"@{name}", start) for start, _, name in metrics_of(text))]


def _are_kin(token: str, word: str) -> bool:
    """Whether two words begin alike: 'conf' and 'confidence', 'sparsity' and 'sparse'."""
    if len(token) <= _PREFIX or not word.isalpha() or len(word) < _PREFIX:
        return False
    if word.startswith(token) or (len(word) > _PREFIX and token.startswith(word)):
        return True
    return len(token) >= _ROOT and token[:_ROOT] == word[:_ROOT]


def _is_short(token: str, words: Sequence[str]) -> bool:
    """Whether a token is made of the beginnings of all of some words."""
    if not words:
        return not token
    first = words[0]
    most = next((n for n, (a, b) in enumerate(zip(token, first, strict=False)) if a != b), min(len(token), len(first)))
    return any(_is_short(token[size:], words[1:]) for size in range(most, 0, -1))


def _weight(way: int, figures: Sequence[int], bounds: Sequence[int], *, after: bool = False) -> float:
    """Of a word so many letters away, by the figures and breaks that are nearer than it."""
    between = sum(1 for each in figures if each < way)
    breaks = sum(1 for each in bounds if each < way)
    return 1 / (1 + (1.0 if after else 0.7) * between + (0.8 if after else 0.5) * breaks)


def _number(other: Asked) -> str:
    return f"#{float(other.figure.value):g}"


def _label(one: Asked) -> str:
    return one.label or (_COUNTS if one.nouns else "")


def _kind(record: Record) -> str:
    return record.unit.kind if record.unit else ""
