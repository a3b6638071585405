"""How the words of a sentence belong to its figures: which name, which metric, which stage, which pair."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agents.claims import Figure
from agents.grounding.words import METRIC, SENSES, Unit, is_against, lowered, metric_of, unit_after, vocabulary

Known = Mapping[str, Sequence[tuple[str, str]]]
"""Names by their first word, each as it is read and as it is held."""

CLAUSE = re.compile(r"[,;]|\b(?:and|but|while|whereas)\b")
ID = re.compile(r"(?:ds|mdl|mon|run|job)_\w+")
_TOKEN = re.compile(r"\w[\w.:-]*\w|\w")
_BESIDE = re.compile(
    r"[*_`'’]*(?:,? (?:which|that))?(?:[\s*_`:=(|[\])–-]|’?'?s\b)*"
    r"(?:(?!(?:than|over|against|and|or|but|instead|to|from|beats?|versus)\b)[a-z]+[\s:*_`(=]+){0,5}[*_`]*"
)
_BELONGS = re.compile(
    r"[^\d.;|,()]{0,24}?(?:\b(?:for|of|by|from|belongs to|goes to|in|on)\s+(?:the |its )?(?:\w+ )?|\(\s*)[*_`'\"]*$"
    r"|\s[*_`'\"]*"
)
_POSSESSED = re.compile(r"[\s*_`]*\(|’?'?s\b")
_TEST = re.compile(r"\b(?:test|sealed|unseen|hold-?out|held[- ]out)\b", re.IGNORECASE)
_VALIDATION = re.compile(
    r"\b(?:validation|validated|validates|cross[- ]valid\w+|cv|[\w-]+-fold|folds?)\b", re.IGNORECASE
)
_METRIC_AFTER = re.compile(
    r"\s*(?:%|points?|percentage points?|pp)?\s*(?:(?:of|in|for|on|as|is the|the|its|lower|higher|more|less|better"
    r"|worse|mean|test|validation)\s+){0,3}$"
)
_NAMED_BEHIND = re.compile(r"\s*%?\s*\(")
"""'11.8 (MAE)'."""
_MODIFIES = re.compile(r"[- ](?:model|models|tuned|run|version|one|optimi[sz]ed|based)\b", re.IGNORECASE)
"""'the F1 model' says which model, not what a figure is."""
_JOINT = re.compile(
    r"[\s*_`%]*(?:s|ms|MB)?[\s*_`]*(?:,|and|or|to|–|/|, and|&|vs\.?|versus|against)[\s*_`]*(?:a |an |the |by )?[\s*_`]*"
)
_INTERVAL = re.compile(r"\b(?:interval[lo]*|intervalle|ci|confidence|bounds?)\b[^\d]{0,24}$", re.IGNORECASE)
_LEVEL = re.compile(r"9\d(?:\.\d)? ?%")
_SPREAD = re.compile(r"\b(?:between|(?:ranges?|runs?|goes|go|varies|spans) from|range of)\s*$", re.IGNORECASE)
_AGAINST = re.compile(r"\b(?:vs|versus|against)\b")
_PART = re.compile(r"[,;]")
_BETWEEN = re.compile(r"\s*[^\W\d]{0,3}\s*(,|;|to|and|bis|hasta|a|à|–|—|-|…|\.\.\.?)\s*[€$£]?\s*")
_ANY_INTERVAL = re.compile(r"\b(?:interval[lo]*|intervalle|ci)\b", re.IGNORECASE)
_CLOSES = re.compile(r"[^,;]*\)")
_COMMON = vocabulary("yes no not a an the in is on of to by or and if it all none new old true false other first")


@dataclass(frozen=True, slots=True)
class Named:
    """A known name where it stands in a sentence."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a figure stands in a sentence, and where the next figure begins."""

    sentence: str
    start: int
    end: int
    follows: int

    @property
    def before(self) -> str:
        return self.sentence[: self.start]

    @property
    def between(self) -> str:
        """From the figure to the next."""
        return self.sentence[self.end : self.follows]


def named_in(sentence: str, known: Known) -> list[Named]:
    """The known names in a sentence, the longest where they overlap."""
    found: list[Named] = []
    low = lowered(sentence)
    end = 0
    for token in _TOKEN.finditer(low):
        if token.start() < end:
            continue
        firsts = {token.group(), token.group().partition("-")[0]}
        best = max(
            (
                (shown, name)
                for first in firsts
                for shown, name in known.get(first, ())
                if _is_at(shown, low, token.start())
            ),
            key=lambda pair: len(pair[0]),
            default=None,
        )
        if best is None:
            continue
        stop = token.start() + len(best[0])
        if (len(best[0]) > 1 and best[0] not in _COMMON) or _stands_out(sentence, token.start(), stop):
            found.append(Named(best[1], token.start(), stop))
            end = stop
    return found


def _is_at(shown: str, low: str, start: int) -> bool:
    """Whether a name stands there as a whole: 'lightgbm' does not stand in 'lightgbm-t1'."""
    return low.startswith(shown, start) and not re.match(r"-?\w", low[start + len(shown) : start + len(shown) + 2])


def _stands_out(sentence: str, start: int, stop: int) -> bool:
    """Whether a name that is also a common word is marked, or has its figure beside it."""
    return (
        sentence[start - 1 : start] in ("`", "'", '"', "“")
        or re.match(r"[\s:=(|]{1,3}[\d.]", sentence[stop:]) is not None
    )


def metrics_of(text: str) -> list[tuple[int, int, str]]:
    """Where a text names metrics."""
    return [(*found.span(), metric_of(found.group())) for found in METRIC.finditer(lowered(text))]


def metric_at(at: Place, metrics: Sequence[tuple[int, int, str]]) -> str:
    """The metric that a figure is one of: that which follows it directly, else the last before it."""
    metrics = [one for one in metrics if not _MODIFIES.match(at.sentence, one[1])]
    for left, right, name in metrics:
        if (
            at.end <= left
            and _NAMED_BEHIND.fullmatch(at.sentence[at.end : left])
            and at.sentence[right : right + 1] == ")"
        ):
            return name
        if at.end <= left <= at.follows and _METRIC_AFTER.fullmatch(at.sentence[at.end : left]):
            return name
    held = [(left, name) for left, _, name in metrics if left < at.start]
    open_ = [name for left, name in held if not _is_closed(at.sentence, left, at.start)]
    return (open_ or [name for _, name in held] or [""])[-1]


def _is_closed(sentence: str, place: int, end: int) -> bool:
    """Whether a place stands in brackets that are closed before `end`."""
    inside = sentence[:place].rfind("(") > sentence[:place].rfind(")")
    return inside and ")" in sentence[place:end]


def bound(at: Place, named: Sequence[Named]) -> tuple[list[str], int]:
    """The names that a figure may be about, the nearest first, and how many of them stand right beside it."""
    names = owner(at, named)
    beside = len(names)
    if is_against(at.before):
        return names, beside  # '2 ms instead of 3 ms': whose the second is, is not said
    before = [one for one in named if one.end <= at.start][::-1]
    if before and _is_beside(before[0], at):
        beside += 1
    elif before and _is_object(before[0], at.sentence):
        before = before[:0:-1]  # 'linear is better than forest: 0.84' speaks of linear
    return [*names, *(one.name for one in before)], beside


def owner(at: Place, named: Sequence[Named]) -> list[str]:
    """The name behind a figure that it belongs to: '0.84 for linear', '33 % lightgbm'."""
    behind = next((one for one in named if at.end <= one.start), None)
    if behind is None or behind.start > at.follows:
        return []
    gap = at.sentence[at.end : behind.start]
    closed = "(" not in gap or re.match(r"[*_`'\"]*\s*[),]", at.sentence[behind.end :])
    return [behind.name] if closed and _BELONGS.fullmatch(gap) else []


def _is_object(one: Named, sentence: str) -> bool:
    """Whether a name is what something is compared with."""
    return is_against(sentence[max(0, one.start - 48) : one.start])


def _is_beside(one: Named, at: Place) -> bool:
    gap = at.sentence[one.end : at.start]
    if _is_object(one, at.sentence) and not CLAUSE.search(gap) and not _POSSESSED.match(gap):
        return False
    in_brackets = gap.endswith("(") and not re.search(r"[\d;]|\b(?:than|over)\b", gap)
    return in_brackets or _BESIDE.fullmatch(gap) is not None


def compared(at: Place, named: Sequence[Named]) -> tuple[tuple[str, ...], bool]:
    """The names that a figure may be a difference of, and whether the sentence says which is set against which; then
    they are two, the second what the first is compared with."""
    against = [one for one in named if _is_object(one, at.sentence)]
    if not against:
        return tuple(dict.fromkeys(one.name for one in named)), False
    second = min(against, key=lambda one: abs(one.start - at.start))
    others = [one for one in named if one.name != second.name and one not in against]
    before = [one for one in others if one.end <= second.start]
    first = before[-1] if before else next(iter(others), None)
    return ((second.name,) if first is None else (first.name, second.name)), True


def listed_units(sentence: str, spans: Sequence[tuple[int, int]], figures: Sequence[Figure]) -> dict[int, Unit]:
    """'11.2, 2.6 and 2.7 seconds': the unit of the last is that of all."""
    found: dict[int, Unit] = {}
    for run in _runs(spans, sentence):
        units = [unit_after(figures[number].shown, sentence[spans[number][1] :]) for number in run]
        if units[-1] is not None and not any(units[:-1]):
            found |= {number: units[-1] for number in run[:-1] if sentence[spans[number][0] - 1] not in "$€£"}
    return found


def respectively(sentence: str, spans: Sequence[tuple[int, int]], named: Sequence[Named]) -> dict[int, str]:
    """'linear, forest and dummy score 0.84, 0.81 and 0.5': the names by the figures' numbers."""
    found: dict[int, str] = {}
    for group in _runs(spans, sentence):
        if len(group) < 2:
            continue
        before = [one for one in named if one.end <= spans[group[0]][0]]
        runs = _runs([(one.start, one.end) for one in before], sentence)
        alike = next((run for run in reversed(runs) if len(run) == len(group)), ())
        if not alike and len({one.name for one in before}) == len(before) == len(group) == 2:
            gap = sentence[spans[group[0]][1] : spans[group[1]][0]]
            alike = [0, 1] if _AGAINST.search(gap) else ()  # 'A is 2 points below B (94 versus 96)'
        found |= {number: before[place].name for number, place in zip(group, alike, strict=False)}
    return found


def _runs(spans: Sequence[tuple[int, int]], sentence: str) -> list[list[int]]:
    runs: list[list[int]] = []
    for number, (start, _) in enumerate(spans):
        if runs and _JOINT.fullmatch(sentence[spans[number - 1][1] : start]):
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs


def has_stage(sentence: str) -> bool:
    """Whether a sentence speaks of the test or the validation at all."""
    return _TEST.search(sentence) is not None or _VALIDATION.search(sentence) is not None


def stage_of(before: str, after: str) -> str:
    """Whether a score is that of the test or of the validation, by the nearest words."""
    close = _PART.split(after[:40], maxsplit=1)[0]
    behind = min(((found.start(), stage) for stage, found in _stages(close)), default=None)
    ahead = max(((found.end(), stage) for stage, found in _stages(before)), default=None)
    if behind and (ahead is None or behind[0] < 25):
        return behind[1]
    return ahead[1] if ahead else ""


def _stages(text: str) -> list[tuple[str, re.Match[str]]]:
    tests = [("test", found) for found in _TEST.finditer(text)]
    return tests + [("validation", found) for found in _VALIDATION.finditer(text)]


def pair_at(at: Place) -> int:
    """Whether a figure and the next are the ends of one interval: 1 for yes, 2 for perhaps, 0 for no."""
    joint = _BETWEEN.fullmatch(at.between)
    if joint is None:
        return 0
    before, word, opening = at.before, joint[1], at.before.rstrip()[-1:]
    compares = not SENSES.keys().isdisjoint(at.sentence.casefold().split())
    if word in ("and", "to"):
        far = before.endswith("from ") and _ANY_INTERVAL.search(before) is not None
        if far or (_SPREAD.search(before[-20:]) and not compares):
            return 1
    if (opening == "[" and word != "and") or _INTERVAL.search(_LEVEL.sub("", before[-60:])):
        return 1
    if word not in ("to", "–", "—", "-"):
        return 0
    alone = opening == "(" or (before[-8:].rstrip().endswith("(from") and not compares)
    return 1 if alone and _CLOSES.match(at.sentence[at.follows :]) else 2
