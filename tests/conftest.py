"""What holds for every test: no network but loopback, a home of its own, backends only where they are named."""

import os
from pathlib import Path

import pytest
from pytest_socket import socket_allow_hosts

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
REQUIRE_BACKENDS = os.environ.get("MILLWRIGHT_REQUIRE_BACKENDS") == "1"


@pytest.fixture(autouse=True)
def _only_loopback() -> None:
    socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty Millwright home."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of development data; tests that use it skip where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the development data folder (shared/data) is not beside this checkout")
    return SHARED_DATA


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """A PostgreSQL server for tests, e.g. postgresql://postgres@127.0.0.1:5432/test."""
    return _backend_url("MILLWRIGHT_TEST_POSTGRES_URL")


def _backend_url(variable: str) -> str:
    url = os.environ.get(variable)
    if url:
        return url
    if REQUIRE_BACKENDS:
        pytest.fail(f"{variable} is not set, and MILLWRIGHT_REQUIRE_BACKENDS=1 says that it must be")
    pytest.skip(f"{variable} is not set")
