"""The environment of a crew's process: this one's, with the helpers beside these tests importable."""

import os
from pathlib import Path

import pytest


@pytest.fixture
def environment() -> dict[str, str]:
    return dict(os.environ) | {"PYTHONPATH": str(Path(__file__).parent), "HOME": "/proc/nowhere"}
