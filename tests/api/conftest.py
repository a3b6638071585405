"""The API over a real workshop: a home with one dataset and one small model, made once, copied for each test."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from agents.scripted import ScriptedModel
from api.confine import confined
from api.main import create_app
from graphs.checkpoints import open_saver
from graphs.sessions import Sessions
from tests.api.home import HERE, Open, Trained
from tests.homes import workshop_at


@pytest.fixture(scope="session")
def _trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    home = tmp_path_factory.mktemp("trained")
    workshop = workshop_at(home)
    dataset = workshop.datasets.import_source("sample:breast_cancer", target="diagnosis").id
    result: Any = workshop.call("train_model", dataset=dataset, models=("linear",), budget_seconds=None, max_models=1)
    return Trained(home, dataset, result.model)


@pytest.fixture
def trained(_trained: Trained) -> Trained:
    """The home with a model; tests read it and add to it, none takes anything away."""
    return _trained


@pytest.fixture
def open_client() -> Open:
    """Open a client on a home: `with open_client(home, script=[...], key=...) as client`."""

    @contextmanager
    def opened(home: Path, script: tuple[Any, ...] = (), **options: Any) -> Iterator[TestClient]:
        workshop = confined(workshop_at(home), home / "uploads")
        with open_saver(home) as saver, ScriptedModel(script=list(script)) as model:
            app = create_app(workshop, Sessions(workshop, model, saver), **options)
            yield TestClient(app, base_url=HERE, raise_server_exceptions=False)

    return opened


@pytest.fixture
def client(home: Path, open_client: Open) -> Iterator[TestClient]:
    """A client on an empty home."""
    with open_client(home) as client:
        yield client


@pytest.fixture
def trained_client(trained: Trained, open_client: Open) -> Iterator[TestClient]:
    with open_client(trained.home) as client:
        yield client
