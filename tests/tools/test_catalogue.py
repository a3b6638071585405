"""Calling tools by name: what is in the catalogue, and what a caller is told when a call does not fit."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.errors import BadArguments, Fixable, NotFound, SourceNotFound, UnknownKind
from tools.catalogue import CATALOGUE, invoke, start_job
from tools.jobs import job_id
from tools.spec import ToolSpec
from tools.workshop import Workshop

EFFECTS = {
    "read": {
        "list_datasets", "profile_dataset", "compare_models", "list_models", "show_model", "job_status", "list_jobs",
        "explain_model", "monitor_status", "list_alerts", "evaluate_actions", "show_optimisation",
        "list_memories", "calculate",
    },
    "compute": {
        "import_dataset", "estimate_training", "train_model", "distil_model", "evaluate_model",
        "predict", "cancel_job", "check_drift", "profile_reference", "drift_report", "log_labels", "retrain_model",
        "optimise_model", "benchmark_models", "test_model", "plan_deployment", "remember",
    },
    "write": {
        "promote_model", "roll_back_model", "create_monitor", "pause_monitor", "acknowledge_alert", "export_model",
        "forget",
    },
    "external": {"tell_outcome"},
}  # fmt: skip


def test_the_catalogue_has_these_tools_and_what_others_notice_needs_approval() -> None:
    found = {effect: {name for name, spec in CATALOGUE.items() if spec.effect == effect} for effect in EFFECTS}
    assert found == EFFECTS
    assert len(CATALOGUE) == sum(len(names) for names in EFFECTS.values()) == 39


@pytest.mark.parametrize("spec", CATALOGUE.values(), ids=list(CATALOGUE))
def test_every_tool_tells_a_model_what_it_does_and_what_it_takes(spec: ToolSpec) -> None:
    assert len(spec.description) > 60
    assert all(field.description for field in spec.request.model_fields.values())
    assert spec.request.model_config["frozen"]
    assert spec.request.model_config["extra"] == "forbid"
    json.dumps(spec.request.model_json_schema())


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("import_dataset", {}, r"needs the argument 'source'.*A file"),
        ("train_model", {"dataset": "x", "budget": 3}, r"no argument 'budget'.*It takes: dataset"),
        ("train_model", {"dataset": "x", "budget_secnds": 3}, "Did you mean 'budget_seconds'"),
        ("train_model", {"dataset": "x", "max_models": "many"}, r"max_models: .*got 'many'.*Fixed-count"),
        ("import_dataset", {"source": "x", "split": "random-ish"}, r"split: .*'random-ish'"),
        ("list_models", {"limit": 3}, "takes no arguments"),
    ],
)
def test_arguments_that_do_not_fit_are_named(
    workshop: Workshop, tool: str, arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadArguments, match=words):
        workshop.call(tool, **arguments)


def test_an_unknown_tool_is_answered_with_the_nearest(workshop: Workshop) -> None:
    with pytest.raises(NotFound, match="Did you mean 'train_model'") as error:
        workshop.call("train_modle")
    assert error.value.code == "tool_not_found"


def test_a_job_can_be_started_without_waiting(workshop: Workshop) -> None:
    dataset = workshop.call("import_dataset", source="sample:breast_cancer").model_dump()["dataset"]
    arguments = {"dataset": dataset, "models": ["linear"], "max_models": 1, "budget_seconds": None, "finish": False}
    job = start_job(workshop, "train_model", arguments, "call-1")
    assert job == job_id("call-1")
    list(workshop.jobs.follow(job))
    (info,) = workshop.call("list_jobs").model_dump()["jobs"]
    assert (info["job"], info["state"]) == (job, "done")
    assert workshop.call("job_status", job=job).model_dump() == info
    assert workshop.call("cancel_job", job=job).model_dump()["state"] == "done"
    assert invoke(workshop, "train_model", arguments, call_id="call-1").model_dump()["best"] == "linear"
    with pytest.raises(NotFound, match="answers at once"):
        start_job(workshop, "list_jobs", {})


def test_an_unknown_job_is_an_error_that_a_model_can_mend(workshop: Workshop) -> None:
    for job in ("job_none", "../../etc", "a\0b", "a" * 300, ""):
        with pytest.raises(Fixable, match="There is no job") as error:
            workshop.call("job_status", job=job)
        assert error.value.code == "job_not_found"


def test_a_dataset_is_imported_listed_and_profiled(workshop: Workshop, tmp_path: Path) -> None:
    table = tmp_path / "people.csv"
    table.write_text(
        "age,city,left\n" + "".join(f"{20 + n % 40},{'AB'[n % 2]},{'yn'[n % 3 == 0]}\n" for n in range(60))
    )
    summary = workshop.call("import_dataset", source=str(table), target="left").model_dump()
    assert (summary["rows"], summary["name"], summary["target"]) == (60, "people", "left")
    assert workshop.call("list_datasets").model_dump()["datasets"][0]["dataset"] == summary["dataset"]
    profile = workshop.call("profile_dataset", dataset="people").model_dump()
    assert profile["rows"] == summary["train_rows"]
    assert (profile["task"], profile["target"]) == ("binary", "left")


def test_an_unknown_kind_is_answered_with_the_nearest(workshop: Workshop) -> None:
    with pytest.raises(UnknownKind, match=r"'numbr' is not a kind.*Did you mean 'number'"):
        workshop.call("import_dataset", source="sample:churn", kinds={"tenure_months": "numbr"})


def test_a_path_that_no_file_can_have_is_a_file_not_found(workshop: Workshop) -> None:
    for source in ("z" * 300 + ".csv", "~nobody-of-this-name/x.csv"):
        with pytest.raises(SourceNotFound):
            workshop.call("import_dataset", source=source)
        with pytest.raises(NotFound, match="no dataset"):
            workshop.call("profile_dataset", dataset=source)
        spec = workshop.tools["import_dataset"]
        assert spec.estimate(workshop, spec.request.model_validate({"source": source})).seconds == 0


def test_a_sample_is_imported_with_the_target_it_was_made_for(workshop: Workshop) -> None:
    assert workshop.call("import_dataset", source="sample:diabetes").model_dump()["target"] == "progression"


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [("import_dataset", {"source": "sample:churn"}), ("profile_dataset", {"dataset": "cancer"})],
)
def test_estimates_are_measured(trained: Workshop, tool: str, arguments: dict[str, Any]) -> None:
    spec = trained.tools[tool]
    estimate = spec.estimate(trained, spec.request.model_validate(arguments))
    assert estimate.seconds > 0
    assert estimate.memory_mb > 0
