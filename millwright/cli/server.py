"""Starting the API and the workbench over an open workshop."""

import sys

from api import confine, main, server
from graphs.sessions import Sessions
from millwright.cli.opening import opened, opened_mind
from millwright.settings import Settings
from web import pages


def run_server(host: str, port: int) -> None:
    """Serve until told to stop.

    Raises:
        BadSettings: `host` is reachable from other machines and there is no key.
    """
    key = Settings().api.key
    with opened() as workshop, opened_mind(workshop) as (model, saver):
        outside = confine.confined(workshop, workshop.home / "uploads")
        sessions = Sessions(outside, model, saver)
        app = main.create_app(outside, sessions, key=key)
        pages.mount(app, outside, sessions)
        print(f"http://{host}:{port} (workbench: http://{host}:{port}/ui)", file=sys.stderr)
        server.serve(app, host, port, key)
