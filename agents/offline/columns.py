"""Which column some words mean."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agents.offline.words import distance, parts, stem, word_set

SURE = 0.6
"""From here on a likeness is taken; below it is only offered in a question."""
CLEAR = 0.05
"""By how much the best must beat the next."""

SMALL_WORDS = word_set(
    "a an the of for to in on by and or is are be will would which who whom whose what whether if how much many "
    "when where that this these those it its my our their we i you me us with from into please can could should "
    "do does get find tell want need like likely going about best good new most more model models train build "
    "make create learn fit predict prediction predictions forecast classify estimate classifier regressor machine "
    "learning data dataset set file table rows row column columns feature features use using all every each any "
    "some very well now so based one someone something somebody people person customer customers client clients "
    "user users risk chance probability value values number given know them everything anything"
)

_RELATED = (
    word_set("churn churned leave left leaving quit exited exit attrition cancel cancelled unsubscribe retention"),
    word_set("price cost value amount charge worth expensive"),
    word_set("survive survived survival died death die dead mortality alive"),
    word_set("spam label ham"),
    word_set("fraud fraudulent scam"),
    word_set("default defaulted loan repay"),
    word_set("salary income wage earn earns earnings pay"),
    word_set("sick ill disease diagnosis cancer malignant benign"),
)
"""Words for the same thing; a column is found by any of them."""
_RELATED_STEMS = tuple(frozenset(stem(word) for word in group) for group in _RELATED)

USUAL_TARGETS = word_set("target label class y outcome response")
EXAMPLES = word_set(
    "image images picture pictures photo photos photograph photographs text texts message messages sms email emails "
    "mail mails document documents review reviews comment comments tweet tweets post posts article articles sentence "
    "sentences"
)
"""What is classified, and so not what it is classified by."""
NO_ANSWERS = frozenset({"identifier", "image", "text"})
"""Kinds of column that nobody predicts."""
_EXAMPLE = "|".join(sorted(EXAMPLES, key=len, reverse=True))
_CLASSIFIES = re.compile(
    r"\b(?:classif(?:y|ies|ying)|categori[sz](?:e|es|ing)|sort(?:s|ing)?|label(?:s|l?ing)?|tag(?:s|ging)?|"
    rf"recogni[sz](?:e|es|ing))\s+(?:\w+\s+){{0,3}}?(?:{_EXAMPLE})\b"
    rf"|\b(?:{_EXAMPLE})[\s-]+(?:\w+\s+)?(?:classif(?:ier|ication)|recogni[sz]er|recognition|model)s?\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Match:
    """`column` is the one meant, or None; then `near` are the ones to ask about, nearest first."""

    column: str | None
    near: tuple[str, ...] = ()


def find_column(words: str, columns: Sequence[str], cutoff: float = SURE) -> Match:
    """The one column that `words` name: letter for letter, by its words, by a stem, with a typing error."""
    scored = sorted(((likeness(words, column), column) for column in columns), key=lambda pair: -pair[0])
    scored = [(score, column) for score, column in scored if score >= cutoff]
    if not scored:
        return Match(None)
    best = scored[0][0]
    close = tuple(column for score, column in scored if score > best - CLEAR)
    return Match(close[0] if len(close) == 1 else None, close)


def likeness(words: str, column: str) -> float:
    """From 0 (nothing in common) to 1 (the very name stands there)."""
    if words.strip() == column:
        return 1.0
    if re.search(rf"(?<!\w){re.escape(column)}(?!\w)", words):
        # a name that is an ordinary word says less than one that is not
        return 0.7 if column.lower() in SMALL_WORDS else 0.99
    said = parts(words)
    name = parts(column)
    if not name:
        return 0.0
    if "".join(name) in _runs(said, len(name)):
        return 0.55 if len(name) == 1 and name[0] in SMALL_WORDS else 0.95
    said = [word for word in said if word not in SMALL_WORDS]
    return _shared(said, name)


def _runs(words: Sequence[str], most: int) -> set[str]:
    """All runs of up to `most` + 1 words, written together: 'total charges' is 'totalcharges'."""
    return {
        "".join(words[start : start + length])
        for length in range(1, most + 2)
        for start in range(len(words) - length + 1)
    }


def _shared(said: Sequence[str], name: Sequence[str]) -> float:
    """By the share of the name's words that were said, in this or a related form."""
    if not said:
        return 0.0
    strength = [max(_word_likeness(word, part) for word in said) for part in name if len(part) > 1 or len(name) == 1]
    if not strength or max(strength) < 0.5:
        return 0.0
    matched = sum(strength) / len(strength)
    # one word of a longer name is enough to ask about it, and to take it when nothing else is like it
    return max(matched * 0.9, max(strength) * 0.7)


def _word_likeness(word: str, part: str) -> float:
    if word == part:
        return 1.0
    if stem(word) == stem(part):
        return 0.97
    if len(part) >= 4 and word[0] == part[0] and distance(word, part) <= max(1, len(part) // 4):
        return 0.88
    if any(stem(word) in group and stem(part) in group for group in _RELATED_STEMS):
        return 0.9
    return 0.0


def named_exactly(words: str, columns: Sequence[str]) -> str | None:
    """The column that `words` name in full, whatever the case: 'Total charges' is total_charges or TotalCharges."""
    same = [column for column in columns if column.lower() == words.strip().lower()]
    full = [column for column in columns if parts(column) and "".join(parts(column)) == "".join(parts(words.lower()))]
    return next(iter(same or full), None)


def nearly_named(words: str, columns: Sequence[str]) -> bool:
    """Whether `words` are one of the names but for a typing error."""
    said = words.strip().lower()
    return len(said) >= 4 and any(distance(said, column.lower()) <= max(1, len(column) // 4) for column in columns)


def find_columns(phrases: Sequence[str], columns: Sequence[str]) -> tuple[list[str], list[str]]:
    """The columns that the phrases name, and the phrases that name none."""
    found: list[str] = []
    lost: list[str] = []
    for phrase in phrases:
        match = find_column(phrase, columns)
        if match.column is not None:
            found.append(match.column)
        else:
            lost.append(phrase)
    return list(dict.fromkeys(found)), lost


def classifies_examples(goal: str) -> bool:
    """Whether the goal is one of 'classify the images', 'a text classifier', which name no column to predict."""
    return _CLASSIFIES.search(goal) is not None


def besides_examples(goal: str, columns: Sequence[str]) -> list[str]:
    """The columns that can be the target: where the goal is 'classify the images', not the one called image."""
    if not classifies_examples(goal):
        return list(columns)
    left = [name for name in columns if not (parts(name) and EXAMPLES.issuperset(parts(name)))]
    return left or list(columns)


def usual_target(columns: Sequence[str]) -> str | None:
    """The one column there is, or the one whose name is usual for a target."""
    usual = [name for name in columns if name.lower() in USUAL_TARGETS]
    found = usual or list(columns)
    return found[0] if len(found) == 1 else None


def likely_targets(columns: Sequence[Mapping[str, object]], most: int = 5) -> list[str]:
    """Columns worth offering as a target: usual names, then the last ones of few values, never identifiers."""
    usable = [column for column in columns if column.get("kind") not in {*NO_ANSWERS, "datetime"}]
    names = [str(column.get("name")) for column in usable]
    usual = [name for name in names if name.lower() in USUAL_TARGETS]
    few = [str(column.get("name")) for column in usable if _few(column)]
    ordered = [*usual, *names[-1:], *reversed(few), *reversed(names)]
    constant = {str(column.get("name")) for column in usable if _constant(column)}
    return sorted(dict.fromkeys(ordered), key=lambda name: name in constant)[:most]


def _few(column: Mapping[str, object]) -> bool:
    distinct = column.get("distinct")
    return isinstance(distinct, int) and 2 <= distinct <= 10


def _constant(column: Mapping[str, object]) -> bool:
    distinct = column.get("distinct")
    return isinstance(distinct, int) and distinct < 2
