"""Who may talk to the server: holders of the key, or without a key only this machine's own programs and pages.

One ASGI wrapper around everything, pages and web sockets included, so that no route can forget it.
"""

import base64
import binascii
import secrets
from urllib.parse import urlsplit

from fastapi import Request
from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem, problem_of
from engine.errors import BadSettings, TooLarge, Unauthorised

OPEN = ("/health/live", "/health/ready")
"""Paths that need no key: they say only whether the server works."""
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def check_binding(host: str, key: SecretStr | None) -> None:
    """Refuse to listen beyond this machine without a key.

    Raises:
        BadSettings: `host` is not loopback and there is no key.
    """
    if host not in LOOPBACK and key is None:
        raise BadSettings(
            f"Listening on {host!r} without a key would let everyone in.",
            "Set MILLWRIGHT_API__KEY, or listen on 127.0.0.1.",
        )


class Guard:
    """Lets a request through to `app`, or answers it with a problem document."""

    def __init__(self, app: ASGIApp, key: SecretStr | None) -> None:
        self.app, self.key = app, key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] in {"http", "websocket"} else None
        if refusal is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await refusal(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if scope["path"] in OPEN:
            return None
        if self.key is None and _host(headers.get("host", "")) not in LOOPBACK:
            # a name that an attacker points at 127.0.0.1 arrives with that name as its host
            return problem(403, "foreign_host", "Without a key this server answers only on this machine's own names.")
        origin = headers.get("origin")
        if origin and urlsplit(origin).netloc != headers.get("host"):
            return problem(403, "foreign_origin", f"Pages of {origin!r} may not use this server.")
        if self.key is not None and not _holds(headers.get("authorization", ""), self.key):
            return _ask(scope["path"])
        return None


def _host(header: str) -> str:
    return urlsplit(f"//{header}").hostname or ""


def _holds(authorization: str, key: SecretStr) -> bool:
    """Whether the header carries the key: as a bearer token, or as the password that a browser asks for."""
    scheme, _, value = authorization.partition(" ")
    given = value.strip().encode("latin-1")
    if scheme.lower() == "basic":
        try:
            given = base64.b64decode(given, validate=True).partition(b":")[2]
        except binascii.Error:
            return False
    elif scheme.lower() != "bearer":
        return False
    return secrets.compare_digest(given, key.get_secret_value().encode())


def _ask(path: str) -> Response:
    answer = problem_of(Unauthorised())
    if path.startswith("/ui"):
        answer.headers["WWW-Authenticate"] = 'Basic realm="Millwright", charset="UTF-8"'
    return answer


class BodyLimit:
    """Bounds request bodies, counted as they arrive; routes that stream bound themselves and are left out."""

    def __init__(self, app: ASGIApp, limit: int, streaming: frozenset[tuple[str, str]]) -> None:
        self.app, self.limit, self.streaming = app, limit, streaming

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (scope["method"], scope["path"]) in self.streaming:
            await self.app(scope, receive, send)
            return
        try:
            body = await _limited(Request(scope, receive), self.limit)
        except ClientDisconnect:
            return
        if body is None:
            error = TooLarge(f"The body is larger than {self.limit:,} bytes.", "Send less at once.")
            await problem_of(error)(scope, receive, send)
            return
        await self.app(scope, _replayed(body, receive), send)


async def _limited(request: Request, limit: int) -> bytes | None:
    """The body, or None as soon as it grows beyond the limit."""
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > limit:
        return None
    parts = bytearray()
    async for part in request.stream():
        parts += part
        if len(parts) > limit:
            return None
    return bytes(parts)


def _replayed(body: bytes, receive: Receive) -> Receive:
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
