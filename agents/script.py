"""A script: the turns that a fake model or a fake server gives, in order, and what they were shown."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock

from engine.errors import ScriptError


@dataclass(frozen=True)
class Say:
    """A turn of plain text."""

    text: str


@dataclass(frozen=True)
class Call:
    """A call of one tool."""

    name: str
    arguments: Mapping[str, object]

    @property
    def json(self) -> str:
        """The arguments as a provider would send them."""
        return json.dumps(dict(self.arguments), ensure_ascii=False)


Turn = Say | Call | Sequence[Say | Call] | Exception
"""One answer of a model: text, a call, several at once, or an error that is raised."""

Entry = Turn | Callable[[Sequence[object]], Turn]
"""A turn, or a function from the messages shown to the turn (to use an id that an earlier tool returned)."""


def say(text: str) -> Say:
    """A script turn that answers with `text`."""
    return Say(text)


def call(name: str, /, **arguments: object) -> Call:
    """A script turn that calls the tool `name`."""
    return Call(name, arguments)


@dataclass(frozen=True)
class Answer:
    """One turn taken apart: the text and the calls, with its number in the script (from 0)."""

    number: int
    text: str
    calls: tuple[Call, ...]

    def call_id(self, position: int, shown: int) -> str:
        """Id of the call at `position`; `shown` is the number of messages, so ids differ along a conversation."""
        return f"call_{shown}_{self.number}_{position}"


@dataclass
class Script:
    """The cursor over the turns; shared by all models bound from one."""

    entries: Sequence[Entry]
    seen: list[list[object]] = field(default_factory=list)
    taken: int = 0
    _lock: Lock = field(default_factory=Lock, repr=False)

    def __post_init__(self) -> None:
        """Raise ScriptError unless every entry is one: a bare string would be read letter by letter."""
        for entry in self.entries:
            if not _is_entry(entry):
                raise ScriptError(
                    f"{entry!r} is no turn of a script.",
                    "A script is a list of say(...), call(...), lists of these, errors or functions.",
                )

    def next(self, messages: Sequence[object], keep: bool = False) -> Answer:
        """The next turn for `messages`; one that is kept is given again.

        Raises:
            ScriptError: the script has ended; or the turn's own error.
        """
        with self._lock:
            number = self.taken
            self.seen.append(list(messages))
            if number >= len(self.entries):
                raise ScriptError(
                    f"The script has {len(self.entries)} turn(s), but turn {number + 1} was asked for.",
                    f"The last message was: {_last(messages)}",
                )
            self.taken += not keep
        entry = self.entries[number]
        turn = entry if isinstance(entry, Say | Call | Sequence | Exception) else entry(messages)
        if isinstance(turn, Exception):
            raise turn
        return _answer(number, turn)

    def check(self) -> None:
        """Raise ScriptError unless every turn was used."""
        left = len(self.entries) - self.taken
        if left:
            raise ScriptError(
                f"{left} of {len(self.entries)} script turn(s) were not used.", f"Next: {self.entries[self.taken]!r}."
            )


def _is_entry(entry: object) -> bool:
    if isinstance(entry, Say | Call | Exception) or (callable(entry) and not isinstance(entry, type)):
        return True
    parts = entry if isinstance(entry, list | tuple) else ()
    return bool(parts) and all(isinstance(part, Say | Call) for part in parts)


def _answer(number: int, turn: Say | Call | Sequence[Say | Call]) -> Answer:
    parts = [turn] if isinstance(turn, Say | Call) else list(turn)
    text = "".join(part.text for part in parts if isinstance(part, Say))
    return Answer(number, text, tuple(part for part in parts if isinstance(part, Call)))


def _last(messages: Sequence[object]) -> str:
    if not messages:
        return "none"
    last = messages[-1]
    content = last.get("content") if isinstance(last, dict) else getattr(last, "content", last)
    return repr(content)[:300]
