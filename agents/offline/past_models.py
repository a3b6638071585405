"""The models of this conversation in the order in which they were made, and which of them a question means."""

import re
from collections.abc import Sequence

from agents.offline.columns import find_column
from agents.offline.conversation import Known
from agents.offline.finding import bare, named_dataset
from agents.offline.made import Made, made
from agents.offline.playing import Play, Request, Told
from agents.offline.wording import figure, name_of, names

NOTHING = "No model was trained in this conversation yet. 'list models' shows those from before."
_PLACES = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_NTH = re.compile(
    rf"\b({'|'.join(_PLACES)})\b(?! (?:column|row|file|table|data\w*|thing|message|place)\b)"
    r"|\b(?:number |no\. ?|#)(\d{1,4})\b|\b(\d{1,4})(?:st|nd|rd|th)\b",
    re.IGNORECASE,
)
_BEGAN = re.compile(r"\b(?:at|in|from) the (?:very )?(?:beginning|start|outset)\b", re.IGNORECASE)
_IT = re.compile(r"\b(?:its?|that|this)\b", re.IGNORECASE)
_BEFORE_LAST = re.compile(r"\b(?:before the last|second to last|last but one|penultimate)\b", re.IGNORECASE)
_BEFORE = re.compile(
    r"\b(?:previous|prior|earlier) (?:one|model|training|run|version|time|try|attempt)\b|"
    r"\b(?:one|model|training|run) before\b",
    re.IGNORECASE,
)
_LAST = re.compile(r"\b(?:last|latest|newest|most recent|final)\b", re.IGNORECASE)
_CHOSEN_BY = re.compile(r"\b(?:model|one|training|run)\b.*\b(?:with|by|for|on|optimi[sz]ed for)\s+_metric_")
_WITH = re.compile(r"\b(?:model|one|training|run) (?:that )?(?:with|including|has|had) (?:the )?([\w ]{1,40})", re.I)


def meant(play: Play, request: Request, only: str | None = None) -> list[Made]:
    """The models that the question means, oldest first; the last one where it names none. `only` those of one tool.

    Raises Told when none fits.
    """
    known = play.known
    every = [one for one in made(known.worked.past) if only in (None, one.tool)]
    if not every:
        raise Told(NOTHING)
    if request.slots.models:
        named = [one for one in every if one.model in request.slots.models]
        if not named:
            raise Told(f"{names(request.slots.models)} was not made in this conversation; 'show' tells what it is.")
        return named
    fitting, described = _fitting(play, request, every)
    place = _place(request.words, known, fitting)
    if place is None:
        return fitting if described else [_spoken(request.words, known, every)]
    return [fitting[place]]


def places(words: str) -> bool:
    """Whether the words name a place in the order of training."""
    return any(pattern.search(words) for pattern in (_BEFORE_LAST, _BEGAN, _NTH, _BEFORE))


def began(words: str) -> bool:
    """Whether the words are about what was done at the beginning."""
    return _BEGAN.search(words) is not None


def _spoken(words: str, known: Known, every: Sequence[Made]) -> Made:
    """The last one; 'it' is the one that was told last."""
    if not _IT.search(words):
        return every[-1]
    return next((one for one in every if one.model == known.worked.spoken), every[-1])


def _place(words: str, known: Known, every: Sequence[Made]) -> int | None:
    if _BEFORE_LAST.search(words):
        return _before(every, len(every) - 1)
    if _BEGAN.search(words):
        return 0
    nth = _NTH.search(words)
    if nth is not None:
        word = nth.group(1)
        place = _PLACES.index(word.lower()) if word else int(nth.group(2) or nth.group(3)) - 1
        if not 0 <= place < len(every):
            raise Told(f"I know of {counted(every, known)} that fits: {names([one.model for one in every], 10)}.")
        return place
    if _BEFORE.search(words):
        spoken = known.worked.spoken or known.model
        after = next((place for place, one in enumerate(every) if one.model == spoken), len(every) - 1)
        return _before(every, after)
    return len(every) - 1 if _LAST.search(words) else None


def _before(every: Sequence[Made], after: int) -> int:
    if after == 0:
        raise Told(f"I know of no model that was trained in this conversation before {every[0].model}.")
    return after - 1


def counted(every: Sequence[Made], known: Known) -> str:
    """'3 models of this conversation'; that there may have been more where old answers are gone."""
    text = f"{figure(len(every))} model{'' if len(every) == 1 else 's'} of this conversation"
    return f"{text} (older ones may be forgotten)" if known.worked.lost else text


def _fitting(play: Play, request: Request, every: list[Made]) -> tuple[list[Made], bool]:
    """Those that the words describe (left-out columns, family, metric, data), and whether they describe any."""
    slots, known, left = request.slots, play.known, every
    for said in (words for words in slots.drop if bare(words)):
        left = [one for one in left if _column(known, one, said) in one.dropped]
    with_ = _WITH.search(slots.rest)
    kept = {one.model: _column(known, one, with_.group(1)) for one in left} if with_ is not None else {}
    if any(kept.values()):
        left = [one for one in left if kept[one.model] not in one.dropped]
    if slots.families:
        left = [one for one in left if one.result.get("best") in slots.families]
    by = slots.metric is not None and _CHOSEN_BY.search(slots.rest) is not None
    if by:
        left = [one for one in left if _chosen_by(one) == slots.metric]
    dataset = next(iter(slots.datasets), None) or known.sources.get(slots.source or "")
    dataset = dataset or named_dataset(request.text, known)
    if dataset is not None:
        left = [one for one in left if one.result.get("dataset", one.arguments.get("dataset")) == dataset]
    if not left:
        raise Told(f"No model that I know of this conversation is like that. I know {names([o.model for o in every])}.")
    described = bool(any(map(bare, slots.drop)) or any(kept.values()) or slots.families or by or dataset)
    return left, described


def _column(known: Known, one: Made, words: str) -> str | None:
    """The column that `words` name, of the model's table or of those left out."""
    columns = known.column_names(str(one.arguments.get("dataset")))
    return find_column(words, list(dict.fromkeys([*columns, *one.dropped]))).column


def _chosen_by(one: Made) -> str | None:
    validation = one.result.get("validation") or {}
    return validation.get("name") or one.arguments.get("metric")


def described(one: Made) -> str:
    """'mdl_1 (lightgbm for Churn, without gender)'."""
    best = name_of(one.result.get("best") or one.tool.replace("_model", "").replace("_", " "))
    target = one.result.get("target") or one.arguments.get("target")
    text = f"{best} for {name_of(target)}" if target else best
    without = f", without {names(one.dropped)}" if one.dropped else ""
    return f"{one.model} ({text}{without})"
