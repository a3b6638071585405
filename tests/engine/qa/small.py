"""A model that answers by a formula behind the real door of a package: any defect can be planted without training."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from engine.data.schema import Column, Schema
from engine.kinds import Task
from engine.metrics import METRICS, Floats
from engine.package_info import (
    ImportanceEntry,
    InputColumn,
    Lineage,
    MemberEntry,
    PackageInfo,
    TestMetric,
    ValidationScore,
)
from engine.qa.subject import Subject, Unseen
from engine.serving.predictor import Predictor

COLUMNS = (
    InputColumn(name="age", kind="integer"),
    InputColumn(name="fee", kind="number"),
    InputColumn(name="plan", kind="category", known=("monthly", "yearly")),
    InputColumn(name="active", kind="boolean"),
    InputColumn(name="joined", kind="datetime", date_format="%Y-%m-%d"),
)
Formula = Callable[[pd.DataFrame], Floats]


def table(rows: int = 60, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 80, rows),
            "fee": rng.uniform(5, 90, rows),
            "plan": rng.choice(["monthly", "yearly"], rows),
            "active": rng.random(rows) < 0.5,
            "joined": pd.date_range("2021-01-01", periods=rows, freq="D"),
        }
    )
    return frame.astype({"plan": "str"})


def risk(frame: pd.DataFrame) -> Floats:
    """(n, 2) probabilities of rows in the schema's kinds; missing cells count as nothing."""
    age = np.nan_to_num(frame["age"].to_numpy(dtype=np.float64, na_value=0.0))
    fee = np.nan_to_num(frame["fee"].to_numpy(dtype=np.float64, na_value=0.0))
    yearly = (frame["plan"] == "yearly").fillna(False).to_numpy(dtype=np.float64)
    score = np.clip(fee / 90, -5, 5) - np.clip(age / 80, -5, 5) - yearly
    positive = 1 / (1 + np.exp(-score))
    return np.stack([1 - positive, positive], axis=1)


def price(frame: pd.DataFrame) -> Floats:
    return 100 * risk(frame)[:, 1]


@dataclass(frozen=True)
class Formulas:
    """A runtime that answers by a formula."""

    formula: Formula

    def answer(self, frame: pd.DataFrame) -> Floats:
        return self.compute(self.prepare(frame))

    def prepare(self, frame: pd.DataFrame) -> pd.DataFrame:
        return frame

    def compute(self, prepared: pd.DataFrame) -> Floats:
        return self.formula(prepared)


def info(task: Task = "binary", **changes: object) -> PackageInfo:
    name = "rmse" if task == "regression" else "roc_auc"
    better = task != "regression"
    made = PackageInfo(
        model_id="mdl_000000000001",
        run_id="run_1",
        created=datetime(2026, 1, 1, tzinfo=UTC),
        kind="linear",
        task=task,
        target="left",
        target_kind="number" if task == "regression" else "category",
        classes=() if task == "regression" else ("no", "yes"),
        threshold=0.5,
        columns=COLUMNS,
        members=(MemberEntry(name="linear", weight=1.0, folder="0-linear"),),
        metric=TestMetric(
            name=name,
            value=0.82 if better else 10.0,
            ci=(0.78, 0.86) if better else (9.0, 11.0),
            rows=400,
            greater_is_better=better,
            others={"accuracy": 0.75} if better else {"mae": 8.0},
        ),
        validation=ValidationScore(name=name, value=0.81 if better else 10.5, method="5-fold"),
        baseline=ValidationScore(name=name, value=0.5 if better else 20.0, method="5-fold"),
        leaderboard=(),
        importance=(
            ImportanceEntry(column="plan", importance=0.1, deviation=0.01),
            ImportanceEntry(column="fee", importance=0.05, deviation=0.01),
        ),
        dropped={},
        notes=(),
        seconds=1.0,
        lineage=Lineage(
            dataset="ds_1", dataset_name="d", source="d.csv", content_hash="0", rows=500, train_rows=400, test_rows=100,
            split_method="random", split_column=None, split_fraction=0.2, split_seed=0, split_notes=(), seed=0, spec={},
            libraries={"python": "3.11", "numpy": "2"},
        ),
        files={},
    )  # fmt: skip
    return made.model_copy(update=changes)


def predictor(formula: Formula = risk, about: PackageInfo | None = None) -> Predictor:
    about = about or info()
    columns = tuple(
        Column.model_validate(column.model_dump(include={"name", "kind", "date_format", "decimal_comma"}))
        for column in about.columns
    )
    known = {column.name: frozenset(column.known) for column in about.columns if column.known is not None}
    return Predictor(about, Schema(columns=columns), Formulas(formula), known)


def subject(
    formula: Formula = risk, about: PackageInfo | None = None, rows: pd.DataFrame | None = None, **changes: object
) -> Subject:
    about = about or info()
    rows = table() if rows is None else rows
    target = pd.Series(np.where(np.arange(len(rows)) % 3 == 0, "yes", "no"), dtype="str")
    if about.task == "regression":
        target = pd.Series(np.arange(len(rows)) * 1.5)
    given: dict[str, object] = {
        "info": about,
        "predict": predictor(formula, about).predict,
        "rows": rows,
        "target": target,
        "identifiers": pd.DataFrame({"customer": [f"C{place}" for place in range(len(rows))]}),
    }
    return Subject(**{**given, **changes})  # type: ignore[arg-type]


def unseen(groups: dict[str, tuple[int, float]], seed: int) -> Unseen:
    """Rows by group of the column 'plan': how many, and the share of right answers; classes are balanced."""
    rng = np.random.default_rng(seed)
    names = np.repeat(list(groups), [rows for rows, _ in groups.values()])
    y = rng.integers(0, 2, len(names))
    right = rng.random(len(names)) < np.array([groups[name][1] for name in names])
    label = np.where(right, y, 1 - y)
    positive = np.where(label == 1, 0.8, 0.2)
    frame = pd.DataFrame({"plan": pd.Series(names, dtype="str")})
    return Unseen(frame, y, np.stack([1 - positive, positive], axis=1))


ACCURACY = METRICS["accuracy"]
