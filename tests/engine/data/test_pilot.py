"""A little is read of sources that are no tables, and scaled to all of them."""

from pathlib import Path

import numpy as np
import pytest

from engine.data.load import DataLimits, read_source
from engine.data.pilot import pilot

from .pictures import picture

LIMITS = DataLimits()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for place in range(60):
        path = tmp_path / "f" / str(place % 2) / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(place))
    return tmp_path / "f"


def test_some_files_of_a_folder_stand_for_all(folder: Path) -> None:
    found = pilot(folder, LIMITS)
    assert found is not None
    assert found.share == 3.0
    whole = read_source(str(folder), LIMITS).frame["image"].str.len().sum()
    assert found.characters * found.share == pytest.approx(whole, rel=0.02)


def test_an_unreadable_file_does_not_stop_an_estimate(folder: Path) -> None:
    (folder / "0" / "0.png").write_bytes(b"words")
    assert pilot(folder, LIMITS) is not None


def test_some_arrays_of_a_file_stand_for_all(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", x=np.zeros((250, 4, 4), dtype=np.uint8))
    found = pilot(tmp_path / "t.npz", LIMITS)
    assert found is not None
    assert found.share == 2.5


def test_a_table_is_left_to_others_and_one_image_is_all(tmp_path: Path) -> None:
    assert pilot(tmp_path / "t.csv", LIMITS) is None
    (tmp_path / "a.png").write_bytes(picture())
    found = pilot(tmp_path / "a.png", LIMITS)
    assert found is not None
    assert found.share == 1.0
