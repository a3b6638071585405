"""`millwright memory`: what is remembered beyond one conversation."""

from typing import TYPE_CHECKING, Annotated

import typer

from millwright.cli.opening import call, opened
from millwright.cli.options import Json
from millwright.cli.plain import plain
from millwright.cli.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from tools.remembering import MemoryLine

app = typer.Typer(help="List, add and forget what is remembered of data and preferences.", no_args_is_help=True)
About = Annotated[str | None, typer.Option(metavar="ID", help="Dataset or model (id or name) that it is about.")]


@app.command("list")
def list_(
    query: Annotated[str | None, typer.Argument(metavar="[WORDS]", help="Those that fit these words best.")] = None,
    about: About = None,
    json: Json = False,
) -> Reply:
    """List what is remembered, newest first."""
    from tools.remembering import MemoryList

    with opened() as workshop:
        found = call(workshop, "list_memories", MemoryList, query=query, about=about, limit=500)
    return Reply(found, lambda console: console.print(_lines(found.memories)), json)


@app.command("add")
def add(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="One sentence; no passwords or keys.")],
    about: About = None,
    preference: Annotated[bool, typer.Option("--preference", help="It is how you want things done.")] = False,
    json: Json = False,
) -> Reply:
    """Remember a sentence."""
    from tools.remembering import Remembered

    kind = "preference" if preference else "fact"
    with opened() as workshop:
        found = call(workshop, "remember", Remembered, text=text, about=about, kind=kind)
    words = f"{found.memory.id}  {found.memory.text}"
    said = "\n".join(filter(None, (words, found.note)))
    return Reply(found, lambda console: console.print(plain(said), markup=False, soft_wrap=True), json)


@app.command("forget")
def forget(
    memory: Annotated[str | None, typer.Argument(metavar="[ID]", help="Memory id, as `list` shows it.")] = None,
    about: About = None,
    everything: Annotated[bool, typer.Option("--all", help="All memories.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: Json = False,
) -> Reply:
    """Forget one memory, all about a dataset or model, or everything. It cannot be undone."""
    from millwright.cli.asking import approved
    from tools.remembering import Forgotten

    if [memory is not None, about is not None, everything].count(True) != 1:
        raise typer.BadParameter("Give exactly one of ID, --about and --all.")
    what = f"memory {memory}" if memory else f"all memories about {about}" if about else "all memories"
    approved(f"Forget {what}?", yes)
    asked = {"id": memory, "all_about": about, "everything": everything}
    with opened() as workshop:
        found = call(workshop, "forget", Forgotten, **asked)
    words = f"Forgot {len(found.forgotten)} of {len(found.forgotten) + found.kept}."
    return Reply(found, lambda console: console.print(words), json)


def _lines(memories: "Sequence[MemoryLine]") -> "RenderableType":
    from rich.text import Text

    from millwright.cli.screens import table

    if not memories:
        return Text("Nothing is remembered.")
    return table(
        ("memory", "kind", "about", "said by", "text"),
        ((one.id, one.kind, one.about or "", one.source, one.text) for one in memories),
    )
