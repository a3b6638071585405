"""A home for datasets and a ledger that counts looks."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from engine.data.store import Datasets

MakeFile = Callable[[str, str | bytes], str]


class Ledger:
    """Counts looks as the registry does: the same three arguments once."""

    def __init__(self) -> None:
        self.looks: list[tuple[str, str, str]] = []

    def record_look(self, dataset: str, model: str, purpose: str) -> int:
        if (dataset, model, purpose) not in self.looks:
            self.looks.append((dataset, model, purpose))
        return len(self.looks)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def datasets(home: Path) -> Datasets:
    return Datasets(home / "datasets")


@pytest.fixture
def make_file(tmp_path: Path) -> MakeFile:
    """Write a file and give its path."""

    def make(name: str, content: str | bytes) -> str:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return make


def people(rows: int = 40) -> pd.DataFrame:
    """Rows with every easy kind and a two-class target; nothing missing."""
    return pd.DataFrame(
        {
            "person_id": [f"P-{number:04d}" for number in range(rows)],
            "age": [20 + number % 37 for number in range(rows)],
            "height": [150.5 + number / 3 for number in range(rows)],
            "town": [("York", "Leeds", "Hull")[number % 3] for number in range(rows)],
            "since": [f"2024-01-{1 + number % 28:02d}" for number in range(rows)],
            "member": [("true", "false")[number % 2] for number in range(rows)],
            "left": [("yes", "no", "no", "no")[number % 4] for number in range(rows)],
        }
    )


@pytest.fixture
def people_csv(make_file: MakeFile) -> str:
    return make_file("people.csv", people().to_csv(index=False))
