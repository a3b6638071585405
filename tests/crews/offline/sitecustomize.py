"""Loaded by every Python process of these tests before anything else: the network ends at the loopback interface.

What was tried is kept in REFUSED, so that an error which somebody swallowed is noticed as well.
"""

import socket
from typing import Any

LOOPBACK = ("127.0.0.1", "::1", "localhost")
REFUSED: list[str] = []
_connect, _resolve = socket.socket.connect, socket.getaddrinfo


def _refuse(what: object) -> None:
    REFUSED.append(f"no network in this test: {what}")
    raise OSError(REFUSED[-1])


def connect(self: socket.socket, address: Any) -> None:
    if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in LOOPBACK:
        _refuse(address)
    _connect(self, address)


def resolve(host: Any, *arguments: Any, **named: Any) -> Any:
    name = host.decode() if isinstance(host, bytes) else host
    if name not in (None, "", *LOOPBACK):
        _refuse(host)
    return _resolve(host, *arguments, **named)


socket.socket.connect = connect  # type: ignore[assignment, method-assign]
socket.getaddrinfo = resolve
