"""`millwright worker` and `millwright serve`: the two long-running processes."""

from typing import Annotated

import typer

LOOPBACK = "127.0.0.1"


def worker() -> None:
    """Run jobs for this home until stopped.

    One worker serves one home. The other commands start one when they need it, and end it when they are done.
    """
    from millwright.compose import serve_jobs

    serve_jobs()


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; the loopback interface by default.")] = LOOPBACK,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port.")] = 8000,
) -> None:
    """Start the HTTP API."""
    import uvicorn

    uvicorn.run("api.main:create_app", factory=True, host=host, port=port)
