"""Rows that are a dataset's own are found again, and a table of equal rows is said to be one."""

from pathlib import Path

import numpy as np
import pandas as pd

from engine.data.overlap import overlap
from engine.data.store import Datasets
from engine.data.tables import read_part


def table(rows: int = 60) -> pd.DataFrame:
    days = pd.date_range("2024-01-01", periods=rows).strftime("%d.%m.%Y")
    numbers = np.random.default_rng(0).normal(size=rows) * 1e6
    numbers[3] = np.nan
    words = [None if row == 5 else f"word {row}" for row in range(rows)]
    return pd.DataFrame({"n": numbers, "k": range(rows), "d": days, "w": words, "y": ["a", "b"] * (rows // 2)})


def test_each_row_is_found_in_its_part_however_it_is_written(tmp_path: Path) -> None:
    table().to_csv(tmp_path / "t.csv", index=False)
    datasets = Datasets(tmp_path / "datasets")
    dataset = datasets.import_source(str(tmp_path / "t.csv"), target="y")
    turned = table().iloc[::-1][["y", "w", "d", "k", "n"]].assign(more=1)
    found = overlap(dataset, turned)
    assert found.telling
    assert (found.trained ^ found.sealed).all()
    assert set(turned["k"][found.sealed]) == set(read_part(dataset.folder, "test")["k"])
    assert not overlap(dataset, turned.assign(k=turned["k"] + 100)).trained.any()


def test_equal_rows_are_no_sign_where_rows_are_often_equal(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [0, 1] * 50, "b": [0, 0, 1, 1] * 25, "y": ["p", "q"] * 50})
    frame.to_csv(tmp_path / "t.csv", index=False)
    dataset = Datasets(tmp_path / "datasets").import_source(str(tmp_path / "t.csv"), target="y")
    assert not overlap(dataset, frame).telling


def test_rows_with_no_column_in_common_are_new(tmp_path: Path) -> None:
    table().to_csv(tmp_path / "t.csv", index=False)
    dataset = Datasets(tmp_path / "datasets").import_source(str(tmp_path / "t.csv"), target="y")
    found = overlap(dataset, pd.DataFrame({"other": [1, 2]}))
    assert not found.trained.any()
    assert not found.sealed.any()
