"""Plans as tools: made, shown, edited, run by hash, step by step; kept in the home and found again."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.offline import OfflinePlanner
from agents.scripted import ScriptedModel
from engine.errors import BadArguments, BadChoice, NotFound
from engine.progress import Note, Progress, StageStarted
from graphs.checkpoints import open_saver
from graphs.plan_tools import plan_tools
from graphs.plan_types import PlanRun, PlanShown
from tests.graphs.planshop import plan_workshop
from tests.graphs.smallshop import effects
from tools.catalogue import invoke
from tools.workshop import Workshop

Saver = Any
GOAL = "predict y, explain it, promote it"


@pytest.fixture
def workshop(home: Path, saver: Saver) -> Workshop:
    return with_tools(home, saver)


def with_tools(home: Path, saver: Saver) -> Workshop:
    workshop = plan_workshop(home)
    return replace(workshop, tools={**workshop.tools, **plan_tools(OfflinePlanner(), saver)})


def made(workshop: Workshop, rows: Path) -> PlanShown:
    plan = workshop.call("make_plan", goal=GOAL, data=str(rows), target="y", max_models=1, models=["linear"])
    assert isinstance(plan, PlanShown)
    return plan


def ran(workshop: Workshop, plan: PlanShown, hash_: str | None = None) -> PlanRun:
    found = workshop.call("run_plan", plan=plan.plan, hash=hash_ or plan.hash)
    assert isinstance(found, PlanRun)
    return found


def answered(workshop: Workshop, plan: PlanShown, found: PlanRun, **change: object) -> PlanRun:
    assert found.waits_for is not None
    shown = found.waits_for.model_dump(include={"hash", "step", "token"})
    done = workshop.call("approve_step", plan=plan.plan, **{**shown, "approve": True, **change})
    assert isinstance(done, PlanRun)
    return done


def test_a_plan_is_made_shown_and_run_to_its_end(workshop: Workshop, rows: Path) -> None:
    plan = made(workshop, rows)
    assert [row.id for row in plan.rows] == ["train", "finish", "explain", "promote"]
    assert (plan.state, plan.tokens, plan.rows[3].waits) == ("proposed", 0, True)
    assert plan.mermaid.startswith("flowchart TD")
    assert effects(workshop.home) == []
    waits = ran(workshop, plan)
    assert (waits.state, waits.model, [step.state for step in waits.steps]) == ("running", None, ["done"])
    assert workshop.call("show_plan", plan=plan.plan).waits_for == waits.waits_for  # type: ignore[attr-defined]
    done = answered(workshop, plan, waits)
    assert (done.state, [step.state for step in done.steps]) == ("done", ["done", "done"])
    assert done.model is not None
    assert effects(workshop.home)[-1] == f"promote {done.model} champion"
    before = effects(workshop.home)
    assert ran(workshop, plan) == done
    assert effects(workshop.home) == before


def test_an_edited_plan_is_not_run_by_the_hash_it_had(workshop: Workshop, rows: Path) -> None:
    plan = made(workshop, rows)
    new = workshop.call("edit_plan", plan=plan.plan, words="don't promote, and use mae")
    assert isinstance(new, PlanShown)
    assert new.changes == ("metric: rmse -> mae", "removed step promote")
    assert new.hashes == (plan.hash, new.hash)
    with pytest.raises(BadChoice, match=f"edited since.*{new.hash}"):
        ran(workshop, plan)
    assert effects(workshop.home) == []
    assert ran(workshop, new).state == "done"
    with pytest.raises(BadArguments, match="is done: nothing of it can be changed"):
        workshop.call("edit_plan", plan=plan.plan, words="use rmse")


def test_fields_are_edited_as_well(workshop: Workshop, rows: Path) -> None:
    plan = made(workshop, rows)
    edit = {"step": "promote", "argument": "alias", "value": "challenger"}
    new = workshop.call("edit_plan", plan=plan.plan, edits=[edit])
    assert isinstance(new, PlanShown)
    assert "alias=challenger" in new.rows[3].arguments


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({}, "in words or by fields"),
        ({"words": "drop a", "edits": [{"step": "1", "action": "remove"}]}, "in words or by fields"),
        ({"words": "make it nicer"}, "changes nothing"),
        ({"edits": [{"step": "1", "action": "explode"}]}, "action"),
    ],
)
def test_an_edit_that_says_nothing_is_refused(
    workshop: Workshop, rows: Path, arguments: dict[str, object], told: str
) -> None:
    plan = made(workshop, rows)
    with pytest.raises(BadArguments, match=told):
        workshop.call("edit_plan", plan=plan.plan, **arguments)
    assert workshop.call("show_plan", plan=plan.plan).hash == plan.hash  # type: ignore[attr-defined]


@pytest.mark.parametrize("change", [{"token": "x"}, {"step": "explain"}, {"hash": "f" * 64}])
def test_a_wrong_approval_changes_nothing(workshop: Workshop, rows: Path, change: dict[str, object]) -> None:
    plan = made(workshop, rows)
    waits, before = ran(workshop, plan), effects(workshop.home)
    with pytest.raises(BadChoice):
        answered(workshop, plan, waits, **change)
    assert effects(workshop.home) == before
    declined = answered(workshop, plan, waits, approve=False)
    assert (declined.state, declined.steps[-1].state) == ("done", "declined")


@pytest.mark.parametrize("name", ["plan_000000000000", "../runs/x", "", "plan_..%2f"])
def test_an_unknown_plan_is_not_found(workshop: Workshop, rows: Path, name: str) -> None:
    made(workshop, rows)
    for tool, arguments in (("show_plan", {}), ("run_plan", {"hash": "x"}), ("edit_plan", {"words": "drop a"})):
        with pytest.raises(NotFound, match="no plan"):
            workshop.call(tool, plan=name, **arguments)


def test_a_plan_outlives_the_process_that_made_it_and_its_approval_does_too(home: Path, rows: Path) -> None:
    with open_saver(home) as saver:
        plan = made(with_tools(home, saver), rows)
    with open_saver(home) as saver:
        waits = ran(with_tools(home, saver), plan)
    with open_saver(home) as saver:
        assert ran(with_tools(home, saver), plan).waits_for == waits.waits_for
        assert answered(with_tools(home, saver), plan, waits).state == "done"
    kept = json.loads((home / "plans" / f"{plan.plan}.json").read_text())
    assert (kept["plan"]["state"], kept["hashes"]) == ("done", [plan.hash])


def test_what_changes_things_needs_a_yes_and_says_how_it_goes(workshop: Workshop, rows: Path) -> None:
    effect = {name: workshop.tools[name].effect for name in ("make_plan", "edit_plan", "run_plan", "approve_step")}
    assert effect == {"make_plan": "compute", "edit_plan": "compute", "run_plan": "write", "approve_step": "write"}
    heard: list[Progress] = []
    arguments = {"goal": "predict y, without tuning", "data": str(rows), "target": "y"}
    invoke(workshop, "make_plan", arguments, watch=heard.append)
    assert StageStarted(stage="profile_dataset") in heard
    assert any(isinstance(progress, Note) and "no tuning" in progress.text for progress in heard)


def test_a_plan_that_failed_says_why_and_can_be_mended(workshop: Workshop, rows: Path) -> None:
    plan = made(workshop, rows)
    (workshop.home / "refuse").write_text("linear")
    with pytest.raises(BadChoice, match="'linear' is not a known model"):
        ran(workshop, plan)
    failed = shown(workshop, plan)
    assert (failed.state, failed.hash) == ("failed", plan.hash)
    assert "'linear' is not a known model" in failed.reason
    mended = workshop.call("edit_plan", plan=plan.plan, words="use forest")
    assert isinstance(mended, PlanShown)
    assert (mended.state, mended.reason, mended.changes) == ("proposed", "", ("models: linear -> forest",))
    assert shown(workshop, plan).state == "proposed"
    with pytest.raises(BadChoice, match="edited since"):
        ran(workshop, plan)
    assert answered(workshop, plan, ran(workshop, mended)).state == "done"


def test_an_answer_that_is_refused_fails_no_plan(workshop: Workshop, rows: Path) -> None:
    plan = made(workshop, rows)
    waits = ran(workshop, plan)
    with pytest.raises(BadChoice):
        answered(workshop, plan, waits, token="x")
    assert (shown(workshop, plan).state, shown(workshop, plan).reason) == ("running", "")


def test_a_number_of_models_has_no_clock_and_a_price_is_counted(home: Path, saver: Saver, rows: Path) -> None:
    with ScriptedModel(script=[]) as model:
        workshop = plan_workshop(home)
        workshop = replace(workshop, tools={**workshop.tools, **plan_tools(model, saver, 2.0)})
        arguments = {"goal": "predict y", "data": str(rows), "target": "y", "models": ["linear"]}
        counted = workshop.call("make_plan", **arguments, max_models=1)
    assert isinstance(counted, PlanShown)
    assert "budget_seconds" not in counted.rows[0].arguments
    assert counted.tokens is not None
    assert counted.money == pytest.approx(counted.tokens * 2e-6)


def shown(workshop: Workshop, plan: PlanShown) -> PlanShown:
    found = workshop.call("show_plan", plan=plan.plan)
    assert isinstance(found, PlanShown)
    return found
