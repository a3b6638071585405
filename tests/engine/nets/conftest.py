"""Every test of the networks draws the same random numbers whenever it runs."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)
