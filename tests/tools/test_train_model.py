"""train_model: a model in any budget, one look, one registration, rounds, cancel, and what is refused before a job."""

import json
import math
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.errors import BadArguments, BadBudget, BadChoice, ColumnNotFound, JobFailed, NotFound, TargetUnusable
from engine.progress import FitFinished, Progress
from engine.serving.predictor import load
from tools.catalogue import invoke
from tools.jobs import job_id
from tools.train_spec import check_choices
from tools.training import EstimateTrainingRequest, TrainingEstimate, TrainingResult, TrainModelRequest
from tools.workshop import Workshop

FIXED: dict[str, Any] = {"models": ["linear"], "max_models": 1, "budget_seconds": None}


@pytest.fixture
def dataset(workshop: Workshop) -> str:
    return str(workshop.call("import_dataset", source="sample:breast_cancer").model_dump()["dataset"])


def train(workshop: Workshop, call: str | None = None, **arguments: Any) -> TrainingResult:
    result = invoke(workshop, "train_model", arguments, call_id=call)
    assert isinstance(result, TrainingResult)
    return result


def test_a_training_ends_with_a_judged_packaged_registered_model(workshop: Workshop, dataset: str) -> None:
    result = train(workshop, dataset=dataset, **FIXED)
    assert (result.best, result.target, result.task) == ("linear", "diagnosis", "binary")
    assert result.metric is not None
    assert result.validation is not None
    assert result.baseline is not None
    assert result.validation.value > 0.95 > result.baseline.value
    assert result.metric.ci[0] <= result.metric.value <= result.metric.ci[1]
    assert [row.model for row in result.leaderboard] == ["linear", "dummy"]
    assert result.importance
    assert load(Path(result.package or "")).info.model_id == result.model
    assert Path(result.report or "").is_file()
    record = workshop.registry.get(result.model or "")
    assert (record.run_id, record.version) == (result.run, 1)
    assert workshop.registry.looks(dataset) == 1


def test_the_same_call_trains_once(workshop: Workshop, dataset: str) -> None:
    first = train(workshop, "call-1", dataset=dataset, **FIXED)
    assert train(workshop, "call-1", dataset=dataset, **FIXED) == first
    assert len(workshop.registry.list()) == 1
    assert workshop.registry.looks(dataset) == 1


def test_fixed_work_gives_the_same_predictions_again(workshop: Workshop, dataset: str) -> None:
    packages = [Path(train(workshop, dataset=dataset, seed=7, **FIXED).package or "") for _ in range(2)]
    frame = workshop.datasets.training_frame(dataset).head(40)
    one, two = (load(package).raw(frame) for package in packages)
    assert packages[0] != packages[1]
    assert (one == two).all()


def test_rounds_keep_the_test_set_closed_until_the_run_is_finished(workshop: Workshop, dataset: str) -> None:
    first = train(workshop, dataset=dataset, finish=False, **FIXED)
    assert (first.model, first.metric, first.package) == (None, None, None)
    assert workshop.registry.looks(dataset) == 0
    second = train(workshop, dataset=dataset, finish=False, run=first.run, trials=1, **FIXED)
    assert {row.model for row in second.leaderboard} == {"dummy", "linear", "linear-t1"}
    last = train(workshop, dataset=dataset, run=first.run, **FIXED)
    assert last.run == first.run
    assert last.model is not None
    assert len(last.leaderboard) == 3
    assert workshop.registry.looks(dataset) == 1


def test_a_finished_run_answers_with_its_result_and_takes_no_more_trials(workshop: Workshop, dataset: str) -> None:
    done = train(workshop, dataset=dataset, **FIXED)
    assert train(workshop, dataset=dataset, run=done.run, **FIXED) == done
    with pytest.raises(BadArguments, match="is over"):
        train(workshop, dataset=dataset, run=done.run, trials=2, **FIXED)
    assert len(workshop.registry.list()) == 1


def test_a_job_that_was_killed_after_its_run_was_over_gives_the_result(workshop: Workshop, dataset: str) -> None:
    done = train(workshop, "call-1", dataset=dataset, trials=1, **FIXED)
    folder = workshop.home / "jobs" / job_id("call-1")
    (folder / "outcome.json").unlink()
    (folder / "steps" / "finish.json").unlink()
    assert train(workshop, "call-1", dataset=dataset, trials=1, **FIXED) == done
    assert len(workshop.registry.list()) == 1


def test_what_was_said_at_import_reaches_the_report(workshop: Workshop, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("key,b,c\n" + "".join(f"k{n:03}x,{n % 5},{'yn'[n % 2]}\n" for n in range(60)))
    dataset = workshop.call("import_dataset", source=str(table), target="c").model_dump()["dataset"]
    result = train(workshop, dataset=dataset, **FIXED)
    assert "is an identifier" in Path(result.report or "").read_text()


@pytest.mark.parametrize("metric", ["AUC", "roc-auc", "F1", "precision"])
def test_a_metric_may_be_written_as_people_write_it(workshop: Workshop, dataset: str, metric: str) -> None:
    check_choices(workshop, TrainModelRequest(dataset=dataset, metric=metric))


def test_a_run_goes_on_only_with_its_own_dataset(workshop: Workshop, dataset: str) -> None:
    first = train(workshop, dataset=dataset, finish=False, **FIXED)
    other = workshop.call("import_dataset", source="sample:breast_cancer", seed=3).model_dump()["dataset"]
    with pytest.raises(BadArguments, match="was begun on dataset"):
        train(workshop, dataset=str(other), run=first.run, **FIXED)


def test_a_spent_budget_still_gives_a_model(workshop: Workshop, dataset: str) -> None:
    result = train(workshop, dataset=dataset, budget_seconds=1)
    assert result.model is not None
    statuses = {row.model: row.status for row in result.leaderboard}
    assert statuses["dummy"] == "done"
    assert statuses["forest"] == "skipped"


def test_cancel_keeps_the_best_so_far(workshop: Workshop, dataset: str) -> None:
    def stop_after_linear(progress: Progress) -> None:
        if isinstance(progress, FitFinished) and progress.model == "linear":
            workshop.jobs.cancel(job_id("call-1"))

    arguments = {"dataset": dataset, "budget_seconds": 120}
    result = invoke(workshop, "train_model", arguments, call_id="call-1", watch=stop_after_linear)
    assert isinstance(result, TrainingResult)
    assert result.cancelled
    assert result.best == "linear"
    assert result.model is not None
    assert result.seconds < 60
    assert {row.model for row in result.leaderboard if row.detail == "cancelled"} >= {"lightgbm", "forest"}
    assert workshop.jobs.status(job_id("call-1")).state == "cancelled"


def test_a_training_cancelled_before_its_first_model_says_so(workshop: Workshop, dataset: str) -> None:
    job = job_id("call-1")
    request = TrainModelRequest(dataset=dataset)
    holding = threading.Event()

    def cancel_at_once(_: Progress) -> None:
        if not holding.is_set():
            holding.set()
            workshop.jobs.cancel(job)

    # the dummy is always fitted: with it there is a model to keep, however poor
    result = TrainingResult.model_validate(workshop.jobs.run("train_model", request, job, cancel_at_once))
    assert result.cancelled
    assert result.best == "dummy"


def test_a_job_cancelled_in_the_queue_never_begins(workshop: Workshop, dataset: str) -> None:
    folder = workshop.home / "jobs" / "job_early"
    folder.mkdir(parents=True)
    (folder / "cancel").touch()
    with pytest.raises(JobFailed, match="cancelled before it began"):
        workshop.jobs.run("train_model", TrainModelRequest(dataset=dataset), "job_early")


@pytest.mark.parametrize("budget", [0, -1, math.nan, math.inf, 0.5])
def test_a_budget_that_is_no_budget_is_refused_before_a_job_begins(
    workshop: Workshop, dataset: str, budget: float
) -> None:
    with pytest.raises(BadBudget):
        workshop.call("train_model", dataset=dataset, budget_seconds=budget)
    assert workshop.jobs.list() == []


def test_what_cannot_be_trained_is_refused_before_a_job_begins(
    workshop: Workshop, dataset: str, tmp_path: Path
) -> None:
    table = tmp_path / "table.csv"
    table.write_text("a,b\n1,2\n")
    refused: list[tuple[type[Exception], str, dict[str, Any]]] = [
        (ColumnNotFound, r"'diagnos' is not in the dataset.*Did you mean 'diagnosis'", {"target": "diagnos"}),
        (ColumnNotFound, "'mean_radiu' is not", {"drop": ["mean_radiu"]}),
        (BadChoice, r"'auk' is not a known metric", {"metric": "auk"}),
        (BadChoice, r"'lightgmb' is not a known model.*Did you mean 'lightgbm'", {"models": ["lightgmb"]}),
        (NotFound, "no run 'run_none'", {"run": "run_none"}),
        (BadArguments, "no limit", {"budget_seconds": None}),
        (NotFound, r"is a source: call import_dataset with source='sample:churn'", {"dataset": "sample:churn"}),
        (NotFound, "is a source: call import_dataset", {"dataset": str(table)}),
    ]
    for error, words, arguments in refused:
        with pytest.raises(error, match=words):
            workshop.call("train_model", **{"dataset": dataset, **arguments})
    assert workshop.jobs.list() == []


def test_a_target_that_must_be_named_is_asked_for(workshop: Workshop, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("a,b\n" + "".join(f"{n},{n % 7}\n" for n in range(40)))
    dataset = workshop.call("import_dataset", source=str(table)).model_dump()["dataset"]
    with pytest.raises(BadArguments, match=r"Which column of 'table' should be predicted.*a, b"):
        workshop.call("train_model", dataset=dataset)


def test_a_constant_target_is_refused_in_the_job_with_its_own_error(workshop: Workshop, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("a,b\n" + "".join(f"{n},same\n" for n in range(40)))
    dataset = workshop.call("import_dataset", source=str(table)).model_dump()["dataset"]
    with pytest.raises(TargetUnusable):
        workshop.call("train_model", dataset=dataset, target="b", budget_seconds=5)


def test_an_estimate_times_a_pilot_and_leaves_nothing_behind(workshop: Workshop, dataset: str) -> None:
    estimate = workshop.call("estimate_training", dataset=dataset, budget_seconds=30)
    assert isinstance(estimate, TrainingEstimate)
    assert {row.model for row in estimate.candidates} >= {"dummy", "linear", "lightgbm", "forest"}
    assert 0 < estimate.seconds <= 30
    assert estimate.memory_mb > 1
    assert not list(workshop.home.glob(".pilot-*"))
    assert not workshop.runs.exists()


def test_the_estimate_of_train_model_is_that_of_the_pilot(workshop: Workshop, dataset: str) -> None:
    spec = workshop.tools["train_model"]
    request = TrainModelRequest(dataset=dataset, budget_seconds=3)
    first = spec.estimate(workshop, request)
    assert 0 < first.seconds <= 3
    assert spec.estimate(workshop, request) == first
    pilot = workshop.tools["estimate_training"].estimate(workshop, EstimateTrainingRequest(dataset=dataset))
    assert pilot.seconds > 0


def test_mlflow_has_the_run_and_the_version(workshop: Workshop, dataset: str) -> None:
    from mlflow import MlflowClient

    result = train(workshop, dataset=dataset, name="cancer", **FIXED)
    client = MlflowClient(tracking_uri=f"sqlite:///{workshop.home / 'mlflow.db'}")
    (version,) = client.search_model_versions("name = 'cancer'")
    run = client.get_run(version.run_id)
    assert result.metric is not None
    assert run.data.metrics[f"test_{result.metric.name}"] == pytest.approx(result.metric.value)
    assert run.data.params["seed"] == "0"


def test_records_of_a_run_are_json_without_nan(workshop: Workshop, dataset: str) -> None:
    result = train(workshop, dataset=dataset, **FIXED)
    for path in (workshop.runs / result.run).rglob("*.json"):
        json.loads(path.read_text(), parse_constant=_refuse)


def _refuse(name: str) -> None:
    pytest.fail(f"{name} is no JSON")


def test_numbers_with_decimal_commas_are_read_alike_in_training_and_afterwards(
    workshop: Workshop, tmp_path: Path
) -> None:
    size = np.arange(80) / 7
    frame = pd.DataFrame({"size": size.round(3), "price": (2 * size + 1.5).round(3)})
    frame.to_csv(tmp_path / "prices.csv", sep=";", decimal=",", index=False)
    dataset = workshop.call("import_dataset", source=str(tmp_path / "prices.csv"), target="price").model_dump()[
        "dataset"
    ]
    model = workshop.call("train_model", dataset=dataset, models=("linear",), max_models=1).model_dump()["model"]
    # a file of which one cell alone would not tell what its commas mean
    fresh = pd.DataFrame({"size": ["3,25", "5,125", "about 4"], "price": ["8", "11,75", "9,5"]})
    fresh.to_csv(tmp_path / "fresh.csv", sep=";", index=False)
    found = workshop.call("evaluate_model", model=model, data=str(tmp_path / "fresh.csv")).model_dump()
    assert found["rows"] == 3
    assert any("'size': 1 cell(s) are no number" in note for note in found["notes"])
    answers = workshop.call("predict", model=model, data=str(tmp_path / "fresh.csv")).model_dump()["predictions"]
    assert answers[0]["prediction"] == pytest.approx(8.0, abs=0.3)
    assert answers[1]["prediction"] == pytest.approx(11.75, abs=0.3)
