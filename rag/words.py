"""Turn text into the terms that are indexed and searched."""

import re
from functools import cache
from typing import TYPE_CHECKING

from bm25s.stopwords import STOPWORDS_EN_PLUS

if TYPE_CHECKING:
    from Stemmer import Stemmer

_WORD = re.compile(r"\w+(?:[.\-]\w+)*")
_PARTS = re.compile(r"[._\-]+|(?<=[a-z])(?=[A-Z])")
STOPWORDS = frozenset(STOPWORDS_EN_PLUS)


def terms(text: str) -> list[str]:
    """Terms of `text` in order: stemmed words without the very common ones.

    A dotted, hyphenated, underscored or camel-case name gives itself and its parts, so that both
    'sklearn.preprocessing.StandardScaler' and 'standard scaler' find it.
    """
    found: list[str] = []
    for word in _WORD.findall(text):
        parts = [part for part in _PARTS.split(word) if part]
        if len(parts) > 1:
            found.append(word.lower())
        found.extend(_stem(part.lower()) for part in parts if part.lower() not in STOPWORDS)
    return found


@cache
def _stemmer() -> "Stemmer":
    from Stemmer import Stemmer

    return Stemmer("english")


def _stem(word: str) -> str:
    return str(_stemmer().stemWord(word))
