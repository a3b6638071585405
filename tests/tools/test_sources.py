"""What a user means by the data they name."""

from pathlib import Path

import pytest

from engine.errors import NotFound
from tests.graphs.smallshop import small_workshop
from tools.sources import known_dataset


def test_a_dataset_is_found_by_id_and_by_name_and_a_source_is_left_alone(home: Path, tmp_path: Path) -> None:
    workshop = small_workshop(home)
    table = tmp_path / "clients.csv"
    table.write_text("a,b\n" + "".join(f"{row},{row % 3}\n" for row in range(20)))
    dataset = workshop.datasets.import_source(str(table), name="clients")
    assert known_dataset(workshop, dataset.id) == dataset.id
    assert known_dataset(workshop, "clients") == dataset.id
    assert [known_dataset(workshop, source) for source in (str(table), "sample:churn", "none.csv")] == [None] * 3
    with pytest.raises(NotFound):
        known_dataset(workshop, "ds_123")
