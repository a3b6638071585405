"""The HTTP client for endpoints: it sends no more than it should, and bounds an answer in time and size."""

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

import httpx
from pydantic import SecretStr

from agents.strict_errors import EndpointFailed

CONNECT_SECONDS = 5.0
MOST_BYTES = 64 * 1024**2
"""Bytes of one answer."""
_SENT = frozenset(
    {"host", "connection", "accept", "accept-encoding", "content-type", "content-length", "transfer-encoding"}
    | {"user-agent", "authorization"}
)
"""Headers that go out. A client adds others from the environment: organisations, projects, whatever is set there."""
_CLIENTS_OWN = "x-stainless-"
"""What the client says of itself, and reads again from the request when the answer is there."""
_UNTIL: ContextVar[float] = ContextVar("answer_until", default=float("inf"))


@contextmanager
def answered_by(until: float) -> Iterator[None]:
    """Requests begun in this block, in this thread, are over by `until` (time.monotonic) and one wait for bytes."""
    before = _UNTIL.set(until)
    try:
        yield
    finally:
        _UNTIL.reset(before)


class WireClient(httpx.Client):
    """A client that closes its connections when nobody holds it any more."""

    def __del__(self) -> None:
        # one that failed in its making has no state
        if getattr(self, "_state", None) is not None:
            self.close()


@lru_cache(maxsize=1)
def trust() -> ssl.SSLContext:
    """The authorities that are trusted. Reading them takes a tenth of a second, so they are read once."""
    return httpx.create_ssl_context()


def wire_client(timeout_s: float, key: SecretStr | None, most_bytes: int = MOST_BYTES) -> WireClient:
    """A client with `timeout_s` for the next bytes. With no `key` it sends none, whatever the environment holds.

    An answer of more than `most_bytes` raises ProviderFailed.
    """

    def sending(request: httpx.Request) -> None:
        for name in set(request.headers) - _SENT:
            if not name.startswith(_CLIENTS_OWN):
                del request.headers[name]
        # what is packed would be bounded as it is sent, and may unpack to a thousand times that
        request.headers["Accept-Encoding"] = "identity"
        if key is None:
            request.headers.pop("Authorization", None)
        left = max(0.001, _UNTIL.get() - time.monotonic())
        given = request.extensions.get("timeout", {})
        request.extensions["timeout"] = {
            name: left if value is None else min(value, left) for name, value in given.items()
        }

    def receiving(response: httpx.Response) -> None:
        packed = response.headers.get("Content-Encoding", "identity")
        if packed.strip().lower() not in ("", "identity"):
            raise EndpointFailed(
                f"The language model's endpoint sent an answer packed as {packed[:40]!r}, which was not asked for.",
                "Check MILLWRIGHT_LLM__BASE_URL, and whether a proxy before it packs what it passes on.",
            )
        assert isinstance(response.stream, httpx.SyncByteStream)
        response.stream = _Bounded(response.stream, _UNTIL.get(), most_bytes)

    return WireClient(
        verify=trust(),
        timeout=wire_timeout(timeout_s),
        follow_redirects=True,
        event_hooks={"request": [sending], "response": [receiving]},
    )


def wire_timeout(timeout_s: float) -> httpx.Timeout:
    """`timeout_s` for each wait for bytes, less for the connection."""
    return httpx.Timeout(timeout_s, connect=min(timeout_s, CONNECT_SECONDS))


class _Bounded(httpx.SyncByteStream):
    """A body that ends with an error when it is too long, in bytes or in time (a server that sends drops for ever)."""

    def __init__(self, stream: httpx.SyncByteStream, until: float, most_bytes: int) -> None:
        self._stream, self._until, self._most = stream, until, most_bytes

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for part in self._stream:
            size += len(part)
            if size > self._most:
                raise EndpointFailed(
                    f"The language model's endpoint sent more than {self._most:,} bytes for one answer.",
                    "Check MILLWRIGHT_LLM__BASE_URL.",
                )
            if time.monotonic() > self._until:
                raise httpx.ReadTimeout("The answer took longer than it may.")
            yield part

    def close(self) -> None:
        self._stream.close()
