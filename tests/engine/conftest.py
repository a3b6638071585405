"""Real packages of small models, made once a session: data in, training run, evaluation, package out."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest


@dataclass(frozen=True)
class Packaged:
    """A package, the rows that its sealed test set held, and the predictions made for them when it was trained."""

    folder: Path
    test: pd.DataFrame
    prediction: np.ndarray
    target: str


def binary_table() -> pd.DataFrame:
    """240 customers; the column names try to break out of HTML and Markdown."""
    rng = np.random.default_rng(1)
    months, plan = rng.integers(1, 72, 240), rng.choice(["monthly", "yearly", "two years"], 240)
    risk = 1 / (1 + np.exp(months / 12 - 2 * (plan == "monthly") - rng.normal(0, 0.5, 240)))
    fee = np.where(rng.random(240) < 0.1, "", rng.uniform(20, 90, 240).round(2).astype(str))
    return pd.DataFrame(
        {
            "customerID": [f"C{number:05d}" for number in range(240)],
            "months": months,
            "plan": plan,
            "fee": fee,
            "<script>alert(1)</script>": rng.normal(size=240),
            "| a *b* `c` $d$": rng.normal(size=240),
            "joined": pd.date_range("2020-01-01", periods=240, freq="D").strftime("%d.%m.%Y"),
            "leaves": np.where(rng.random(240) < risk, "Yes", "No"),
        }
    )


def multiclass_table() -> pd.DataFrame:
    """Three classes named by whole numbers."""
    rng = np.random.default_rng(2)
    grade = rng.integers(1, 4, 240)
    return pd.DataFrame({"a": grade + rng.normal(0, 0.4, 240), "b": rng.normal(size=240), "grade": grade})


def regression_table() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    size, town = rng.uniform(30, 200, 240), rng.choice(["north", "south"], 240)
    return pd.DataFrame(
        {"size": size, "town": town, "price": 3 * size + 50 * (town == "north") + rng.normal(0, 9, 240)}
    )


class Ledger:
    def record_look(self, dataset: str, model: str, purpose: str) -> int:
        return 1


def package(table: pd.DataFrame, target: str, models: tuple[str, ...], root: Path) -> Packaged:
    """What train_model does, in one process."""
    from engine.automl.members import blend, load_member
    from engine.automl.run import TrainingRun
    from engine.automl.spec import TrainSpec
    from engine.data.profile import profile_frame
    from engine.data.store import Datasets
    from engine.drift.training import training_reference
    from engine.evaluate import evaluate
    from engine.metrics import METRICS
    from engine.package import write_package
    from engine.progress import Control
    from engine.tasks import encode_target

    root.mkdir(parents=True, exist_ok=True)
    table.to_csv(root / "table.csv", index=False)
    datasets = Datasets(root / "datasets")
    dataset = datasets.import_source(str(root / "table.csv"), target=target)
    frame = datasets.training_frame(dataset.id)
    spec = TrainSpec(target=target, models=models, max_models=1 + len(models), seed=0)
    run = TrainingRun(root / "run", frame, dataset.schema_, spec)
    ready = run.prepare()
    for name in ready.candidates:
        run.fit(name, None, Control())
    selection = run.select(None, Control())
    members = [load_member(member.folder) for member in selection.members]
    weights = [member.weight for member in selection.members]

    def predict(rows: pd.DataFrame) -> np.ndarray:
        return blend([member.predict(rows) for member in members], weights)

    test = datasets.open_sealed(dataset.id, Ledger(), model="mdl_1", purpose="test")
    y = encode_target(test[target], ready.task, ready.classes)
    prediction = predict(test)
    metric = METRICS[ready.metric]
    evaluation = evaluate(prediction, y, ready.task, metric, ready.classes, 0, selection.threshold)
    importance = run.importance(5.0, Control())
    folder = write_package(
        root / "models" / "mdl_000000000001",
        model_id="mdl_000000000001",
        run_id="run_1",
        dataset=dataset,
        spec=spec,
        preparation=ready,
        selection=selection,
        leaderboard=run.leaderboard(),
        evaluation=evaluation,
        importance=importance,
        profile=profile_frame(frame, dataset.schema_, target),
        reference=training_reference(run, evaluation, importance, 5.0),
        notes=[*dataset.notes, *ready.notes, *selection.notes],
        created=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    )
    return Packaged(folder, test, prediction, target)


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Packaged]:
    root = tmp_path_factory.mktemp("packages")
    return {
        "binary": package(binary_table(), "leaves", ("linear", "forest"), root / "binary"),
        "multiclass": package(multiclass_table(), "grade", ("lightgbm",), root / "multiclass"),
        "regression": package(regression_table(), "price", ("linear", "lightgbm"), root / "regression"),
    }


@pytest.fixture(params=["binary", "multiclass", "regression"])
def packaged(request: pytest.FixtureRequest, packages: dict[str, Packaged]) -> Packaged:
    return packages[request.param]


@pytest.fixture
def churn(packages: dict[str, Packaged]) -> Packaged:
    return packages["binary"]
