"""A workshop over an empty home, and conversations on it that follow a script."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.scripted import ScriptedModel
from graphs.checkpoints import open_saver
from graphs.sessions import Sessions
from tests.homes import workshop_at
from tools.workshop import Workshop


@pytest.fixture
def workshop(home: Path) -> Workshop:
    return workshop_at(home)


@pytest.fixture
def sessions(workshop: Workshop, home: Path) -> Iterator[Sessions]:
    with open_saver(home) as saver:
        yield Sessions(workshop, ScriptedModel(script=[]), saver)
