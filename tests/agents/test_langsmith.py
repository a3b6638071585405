"""LangSmith is off unless the user turns it on, and then it gets the runs."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

SCRIPT = """
import engine, os
from agents.scripted import ScriptedModel, say
from langsmith.utils import tracing_is_enabled
ScriptedModel(script=[say("Hello.")]).invoke("Hi")
from langchain_core.tracers.langchain import wait_for_all_tracers
wait_for_all_tracers()
print(os.environ["LANGSMITH_TRACING"], bool(tracing_is_enabled()))
"""


@contextmanager
def collector() -> Iterator[tuple[str, list[str]]]:
    """The address of something that takes runs, and what it was asked for."""
    asked: list[str] = []

    class Taking(BaseHTTPRequestHandler):
        def _take(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked.append(f"{self.command} {self.path}")
            body = b"{}"
            self.send_response(202)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = _take  # noqa: N815  as the server calls them

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Taking)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(("given", "told"), [("true", ["true", "True"]), (None, ["false", "False"])])
def test_the_users_own_value_is_kept_and_runs_go_where_it_says(given: str | None, told: list[str]) -> None:
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("LANGSMITH", "LANGCHAIN"))}
    with collector() as (address, asked):
        wanted = {"LANGSMITH_TRACING": given} if given else {}
        place = {"LANGSMITH_ENDPOINT": address, "LANGSMITH_API_KEY": "lsv2_pt_of_a_test"}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**bare, **wanted, **place},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
    assert done.stdout.split() == told
    assert any("/runs" in line for line in asked) is (given is not None)
