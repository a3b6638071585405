"""Put the HTTP API together. What it serves is given: nothing is opened here."""

from importlib.metadata import version

from fastapi import FastAPI
from pydantic import SecretStr
from starlette.middleware import Middleware

from api import problems
from api.guard import BodyLimit, Guard
from api.routes import audit, datasets, health, jobs, models, monitors, sessions, tools
from graphs.sessions import Sessions
from tools.workshop import Workshop

MAX_UPLOAD_BYTES = 2 * 2**30
MAX_BODY_BYTES = 4 * 2**20
STREAMING = frozenset({("POST", "/v1/datasets")})
"""Routes that read their body in pieces and count it themselves."""


def create_app(
    workshop: Workshop,
    conversations: Sessions,
    *,
    key: SecretStr | None = None,
    max_upload_bytes: int = MAX_UPLOAD_BYTES,
    max_body_bytes: int = MAX_BODY_BYTES,
) -> FastAPI:
    """The API over an open workshop and its sessions; both should be `confined` where callers are strangers.

    With a `key` every request but the health checks must carry it; without one only this machine is answered.
    """
    app = FastAPI(
        title="Millwright",
        version=version("millwright"),
        middleware=[
            Middleware(Guard, key=key),
            Middleware(BodyLimit, limit=max_body_bytes, streaming=STREAMING),
        ],
        # both pages would load their scripts from elsewhere; /openapi.json is there for tools
        docs_url=None,
        redoc_url=None,
    )
    app.state.workshop = workshop
    app.state.sessions = conversations
    app.state.max_upload_bytes = max_upload_bytes
    problems.install(app)
    for part in (health, datasets, models, monitors, jobs, tools, sessions, audit):
        app.include_router(part.router)
    return app
