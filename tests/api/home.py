"""What the tests of the API share: a workshop made by hand, and the shapes of their fixtures."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from fastapi.testclient import TestClient

from engine.data.store import Datasets
from engine.registry import Registry
from tools.catalogue import CATALOGUE
from tools.inline import InlineJobs
from tools.workshop import Workshop

HERE = "http://127.0.0.1:8000"


def workshop_at(home: Path) -> Workshop:
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


@dataclass(frozen=True)
class Trained:
    """A home with one model in it."""

    home: Path
    dataset: str
    model: str


Open = Callable[..., AbstractContextManager[TestClient]]
"""`with open_client(home, script=(...), key=...) as client`."""
