"""A real workshop over a home of its own, with jobs in this process."""

from pathlib import Path

import pytest

from millwright.compose import inline_workshop
from millwright.settings import Settings
from tools.workshop import Workshop


@pytest.fixture
def settings(home: Path) -> Settings:
    return Settings(home=home)


@pytest.fixture
def workshop(settings: Settings) -> Workshop:
    return inline_workshop(settings)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """A workshop with one small model, 'cancer'; shared, so tests only read it."""
    workshop = inline_workshop(Settings(home=tmp_path_factory.mktemp("trained")))
    workshop.call("import_dataset", source="sample:breast_cancer", name="cancer")
    workshop.call("train_model", dataset="cancer", models=["linear"], max_models=1, budget_seconds=None, name="cancer")
    return workshop
