"""Named checkpoints and branches: what may be changed where, what is not done again, and that the parent stays."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agents.scripted import ScriptedModel, say
from engine.errors import BadArguments, Busy, NotFound
from graphs.checkpoints import open_saver
from graphs.lease import lease
from graphs.pipeline_fits import record_folder
from graphs.pipeline_types import CheckpointList, PipelineRequest, PipelineSummary
from graphs.pipelines import Mind, branch, checkpoints, resume_pipeline, start_pipeline
from tests.graphs.pipeshop import pipeline_workshop, small_gain, write_table
from tests.graphs.smallshop import effects

PARENT = "run_parent"


@dataclass
class Family:
    """A pipeline that failed after two attempts, for branches of all the tests of this file."""

    mind: Mind
    summary: PipelineSummary
    table: Path

    @property
    def listed(self) -> CheckpointList:
        return checkpoints(self.mind.workshop, self.mind.saver, PARENT)

    def new_effects(self, before: list[str]) -> list[str]:
        return effects(self.mind.workshop.home)[len(before) :]

    def effects(self) -> list[str]:
        return effects(self.mind.workshop.home)


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Family]:
    folder = tmp_path_factory.mktemp("family")
    table = write_table(folder / "table.csv")
    request = PipelineRequest.of(data=str(table), target="y", max_models=3, attempts=2, checks={"min_score": 0.5})
    with open_saver(folder) as saver:
        model = ScriptedModel(script=[say("no proposal")] * 200)
        mind = Mind(pipeline_workshop(folder / "home"), model, saver, measure=small_gain)
        yield Family(mind, start_pipeline(mind, request, PARENT), table)


def contents(folder: Path) -> dict[str, str]:
    """What is in each file below a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_every_node_leaves_a_named_checkpoint_that_says_what_is_in_it(family: Family) -> None:
    found = {checkpoint.name: checkpoint for checkpoint in family.listed.checkpoints}
    assert tuple(found) == family.summary.checkpoints
    assert tuple(found) == (
        *("load", "preprocess-1", "train-1", "validate-1", "preprocess-2", "train-2", "validate-2", "finish"),
    )
    assert family.summary.dataset_id in found["load"].holds
    assert found["validate-1"].holds == "failed: min_score"
    assert (found["validate-1"].next, found["finish"].next) == ("preprocess", None)
    assert found["load"].when < found["finish"].when


@pytest.mark.parametrize(
    ("name", "changes", "attempts"),
    [
        ("load", {"drop": ["sparse"], "min_score": 2.0}, 1),
        ("preprocess-1", {"models": ["network"]}, 1),
        ("train-1", {"min_score": 2.0}, 1),
        ("validate-1", {"models": ["network"]}, 2),
        ("preprocess-2", {"models": ["network"]}, 2),
        ("train-2", {"checks": {"min_score": None}}, 2),
        ("validate-2", {"attempts": 4}, 3),
    ],
)
def test_a_branch_from_each_checkpoint_goes_on_with_what_was_changed(
    family: Family, name: str, changes: dict[str, object], attempts: int
) -> None:
    summary = branch(family.mind, PARENT, name, changes)
    assert summary.state == "passed"
    assert len(summary.attempts) == attempts
    assert summary.branch is not None
    assert (summary.branch.run, summary.branch.checkpoint) == (PARENT, name)
    assert summary.branch.changes
    assert summary.run_id != PARENT
    assert summary.checkpoints[0] == name


def test_a_branch_at_the_end_packages_the_best_attempt_without_a_fit(family: Family) -> None:
    before = family.effects()
    summary = branch(family.mind, PARENT, "validate-2", {"keep_best": True})
    assert summary.state == "failed"
    assert family.new_effects(before) == [f"register {summary.model_id}"]


def test_no_branch_repeats_a_fit_of_the_same_inputs(family: Family) -> None:
    before = family.effects()
    summary = branch(family.mind, PARENT, "load", {"min_score": 2.0})
    assert summary.attempts[0].taken_over == 4
    assert family.new_effects(before) == [f"register {summary.model_id}"]


def test_a_branch_of_a_branch_takes_over_the_fits_of_both(family: Family) -> None:
    first = branch(family.mind, PARENT, "preprocess-1", {"models": ["network"], "attempts": 1})
    before = family.effects()
    second = branch(family.mind, first.run_id, "preprocess-1", {"min_score": 0.4})
    third = branch(family.mind, second.run_id, "preprocess-1", {"models": None, "min_score": 2.0})
    assert [effect for effect in family.new_effects(before) if effect.startswith("fit")] == []
    assert [run.attempts[0].taken_over for run in (second, third)] == [2, 4]


def test_no_branch_changes_the_run_it_came_from(family: Family) -> None:
    runs = family.mind.workshop.runs
    listed, summary = family.listed, resume_pipeline(family.mind, PARENT)
    before = [contents(folder) for folder in sorted(runs.glob(f"{PARENT}*"))]
    for name, changes in (("train-2", {"min_score": 2.0}), ("validate-1", {"models": ["network"]}), ("load", {})):
        branch(family.mind, PARENT, name, changes)
    assert [contents(folder) for folder in sorted(runs.glob(f"{PARENT}*"))] == before
    assert family.listed == listed
    assert resume_pipeline(family.mind, PARENT) == summary


@pytest.mark.parametrize(
    ("name", "changes", "instead"),
    [
        ("preprocess-1", {"drop": ["b"]}, "load"),
        ("train-1", {"models": ["linear"]}, "preprocess-1"),
        ("validate-1", {"min_score": 1.0}, "train-1"),
        ("finish", {"name": "other"}, "validate-2"),
        ("train-2", {"metric": "mae", "min_score": 1.0}, "preprocess-1"),
        ("validate-2", {"keep": ["sparse"]}, "validate-1"),
        ("load", {"data": "other.csv"}, "new pipeline"),
        ("train-1", {"seed": 7}, "new pipeline"),
        ("preprocess-1", {"target": "a"}, "new pipeline"),
    ],
)
def test_a_change_that_comes_too_late_is_refused_with_where_it_can_be_made(
    family: Family, name: str, changes: dict[str, object], instead: str
) -> None:
    before = sorted(family.mind.workshop.runs.iterdir())
    with pytest.raises(BadArguments, match=f"too late at {PARENT}:{name}") as refused:
        branch(family.mind, PARENT, name, changes)
    assert instead in refused.value.hint
    assert sorted(family.mind.workshop.runs.iterdir()) == before


def test_without_a_name_the_latest_checkpoint_that_allows_the_change_is_taken(family: Family) -> None:
    summary = branch(family.mind, PARENT, None, {"models": ["network"], "attempts": 3})
    assert summary.branch is not None
    assert summary.branch.checkpoint == "validate-2"
    with pytest.raises(BadArguments, match="No checkpoint"):
        branch(family.mind, PARENT, None, {"target": "a"})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"colour": "red"}, "cannot change 'colour'"),
        ({"approve_all": True}, "cannot change 'approve_all'"),
        ({"attempts": 99}, "attempts"),
        ({"checks": {"max_gap": 1}}, "max_gap"),
        ({"checks": "none"}, "checks"),
        ({"metric": "mae"}, "was meant in"),
    ],
)
def test_a_change_that_cannot_be_read_is_refused(family: Family, changes: dict[str, object], words: str) -> None:
    with pytest.raises(BadArguments, match=words):
        branch(family.mind, PARENT, "preprocess-1", changes)


def test_unknown_runs_and_checkpoints_are_named_with_those_there_are(family: Family) -> None:
    with pytest.raises(NotFound, match="run_nobody") as run:
        branch(family.mind, "run_nobody", "load", {})
    assert run.value.code == "pipeline_not_found"
    with pytest.raises(NotFound, match="validate-2") as checkpoint:
        branch(family.mind, PARENT, "validate-9", {})
    assert checkpoint.value.code == "checkpoint_not_found"
    with pytest.raises(NotFound):
        checkpoints(family.mind.workshop, family.mind.saver, "../../etc")


def test_two_at_once_on_one_run_are_refused(family: Family) -> None:
    with lease(record_folder(family.mind.workshop, PARENT), "run", PARENT), pytest.raises(Busy):
        resume_pipeline(family.mind, PARENT)


def test_a_branch_with_a_column_that_is_not_there_leaves_nothing_behind(family: Family) -> None:
    before = sorted(family.mind.workshop.runs.iterdir())
    with pytest.raises(Exception, match="nothing"):
        branch(family.mind, PARENT, "load", {"drop": ["nothing"]}, "run_wrong")
    assert sorted(family.mind.workshop.runs.iterdir()) == before
