"""The shapes of the fixtures that the tests of the API share."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from fastapi.testclient import TestClient

HERE = "http://127.0.0.1:8000"


@dataclass(frozen=True)
class Trained:
    """A home with one model in it."""

    home: Path
    dataset: str
    model: str


Open = Callable[..., AbstractContextManager[TestClient]]
"""`with open_client(home, script=(...), key=...) as client`."""
