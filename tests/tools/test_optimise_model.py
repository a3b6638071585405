"""optimise_model: variants made, compared, measured, one chosen by the goal, judged, packaged and registered."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest

from engine.data.overlap import overlap, row_keys
from engine.data.samples import sample_frame
from engine.data.schema import coerce
from engine.errors import BadArguments, BadBudget, BadCalibration, BadChoice, JobFailed, NotFound
from engine.optimise.rows import rows_of
from engine.optimise.spec import VARIANTS
from engine.package import read_info, read_package
from engine.progress import FitFinished, Progress
from engine.serving.predictor import load
from millwright.compose import inline_workshop
from millwright.settings import JobSettings, Settings
from tools.catalogue import invoke
from tools.jobs import CANCELLED_CODE, job_id
from tools.optimise import Benchmark, ExportedModel, OptimisedModel
from tools.optimise_rows import calibration_of, find_trained
from tools.training import TrainingResult
from tools.workshop import Workshop

QUICK = ("onnx-int8-dynamic", "onnx-int8-static")


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """One home for the module: a network takes seconds to train."""
    return inline_workshop(Settings(home=tmp_path_factory.mktemp("optimise"), jobs=JobSettings(threads=2)))


@pytest.fixture(scope="module")
def model(workshop: Workshop) -> str:
    dataset = workshop.call("import_dataset", source="sample:churn", name="churn").model_dump()["dataset"]
    result = workshop.call("train_model", dataset=dataset, models=("network",), budget_seconds=12, name="churn")
    assert isinstance(result, TrainingResult)
    assert result.model is not None
    return result.model


@pytest.fixture(scope="module")
def found(workshop: Workshop, model: str) -> OptimisedModel:
    answer = workshop.call("optimise_model", model=model, variants=QUICK, budget_seconds=60, max_drop=0.05)
    assert isinstance(answer, OptimisedModel)
    return answer


def test_the_table_holds_what_was_asked_for_and_what_always_is(found: OptimisedModel) -> None:
    assert [row.name for row in found.variants] == ["eager", "onnx", *QUICK]
    for row in found.variants:
        assert row.why
        if row.status in ("ok", "refused"):
            assert set(row.latency_ms) == {"1", "32"}
            assert row.latency_ms["1"] >= row.compute_ms["1"] > 0
            assert row.size_mb is not None
            assert row.size_mb > 0
            assert row.peak_mb is not None
            assert row.peak_mb > 20
    eager, onnx = found.variants[:2]
    assert (eager.status, eager.drop, eager.parity) == ("ok", 0.0, 0.0)
    assert onnx.status == "ok"
    assert onnx.parity is not None
    assert onnx.parity < 1e-4
    assert set(found.noise) == {"1", "32"}


def test_the_chosen_variant_is_a_package_of_its_own_and_a_new_version(
    workshop: Workshop, model: str, found: OptimisedModel
) -> None:
    assert found.chosen != "eager", found.reason
    assert found.source == model
    record = workshop.registry.get(found.model)
    assert (record.name, record.version) == ("churn", 2)
    info = read_package(Path(found.package))
    assert info.optimised is not None
    assert (info.optimised.model, info.optimised.variant) == (model, found.chosen)
    assert not (Path(found.package) / "members").exists()
    assert (Path(found.package) / "optimisation.html").is_file()
    assert info.metric.rows == read_info(workshop.registry.get(model).package).metric.rows
    assert found.test_drop == pytest.approx(info.optimised.drop)
    for row in found.variants:
        if row.drop is not None:
            assert row.against - row.metric == pytest.approx(row.drop, abs=1e-9)


def test_the_optimised_package_predicts_raw_rows_as_the_original_does(
    workshop: Workshop, model: str, found: OptimisedModel, tmp_path: Path
) -> None:
    rows = workshop.datasets.training_frame("churn").head(200)
    before = load(workshop.registry.get(model).package).predict(rows)
    after = load(Path(found.package)).predict(rows)
    assert before.probabilities is not None
    assert after.probabilities is not None
    assert np.abs(before.probabilities - after.probabilities).max() < 0.15
    assert (before.labels == after.labels).mean() > 0.9
    rows.head(20).to_csv(tmp_path / "rows.csv", index=False)
    answer = workshop.call("predict", model=found.model, data=str(tmp_path / "rows.csv")).model_dump()
    assert [row["prediction"] for row in answer["predictions"]] == after.labels[:20].tolist()


def test_what_is_shown_later_is_the_same_table(workshop: Workshop, model: str, found: OptimisedModel) -> None:
    for name in (found.model, model):
        again = workshop.call("show_optimisation", model=name)
        assert isinstance(again, OptimisedModel)
        assert again.variants == found.variants
        assert (again.chosen, again.reason, again.package) == (found.chosen, found.reason, found.package)


def test_mlflow_holds_the_whole_table(workshop: Workshop, found: OptimisedModel) -> None:
    from mlflow import MlflowClient

    runs = MlflowClient(tracking_uri=f"sqlite:///{workshop.home / 'mlflow.db'}").search_runs(["1"])
    run = next(run for run in runs if run.data.params.get("chosen") == found.chosen)
    for row in found.variants:
        assert run.data.params[f"status/{row.name}"] == row.status
        assert run.data.metrics[f"latency_ms_1/{row.name}"] == pytest.approx(row.latency_ms["1"])
        for what in ("p95_ms_1", "compute_ms_32", "peak_mb", "cold_ms", "size_mb", "threads", "rows_per_second"):
            assert run.data.metrics[f"{what}/{row.name}"] > 0
        assert run.data.metrics[f"drop/{row.name}"] == pytest.approx(row.drop)


@pytest.mark.slow
def test_optimising_an_optimised_model_begins_at_its_original(
    workshop: Workshop, model: str, found: OptimisedModel
) -> None:
    again = workshop.call("optimise_model", model="churn", variants=("onnx",), budget_seconds=15, name="again")
    assert isinstance(again, OptimisedModel)
    assert again.source == found.source == model


def test_an_optimised_model_is_exported_as_the_file_that_it_is(
    workshop: Workshop, found: OptimisedModel, tmp_path: Path
) -> None:
    copied = workshop.call("export_model", model=found.model, out=str(tmp_path / "copy.onnx"))
    assert isinstance(copied, ExportedModel)
    assert copied.exporters == (found.chosen,)
    assert (copied.parity, copied.rows) == (0.0, 0)
    session = onnxruntime.InferenceSession(str(tmp_path / "copy.onnx"), providers=["CPUExecutionProvider"])
    assert [entry.name for entry in session.get_inputs()] == [entry.name for entry in copied.inputs]


def test_rows_that_are_compared_on_or_sealed_are_no_calibration_rows(
    workshop: Workshop, model: str, tmp_path: Path
) -> None:
    record, info = find_trained(workshop, model)
    dataset = workshop.datasets.get(info.lineage.dataset)
    schema = load(record.package).schema
    frame = workshop.datasets.training_frame(dataset.id)
    rows = rows_of(frame, info, workshop.runs / info.run_id, 0)
    sample_frame("churn")[0].to_csv(tmp_path / "all.csv", index=False)
    compared = set(row_keys(coerce(rows.guard, schema), schema))
    for source, most in ((str(tmp_path / "all.csv"), len(frame)), (dataset.id, len(rows.train))):
        found = calibration_of(
            workshop, source, dataset=dataset, record=record, schema=schema, rows=rows, most=5_000, seed=0
        )
        assert 1_000 < len(found) <= most
        assert compared.isdisjoint(row_keys(found[list(schema.names)], schema))
        assert not overlap(dataset, found).sealed.any()


@pytest.mark.slow
def test_a_goal_that_nothing_meets_says_what_comes_nearest(workshop: Workshop, model: str) -> None:
    answer = workshop.call(
        "optimise_model", model=model, variants=("onnx-int8-static",), max_latency_ms=0.0001, budget_seconds=30,
        name="hopeless",
    )  # fmt: skip
    assert isinstance(answer, OptimisedModel)
    assert not answer.met
    assert answer.nearest


def test_what_cannot_be_optimised_is_refused_before_a_job_begins(workshop: Workshop, model: str) -> None:
    before = len(workshop.jobs.list())
    refused: list[tuple[type[Exception], str, dict[str, object]]] = [
        (NotFound, "no model 'mdl_none'", {"model": "mdl_none"}),
        (BadChoice, "'onnx-int4' is not a known variant", {"variants": ("onnx-int4",)}),
        (BadChoice, "'rmse' is not a known metric", {"metric": "rmse"}),
        (BadBudget, "cannot", {"budget_seconds": 0.0}),
        (BadBudget, "cannot", {"budget_seconds": float("nan")}),
        (BadArguments, "max_drop", {"max_drop": -0.1}),
        (BadArguments, "max_latency_ms", {"max_latency_ms": 0}),
        (BadArguments, "prefer", {"prefer": "beauty"}),
    ]
    for error, words, arguments in refused:
        with pytest.raises(error, match=words):
            workshop.call("optimise_model", **{"model": model, **arguments})
    assert len(workshop.jobs.list()) == before


def test_calibration_rows_on_another_scale_are_refused(workshop: Workshop, model: str, tmp_path: Path) -> None:
    rows = workshop.datasets.training_frame("churn").head(500)
    numbers = rows.select_dtypes("number").columns
    scaled = rows.assign(**{name: rows[name].astype("float64") * 0.01 for name in numbers})
    scaled.to_csv(tmp_path / "scaled.csv", index=False)
    with pytest.raises(BadCalibration, match=r"(?i)calibration"):
        workshop.call("optimise_model", model=model, variants=QUICK, calibration=str(tmp_path / "scaled.csv"))
    rows.head(5).to_csv(tmp_path / "few.csv", index=False)
    with pytest.raises(BadCalibration, match="5"):
        workshop.call("optimise_model", model=model, variants=QUICK, calibration=str(tmp_path / "few.csv"))


def test_a_cancelled_optimisation_registers_nothing(workshop: Workshop, model: str) -> None:
    before = len(workshop.registry.list())

    def stop_after_the_first(progress: Progress) -> None:
        if isinstance(progress, FitFinished) and progress.model == "eager":
            workshop.jobs.cancel(job_id("call-c"))

    with pytest.raises(JobFailed, match="cancelled before there was a choice") as caught:
        invoke(workshop, "optimise_model", {"model": model}, call_id="call-c", watch=stop_after_the_first)
    assert caught.value.code == CANCELLED_CODE
    assert len(workshop.registry.list()) == before


def test_one_onnx_file_answers_raw_rows_by_onnxruntime_alone(workshop: Workshop, model: str, tmp_path: Path) -> None:
    out = tmp_path / "churn.onnx"
    found = workshop.call("export_model", model=model, out=str(out))
    assert isinstance(found, ExportedModel)
    assert found.parity <= found.tolerance
    assert found.split == ""
    frame = workshop.datasets.training_frame("churn").head(50)
    session = onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
    feeds = {}
    for entry in found.inputs:
        cells = frame[list(entry.columns)]
        if entry.what.startswith("float64"):
            feeds[entry.name] = cells.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            feeds[entry.name] = cells.astype("object").where(cells.notna(), "").to_numpy(dtype=object)
    answer = session.run(None, feeds)[0]
    expected = load(workshop.registry.get(model).package).raw(frame)
    assert np.abs(answer - expected).max() < 1e-4


def test_a_file_is_not_written_over_unless_asked(workshop: Workshop, model: str, tmp_path: Path) -> None:
    (tmp_path / "kept.onnx").write_bytes(b"mine")
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises(BadArguments, match="is a folder"):
        workshop.call("export_model", model=model, out=str(tmp_path / "folder.onnx"), overwrite=True)
    for out, words in (
        ("kept.onnx", "is there already"),
        ("kept.txt", "does not end in .onnx"),
        ("no/k.onnx", "no folder"),
    ):
        with pytest.raises(BadArguments, match=words):
            workshop.call("export_model", model=model, out=str(tmp_path / out))
    assert (tmp_path / "kept.onnx").read_bytes() == b"mine"


def test_models_are_measured_side_by_side(workshop: Workshop, model: str, found: OptimisedModel) -> None:
    answer = workshop.call("benchmark_models", models=(model, found.model), seconds=8)
    assert isinstance(answer, Benchmark)
    assert [row.model for row in answer.rows] == [model, found.model]
    assert not answer.failed
    assert all(row.latency_ms["1"] > 0 and row.peak_mb > 20 for row in answer.rows)


def test_models_of_other_columns_are_not_set_side_by_side(workshop: Workshop, model: str) -> None:
    frame = pd.DataFrame({"x": range(100), "label": ["a", "b"] * 50})
    source = workshop.home / "other.csv"
    frame.to_csv(source, index=False)
    dataset = workshop.call("import_dataset", source=str(source), target="label").model_dump()["dataset"]
    other = workshop.call("train_model", dataset=dataset, models=("linear",), max_models=1, budget_seconds=None)
    with pytest.raises(BadArguments, match="other columns"):
        workshop.call("benchmark_models", models=(model, other.model_dump()["model"]))


@pytest.mark.slow
def test_every_variant_of_an_ensemble_stands_in_the_table_with_its_reason(workshop: Workshop) -> None:
    result = workshop.call(
        "train_model", dataset="churn", models=("linear", "lightgbm"), max_models=2, budget_seconds=None, name="trees"
    )
    assert isinstance(result, TrainingResult)
    found = workshop.call("optimise_model", model=result.model, budget_seconds=60, max_drop=0.02)
    assert isinstance(found, OptimisedModel)
    assert [row.name for row in found.variants] == list(VARIANTS)
    for row in found.variants:
        if row.name.startswith(("onnx-int8", "pruned", "sparse", "compile", "bf16")):
            assert row.status == "not applicable", row
    onnx = next(row for row in found.variants if row.name == "onnx")
    assert onnx.status == "ok"
    assert json.loads(found.model_dump_json())["variants"]


def test_a_tuned_threshold_stands_in_the_onnx_file(workshop: Workshop, tmp_path: Path) -> None:
    model = workshop.call(
        "train_model", dataset="churn", models=("linear",), metric="f1", max_models=1, budget_seconds=None, name="f1"
    ).model_dump()["model"]
    threshold = read_info(workshop.registry.get(model).package).threshold
    found = workshop.call("export_model", model=model, out=str(tmp_path / "f1.onnx"))
    assert isinstance(found, ExportedModel)
    said = onnxruntime.InferenceSession(str(tmp_path / "f1.onnx")).get_modelmeta().custom_metadata_map["threshold"]
    assert repr(threshold) in said
    assert "is the answer from a probability of" in found.output
