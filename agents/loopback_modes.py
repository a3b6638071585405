"""The ways in which the loopback server can go wrong, by name."""

import re
from collections.abc import Sequence

from engine.errors import BadChoice

NORMAL = "normal"
STATUSES = ("429", "500")
"""Answered with an error of this status; any other from 400 to 599 may be named too."""
BREAKS = ("stall", "reset", "cut_stream", "html", "garbage", "error_event", "slow_drip")
"""What happens to the connection or to the bytes on it."""
FORMS = (
    *("no_finish_reason", "length", "content_filter", "bad_tool_json", "truncated_tool_json"),
    *("empty_answer", "no_choices", "unicode_garbage", "huge_answer", "same_call_ids", "extra_keys"),
)
"""How a finished answer is misshapen."""
MINDS = ("endless_loop", "invented_numbers", "wrong_tools", "wrong_columns", "obeys_everything")
"""A sound answer of a bad model."""
MODES = (NORMAL, *STATUSES, *BREAKS, *FORMS, *MINDS)
UNTAKEN = frozenset(
    {"stall", "reset", "cut_stream", "html", "garbage", "error_event", "no_finish_reason", "length", "content_filter"}
    | {"no_choices", "empty_answer"}
)
"""Modes whose answer did not arrive: the turn of the script is given again at the next request."""

ModeName = str | int | None
Modes = ModeName | Sequence[ModeName]

_SPELLINGS = {
    NORMAL: "none ok",
    "429": "ratelimit ratelimited toomanyrequests",
    "500": "servererror",
    "stall": "stalls stalled",
    "reset": "resets connectionreset",
    "cut_stream": "streamcut cutoff",
    "html": "htmlpage",
    "bad_tool_json": "badjson invalidtooljson",
    "truncated_tool_json": "truncatedjson truncatedtoolcall",
    "no_finish_reason": "nofinish missingfinishreason",
    "empty_answer": "empty",
    "unicode_garbage": "unicode",
    "huge_answer": "huge",
    "endless_loop": "loop infiniteloop",
    "invented_numbers": "inventednumber inventsnumbers",
    "wrong_tools": "wrongtool unknowntools",
    "wrong_columns": "wrongcolumn unknowncolumns",
    "obeys_everything": "obeys obeyeverything obeyseverything",
}
"""Other words for a mode, as `_bare` leaves them."""


def modes_named(given: Modes) -> tuple[str, ...]:
    """The modes that `given` names: one, or several that take turns. None is 'normal'.

    Case, blanks, hyphens and underscores make no difference; a status is a number or its digits.

    Raises:
        BadChoice: an unknown mode, with those there are.
    """
    several = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else [given]
    return tuple(_mode(one) for one in several) or (NORMAL,)


def _mode(given: ModeName) -> str:
    key = _bare(NORMAL if given is None else str(given))
    status = key.removeprefix("http").removeprefix("status")
    if re.fullmatch(r"[45]\d\d", status):
        return status
    known = {_bare(mode): mode for mode in MODES}
    known |= {word: mode for mode, words in _SPELLINGS.items() for word in words.split()}
    if key not in known:
        raise BadChoice("mode", str(given), MODES)
    return known[key]


def _bare(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())
