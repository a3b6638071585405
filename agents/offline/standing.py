"""What the user wants of everything from now on: 'for everything we do, leave the column sex out'.

It holds for the conversation, and is read again from what was said in it: later trainings and plans leave those columns
out, until one of them is asked for again.
"""

import re
from collections.abc import Collection, Sequence

from agents.offline.columns import find_column, named_exactly
from agents.offline.finding import bare
from agents.offline.playing import Play, Request
from agents.offline.reading import read_slots
from agents.offline.slots import Slots
from agents.offline.wording import names

_ALWAYS = (
    r"(?:(?:for|in|with)\s+(?:everything|all)\b(?:\s+(?:that\s+)?(?:we|you|i)\s+(?:do|train|make|build))?|"
    r"(?:for|in)\s+(?:all|every)\s+(?:(?:the|our|my|future|later|further|coming)\s+)*(?:trainings?|models?|runs?|plans?)\b|"
    r"from\s+now\s+on(?:wards?)?|in\s+(?:the\s+)?future|always|every\s*time|each\s+time|"
    r"whatever\s+(?:we|you|i)\s+(?:do|train|make|build)|whenever\s+(?:we|you|i)\s+train|until\s+i\s+say\s+otherwise)"
)
_STANDING = re.compile(rf"\b{_ALWAYS}", re.IGNORECASE)
_FILLER = r"(?:\W|\b(?:please|and|so|ok|okay|hey|hi|hello|also|then|would|could|can|you|i|want|to|that|we)\b)*"
_NOTHING_ELSE = re.compile(
    rf"^{_FILLER}(?:{_ALWAYS}{_FILLER}_drop_{_FILLER}|_drop_{_FILLER}{_ALWAYS}{_FILLER})$", re.IGNORECASE
)
_THE_OTHER_WAY = re.compile(
    r"\b(?:never|don['’]?t|do not|not)\s+(?:drop|leave|ignore|exclude|remove|skip|omit)|\?\s*$", re.IGNORECASE
)


def only_stands(text: str) -> bool:
    """Whether a message (with placeholders) says what is to be left out from now on, and nothing else."""
    return _NOTHING_ELSE.match(text) is not None


def noted(play: Play, request: Request) -> str:
    """What is left out from now on, in the user's words."""
    said = [bare(words) for words in request.slots.drop if bare(words)]
    return (
        f"Noted: {names(said)} is left out of what I train here from now on. Say 'use {said[0]} again' to have it back."
    )


def left_out(said: Sequence[str], columns: Sequence[str]) -> list[str]:
    """The columns that what was said so far leaves out of everything."""
    lower = frozenset(column.lower() for column in columns)
    gone: dict[str, None] = {}
    for words in said:
        stands = _STANDING.search(words) is not None and not _THE_OTHER_WAY.search(words)
        if not stands and not gone:
            continue
        slots = read_slots(words, lower)
        for back in _wanted_again(slots, gone):
            gone.pop(back, None)
        if stands:
            gone |= dict.fromkeys(column for name in slots.drop if (column := named_exactly(name, columns)))
    return list(gone)


def _wanted_again(slots: Slots, gone: Collection[str]) -> list[str]:
    matches = (find_column(words, list(gone)).column for words in slots.keep)
    return [column for column in matches if column is not None]
