"""Figures that are part of a name: 'recall@10', 'the 30–49 band', 'grade 8', 'postcode 10115', 'the p95'."""

import re
from collections.abc import Iterator, Mapping, Sequence

from agents.grounding.facts import Result
from agents.grounding.text import Asked
from agents.grounding.words import NUMBERED

_LONGEST = 80
_CLASS_DIGITS, _LONG = 2, 4
_AS_CLASS = re.compile(
    r"\b(?:a|an|as|with|called|between|and|or|only|is|real|says?|class|grade|quality|for) (?:an? )?$"
)
_OF_CLASSES = re.compile(r"\b(?:grade|class(?:es)?|quality|qualities|digit|label|categor)", re.IGNORECASE)
_LEFT = re.compile(r"[\w@<>=~.+-]*$")
_RIGHT = re.compile(r"[\w@+-]*(?:\.\w+)*")
_DASH = re.compile("[‐‑‒–—]")


class Names:
    """The keys and short texts of results, as far as they hold digits."""

    def __init__(self, results: Sequence[Result]) -> None:
        self._known: dict[str, str] = {}
        for result in results:
            if "said" not in result:
                for text in _texts(result):
                    if any(map(str.isdigit, text)):
                        self._known.setdefault(_plain(text), str(result["id"]))
                        self._known.setdefault(_squeezed(text), str(result["id"]))

    def holder(self, one: Asked, text: str) -> str | None:
        """The result in which a figure is a name, or part of one with the letters that touch it."""
        start, end = one.figure.span
        if one.figure.percent or one.unit is not None or (one.metric and one.figure.step < 1):
            return None
        left, right = _LEFT.search(text[:start]), _RIGHT.match(text[end:])
        whole = _plain(f"{left.group() if left else ''}{one.figure.shown}{right.group() if right else ''}").strip(".")
        joined = _DASH.sub("-", text[max(0, start - 12) : end + 12])
        if any(letter.isalpha() or letter in "@<>=+" for letter in whole.strip("-")):
            return self._known.get(whole) or self._ending(whole)
        for found in re.finditer(r"\d+(?:\.\d+)?-\d+(?:\.\d+)?", joined):
            if one.figure.shown in found.group().split("-") and found.group() in self._known:
                return self._known[found.group()]
        if self._is_class(one, text):
            return self._known.get(one.figure.shown)
        if one.label in NUMBERED or (
            one.figure.step >= 1 and len(one.figure.shown) > 4 and "," not in one.figure.shown
        ):
            return self._known.get(_plain(one.figure.shown))
        return None

    def _is_class(self, one: Asked, text: str) -> bool:
        """Whether a text that speaks of classes names one by its number: 'was called a 6', 'between 5 and 6'."""
        if not one.figure.shown.isdecimal() or len(one.figure.shown) > _CLASS_DIGITS or one.nouns[:1]:
            return False
        start = one.figure.span[0]
        return (
            _AS_CLASS.search(text[:start][-20:]) is not None
            and _OF_CLASSES.search(text[max(0, start - 400) : start + 60]) is not None
        )

    def _ending(self, name: str) -> str | None:
        """'map@50' of the key `int8_map50`, 'recall@10' of `recall_at_10`."""
        if "@" not in name:
            return None
        ends = (_squeezed(name), _squeezed(name.replace("@", "at")))
        return next((result for known, result in self._known.items() if known.endswith(ends)), None)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        if len(value) <= _LONGEST:
            yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key not in ("id", "arguments"):
                yield str(key)
                yield from _texts(item)
    elif isinstance(value, Sequence):
        for item in value:
            yield from _texts(item)


def _plain(text: str) -> str:
    return _DASH.sub("-", text).casefold().replace("_", "-")


def _squeezed(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.casefold())
