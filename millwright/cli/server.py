"""Starting the API and the workbench over an open workshop."""

import socket
import sys
from dataclasses import replace

from api import confine, guard, main, server
from engine.errors import BadSettings
from millwright.orchestrate import open_office
from millwright.settings import Settings
from tools.audit import surface
from web import pages


def run_server(host: str, port: int) -> None:
    """Serve until told to stop.

    Raises:
        BadSettings: `host` is reachable from other machines and there is no key, or the port cannot be had.
    """
    key = Settings().api.key
    guard.check_binding(host, key)
    _check_port(host, port)
    surface.set("http")
    with open_office() as office:
        outside = confine.confined(office.workshop, office.workshop.home / "uploads")
        sessions = replace(office, workshop=outside).sessions()
        app = main.create_app(outside, sessions, key=key)
        pages.mount(app, outside, sessions)
        print(f"http://{host}:{port} (workbench: http://{host}:{port}/ui)", file=sys.stderr)
        server.serve(app, host, port, key)


def _check_port(host: str, port: int) -> None:
    """Try the port first: the server itself would only log that it is taken, and leave."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise BadSettings(
            f"Port {port} of {host!r} cannot be had: {error.strerror}.",
            "Give another --port, or stop what listens there.",
        ) from error
