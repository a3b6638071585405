"""A workshop over an empty home, and conversations on it that follow a script."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agents.scripted import ScriptedModel
from engine.data.store import Datasets
from engine.registry import Registry
from graphs.checkpoints import open_saver
from graphs.sessions import Sessions
from tools.catalogue import CATALOGUE
from tools.inline import InlineJobs
from tools.workshop import Workshop


@pytest.fixture
def workshop(home: Path) -> Workshop:
    def make() -> Workshop:
        return Workshop(
            home=home,
            datasets=Datasets(home / "datasets"),
            registry=Registry(home),
            tools=CATALOGUE,
            jobs=InlineJobs(home, make),
            now=lambda: datetime.now(UTC),
        )

    return make()


@pytest.fixture
def sessions(workshop: Workshop, home: Path) -> Iterator[Sessions]:
    with open_saver(home) as saver:
        yield Sessions(workshop, ScriptedModel(script=[]), saver)
