"""What the answers of a conversation state, and what each figure and name rests on, for people."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from millwright.cli.screens import table

if TYPE_CHECKING:
    from rich.console import Console

    from graphs.session_claims import AnswerClaims

NOTHING = "nothing: struck"


def show(console: "Console", found: Sequence["AnswerClaims"]) -> None:
    """A line for each claim, and one for each draft that was sent back."""
    rows = [(entry.turn, claim.value, claim.result or NOTHING) for entry in found for claim in entry.claims]
    stated, struck = len(rows), sum(entry.struck for entry in found)
    if rows:
        console.print(table((">turn", "claim", "rests on"), rows))
    for entry in found:
        if entry.sent_back:
            values = ", ".join(entry.taken_back)
            line = f"Turn {entry.turn}: a draft was sent back, as no result holds: {values}"
            console.print(line, markup=False, highlight=False)
    console.print(f"{stated} claims, {struck} struck.", markup=False, highlight=False)
