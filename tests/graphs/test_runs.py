"""Runs: the whole way from a goal to a model, the decisions on it, approval, budget and resuming, on small tools."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver

from agents.plan import Plan
from agents.scripted import ScriptedModel, call, say
from engine.errors import ApprovalNeeded, BadArguments, BadBudget, BadChoice, JobFailed, NotFound, TargetNeeded
from graphs.events import Artifact, Event, Metric, PlanProposed, RunFailed, RunFinished, ToolFinished
from graphs.lease import lease
from graphs.runs import RunRequest, RunSummary, resume_run, start_run
from tests.graphs.smallshop import effects, text_of
from tools.workshop import Workshop

Saver = BaseCheckpointSaver[Any]
ALL = call("propose_models", models=["linear", "forest", "lightgbm"], why="All are quick.")
TUNE = call("propose_round", action="tune", trials=2, why="It gains.")
STOP = call("propose_round", action="stop", trials=0, why="Enough.")
FITS = ["fit dummy", "fit linear", "fit forest", "fit lightgbm"]


@pytest.fixture
def request_(rows: Path) -> RunRequest:
    return RunRequest(goal="predict y", data=str(rows), target="y", approve_all=True)


def fits(home: Path) -> list[str]:
    return [effect for effect in effects(home) if effect.startswith("fit")]


def test_a_run_goes_from_a_goal_to_a_registered_model(
    workshop: Workshop, saver: Saver, request_: RunRequest, heard: list[Event]
) -> None:
    with ScriptedModel(script=[ALL, TUNE, STOP]) as model:
        summary = start_run(workshop, model, saver, request_, "run_1", emit=heard.append)
    assert fits(workshop.home) == [*FITS, "fit lightgbm-t1", "fit lightgbm-t2"]
    assert effects(workshop.home)[-1] == f"register {summary.model_id}"
    assert summary.run_id == "run_1"
    assert summary.baseline is not None
    assert summary.validation is not None
    assert summary.validation.value < summary.baseline.value
    kinds = [type(event) for event in heard]
    assert kinds.index(PlanProposed) < kinds.index(Metric) < kinds.index(Artifact)
    assert isinstance(heard[-1], RunFinished)


def test_the_summary_is_the_json_that_the_command_promises(
    workshop: Workshop, saver: Saver, request_: RunRequest
) -> None:
    summary = start_run(workshop, ScriptedModel(script=[ALL, STOP]), saver, request_)
    assert list(summary.model_dump()) == [
        *("run_id", "dataset_id", "model_id", "task", "target", "metric", "validation", "baseline"),
        *("leaderboard", "importance", "package", "report", "seconds", "plan", "steps"),
        *("tokens", "cost"),
    ]
    assert set(summary.metric.model_dump()) == {"name", "value", "ci"}
    assert set(summary.leaderboard[0].model_dump()) == {"model", "validation", "seconds"}


@dataclass(frozen=True)
class Wrong:
    """A proposal and a part of what the model is told about it."""

    turn: object
    told: str


WRONG = [
    Wrong(call("propose_models", models=["xgboost"], why="."), "'xgboost' is not a candidate"),
    Wrong(call("propose_models", models=["linear"], metric="roc_auc", why="."), "does not fit the task"),
    Wrong(call("propose_models", models=["linear"], why=".", budget=9), "budget"),
    Wrong(call("propose_models", models=[], why="."), "models"),
    Wrong(call("propose_models", models="linear", why="."), "models"),
    Wrong(call("propose_models", models=["linear", "linear"], why="."), "named twice"),
    Wrong(say("I would take linear."), "one JSON object and nothing else"),
    Wrong([ALL, ALL], "exactly one call"),
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.told)
def test_a_wrong_proposal_is_answered_with_what_is_wrong(
    workshop: Workshop, saver: Saver, request_: RunRequest, wrong: Wrong
) -> None:
    with ScriptedModel(script=[wrong.turn, call("propose_models", models=["linear"], why="."), STOP]) as model:
        start_run(workshop, model, saver, request_)
    assert wrong.told in str(model.seen[1][-1].content)
    assert fits(workshop.home) == ["fit dummy", "fit linear"]


def test_after_three_wrong_proposals_the_rule_decides_and_says_so(
    workshop: Workshop, saver: Saver, request_: RunRequest, heard: list[Event]
) -> None:
    script = [*[call("propose_models", models=["xgboost"], why=".")] * 3, *[say("Hm.")] * 3, STOP]
    with ScriptedModel(script=script) as model:
        start_run(workshop, model, saver, request_, emit=heard.append)
    assert "'xgboost' is not a candidate" in text_of(heard)
    assert text_of(heard).count("The rule-based choice is taken.") == 2
    assert fits(workshop.home) == [*FITS, *(f"fit lightgbm-t{number}" for number in range(1, 9))]


def test_what_the_user_fixed_is_not_the_models_to_change(
    workshop: Workshop, saver: Saver, request_: RunRequest
) -> None:
    fixed = request_.model_copy(update={"models": ("linear",), "metric": "rmse"})
    right = call("propose_models", models=["linear"], metric="rmse", why=".")
    with ScriptedModel(script=[ALL, right, STOP]) as model:
        start_run(workshop, model, saver, fixed)
    assert "the user asked for exactly these: linear" in str(model.seen[1][-1].content)
    assert fits(workshop.home) == ["fit dummy", "fit linear"]


def test_tuning_ends_when_a_round_gains_nothing(workshop: Workshop, saver: Saver, request_: RunRequest) -> None:
    # the first variant gains, the ninth has a penalty of nearly zero and cannot gain over the eighth
    tune = [call("propose_round", action="tune", trials=trials, why=".") for trials in (20, 1)]
    with ScriptedModel(script=[ALL, *tune]) as model:
        start_run(workshop, model, saver, request_)
    assert fits(workshop.home)[-1] == "fit lightgbm-t21"


def test_a_fixed_number_of_models_is_trained_in_one_round(
    workshop: Workshop, saver: Saver, request_: RunRequest
) -> None:
    counted = request_.model_copy(update={"budget_seconds": None, "max_models": 4})
    with ScriptedModel(script=[ALL]) as model:
        start_run(workshop, model, saver, counted)
    assert fits(workshop.home) == FITS


@pytest.mark.parametrize(("budget", "models"), [(0.0, None), (-1.0, None), (float("nan"), None), (float("inf"), None)])
def test_a_budget_that_cannot_train_is_refused_before_anything_is_written(
    workshop: Workshop, saver: Saver, request_: RunRequest, budget: float, models: int | None
) -> None:
    with pytest.raises(BadBudget):
        start_run(workshop, ScriptedModel(script=[]), saver, request_.model_copy(update={"budget_seconds": budget}))
    assert not workshop.runs.exists()


def test_a_run_needs_a_limit(workshop: Workshop, saver: Saver, request_: RunRequest) -> None:
    with pytest.raises(BadChoice, match="budget_seconds"):
        start_run(workshop, ScriptedModel(script=[]), saver, request_.model_copy(update={"budget_seconds": None}))


def test_a_fixed_number_of_models_has_no_clock_unless_one_is_asked_for() -> None:
    counted = {"goal": "predict y", "data": "rows.csv", "max_models": 3}
    assert RunRequest.of(**counted).budget_seconds is None
    assert RunRequest.of(**counted, budget_seconds=9).budget_seconds == 9
    assert RunRequest.of(goal="predict y", data="rows.csv").budget_seconds == 60


@pytest.mark.parametrize(
    ("wrong", "told"), [({"max_models": 500}, "max_models"), ({"seed": -1}, "seed"), ({"tagret": "y"}, "target")]
)
def test_a_request_that_does_not_fit_names_what_to_change(wrong: dict[str, object], told: str) -> None:
    with pytest.raises(BadArguments, match=told):
        RunRequest.of(goal="predict y", data="rows.csv", **wrong)


def test_a_goal_in_words_names_the_target(workshop: Workshop, saver: Saver, rows: Path) -> None:
    request = RunRequest(goal="predict y from the others", data=str(rows), approve_all=True)
    assert start_run(workshop, ScriptedModel(script=[ALL, STOP]), saver, request).target == "y"


def test_a_goal_without_a_target_asks_for_one(workshop: Workshop, saver: Saver, rows: Path, heard: list[Event]) -> None:
    request = RunRequest(goal="make something of this", data=str(rows), approve_all=True)
    unsure = call("propose_target", column=None, why="It could be any.")
    with ScriptedModel(script=[unsure]) as model, pytest.raises(TargetNeeded, match="a, b, y"):
        start_run(workshop, model, saver, request, "run_1", emit=heard.append)
    assert isinstance(heard[-1], RunFailed)
    assert heard[-1].code == "target_needed"


def test_nothing_stays_of_a_run_that_wrong_words_ended(workshop: Workshop, saver: Saver, rows: Path) -> None:
    wrong = RunRequest(goal="predict z", data=str(rows), target="z", approve_all=True)
    with pytest.raises(BadChoice):
        start_run(workshop, ScriptedModel(script=[]), saver, wrong, "run_1")
    assert list(workshop.runs.iterdir()) == []
    with pytest.raises(NotFound):
        resume_run(workshop, ScriptedModel(script=[]), saver, "run_1")
    right = wrong.model_copy(update={"target": "y"})
    assert start_run(workshop, ScriptedModel(script=[ALL, STOP]), saver, right, "run_1").target == "y"


def test_an_unknown_dataset_is_refused_before_anything_is_written(workshop: Workshop, saver: Saver) -> None:
    with pytest.raises(NotFound, match="ds_123"):
        start_run(workshop, ScriptedModel(script=[]), saver, RunRequest(goal="predict y", data="ds_123"))
    assert not workshop.runs.exists()


def answer(yes: bool, seen: list[Plan]) -> Callable[[Plan], bool]:
    def ask(plan: Plan) -> bool:
        seen.append(plan)
        return yes

    return ask


def test_the_plan_is_shown_with_its_estimate_and_waits_for_a_yes(
    workshop: Workshop, saver: Saver, request_: RunRequest
) -> None:
    asking, seen = request_.model_copy(update={"approve_all": False}), list[Plan]()
    summary = start_run(workshop, ScriptedModel(script=[ALL, STOP]), saver, asking, approve=answer(True, seen))
    assert summary.model_id in effects(workshop.home)[-1]
    assert [step.tool for step in seen[0].steps] == ["train_model"] * 3
    assert seen[0].steps[0].estimate.seconds == pytest.approx(0.04)


def test_the_plan_shows_what_only_the_goal_says_and_its_hash_covers_it(
    workshop: Workshop, saver: Saver, request_: RunRequest, heard: list[Event]
) -> None:
    goals = ["predict y", "predict y, best mae, only linear, without column a, seed 7, within 20 seconds"]
    seen = list[Plan]()
    for goal in goals:
        asking = RunRequest(goal=goal, data=request_.data, target="y")
        with pytest.raises(ApprovalNeeded):
            start_run(workshop, ScriptedModel(script=[]), saver, asking, approve=answer(False, seen), emit=heard.append)
    shown = seen[1].to_table()[0][2]
    assert shown == (
        'dataset=ds_small, target=y, metric=mae, drop=["a"], budget_seconds=20.0, seed=7, models=["linear"], '
        "finish=false"
    )
    assert seen[0].edited(goal="x").hash != seen[1].edited(goal="x").hash
    assert "From the goal: metric mae; only linear; without a." in text_of(heard)


def test_a_model_may_not_take_another_metric_than_the_plan_shows(
    workshop: Workshop, saver: Saver, request_: RunRequest
) -> None:
    other = call("propose_models", models=["linear"], metric="mae", why=".")
    with ScriptedModel(script=[other, ALL, STOP]) as model:
        start_run(workshop, model, saver, request_)
    assert "the approved plan says rmse" in str(model.seen[1][-1].content)


def test_a_declined_plan_runs_nothing(workshop: Workshop, saver: Saver, request_: RunRequest) -> None:
    asking = request_.model_copy(update={"approve_all": False})
    with pytest.raises(ApprovalNeeded, match="declined"):
        start_run(workshop, ScriptedModel(script=[]), saver, asking, "run_1", approve=answer(False, []))
    assert effects(workshop.home) == []
    assert list(workshop.runs.iterdir()) == []


def test_a_plan_that_nobody_answers_waits_to_be_resumed(workshop: Workshop, saver: Saver, request_: RunRequest) -> None:
    asking = request_.model_copy(update={"approve_all": False})
    with pytest.raises(ApprovalNeeded, match="nobody is here"):
        start_run(workshop, ScriptedModel(script=[]), saver, asking, "run_1")
    model = ScriptedModel(script=[ALL, STOP])
    assert resume_run(workshop, model, saver, "run_1", approve=answer(True, [])).run_id == "run_1"


def test_a_finished_run_gives_its_summary_again(workshop: Workshop, saver: Saver, request_: RunRequest) -> None:
    first = start_run(workshop, ScriptedModel(script=[ALL, STOP]), saver, request_, "run_1")
    before = effects(workshop.home)
    assert resume_run(workshop, ScriptedModel(script=[]), saver, "run_1") == first
    assert effects(workshop.home) == before


def test_an_unknown_run_is_named_with_those_there_are(workshop: Workshop, saver: Saver, request_: RunRequest) -> None:
    start_run(workshop, ScriptedModel(script=[ALL, STOP]), saver, request_, "run_1")
    with pytest.raises(NotFound, match="run_1") as caught:
        resume_run(workshop, ScriptedModel(script=[]), saver, "run_2")
    assert caught.value.code == "run_not_found"


def test_a_run_has_one_worker_at_a_time(workshop: Workshop, saver: Saver, request_: RunRequest) -> None:
    folder = workshop.runs / "run_1" / "workflow"
    with lease(folder, "run", "run_1"), pytest.raises(Exception, match="Another process is working on run 'run_1'"):
        start_run(workshop, ScriptedModel(script=[]), saver, request_, "run_1")


def test_a_cancelled_round_is_followed_by_the_report(
    workshop: Workshop, saver: Saver, request_: RunRequest, heard: list[Event]
) -> None:
    def cancel_after_linear(event: Event) -> None:
        heard.append(event)
        if event.kind == "tool_progress" and event.progress.kind == "fit_finished" and event.progress.model == "linear":
            running = [job for job in workshop.jobs.list() if job.state == "running"]
            workshop.jobs.cancel(running[0].job)

    with ScriptedModel(script=[ALL]) as model:
        summary = start_run(workshop, model, saver, request_, emit=cancel_after_linear)
    assert isinstance(summary, RunSummary)
    assert fits(workshop.home) == ["fit dummy", "fit linear"]
    assert [event.call for event in heard if isinstance(event, ToolFinished)][-2:] == ["round-1", "report"]


def test_a_round_that_failed_is_tried_again_when_the_run_is_resumed(
    workshop: Workshop, saver: Saver, request_: RunRequest
) -> None:
    (workshop.home / "full").touch()
    with pytest.raises(JobFailed, match="disk is full"):
        start_run(workshop, ScriptedModel(script=[ALL]), saver, request_, "run_1")
    with pytest.raises(JobFailed, match="disk is full"):
        resume_run(workshop, ScriptedModel(script=[]), saver, "run_1")
    (workshop.home / "full").unlink()
    assert resume_run(workshop, ScriptedModel(script=[STOP]), saver, "run_1").run_id == "run_1"
    assert fits(workshop.home) == FITS


def test_a_run_stopped_before_its_first_model_can_be_resumed(
    workshop: Workshop, saver: Saver, request_: RunRequest
) -> None:
    (workshop.home / "stopped").touch()
    with pytest.raises(JobFailed, match="before the first model"):
        start_run(workshop, ScriptedModel(script=[ALL]), saver, request_, "run_1")
    (workshop.home / "stopped").unlink()
    assert resume_run(workshop, ScriptedModel(script=[STOP]), saver, "run_1").run_id == "run_1"


def test_a_tuning_round_stopped_before_its_first_fit_leaves_what_there_is(
    workshop: Workshop, saver: Saver, request_: RunRequest
) -> None:
    def stop_in_round_2(event: Event) -> None:
        stopped = workshop.home / "stopped"
        if event.kind == "tool_started" and event.call == "round-2":
            stopped.touch()
        if event.kind == "tool_finished" and event.call == "round-2":
            stopped.unlink()

    with ScriptedModel(script=[ALL, TUNE]) as model:
        start_run(workshop, model, saver, request_, emit=stop_in_round_2)
    assert fits(workshop.home) == FITS


def test_a_database_password_is_not_kept_with_a_run(workshop: Workshop, saver: Saver, request_: RunRequest) -> None:
    secret = request_.model_copy(update={"data": "postgresql://ada:opensesame@127.0.0.1/shop", "query": "select 1"})
    with ScriptedModel(script=[]) as model, pytest.raises(BadArguments, match="millwright data import") as refused:
        start_run(workshop, model, saver, secret, "run_1")
    assert "opensesame" not in str(refused.value)
    assert not (workshop.home / "runs" / "run_1").exists()
