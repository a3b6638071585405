"""`millwright serve`: it answers, and says why when it cannot."""

import socket
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from tests.cli.running import Millwright, command, environment

PATIENCE_S = 60.0


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def answer(url: str) -> httpx.Response:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return httpx.get(url, follow_redirects=True)
        except httpx.ConnectError:
            assert time.monotonic() < deadline, "the server never answered"
            time.sleep(0.1)


def test_the_server_answers_over_http_and_in_the_browser(tmp_path: Path, home: Path, port: int) -> None:
    log = (tmp_path / "log").open("w")
    server = subprocess.Popen(
        command("serve", "--port", str(port)), stdout=log, stderr=log, cwd=tmp_path, env=environment(home)
    )
    try:
        assert answer(f"http://127.0.0.1:{port}/health/ready").json()["ready"] is True
        assert "Millwright" in answer(f"http://127.0.0.1:{port}/ui").text
    finally:
        server.terminate()
        server.wait(PATIENCE_S)
        log.close()


def test_a_port_in_use_is_named(millwright: Millwright) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = millwright("serve", "--port", str(taken.getsockname()[1]), "--json")
    assert done.code == 1
    assert done.error["code"] == "bad_settings"
    assert "--port" in done.error["hint"]


def test_an_address_beyond_this_machine_needs_a_key(millwright: Millwright) -> None:
    done = millwright("serve", "--host", "0.0.0.0", "--json")
    assert done.code == 1
    assert "MILLWRIGHT_API__KEY" in done.error["hint"]
