"""`millwright trace`: what happened within a turn or a run, and how long each part took."""

from typing import Annotated

import typer

from millwright.cli.options import Json
from millwright.cli.reply import Reply


def trace(
    name: Annotated[str, typer.Argument(metavar="ID", help="A conversation, run, pipeline, loop, crew run or job.")],
    every: Annotated[bool, typer.Option("--all", help="All its traces, not only the last.")] = False,
    json: Json = False,
) -> Reply:
    """Show the spans of the last turn of a conversation, or of a run, as a tree with seconds.

    They are kept where MILLWRIGHT_TRACING__EXPORTER=file is set.
    """
    from millwright.settings import Settings
    from tools.tracing_file import as_lines, traces_of

    found = traces_of(Settings().home.resolve(), name)
    shown = found if every else found[-1:]
    document = {"traces": [[span.model_dump(mode="json") for span in spans] for spans in shown]}
    text = "\n\n".join("\n".join(as_lines(spans)) for spans in shown)
    return Reply(document, lambda console: console.print(text, markup=False, highlight=False, soft_wrap=True), json)
