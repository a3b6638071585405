"""The pipeline: what it decides, how it goes on after a failed validation, and how it ends."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver

from agents.scripted import ScriptedModel, call, say
from engine.errors import BadArguments, BadChoice, ColumnNotFound, NotFound, TargetNeeded
from graphs.checkpoints import open_saver
from graphs.events import CheckpointSaved, Event, RunFailed
from graphs.pipeline_columns import kinds_of
from graphs.pipeline_types import PipelineRequest, PipelineSummary
from graphs.pipelines import Mind, branch, checkpoints, resume_pipeline, start_pipeline
from tests.graphs.pipeshop import pipeline_workshop, small_gain, write_table
from tests.graphs.smallshop import effects, text_of
from tools.data import ColumnProfile, DatasetProfile


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_table(tmp_path / "table.csv")


@pytest.fixture
def mind(home: Path, heard: list[Event]) -> Iterator[Mind]:
    """No proposal ever comes: the rules decide."""
    with open_saver(home) as saver:
        yield Mind(pipeline_workshop(home), silent(), saver, heard.append, small_gain)


def silent() -> ScriptedModel:
    return ScriptedModel(script=[say("no proposal")] * 40)


def asked(table: Path, **choices: object) -> PipelineRequest:
    return PipelineRequest.of(**{"data": str(table), "target": "y", "max_models": 3, **choices})


def failed_checks(summary: PipelineSummary) -> list[list[str]]:
    return [[check.name for check in attempt.failed] for attempt in summary.attempts]


def actions(summary: PipelineSummary) -> list[str | None]:
    changes = [attempt.prepared.change for attempt in summary.attempts]
    return [None if change is None else change.action for change in changes]


def test_what_passes_at_once_is_packaged_after_one_look_at_the_test_rows(mind: Mind, table: Path) -> None:
    summary = start_pipeline(mind, asked(table))
    assert summary.state == "passed"
    assert failed_checks(summary) == [[]]
    assert summary.checkpoints == ("load", "preprocess-1", "train-1", "validate-1", "finish")
    assert summary.model_id is not None
    assert summary.metric is not None
    assert mind.workshop.registry.looks(summary.dataset_id) == 1


def test_preprocessing_leaves_out_what_the_training_rows_speak_against_with_its_reason(mind: Mind, table: Path) -> None:
    summary = start_pipeline(mind, asked(table))
    why = {found.column: found.why for found in summary.attempts[0].prepared.decisions}
    assert set(why) == {"same", "row_id", "sparse", "leak"}
    assert "same value in every row" in why["same"]
    assert "leak" in why["leak"]
    assert "missing in 9" in why["sparse"]


def test_a_column_the_user_keeps_is_kept_and_one_the_user_drops_is_dropped(mind: Mind, table: Path) -> None:
    summary = start_pipeline(mind, asked(table, keep=("sparse",), drop=("b",)))
    decided = {found.column: found for found in summary.attempts[0].prepared.decisions}
    assert (decided["sparse"].action, decided["sparse"].asked) == ("keep", True)
    assert (decided["b"].action, decided["b"].asked) == ("leave out", True)
    assert "sparse" not in summary.attempts[0].prepared.drop


def test_kinds_the_user_asks_for_are_those_the_data_is_imported_with(mind: Mind, table: Path) -> None:
    summary = start_pipeline(mind, asked(table, kinds={"same": "text"}))
    assert mind.workshop.datasets.get(summary.dataset_id).schema_.kind("same") == "text"


def test_another_kind_after_loading_imports_again_with_the_same_rows_sealed(mind: Mind, table: Path) -> None:
    first = start_pipeline(mind, asked(table), run_id="run_1")
    second = branch(mind, "run_1", "load", {"kinds": {"same": "text"}})
    assert second.dataset_id != first.dataset_id
    rows = [mind.workshop.datasets.training_frame(run.dataset_id)["a"].tolist() for run in (first, second)]
    assert rows[0] == rows[1]
    table.write_text(table.read_text() + "1,1,x,r-new,,3,3\n")
    with pytest.raises(BadArguments, match="is not what it was"):
        branch(mind, "run_1", "load", {"kinds": {"same": "category"}})


def test_a_text_of_few_values_is_made_a_category() -> None:
    columns = tuple(
        ColumnProfile(name=name, kind="text", missing=0, missing_share=0.0, distinct=distinct)
        for name, distinct in (("remark", 3), ("letter", 900))
    )
    profile = DatasetProfile(dataset="ds_1", rows=1000, columns=columns, target=None, task=None)
    found = kinds_of(profile, PipelineRequest(data="a.csv"))
    assert [(decision.column, decision.kind) for decision in found] == [("remark", "category")]


def test_a_failed_score_is_tried_again_with_one_stated_change_each_until_it_passes(mind: Mind, table: Path) -> None:
    summary = start_pipeline(mind, asked(table, checks={"min_score": 0.5}))
    assert summary.state == "passed"
    assert failed_checks(summary) == [["min_score"], ["min_score"], []]
    assert actions(summary) == [None, "restore", "other_models"]
    assert summary.attempts[2].best == "network"
    # the restored column gained nothing, so the third attempt is built on the first
    assert summary.attempts[2].prepared.drop == summary.attempts[0].prepared.drop


def test_a_leak_that_was_not_left_out_at_once_is_dropped_by_the_retry(mind: Mind, table: Path) -> None:
    summary = start_pipeline(mind, asked(table, clean=False))
    assert failed_checks(summary) == [["no_leak"], []]
    assert actions(summary) == [None, "drop"]
    assert summary.attempts[1].prepared.drop == ("leak",)
    assert summary.state == "passed"


def test_a_leak_the_user_wants_to_keep_ends_the_pipeline_with_the_reason(mind: Mind, table: Path) -> None:
    summary = start_pipeline(mind, asked(table, keep=("leak",)))
    assert summary.state == "failed"
    assert len(summary.attempts) == 1
    assert "you asked to keep 'leak'" in summary.why
    assert any("--allow-leaks" in line for line in summary.advice)


def test_used_up_attempts_end_honestly_without_a_look_at_the_test_rows_or_a_model(mind: Mind, table: Path) -> None:
    summary = start_pipeline(mind, asked(table, attempts=2, checks={"min_score": 0.001}))
    assert summary.state == "failed"
    assert (summary.model_id, summary.metric, summary.package) == (None, None, None)
    assert summary.best_attempt == 1
    assert "All 2 attempts are used" in summary.why
    assert "Attempt 1 came nearest" in summary.why
    assert mind.workshop.registry.looks(summary.dataset_id) == 0
    assert not [effect for effect in effects(mind.workshop.home) if effect.startswith("register")]


def test_the_best_attempt_is_packaged_when_that_was_asked_for(mind: Mind, table: Path) -> None:
    summary = start_pipeline(mind, asked(table, attempts=2, keep_best=True, checks={"min_score": 0.001}))
    assert summary.state == "failed"
    assert summary.model_id is not None
    assert mind.workshop.registry.looks(summary.dataset_id) == 1


def test_a_baseline_that_is_not_beaten_by_more_than_noise_fails(mind: Mind, table: Path) -> None:
    noisy = replace(mind, measure=lambda *_: None)
    summary = start_pipeline(noisy, asked(table, attempts=1))
    assert failed_checks(summary) == [["beats_baseline"]]


def test_more_variants_go_on_with_the_fits_there_are(mind: Mind, table: Path) -> None:
    drop = ("sparse", "leak", "same")
    request = asked(table, attempts=2, models=("linear", "lightgbm"), drop=drop, checks={"min_score": 0.001})
    summary = start_pipeline(mind, request)
    assert actions(summary) == [None, "more_trials"]
    assert summary.attempts[1].taken_over == 3
    fits = [effect.split(" in ")[0] for effect in effects(mind.workshop.home)]
    assert sorted(fits) == [
        *("fit dummy", "fit lightgbm"),
        *("fit lightgbm-t1", "fit lightgbm-t2", "fit lightgbm-t3", "fit linear"),
    ]


def test_who_cancels_gets_no_further_attempt(mind: Mind, table: Path) -> None:
    (mind.workshop.home / "cancelled").touch()
    summary = start_pipeline(mind, asked(table, checks={"min_score": 0.001}))
    assert len(summary.attempts) == 1
    assert "cancelled" in summary.why


def test_a_model_chooses_what_a_retry_changes(mind: Mind, table: Path) -> None:
    proposal = call("propose_retry", action="other_models", models=["network"], why="The products are missing.")
    with ScriptedModel(script=[proposal]) as model:
        summary = start_pipeline(replace(mind, model=model), asked(table, checks={"min_score": 0.5}))
    assert summary.state == "passed"
    assert actions(summary) == [None, "other_models"]
    shown = str(model.seen[0][-1].content)
    assert '"legal"' in shown
    assert "network" in shown


@pytest.mark.parametrize(
    "garbage",
    [
        {"action": "drop", "columns": ["a"], "why": "I like it."},
        {"action": "restore", "columns": ["nothing"], "why": "?"},
        {"action": "more_trials", "trials": 999, "why": "?"},
        {"action": "format the disk", "why": "?"},
        {"why": "no action"},
    ],
)
def test_a_proposal_that_is_not_legal_is_told_so_and_at_last_the_rule_decides(
    mind: Mind, table: Path, garbage: dict[str, Any], heard: list[Event]
) -> None:
    with ScriptedModel(script=[call("propose_retry", **garbage)] * 3) as model:
        summary = start_pipeline(replace(mind, model=model), asked(table, attempts=2, checks={"min_score": 0.5}))
    assert actions(summary) == [None, "restore"]
    assert "was not used" in text_of(heard)


def test_a_model_may_end_the_pipeline(mind: Mind, table: Path) -> None:
    with ScriptedModel(script=[call("propose_retry", action="stop", why="It is hopeless.")]) as model:
        summary = start_pipeline(replace(mind, model=model), asked(table, checks={"min_score": 0.001}))
    assert "It is hopeless." in summary.why
    assert summary.checkpoints[-2:] == ("preprocess-2", "finish")


def test_a_checkpoint_is_told_of_once_it_is_kept(home: Path, table: Path) -> None:
    kept: list[bool] = []
    with open_saver(home) as saver:

        def listen(event: Event) -> None:
            if isinstance(event, CheckpointSaved):
                kept.append(event.name in names(home, saver, event.run))

        summary = start_pipeline(Mind(pipeline_workshop(home), silent(), saver, listen, small_gain), asked(table))
    assert kept == [True] * len(summary.checkpoints)


def names(home: Path, saver: BaseCheckpointSaver[Any], run: str) -> list[str]:
    return [found.name for found in checkpoints(pipeline_workshop(home), saver, run).checkpoints]


def test_a_finished_pipeline_gives_its_summary_again_and_does_nothing(mind: Mind, table: Path) -> None:
    summary = start_pipeline(mind, asked(table), run_id="run_1")
    before = effects(mind.workshop.home)
    assert resume_pipeline(mind, "run_1") == summary
    assert effects(mind.workshop.home) == before


def test_goal_words_choose_what_options_leave_open(mind: Mind, table: Path) -> None:
    request = PipelineRequest.of(goal="predict y, without b, 2 models", data=str(table))
    summary = start_pipeline(mind, request)
    assert summary.target == "y"
    assert "b" in summary.attempts[0].prepared.drop


@pytest.mark.parametrize(
    ("choices", "error"),
    [
        ({"attempts": 0}, BadArguments),
        ({"checks": {"min_score": "high"}}, BadArguments),
        ({"checks": {"min_score": float("nan")}}, BadArguments),
        ({"checks": {"max_gap": 1}}, BadArguments),
        ({"keep": ("a",), "drop": ("a",)}, BadArguments),
        ({"metric": "elegance"}, BadChoice),
        ({"models": ("oracle",)}, BadChoice),
        ({"data": "ds_1", "kinds": {"a": "text"}}, BadArguments),
        ({"colour": "red"}, BadArguments),
    ],
)
def test_a_request_that_cannot_be_carried_out_is_refused_at_once(
    table: Path, choices: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        asked(table, **choices)


@pytest.mark.parametrize(
    ("choices", "error"),
    [
        ({"drop": ("nothing",)}, ColumnNotFound),
        ({"keep": ("nothing",)}, ColumnNotFound),
        ({"drop": ("y",)}, BadArguments),
        ({"target": None}, TargetNeeded),
    ],
)
def test_what_does_not_fit_the_data_leaves_nothing_behind(
    mind: Mind, table: Path, heard: list[Event], choices: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        start_pipeline(mind, asked(table, **choices), run_id="run_1")
    assert not (mind.workshop.runs / "run_1").exists()
    assert isinstance(heard[-1], RunFailed)
    with pytest.raises(NotFound, match="run_1"):
        resume_pipeline(mind, "run_1")


def test_a_url_with_a_password_is_not_written_to_disk(mind: Mind) -> None:
    request = PipelineRequest.of(data="postgresql://me:secret@db/x", query="select 1", target="y")
    with pytest.raises(BadArguments, match="keeps its request on disk"):
        start_pipeline(mind, request)
    assert not mind.workshop.runs.exists()
