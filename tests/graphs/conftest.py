"""Fixtures of the graphs' tests: a small workshop and a place to listen."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver

from graphs.checkpoints import open_saver
from graphs.events import Event
from tests.graphs.smallshop import small_workshop, write_rows
from tools.workshop import Workshop


@pytest.fixture
def workshop(home: Path) -> Workshop:
    return small_workshop(home)


@pytest.fixture
def saver(home: Path) -> Iterator[BaseCheckpointSaver[Any]]:
    with open_saver(home) as opened:
        yield opened


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A CSV of 40 rows with the columns a, b and y."""
    return write_rows(tmp_path / "rows.csv")


@pytest.fixture
def heard() -> list[Event]:
    """Give `heard.append` as the listener."""
    return []
