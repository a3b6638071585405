"""`millwright sessions`: the conversations of this home."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from millwright.cli.options import Json
from millwright.cli.reply import Reply

if TYPE_CHECKING:
    from graphs.sessions import Sessions

app = typer.Typer(help="List, show, limit, export, undo, branch and delete conversations.", no_args_is_help=True)
Session = Annotated[str, typer.Argument(metavar="ID", help="Id of a conversation, e.g. ses_1b2d4e3f9a0c.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.command("list")
def list_(json: Json = False) -> Reply:
    """List the conversations, the one used last first."""
    from millwright.cli import screens_sessions as screens

    with _opened() as sessions:
        found = sessions.list()
    document = {"sessions": [info.model_dump(mode="json") for info in found]}
    return Reply(document, lambda console: console.print(screens.sessions(found)), json)


@app.command("show")
def show(session: Session, json: Json = False) -> Reply:
    """Show the turns of a conversation and what waits in it."""
    from millwright.cli import screens_sessions as screens

    with _opened() as sessions:
        info, turns, waiting = sessions.get(session), sessions.turns(session), sessions.pending(session)
        budget = sessions.budget(session)
    document = {
        "session": info.model_dump(mode="json"),
        "budget": budget.model_dump(mode="json"),
        "turns": [turn.model_dump(mode="json") for turn in turns],
        "approval": waiting and waiting.model_dump(mode="json"),
    }
    return Reply(document, lambda console: screens.show(console, info, turns, waiting, budget), json)


@app.command("claims")
def claims(session: Session, json: Json = False) -> Reply:
    """Show every figure and name that the answers state, and the result that holds it."""
    from millwright.cli import screens_claims

    with _opened() as sessions:
        found = sessions.claims(session)
    document = {"session": session, "answers": [entry.model_dump(mode="json") for entry in found]}
    return Reply(document, lambda console: screens_claims.show(console, found), json)


@app.command("export")
def export(
    session: Session,
    notebook: Annotated[
        Path | None, typer.Option(metavar="FILE.ipynb", help="Write a notebook that does the work again.")
    ] = None,
    json: Json = False,
) -> Reply:
    """Print everything about a conversation as JSON, without passwords and keys; or write it as a notebook."""
    from millwright.cli import screens_sessions as screens

    with _opened() as sessions:
        if notebook is None:
            document = sessions.export(session)
            return Reply(document, lambda console: screens.plain_json(console, document), json)
        screens.write_notebook(notebook, sessions.notebook(session))
    told = {"session": session, "notebook": str(notebook)}
    return Reply(told, lambda console: console.print(f"Written: {notebook}", markup=False, highlight=False), json)


@app.command("undo")
def undo(
    session: Session,
    to: Annotated[
        int | None, typer.Option(metavar="TURN", min=1, help="Go back to before this turn; the last one by default.")
    ] = None,
    json: Json = False,
) -> Reply:
    """Take turns back; say what they did that stays done."""
    from millwright.cli import screens_sessions as screens

    with _opened() as sessions:
        undone = sessions.undo(session, to)
    return Reply(undone, lambda console: screens.say(console, screens.undone(undone)), json)


@app.command("branch")
def branch(
    session: Session,
    at: Annotated[
        int | None, typer.Option(metavar="TURN", min=0, help="Begin after this turn; the last one by default.")
    ] = None,
    title: Annotated[str, typer.Option(help="Title of the new conversation.")] = "",
    json: Json = False,
) -> Reply:
    """Begin another conversation where this one stood."""
    from millwright.cli import screens_sessions as screens

    with _opened() as sessions:
        info = sessions.branch(session, at, title)
    return Reply(info, lambda console: screens.say(console, f"{info.id}  millwright chat --session {info.id}"), json)


@app.command("rename")
def rename(
    session: Session,
    title: Annotated[str, typer.Argument(metavar="TITLE", help="'' makes what was said first the title.")],
    json: Json = False,
) -> Reply:
    """Give a conversation another title."""
    from millwright.cli import screens_sessions as screens

    with _opened() as sessions:
        info = sessions.rename(session, title)
    return Reply(info, lambda console: screens.say(console, f"{info.id}  {info.title}"), json)


@app.command("limit")
def limit(
    session: Session,
    tokens: Annotated[int | None, typer.Option(min=0, help="Most tokens that a model reads and writes.")] = None,
    money: Annotated[float | None, typer.Option(min=0, help="Most money for them.")] = None,
    wall_seconds: Annotated[float | None, typer.Option(min=0, help="Most seconds of turns under way.")] = None,
    tool_calls: Annotated[int | None, typer.Option(min=0, help="Most calls of tools.")] = None,
    training_seconds: Annotated[float | None, typer.Option(min=0, help="Most seconds of trainings.")] = None,
    disk_bytes: Annotated[int | None, typer.Option(min=0, help="Most bytes that it adds to the home.")] = None,
    none: Annotated[bool, typer.Option("--none", help="Take all limits of this conversation away.")] = False,
    json: Json = False,
) -> Reply:
    """Say what a conversation may use in all, from its beginning on; what is not named stays as it is."""
    from agents.budget import NO_LIMITS
    from millwright.cli import screens_sessions as screens

    amounts = {"tokens": tokens, "money": money, "wall_seconds": wall_seconds, "tool_calls": tool_calls}
    amounts |= {"training_seconds": training_seconds, "disk_bytes": disk_bytes}
    if none == any(most is not None for most in amounts.values()):
        raise typer.BadParameter("say what it may use, e.g. --tokens 20000, or --none.", param_hint="--tokens")
    with _opened() as sessions:
        before = NO_LIMITS if none else sessions.budget(session).account.limits
        sessions.set_limits(session, before.changed(**amounts))
        budget = sessions.budget(session)
    return Reply(budget, lambda console: screens.budget(console, budget), json)


@app.command("spent")
def spent(
    reset: Annotated[bool, typer.Option("--reset", help="Count from nothing again.")] = False,
    yes: Yes = False,
    json: Json = False,
) -> Reply:
    """Show what all conversations, runs and crews of this home have used, and what they may use."""
    from agents.budget import Budget
    from millwright.budgets import owners_purse
    from millwright.cli import screens_sessions as screens
    from millwright.cli.asking import approved
    from millwright.compose import made_home
    from millwright.settings import Settings

    settings = Settings()
    purse = owners_purse(settings, made_home(settings.home))
    mine = purse.accounts[0]
    if reset:
        approved("Count what this home uses from nothing again?", yes)
        purse.meter.reset(mine.name)
    budget = Budget(account=mine, spent=purse.meter.spent(mine.name))
    return Reply(budget, lambda console: screens.budget(console, budget), json)


@app.command("delete")
def delete(session: Session, yes: Yes = False, json: Json = False) -> Reply:
    """Forget a conversation for good; datasets and models that it made stay."""
    from millwright.cli import screens_sessions as screens
    from millwright.cli.asking import approved

    with _opened() as sessions:
        title = sessions.get(session).title
        approved(f"Delete {session} ({title})?", yes)
        sessions.delete(session)
    return Reply({"deleted": session}, lambda console: screens.say(console, f"Deleted {session}."), json)


@contextmanager
def _opened() -> "Iterator[Sessions]":
    from millwright.orchestrate import open_office

    with open_office() as office:
        yield office.sessions()
