"""The reference that a training run leaves: of the training rows, predictions of rows held out, nothing sealed."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.automl.run import TrainingRun
from engine.automl.spec import TrainSpec
from engine.data.schema import infer_schema
from engine.drift.checking import LEAST_LABELLED
from engine.drift.profile import Profile
from engine.drift.training import MOST_WATCHED, training_reference
from engine.evaluate import Evaluation, evaluate
from engine.explain import Importance
from engine.metrics import METRICS
from engine.package import read_info
from engine.package_info import PackageFiles
from engine.progress import Control


def trained(frame: pd.DataFrame, model: str, folder: Path) -> tuple[TrainingRun, Evaluation]:
    """A run over all rows, and an evaluation on rows that are not among them (here: of no account)."""
    spec = TrainSpec(target="y", models=(model,), max_models=2, seed=0)
    run = TrainingRun(folder / "run", frame, infer_schema(frame, {}, "y"), spec)
    ready = run.prepare()
    for name in ready.candidates:
        run.fit(name, None, Control())
    selection = run.select(None, Control())
    rows = run.validated()
    metric = METRICS[ready.metric]
    return run, evaluate(rows.prediction, rows.y, ready.task, metric, ready.classes, 0, selection.threshold)


def noise(rows: int = 300, columns: int = 6) -> pd.DataFrame:
    """Nothing can be learned here, only learned by heart."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(rows, columns)), columns=[f"x{column}" for column in range(columns)])
    return frame.assign(y=rng.choice(["no", "yes"], rows))


@pytest.fixture(scope="module")
def by_heart(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainingRun, Evaluation]:
    return trained(noise(), "lightgbm", tmp_path_factory.mktemp("by-heart"))


@pytest.fixture
def reference(packaged: Any) -> Profile:
    return Profile.load(packaged.folder / PackageFiles.REFERENCE)


def test_a_package_holds_the_columns_of_its_model_its_target_and_its_predictions(
    packaged: Any, reference: Profile
) -> None:
    info = read_info(packaged.folder)
    assert set(reference.of_role("feature")) == {column.name for column in info.columns}
    assert reference.of_role("target") == (info.target,)
    several = len(info.classes) > 2
    assert reference.of_role("prediction") == ("prediction", "prediction_confidence")[: 2 if several else 1]
    assert (reference.task, reference.classes, reference.rows) == (info.task, info.classes, info.lineage.train_rows)
    assert {name: reading.kind for name, reading in reference.readings.items() if name != "prediction"}.items() >= {
        (column.name, column.kind) for column in info.columns
    }


def test_a_package_holds_no_sealed_row(packaged: Any, reference: Profile) -> None:
    told = {
        name: column.steps for name, column in reference.columns.items() if column.role == "feature" and column.steps
    }
    assert told
    for name, steps in told.items():
        values = pd.to_numeric(packaged.test[name], errors="coerce").dropna()
        if values.nunique() == len(values) > LEAST_LABELLED:
            assert not np.isin(values, steps.values).any(), name


def test_the_baseline_is_the_metric_of_the_sealed_test_set(packaged: Any, reference: Profile) -> None:
    info = read_info(packaged.folder)
    assert reference.metric is not None
    assert (reference.metric.name, reference.metric.rows) == (info.metric.name, info.metric.rows)
    assert reference.metric.value == pytest.approx(info.metric.value)
    assert reference.metric.ci == pytest.approx(info.metric.ci)


def test_performance_is_kept_row_by_row_with_what_each_column_contributes(packaged: Any, reference: Profile) -> None:
    info, kept = read_info(packaged.folder), reference.performance
    assert kept is not None
    assert (kept.metric, kept.task, kept.classes) == (info.metric.name, info.task, info.classes)
    assert 0 < len(kept.truth) == len(kept.prediction) <= info.lineage.train_rows
    assert kept.contributions is not None
    assert kept.contributions.shape[1] == len(kept.columns) == len(info.columns)
    assert (kept.loss_model is not None) == (info.task == "regression")
    assert kept.threshold == info.threshold


def test_performance_is_of_rows_that_the_models_had_not_seen(by_heart: tuple[TrainingRun, Evaluation]) -> None:
    run, evaluation = by_heart
    reference = training_reference(run, evaluation, [])
    assert reference.performance is not None
    assert len(reference.performance.truth) == 300
    # seen rows would give an AUC of 1
    assert reference.performance.value(METRICS["roc_auc"]) < 0.65
    expected = np.sort(run.validated().prediction[:, 1])
    steps = reference.columns["prediction"].steps
    assert steps is not None
    assert np.allclose(np.unique(expected), steps.values)


def test_a_large_table_is_sketched_and_a_small_one_kept(by_heart: tuple[TrainingRun, Evaluation]) -> None:
    run, evaluation = by_heart
    exact = training_reference(run, evaluation, [])
    sketch = training_reference(run, evaluation, [], most_exact=299)
    assert (exact.form, sketch.form) == ("exact", "sketch")
    assert sketch.rows == exact.rows == 300


def test_of_many_features_the_most_important_are_watched(by_heart: tuple[TrainingRun, Evaluation]) -> None:
    run, evaluation = by_heart
    ranked = [Importance(column=name, importance=value, deviation=0.0) for name, value in (("x4", 0.2), ("x1", 0.1))]
    assert training_reference(run, evaluation, ranked, most_watched=2).of_role("feature") == ("x1", "x4")
    few = training_reference(run, evaluation, ranked, most_watched=3)
    assert few.of_role("feature") == ("x0", "x1", "x4")
    assert few.performance is not None
    assert few.performance.columns == ("x0", "x1", "x4")
    assert dict(few.importance) == {"x4": 0.2, "x1": 0.1}


def test_it_is_the_same_reference_each_time_and_after_a_file(
    by_heart: tuple[TrainingRun, Evaluation], tmp_path: Path
) -> None:
    run, evaluation = by_heart
    for name in ("one", "two"):
        training_reference(run, evaluation, []).save(tmp_path / name)
    Profile.load(tmp_path / "one").save(tmp_path / "three")
    assert len({(tmp_path / name).read_bytes() for name in ("one", "two", "three")}) == 1


@pytest.mark.slow
def test_of_more_than_five_hundred_features_five_hundred_are_watched(tmp_path: Path) -> None:
    run, evaluation = trained(noise(200, MOST_WATCHED + 10), "linear", tmp_path)
    reference = training_reference(run, evaluation, [], seconds=2.0)
    assert len(reference.of_role("feature")) == MOST_WATCHED
    assert reference.performance is not None
    assert reference.performance.contributions is not None
    assert reference.performance.contributions.shape[1] == MOST_WATCHED
