"""`millwright doctor`: is everything here that Millwright needs?"""

from typing import TYPE_CHECKING

from millwright.cli.options import Json
from millwright.cli.reply import Reply

if TYPE_CHECKING:
    from rich.console import Console

    from millwright.cli.checks import Check


def doctor(json: Json = False) -> Reply:
    """Check that all Millwright needs is here: home, disk, torch, database, worker, language model.

    Exit code 1 if something is broken; each finding says what to do next.
    """
    from millwright.cli.checks import examine

    found = examine()
    broken = any(check.state == "broken" for check in found)
    document = {"ok": not broken, "checks": [check.model_dump() for check in found]}
    return Reply(document, lambda console: _show(found, console), json, exit_code=int(broken))


def _show(found: "list[Check]", console: "Console") -> None:
    from millwright.cli.screens import table

    rows = [(check.name, check.state, check.detail, check.next_step) for check in found]
    console.print(table(("what", "state", "found", "next step"), rows))
