"""For every test: no network but loopback, no settings of the machine, backends only where they are named."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_socket import socket_allow_hosts

# tests run side by side, one on each core: with more threads torch would wait for itself most of the time; it reads
# this when it is first imported
os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"
OF_THE_TESTS = ("MILLWRIGHT_TEST_", "MILLWRIGHT_REQUIRE_BACKENDS")
REQUIRE_BACKENDS = os.environ.get("MILLWRIGHT_REQUIRE_BACKENDS") == "1"


@pytest.fixture(scope="session", autouse=True)
def _apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No settings of the machine, and a working folder without a `.env`; children still find the tests' modules."""
    before, folder = dict(os.environ), Path.cwd()
    for name in [name for name in os.environ if name.startswith("MILLWRIGHT_") and not name.startswith(OF_THE_TESTS)]:
        del os.environ[name]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    os.chdir(tmp_path_factory.mktemp("here"))
    yield
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(before)


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
