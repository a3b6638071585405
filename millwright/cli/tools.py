"""`millwright tools`: the same tools that the agents use."""

import json as jsons
from typing import Annotated

import typer

from millwright.cli.opening import opened
from millwright.cli.options import Json
from millwright.cli.reply import Reply

app = typer.Typer(help="List the tools and call one of them.", no_args_is_help=True)


@app.command("list")
def list_(json: Json = False) -> Reply:
    """List the tools with their effects; the JSON has the schema of each request."""
    from millwright.cli import screens
    from tools.catalogue import CATALOGUE

    specs = list(CATALOGUE.values())
    document = [
        {"name": s.name, "description": s.description, "effect": s.effect, "job": s.job,
         "request": s.request.model_json_schema()}
        for s in specs
    ]  # fmt: skip
    rows = [(s.name, s.effect, s.description) for s in specs]
    return Reply(
        {"tools": document},
        lambda console: console.print(screens.table(("tool", "effect", "what it does"), rows)),
        json,
    )


@app.command("call")
def call(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the tool.")],
    arguments: Annotated[str, typer.Argument(metavar="JSON", help="Its request as a JSON object.")] = "{}",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before a tool that writes.")] = False,
    json: Json = False,
) -> Reply:
    """Call one tool with a JSON request and print its result."""
    from millwright.cli.asking import approved
    from millwright.cli.opening import call_job
    from tools.catalogue import CATALOGUE
    from tools.spec import ToolResult

    request = request_from(arguments)
    if name in CATALOGUE and CATALOGUE[name].effect in ("write", "external"):
        approved(f"Call {name} with {jsons.dumps(request)}?", yes)
    with opened() as workshop:
        found = call_job(workshop, name, ToolResult, None, **request)
    return Reply(found, lambda console: console.print_json(found.model_dump_json()), json)


def request_from(arguments: str) -> dict[str, object]:
    """The JSON object in `arguments`.

    Raises:
        BadArguments: it is not JSON, or not an object.
    """
    from engine.errors import BadArguments

    try:
        request = jsons.loads(arguments)
    except jsons.JSONDecodeError as error:
        raise BadArguments(
            f"The arguments are not JSON: {error.msg} at character {error.pos}.",
            """Give an object in single quotes, e.g. '{"dataset": "ds_1"}'.""",
        ) from error
    if not isinstance(request, dict):
        raise BadArguments(f"The arguments are a JSON {type(request).__name__}, not an object.", "Put them in { }.")
    return request
