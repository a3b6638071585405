"""Asking the person at the terminal for a yes."""

import sys

from engine.errors import ApprovalNeeded

YES = {"y", "yes"}


def ask(question: str) -> bool:
    """Ask on stderr and read one line; anything but y or yes, and the end of the input, is a no."""
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in YES


def must_be_able_to_ask(yes: bool) -> None:
    """Return when the answer is yes already or there is a terminal.

    Raises:
        ApprovalNeeded: nobody can be asked.
    """
    if not yes and not sys.stdin.isatty():
        raise ApprovalNeeded("This needs your approval, and there is no terminal to ask.", "Add --yes to go ahead.")


def approved(question: str, yes: bool) -> None:
    """Return when the answer is yes.

    Raises:
        ApprovalNeeded: there is no terminal to ask, or the answer was no.
    """
    must_be_able_to_ask(yes)
    if not yes and not ask(question):
        raise ApprovalNeeded("Not approved; nothing was done.", "Run the command again to change your mind.")
