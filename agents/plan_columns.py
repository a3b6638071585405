"""Which columns an edit of a plan means, and which of its words were not understood."""

import re
from collections.abc import Sequence

from agents.offline.columns import find_column, named_exactly
from agents.offline.slots import PLACEHOLDER, Slots, unquoted
from agents.offline.words import word_set
from engine.naming import did_you_mean

_KEEP = re.compile(
    r"\b(?:keep|use|include|with)\s+(?:the\s+)?(?:columns?\s+)?([\w .-]+?)"
    r"(?:\s+(?:in|anyway|though|again))?(?=$|\s+and\b)",
    re.IGNORECASE,
)
_PARTS = re.compile(r"(?:[,;!?\n]|\.(?!\w))+|\b(?:and|then|but|plus|also)\b", re.IGNORECASE)
_INSTEAD = re.compile(r"\b(?:instead of|rather than)\s[^,;.!?]*", re.IGNORECASE)
_WORD = re.compile(r"[^\W_][\w'’-]*")
_FILLER = word_set(
    "a an all any anyway as at again be by can candidate candidates change choice choose column columns could do does "
    "add also even fit fits for from give go goes have i i'd in include instead into is it its judge just keep kind "
    "leave let let's like limit limits make me metric model models more most need no not now of off on once one only "
    "or our out over pick please put rather remove run score select set should so step steps switch take than that the "
    "them then these this though time to too train trained training try up us use using want we well will with without "
    "would you your plan budget seed device drop skip"
)
"""Words that say nothing by themselves beside what was read."""


def column_named(words: str, columns: Sequence[str]) -> tuple[str | None, str]:
    """The column that the words name in full, or None with a sentence that says which one is near."""
    exact = named_exactly(words, columns)
    if exact is not None:
        return exact, ""
    match = find_column(words, columns)
    near = match.near or (() if match.column is None else (match.column,))
    hint = f"Did you mean {near[0]!r}? Then name it in full." if near else did_you_mean(words, columns)
    return None, f"No column is called {words!r}. {hint}".strip()


def columns_kept(slots: Slots, dropped: Sequence[str]) -> tuple[list[str], list[str]]:
    """Columns of those left out that are to be used after all ('keep total', 'use total again'), and the words."""
    plain = [match[1] for match in _KEEP.finditer(slots.rest.strip(" .!"))]
    found = {words: named_exactly(words, dropped) for words in (*slots.keep, *plain)}
    return [column for column in found.values() if column is not None], [
        words for words, column in found.items() if column is not None
    ]


def not_understood(slots: Slots, read: Sequence[str]) -> list[str]:
    """Parts of the message that hold words which nothing was made of; `read` are words that were."""
    rest = slots.rest
    for words in read:
        rest = re.sub(rf"(?<!\w){re.escape(words)}(?!\w)", " ", rest, flags=re.IGNORECASE)
    left = []
    for part in _PARTS.split(unquoted(_INSTEAD.sub(" ", rest), slots)):
        plain = " ".join(PLACEHOLDER.sub(" ", part).split())
        if any(word.lower() not in _FILLER for word in _WORD.findall(plain)):
            left.append(plain)
    return left
