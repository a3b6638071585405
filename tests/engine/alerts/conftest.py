import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.alerts.ledger import Ledger
from engine.alerts.tables import TABLES
from engine.database import driver_url
from tests.engine.alerts.loopback import certificate
from tests.engine.alerts.small import START, Clock
from tests.postgres import own_schema


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with empty tables, to copy: making them takes longer than most tests."""
    folder = tmp_path_factory.mktemp("empty")
    Ledger(f"sqlite:///{folder / 'registry.db'}", folder).silences(START)
    return folder / "registry.db"


@pytest.fixture
def sqlite_url(empty_database: Path, home: Path) -> str:
    shutil.copy(empty_database, home / "registry.db")
    return f"sqlite:///{home / 'registry.db'}"


@pytest.fixture(scope="session")
def postgres_schema(postgres_url: str) -> Iterator[str]:
    """A schema of this test session alone."""
    with own_schema(postgres_url, "alerts") as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.backend)])
def url(request: pytest.FixtureRequest, home: Path) -> Iterator[str]:
    """A database with no rows."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_url")
        return
    yield (schema := request.getfixturevalue("postgres_schema"))
    with sa.create_engine(driver_url(schema), poolclass=sa.NullPool).begin() as connection:
        for table in TABLES.sorted_tables:
            connection.execute(sa.delete(table))


@pytest.fixture
def ledger(sqlite_url: str, home: Path) -> Ledger:
    """A ledger on SQLite."""
    return Ledger(sqlite_url, home)


@pytest.fixture
def both(url: str, home: Path) -> Ledger:
    """A ledger on either database."""
    return Ledger(url, home)


@pytest.fixture(scope="session")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that nobody trusts unless SSL_CERT_FILE names it."""
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def trusted(pem: Path) -> Iterator[Path]:
    before = dict(os.environ)
    os.environ["SSL_CERT_FILE"] = os.fspath(pem)
    yield pem
    os.environ.clear()
    os.environ.update(before)
