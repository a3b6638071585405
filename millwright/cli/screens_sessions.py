"""Conversations, their turns and what an undo left, for people; and a conversation as a file."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from agents.budget import NAMES, WORDS
from engine.errors import BadArguments
from engine.files import write_json
from millwright.cli.plain import plain
from millwright.cli.screens import table

if TYPE_CHECKING:
    from rich.console import Console

    from agents.budget import Budget
    from graphs.events import ApprovalWanted
    from graphs.session_types import Lasting
    from graphs.sessions import SessionExport, SessionInfo, Sessions, TurnRecord, Undo

SHORT = 60


def sessions(found: Sequence["SessionInfo"]) -> Table:
    """The conversations, a line each."""
    rows = [(info.id, f"{info.updated:%Y-%m-%d %H:%M}", info.state, plain(info.title)) for info in found]
    return table(("conversation", "last used (UTC)", "state", "title"), rows)


def show(
    console: "Console",
    info: "SessionInfo",
    turns: Sequence["TurnRecord"],
    waiting: "ApprovalWanted | None",
    spent: "Budget",
) -> None:
    """One conversation with its turns and what they used."""
    say(console, f"{info.id}  {info.title}\n{info.state}, memory: {info.memory.kind}")
    if info.parent is not None:
        say(console, f"Branched from {info.parent.session} after turn {info.parent.turn}.")
    rows = [
        (turn.number, turn.state, turn.tokens.prompt, turn.tokens.completion, turn.cost, _short(turn.said))
        for turn in turns
    ]
    if rows:
        console.print(table((">turn", "state", ">tokens read", ">written", ">cost", "said"), rows))
        budget(console, spent)
    if waiting is not None:
        say(console, f"Waiting for your approval: {waiting.tool}")


def budget(console: "Console", found: "Budget") -> None:
    """What was used and what may be, a line for each kind."""
    limits, used = dict(found.account.limits.given()), found.spent
    rows = [
        (WORDS[name][0], f"{getattr(used, name):{WORDS[name][2]}}", _most(limits.get(name), WORDS[name][2]))
        for name in NAMES
    ]
    console.print(table((f"used by {found.account.shown}", ">so far", ">at most"), rows))


def turn_cost(turn: "TurnRecord") -> str | None:
    """What a turn cost a language model, in one line; None where none was paid or asked over the network."""
    if turn.tokens.prompt + turn.tokens.completion == 0:
        return None
    cost = "" if turn.cost is None else f", cost {turn.cost:.4f}"
    return f"{turn.tokens.prompt:,} tokens read, {turn.tokens.completion:,} written{cost}"


def undone(undo: "Undo") -> str:
    """What was taken back, and what was not."""
    numbers = [str(turn.number) for turn in undo.turns]
    told = f"Taken back: turn{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}."
    if not undo.lasting:
        return f"{told} Nothing that they did lasts."
    return "\n".join([f"{told} Not undone:", *(f"  turn {item.turn}: {_lasting(item)}" for item in undo.lasting)])


def tokens(turns: Sequence["TurnRecord"]) -> str:
    """The tokens of each turn and of all."""
    if not turns:
        return "Nothing has been said yet."
    lines = [f"  turn {turn.number}: {turn.tokens.prompt:,} read, {turn.tokens.completion:,} written" for turn in turns]
    read, written = (sum(getattr(turn.tokens, kind) for turn in turns) for kind in ("prompt", "completion"))
    costs = [turn.cost for turn in turns if turn.cost is not None]
    cost = f", cost {sum(costs):.4f}" if costs else ""
    return "\n".join([*lines, f"  in all: {read:,} read, {written:,} written{cost}"])


def plain_json(console: "Console", document: "SessionExport") -> None:
    """A document as it is, whatever its width."""
    console.file.write(document.model_dump_json(indent=2) + "\n")


def say(console: "Console", text: str) -> None:
    """Plain sentences, whatever they hold."""
    console.print(Text(plain(text)))


def write_export(file: Path, conversations: "Sessions", session: str) -> None:
    """Write a conversation: a notebook where the name ends so, else JSON.

    Raises:
        BadArguments: the file is there already, or has another kind of name.
        DiskFull, HomeNotWritable: it cannot be written.
    """
    if file.suffix == ".ipynb":
        write_notebook(file, conversations.notebook(session))
    elif file.suffix == ".json":
        _write(file, conversations.export(session).model_dump(mode="json"))
    else:
        raise BadArguments(f"{file.name!r} does not say what is wanted.", "Name a file .json or .ipynb.")


def write_notebook(file: Path, notebook: dict[str, object]) -> None:
    """Write a notebook.

    Raises:
        BadArguments: the file is there already, or its name ends otherwise.
        DiskFull, HomeNotWritable: it cannot be written.
    """
    if file.suffix != ".ipynb":
        raise BadArguments(f"{file.name!r} is no name of a notebook.", "Name a file that ends in .ipynb.")
    _write(file, notebook)


def _write(file: Path, document: object) -> None:
    if file.exists():
        raise BadArguments(f"{str(file)!r} is there already.", "Give another name, or remove it first.")
    write_json(file, document)


def _most(limit: float | None, form: str) -> str:
    return "" if limit is None else f"{limit:{form}}"


def _lasting(item: "Lasting") -> str:
    made = ", ".join(f"{name} {value}" for name, value in item.made.items())
    doubt = "" if item.certain else " (begun; its end was not recorded)"
    return f"{item.tool}{f': {made}' if made else ''}{doubt}"


def _short(text: str) -> str:
    line = plain(" ".join(text.split()))
    return line if len(line) <= SHORT else f"{line[: SHORT - 1]}…"
