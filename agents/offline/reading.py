"""A message read into slots: first what must stay letter for letter, then typing errors are mended, then the rest."""

from dataclasses import replace

from agents.offline.amounts import AMOUNTS
from agents.offline.explicit import GOAL
from agents.offline.goals import GOALS, onnx_file
from agents.offline.languages import into_english
from agents.offline.machines import MACHINES
from agents.offline.mentions import MENTIONS
from agents.offline.places import PROTECTED, sample_words
from agents.offline.slots import Slots
from agents.offline.words import mended

LONGEST = 1_000
"""Characters of a request that are read, files, ids, quotes and rows in JSON not counted."""


def read_slots(
    text: str, known: frozenset[str] = frozenset(), *, goal: bool = False, language: str | None = None
) -> Slots:
    """Everything that `text` mentions; `known` are column names (lower case) that are no typing errors.

    `goal` says that the text is a goal, whatever its words; `language` is that of the message that it is a part of.
    """
    slots = Slots(rest=" ".join(text.split()), known=known)
    for reader in (onnx_file, *PROTECTED):
        slots = reader(slots)
    slots = into_english(slots, language)
    # requests are short; a long text is cut so that no pattern can be made to run for long
    slots = replace(slots, rest=mended(slots.rest[:LONGEST], known))
    slots = replace(slots, strict=goal or GOAL.search(slots.rest) is not None)
    for reader in (sample_words, *GOALS, *AMOUNTS, *MACHINES, *MENTIONS):
        slots = reader(slots)
    return replace(slots, rest=" ".join(slots.rest.split()))
