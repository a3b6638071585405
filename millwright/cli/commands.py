"""What may be typed in a chat after a slash, beside /help and /quit."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from agents.memory import MemoryKind, MemorySettings
from engine.errors import BadArguments, BadChoice

if TYPE_CHECKING:
    from graphs.sessions import Sessions

Told = tuple[str | None, str]
"""What to show (None for a command that there is none of), and the conversation to go on in."""


def command(sessions: "Sessions", session: str, name: str, given: Sequence[str]) -> Told:
    """Do what `name` asks for.

    Raises:
        BadArguments, BadChoice: it does not take what was `given`.
        MillwrightError: whatever the sessions raise.
    """
    known = COMMANDS.get(name)
    return known(sessions, session, given) if known else (None, session)


def _sessions(sessions: "Sessions", session: str, given: Sequence[str]) -> Told:
    from millwright.cli.plain import plain

    _at_most(0, given, "/sessions")
    rows = [f"{info.id}  {info.updated:%Y-%m-%d %H:%M}  {plain(info.title)}" for info in sessions.list()]
    return "\n".join(rows), session


def _undo(sessions: "Sessions", session: str, given: Sequence[str]) -> Told:
    from millwright.cli.screens_sessions import undone

    return undone(sessions.undo(session, _turn(given, "/undo"))), session


def _branch(sessions: "Sessions", session: str, given: Sequence[str]) -> Told:
    new = sessions.branch(session, _turn(given, "/branch"))
    return f"Going on in {new.id}; {session} stays as it is.", new.id


def _export(sessions: "Sessions", session: str, given: Sequence[str]) -> Told:
    from millwright.cli.screens_sessions import write_export

    if not given:
        raise BadArguments("/export needs the name of a file.", "For example /export talk.json or /export talk.ipynb.")
    file = Path(" ".join(given)).expanduser()
    write_export(file, sessions, session)
    return f"Written: {file}", session


def _memory(sessions: "Sessions", session: str, given: Sequence[str]) -> Told:
    _at_most(2, given, "/memory")
    if given:
        sessions.set_memory(session, _chosen(sessions.get(session).memory, given))
    memory = sessions.get(session).memory
    told = {"window": f", the last {memory.turns} turns", "summary": f", the last {memory.turns} turns as they were"}
    told |= {"tokens": f", at most {memory.tokens:,} tokens"}
    return f"Memory: {memory.kind}{told.get(memory.kind, '')}.", session


def _tokens(sessions: "Sessions", session: str, given: Sequence[str]) -> Told:
    from millwright.cli.screens_sessions import tokens

    _at_most(0, given, "/tokens")
    return tokens(sessions.turns(session)), session


COMMANDS: Mapping[str, Callable[["Sessions", str, Sequence[str]], Told]] = {
    "/sessions": _sessions,
    "/undo": _undo,
    "/branch": _branch,
    "/export": _export,
    "/memory": _memory,
    "/tokens": _tokens,
}


def _chosen(memory: MemorySettings, given: Sequence[str]) -> MemorySettings:
    kind, *bound = given
    kinds = get_args(MemoryKind)
    if kind not in kinds:
        raise BadChoice("kind of memory", kind[:40], kinds)
    change: dict[str, object] = {"kind": kind}
    if bound:
        number = _number(bound[0], "/memory")
        limits = {"window": ("turns", 1, 1_000), "summary": ("turns", 1, 1_000), "tokens": ("tokens", 500, 10**9)}
        if kind not in limits:
            raise BadArguments("A buffer has no bound.", "Leave the number out.")
        field, least, most = limits[kind]
        if not least <= number <= most:
            raise BadArguments(f"{number} is no bound of a {kind} memory.", f"Give {least:,} to {most:,} {field}.")
        change[field] = number
    return memory.model_copy(update=change)


def _turn(given: Sequence[str], name: str) -> int | None:
    _at_most(1, given, name)
    return _number(given[0], name) if given else None


def _number(text: str, name: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise BadArguments(f"{name} takes a number, not {text[:40]!r}.", "Turns count from 1.")
    return int(text)


def _at_most(most: int, given: Sequence[str], name: str) -> None:
    if len(given) > most:
        raise BadArguments(f"{name} takes {most or 'nothing'} after it.", "/help shows what can be typed.")
