"""Rows that variants are made from and compared on: of the training part, never shared, known labels alone."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.automl.record import Record
from engine.optimise.rows import MOST_GUARD, rows_of
from engine.package_info import Lineage, MemberEntry, PackageInfo


def info(task: str = "binary", **spec: object) -> PackageInfo:
    lineage = Lineage(
        dataset="ds_x", dataset_name="x", source="x.csv", content_hash="0", rows=1_000, train_rows=800, test_rows=200,
        split_method="random", split_column=None, split_fraction=0.2, split_seed=0, split_notes=(), seed=0,
        spec={"target": "y", "seed": 0, "max_models": 3, "threads": 1, **spec}, libraries={},
    )  # fmt: skip
    return PackageInfo.model_validate(
        {
            "model_id": "mdl_x", "run_id": "run_x", "created": "2026-01-01T00:00:00Z", "kind": "linear", "task": task,
            "target": "y", "target_kind": "category", "classes": () if task == "regression" else ("no", "yes"),
            "threshold": 0.5, "columns": (), "members": (MemberEntry(name="linear", weight=1.0, folder="0-linear"),),
            "metric": {"name": "f1", "value": 0.5, "ci": (0.4, 0.6), "rows": 200, "greater_is_better": True},
            "validation": None, "baseline": None, "leaderboard": (), "importance": (), "dropped": {}, "notes": (),
            "seconds": None, "lineage": lineage, "files": {},
        }
    )  # fmt: skip


def frame(rows: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    y = pd.Series(np.where(rng.random(rows) < 0.3, "yes", "no"), dtype="str")
    return pd.DataFrame({"x": np.arange(rows, dtype=float), "y": y, "when": pd.date_range("2020", periods=rows)})


def recorded(folder: Path, position: np.ndarray, fold: np.ndarray) -> Path:
    folder.mkdir()
    Record(folder).write_rows(position.astype(np.int64), fold.astype(np.int8))
    return folder


def test_the_guard_rows_are_the_first_fold_of_the_training(tmp_path: Path) -> None:
    table = frame(500)
    run = recorded(tmp_path / "run", np.arange(0, 500), np.arange(500) % 5)
    rows = rows_of(table, info(), run, 0)
    assert rows.guard["x"].tolist() == list(range(0, 500, 5))
    assert set(rows.train["x"]).isdisjoint(rows.guard["x"])
    assert len(rows.train) + len(rows.guard) == 500
    assert "validated" in rows.words


def test_rows_that_the_training_left_out_are_made_from_and_not_compared_on(tmp_path: Path) -> None:
    run = recorded(tmp_path / "run", np.arange(100, 500), np.where(np.arange(400) < 80, 0, -1))
    rows = rows_of(frame(500), info(), run, 0)
    assert rows.guard["x"].tolist() == list(range(100, 180))
    assert len(rows.train) == 420


@pytest.mark.parametrize("lost", ["gone", "short", "longer"])
def test_without_a_usable_record_rows_are_drawn_anew_in_equal_shares_of_the_classes(tmp_path: Path, lost: str) -> None:
    run = tmp_path / "run"
    if lost == "short":
        recorded(run, np.arange(500), np.full(500, -1))
    if lost == "longer":
        recorded(run, np.arange(900), np.arange(900) % 5)
    table = frame(500)
    rows = rows_of(table, info(), run, 0)
    assert len(rows.guard) == pytest.approx(100, abs=3)
    assert (rows.guard["y"] == "yes").mean() == pytest.approx((table["y"] == "yes").mean(), abs=0.02)
    assert set(rows.train["x"]).isdisjoint(rows.guard["x"])
    assert "gone" in rows.words


def test_drawn_by_time_the_latest_are_compared_on(tmp_path: Path) -> None:
    rows = rows_of(frame(500), info(order_column="when"), tmp_path / "gone", 0)
    assert rows.guard["when"].min() > rows.train["when"].max()


def test_rows_without_a_label_are_in_neither(tmp_path: Path) -> None:
    table = frame(500)
    table.loc[::10, "y"] = None
    table.loc[5, "y"] = "maybe"
    rows = rows_of(table, info(), recorded(tmp_path / "run", np.arange(500), np.arange(500) % 5), 0)
    assert len(rows.train) + len(rows.guard) == 449
    assert set(np.unique(rows.y_guard)) == {0, 1}


def test_many_rows_are_sampled_the_same_way_for_the_same_seed(tmp_path: Path) -> None:
    table, run = frame(30_000), recorded(tmp_path / "run", np.arange(30_000), np.arange(30_000) % 5)
    one, again, other = (rows_of(table, info(), run, seed) for seed in (0, 0, 1))
    assert len(one.guard) == MOST_GUARD
    assert one.guard.index.tolist() == again.guard.index.tolist()
    assert one.guard.index.tolist() != other.guard.index.tolist()
    assert one.words.startswith("4,000 ")


def test_answers_of_models_that_had_not_seen_the_rows_are_taken_from_the_training(tmp_path: Path) -> None:
    run = recorded(tmp_path / "run", np.arange(100, 500), np.arange(400) % 5)
    keep_predictions(run, "linear", np.tile(np.arange(400.0)[:, None] / 1_000, (1, 2)))
    rows = rows_of(frame(500), info(), run, 0)
    assert rows.unseen_guard is not None
    assert rows.unseen_train is not None
    # rows 100, 105, ... were validated first: the 0th, 5th ... of those used
    assert rows.unseen_guard[:, 0] == pytest.approx((rows.guard["x"] - 100) / 1_000)
    used = rows.train["x"].to_numpy() >= 100
    assert rows.unseen_train[used, 1] == pytest.approx((rows.train["x"][used] - 100) / 1_000)
    assert np.isnan(rows.unseen_train[~used]).all()


def test_without_a_members_predictions_there_are_none_of_models_that_had_not_seen_the_rows(tmp_path: Path) -> None:
    run = recorded(tmp_path / "run", np.arange(500), np.arange(500) % 5)
    assert rows_of(frame(500), info(), run, 0).unseen_guard is None


def keep_predictions(run: Path, name: str, prediction: np.ndarray) -> None:
    folder = run / "fits" / name
    folder.mkdir(parents=True)
    np.savez(folder / "oof.npz", prediction=prediction)


def test_with_few_rows_folds_are_joined_and_half_of_them_are_left_to_make_from(tmp_path: Path) -> None:
    for rows, guarded in ((200, 40), (100, 40), (20, 8)):
        run = recorded(tmp_path / f"run-{rows}", np.arange(rows), np.arange(rows) % 5)
        found = rows_of(frame(rows), info(), run, 0)
        assert (len(found.guard), len(found.train)) == (guarded, rows - guarded)
        assert "validated" in found.words
