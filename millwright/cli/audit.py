"""`millwright audit`: who said yes or no to what, and what was done to others."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from millwright.cli.options import Json
from millwright.cli.reply import Reply

if TYPE_CHECKING:
    from rich.console import RenderableType

    from tools.audit import Audit, Entry, Verdict

app = typer.Typer(help="Show approvals and effects, and whether their record is as it was written.")


@app.callback(invoke_without_command=True)
def audit(
    context: typer.Context,
    tail: Annotated[int, typer.Option("--tail", min=1, help="How many of the last.")] = 20,
    tool: Annotated[str | None, typer.Option(help="Those about this tool.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Those from this moment on, in UTC.")] = None,
    json: Json = False,
) -> Reply | None:
    """Show the last approvals and effects of this home, the oldest first."""
    if context.invoked_subcommand is not None:
        return None
    from tools.audit import chosen, unfinished

    known = list(_audit().entries())
    found, open_ = chosen(known, tail, tool, since), unfinished(known)
    document = {"entries": [entry.model_dump(mode="json") for entry in found], "unfinished": list(open_)}
    return Reply(document, lambda console: console.print(_lines(found, open_)), json)


@app.command("verify")
def verify(json: Json = False) -> Reply:
    """Say whether the record is as it was written, and the first line that is not."""
    found = _audit().verify()
    return Reply(
        found,
        lambda console: console.print(_verdict(found), markup=False, soft_wrap=True),
        json,
        exit_code=0 if found.intact else 1,
    )


def _audit() -> "Audit":
    from datetime import UTC

    from millwright.settings import Settings
    from tools.audit import Audit

    return Audit(Settings().home.resolve(), lambda: datetime.now(UTC))


def _lines(entries: "Sequence[Entry]", unfinished: Sequence[str]) -> "RenderableType":
    from rich.text import Text

    from millwright.cli.screens import table

    if not entries:
        return Text("Nothing is on record.")
    rows = ((entry.time.strftime("%Y-%m-%d %H:%M:%S"), entry.who, entry.surface, *_told(entry, unfinished))
            for entry in entries)  # fmt: skip
    return table(("when (UTC)", "who", "by", "what", "tool", "on", "how"), rows)


def _told(entry: "Entry", unfinished: Sequence[str]) -> tuple[str, str, str, str]:
    """What it is, of which tool, what it is about, and how it went."""
    about = " ".join(value for key, value in entry.about.items() if key in ("session", "run", "loop", "step"))
    if entry.kind == "approval":
        answer = "yes" if entry.decision else "no"
        return "approval", entry.tool or "the plan", about, f"{answer}. {entry.reason}".strip(" .")
    how = f"failed: {entry.error}" if entry.error else ""
    if entry.kind == "begun":
        how = "no end on record" if entry.id in unfinished else ""
    return entry.kind, entry.tool, entry.call or entry.id, how


def _verdict(found: "Verdict") -> str:
    if not found.intact:
        return f"Line {found.line} of {found.entries} is not as it was written: {found.problem}."
    told = f"{found.entries} entries, as they were written. Last hash: {found.last}"
    return f"{told}\nBegun, with no end on record: {', '.join(found.unfinished)}" if found.unfinished else told
