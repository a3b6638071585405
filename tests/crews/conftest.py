"""The environment of a crew's process: this one's, with the helpers beside these tests importable."""

import os
from pathlib import Path

import pytest


@pytest.fixture
def environment() -> dict[str, str]:
    found = os.pathsep.join((str(Path(__file__).parent), os.environ["PYTHONPATH"]))
    return dict(os.environ) | {"PYTHONPATH": found, "HOME": "/proc/nowhere"}
