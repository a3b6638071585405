"""Starting the API and the workbench over an open workshop."""

import sys
from importlib import import_module

from graphs.sessions import Sessions
from millwright.cli.opening import opened, opened_mind
from millwright.settings import Settings


def run_server(host: str, port: int) -> None:
    """Serve until told to stop.

    Raises:
        BadSettings: `host` is reachable from other machines and there is no key.
    """
    # by name: the command starts its neighbours on the top floor, it does not build on them
    api, confine, server, web = (import_module(name) for name in ("api.main", "api.confine", "api.server", "web.pages"))
    key = Settings().api.key
    with opened() as workshop, opened_mind(workshop) as (model, saver):
        outside = confine.confined(workshop, workshop.home / "uploads")
        sessions = Sessions(outside, model, saver)
        app = api.create_app(outside, sessions, key=key)
        web.mount(app, outside, sessions)
        print(f"http://{host}:{port} (workbench: http://{host}:{port}/ui)", file=sys.stderr)
        server.serve(app, host, port, key)
