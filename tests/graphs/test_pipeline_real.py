"""The pipeline with the real tools: what is measured against the baseline, and whole runs on shared data."""

import csv
import random
from pathlib import Path

import pytest

from agents.scripted import ScriptedModel, say
from engine.errors import BadArguments
from graphs.checkpoints import open_saver
from graphs.pipeline_checks import measured_gain
from graphs.pipeline_types import PipelineRequest
from graphs.pipelines import Mind, branch, start_pipeline
from graphs.studio import studio_workshop
from tools.catalogue import invoke
from tools.training import TrainingResult


def sampled(source: Path, target: Path, rows: int) -> Path:
    with source.open(newline="", encoding="utf-8") as file:
        header, *found = list(csv.reader(file))
    random.Random(1).shuffle(found)
    with target.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *found[:rows]])
    return target


def made(path: Path, signal: float) -> Path:
    """120 rows whose label follows x by as much as `signal`."""
    drawn = random.Random(0)
    rows = [(x := drawn.gauss(0, 1), "yes" if signal * x + drawn.gauss(0, 1) > 0 else "no") for _ in range(120)]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("x", "label"), *((f"{x:.3f}", label) for x, label in rows)])
    return path


@pytest.mark.parametrize(("signal", "better"), [(3.0, True), (0.0, False)])
def test_a_gain_counts_only_beyond_its_own_noise(home: Path, tmp_path: Path, signal: float, better: bool) -> None:
    workshop = studio_workshop(home)
    table = made(tmp_path / "made.csv", signal)
    imported = invoke(workshop, "import_dataset", {"source": str(table), "target": "label"})
    asked = {"dataset": getattr(imported, "dataset"), "models": ["linear"], "max_models": 1, "budget_seconds": None}  # noqa: B009
    result = invoke(workshop, "train_model", {**asked, "finish": False}, call_id="one")
    assert isinstance(result, TrainingResult)
    if result.best == "dummy":
        result = result.model_copy(update={"best": "linear"})
    gain = measured_gain(workshop, result, seed=0)
    assert gain is not None
    assert (gain.low > 0) is better
    assert gain.low <= gain.high
    assert measured_gain(workshop, result, seed=0) == gain


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "target", "task", "hopeless", "fair"),
    [
        ("telco_churn.csv", "Churn", None, 0.99, 0.7),
        ("wine_quality_white.csv", "quality", "regression", 0.01, 2.0),
    ],
)
def test_a_real_pipeline_fails_honestly_and_a_branch_of_it_passes_without_another_fit(
    home: Path, tmp_path: Path, shared_data: Path, file: str, target: str, task: str | None, hopeless: float,
    fair: float,
) -> None:  # fmt: skip
    table = sampled(shared_data / file, tmp_path / file, 500)
    request = PipelineRequest.of(
        data=str(table), target=target, task=task, models=("linear", "lightgbm"), max_models=2, attempts=2,
        checks={"min_score": hopeless},
    )  # fmt: skip
    workshop = studio_workshop(home)
    with open_saver(home) as saver:
        mind = Mind(workshop, ScriptedModel(script=[say("no proposal")] * 9), saver)
        parent = start_pipeline(mind, request, "run_parent")
        assert parent.state == "failed"
        assert [len(attempt.leaderboard) for attempt in parent.attempts] == [3, 5]
        assert parent.attempts[1].taken_over == 3
        assert workshop.registry.looks(parent.dataset_id) == 0
        kept = {
            path.parent.name: path.stat().st_mtime_ns for path in home.glob("runs/run_parent-1/fits/*/outcome.json")
        }
        with pytest.raises(BadArguments, match="too late"):
            branch(mind, "run_parent", "train-1", {"drop": [target]})
        passed = branch(mind, "run_parent", "train-1", {"min_score": fair}, "run_child")
    fits = {path.parent.name: path.stat().st_mtime_ns for path in home.glob("runs/run_child-1/fits/*/outcome.json")}
    assert passed.state == "passed"
    assert fits == kept
    assert workshop.registry.looks(passed.dataset_id) == 1
    assert [record.model_id for record in workshop.registry.list()] == [passed.model_id]
    assert passed.package is not None
    assert (Path(passed.package) / "model.json").exists()
