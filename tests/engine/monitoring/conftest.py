"""One behaviour suite on SQLite and PostgreSQL: every test that takes `store` runs on both."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.monitoring.records import Monitor, WindowSpec
from engine.monitoring.store import Monitors
from tests.postgres import own_schema


@pytest.fixture(scope="session")
def monitoring_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("monitoring")


@pytest.fixture(scope="session", params=["sqlite", pytest.param("postgres", marks=pytest.mark.backend)])
def url(request: pytest.FixtureRequest, monitoring_home: Path) -> Iterator[str]:
    """A database for all tests of a session; each test has a scope of its own in it."""
    if request.param == "sqlite":
        yield f"sqlite:///{monitoring_home / 'monitoring.db'}"
        return
    with own_schema(request.getfixturevalue("postgres_url"), "monitoring") as url:
        yield url


@pytest.fixture
def scope() -> str:
    return uuid.uuid4().hex[:8]


@pytest.fixture
def store(url: str, monitoring_home: Path, scope: str) -> Monitors:
    return Monitors(url, monitoring_home, scope)


@pytest.fixture
def monitor(store: Monitors) -> Monitor:
    """A monitor with windows of twenty rows."""
    return store.create(model="churn-Churn", reference="mdl_1", window=WindowSpec(rows=20))


@pytest.fixture
def hourly(store: Monitors) -> Monitor:
    """A monitor with windows of an hour and at least five rows."""
    return store.create(model="churn-Churn", reference="mdl_1", window=WindowSpec(hours=1, least_rows=5))
