"""What is taken as a message, a title, an approval or a turn: whatever else comes is refused with what is wrong."""

import re
import unicodedata
from collections.abc import Sequence

from agents.memory import MemorySettings
from engine.errors import BadArguments, NotFound
from engine.redaction import redacted
from graphs.assistant_types import Decision
from graphs.session_types import TurnRecord

MOST_TEXT = 200_000
MOST_TITLE = 200
_APPROVAL = re.compile(r"[0-9A-Za-z_\-]{1,100}")


def checked_text(text: object) -> str:
    """What the user says.

    Raises:
        BadArguments: it is no text, blank, or longer than a message may be.
    """
    if not isinstance(text, str) or not text.strip():
        raise BadArguments("A message needs words.", "Say what you want.")
    if len(text) > MOST_TEXT:
        raise BadArguments(
            f"A message of {len(text):,} characters is too long; the most is {MOST_TEXT:,}.",
            "Put the data into a file and name the file.",
        )
    # half of a surrogate pair is no text that could be written down
    return text.encode("utf-8", "replace").decode()


def checked_title(title: object) -> str:
    """A title, on one line.

    Raises:
        BadArguments: it is no text, or too long.
    """
    if not isinstance(title, str) or len(title) > MOST_TITLE:
        raise BadArguments(f"A title is a text of at most {MOST_TITLE} characters.", "Give a shorter one.")
    return as_title(title.encode("utf-8", "replace").decode())


def as_title(text: str) -> str:
    """A text as a title: on one line, with nothing that steers a terminal, and without passwords and keys."""
    line = "".join(letter for letter in " ".join(text.split()) if unicodedata.category(letter) != "Cc")
    return str(redacted(line))


def checked_memory(memory: object) -> MemorySettings:
    """How a session remembers; the default where nothing is said.

    Raises:
        BadArguments: it is something else.
    """
    if memory is None:
        return MemorySettings()
    if not isinstance(memory, MemorySettings):
        raise BadArguments("That is no way to remember.", "Give MemorySettings, e.g. of the kind 'window'.")
    return memory


def checked_approval(approval: object, decision: object) -> None:
    """Refuse what cannot be an answer to a call that waits.

    Raises:
        BadArguments: no approval can have this id, or the decision is none.
    """
    if not isinstance(approval, str) or not _APPROVAL.fullmatch(approval):
        raise BadArguments("That cannot be the id of an approval.", "Give back the id that came with the question.")
    if not isinstance(decision, Decision):
        raise BadArguments("An approval is answered with a Decision.", "Give Decision(approve=True) or approve=False.")


def turn_of(live: Sequence[TurnRecord], number: int | None) -> TurnRecord:
    """The turn of this number, by default the last.

    Raises:
        NotFound: `turn_not_found`.
        BadArguments: the number is none.
    """
    if number is not None and type(number) is not int:
        raise BadArguments("A turn is named by its number.", "The first one is 1.")
    if not live:
        raise NotFound("turn", "any" if number is None else str(number)[:20], hint="Nothing has been said yet.")
    found = [turn for turn in live if number in (None, turn.number)]
    if not found:
        raise NotFound("turn", str(number)[:20], [str(turn.number) for turn in live])
    return found[-1]
