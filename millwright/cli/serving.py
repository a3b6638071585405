"""`millwright worker` and `millwright serve`: the two long-running processes."""

from typing import Annotated

import typer

from millwright.cli.options import Json
from millwright.cli.reply import Reply

LOOPBACK = "127.0.0.1"


def worker(json: Json = False) -> Reply:
    """Run jobs for this home until stopped.

    One worker serves one home. The other commands start one when they need it, and end it when they are done.
    """
    from millwright.compose import serve_jobs

    serve_jobs()
    return Reply({"stopped": True}, lambda console: None, json)


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; others than loopback need a key.")] = LOOPBACK,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port.")] = 8000,
    json: Json = False,
) -> Reply:
    """Start the HTTP API and the browser workbench (under /ui)."""
    from millwright.cli.server import run_server

    run_server(host, port)
    return Reply({"stopped": True}, lambda console: None, json)
