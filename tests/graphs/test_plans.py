"""Plans of runs: checked before anyone sees them, approved by hash; steps that wait; leaks; many approvals at once."""

import threading
from pathlib import Path
from typing import Any

import pytest

from agents.offline import OfflinePlanner
from agents.plan import Plan
from agents.plan_edit import FieldEdit
from agents.scripted import ScriptedModel, call, say
from engine.errors import ApprovalNeeded, BadArguments, BadChoice, Busy, MillwrightError, NotFound
from graphs.checkpoints import open_saver
from graphs.events import ApprovalWanted, Event, PlanProposed
from graphs.run_plan import PlanDecision
from graphs.run_types import RunRequest, RunSummary, StepDecision, Waiting
from graphs.runs import approve_run, edit_run, go_on, plan_now, plan_run, resume_run, start_run, waiting
from tests.graphs.planshop import plan_workshop
from tests.graphs.smallshop import effects, text_of
from tools.workshop import Workshop

GOAL = "predict y, answer in 5 ms, then promote it and watch it daily"
PLANNER = OfflinePlanner()
Saver = Any


@pytest.fixture
def workshop(home: Path) -> Workshop:
    return plan_workshop(home)


@pytest.fixture
def asked(rows: Path) -> RunRequest:
    """One round, so that a run is short."""
    return RunRequest(goal=GOAL, data=str(rows), target="y", max_models=1, models=("linear",))


def yes(plan: Plan) -> PlanDecision:
    return PlanDecision(approve=True, hash=plan.hash)


def to_step(found: RunSummary | Waiting, approve: bool = True, **change: object) -> StepDecision:
    assert isinstance(found, Waiting)
    assert found.step is not None
    shown = found.step.model_dump(include={"hash", "step", "token"})
    return StepDecision.model_validate({"approve": approve, **shown, **change})


def begun(workshop: Workshop, saver: Saver, asked: RunRequest) -> Waiting:
    """A run that waits at its first step."""
    plan = plan_run(workshop, PLANNER, saver, asked, "run_1", keep=True)
    found = approve_run(workshop, PLANNER, saver, "run_1", yes(plan))
    assert isinstance(found, Waiting)
    return found


def later(home: Path) -> list[str]:
    """The effects after the training, without the model's id."""
    return [effect.split()[0] for effect in effects(home) if not effect.startswith(("fit", "register"))]


def test_a_dry_run_shows_the_plan_and_leaves_nothing(workshop: Workshop, saver: Saver, asked: RunRequest) -> None:
    plan = plan_run(workshop, PLANNER, saver, asked)
    assert [step.id for step in plan.steps] == ["train", "finish", "optimise", "promote", "monitor"]
    assert plan.step("promote").arguments == {"model": "$optimise.model", "alias": "champion"}
    assert (plan.tokens, plan.money) == (0, 0.0)
    assert effects(workshop.home) == []
    assert list(workshop.runs.iterdir()) == []


def test_a_language_model_costs_tokens_and_money_where_a_price_is_known(
    workshop: Workshop, saver: Saver, asked: RunRequest
) -> None:
    def costs(price: float | None) -> tuple[int | None, float | None]:
        request = asked.model_copy(update={"goal": "predict y", "price_per_million_tokens": price})
        plan = plan_run(workshop, ScriptedModel(script=[]), saver, request)
        return plan.tokens, plan.step("train").estimate.money

    tokens, money = costs(2.0)
    assert tokens is not None
    assert tokens > 300
    assert money == pytest.approx(tokens * 2e-6)
    assert costs(None)[1] is None


def test_a_plan_with_a_wrong_column_never_starts(workshop: Workshop, saver: Saver, asked: RunRequest) -> None:
    plan = plan_run(workshop, PLANNER, saver, asked)
    steps = [
        step.model_copy(update={"arguments": {**step.arguments, "drop": ["bb"]}})
        if step.tool == "train_model"
        else step
        for step in plan.steps
    ]
    wrong = asked.model_copy(update={"plan": plan.edited(steps=steps), "approve_all": True})
    heard: list[Event] = []
    with pytest.raises(BadArguments, match=r"steps\[0\]\.arguments\.drop.*no column 'bb'"):
        start_run(workshop, PLANNER, saver, wrong, "run_1", emit=heard.append)
    assert not any(isinstance(event, PlanProposed) for event in heard)
    assert effects(workshop.home) == []
    with pytest.raises(NotFound):
        waiting(workshop, saver, "run_1")


def test_a_plan_that_was_made_before_runs_as_it_was_seen(workshop: Workshop, saver: Saver, asked: RunRequest) -> None:
    plan = plan_run(workshop, PLANNER, saver, asked)
    again = RunRequest(goal=plan.goal, data=asked.data, target="y", plan=plan, approve_all=True)
    summary = start_run(workshop, PLANNER, saver, again)
    assert summary.plan is not None
    assert (summary.plan.hash, summary.plan.state) == (plan.hash, "done")
    assert [outcome.state for outcome in summary.steps] == ["done"] * 3
    assert later(workshop.home) == ["optimise", "promote", "watch"]
    assert [effect for effect in effects(workshop.home) if effect.startswith("fit")] == ["fit dummy", "fit linear"]


@pytest.mark.parametrize(
    ("remove", "told"), [("train", "needs the step 'train'"), ("finish", "needs the step 'finish'|not there")]
)
def test_a_run_without_its_training_is_refused(
    workshop: Workshop, saver: Saver, asked: RunRequest, remove: str, told: str
) -> None:
    plan = plan_run(workshop, PLANNER, saver, asked)
    less = plan.edited(steps=[step for step in plan.steps if step.id != remove])
    with pytest.raises(BadArguments, match=told):
        plan_run(workshop, PLANNER, saver, asked.model_copy(update={"plan": less}))


def test_steps_wait_for_a_yes_each_and_a_no_is_not_the_end(workshop: Workshop, saver: Saver, asked: RunRequest) -> None:
    first = begun(workshop, saver, asked)
    assert first.step is not None
    assert first.step.arguments["model"].endswith("o")  # that of the optimised model, not '$optimise.model'
    second = approve_run(workshop, PLANNER, saver, "run_1", to_step(first, approve=False, reason="Not yet."))
    last = approve_run(workshop, PLANNER, saver, "run_1", to_step(second))
    assert isinstance(last, RunSummary)
    assert [outcome.state for outcome in last.steps] == ["done", "declined", "done"]
    assert last.steps[1].reason == "Declined. Not yet."
    assert later(workshop.home) == ["optimise", "watch"]


def test_what_waits_is_told_as_an_event(workshop: Workshop, saver: Saver, asked: RunRequest) -> None:
    plan = plan_run(workshop, PLANNER, saver, asked, "run_1", keep=True)
    heard: list[Event] = []
    found = approve_run(workshop, PLANNER, saver, "run_1", yes(plan), heard.append)
    assert isinstance(found, Waiting)
    wanted = [event for event in heard if isinstance(event, ApprovalWanted)]
    assert [(event.tool, event.approval) for event in wanted] == [("promote_model", to_step(found).token)]


WRONG = [
    ({"hash": "0" * 64}, "hash of this plan"),
    ({"step": "monitor"}, "step that waits"),
    ({"token": "guess"}, "token of this step"),
]


@pytest.mark.parametrize(("change", "told"), WRONG)
def test_a_foreign_approval_is_refused_and_the_right_one_still_works_once(
    workshop: Workshop, saver: Saver, asked: RunRequest, change: dict[str, object], told: str
) -> None:
    first = begun(workshop, saver, asked)
    with pytest.raises(BadChoice, match=told):
        approve_run(workshop, PLANNER, saver, "run_1", to_step(first, **change))
    with pytest.raises(BadChoice, match="thing that waits"):
        approve_run(workshop, PLANNER, saver, "run_1", PlanDecision(approve=True, hash=first.plan.hash))
    second = approve_run(workshop, PLANNER, saver, "run_1", to_step(first))
    with pytest.raises(BadChoice, match="step that waits"):
        approve_run(workshop, PLANNER, saver, "run_1", to_step(first))
    approve_run(workshop, PLANNER, saver, "run_1", to_step(second))
    with pytest.raises(NotFound, match="waits for nothing"):
        approve_run(workshop, PLANNER, saver, "run_1", to_step(second))
    assert later(workshop.home) == ["optimise", "promote", "watch"]


def test_an_approval_of_an_edited_plan_is_stale_and_names_both_hashes(
    workshop: Workshop, saver: Saver, asked: RunRequest
) -> None:
    plan = plan_run(workshop, PLANNER, saver, asked, "run_1", keep=True)
    drafted = edit_run(workshop, PLANNER, saver, "run_1", lambda made, old, of: made.edited_by_words(old, of, "drop a"))
    assert plan_now(workshop, saver, "run_1") == drafted.plan
    with pytest.raises(BadChoice, match=plan.hash) as stale:
        approve_run(workshop, PLANNER, saver, "run_1", yes(plan))
    assert drafted.plan.hash in str(stale.value)
    assert effects(workshop.home) == []
    approve_run(workshop, PLANNER, saver, "run_1", yes(drafted.plan))
    with pytest.raises(NotFound, match="runs already"):
        edit_run(workshop, PLANNER, saver, "run_1", lambda made, old, of: made.edited_by_words(old, of, "drop a"))


def test_edits_count_in_what_is_run(workshop: Workshop, saver: Saver, asked: RunRequest) -> None:
    timed = RunRequest(goal="predict y", data=asked.data, target="y", budget_seconds=14)
    edits = ("without tuning", "only forest", "use mae instead", "explain it", "seed 3")
    summary = start_run(workshop, PLANNER, saver, timed.model_copy(update={"edits": edits, "approve_all": True}))
    assert summary.plan is not None
    assert [step.id for step in summary.plan.steps] == ["train", "finish", "explain"]
    assert summary.plan.step("train").arguments["seed"] == 3
    assert [done for done in effects(workshop.home) if done.startswith("fit")] == ["fit dummy", "fit forest"]
    assert later(workshop.home) == ["explain"]


def test_more_time_brings_back_the_tuning_that_there_was_no_time_for(
    workshop: Workshop, saver: Saver, asked: RunRequest
) -> None:
    short = RunRequest(goal="predict y", data=asked.data, target="y", budget_seconds=2)
    assert not plan_run(workshop, PLANNER, saver, short).has("tune")
    longer = short.model_copy(update={"edits": ("give it 2 minutes",)})
    assert plan_run(workshop, PLANNER, saver, longer).has("tune")


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (FieldEdit(step="train", argument="target", value="yy"), "no column 'yy'"),
        (FieldEdit(step="train", argument="target", value="a"), "Make a new plan for another target"),
        (FieldEdit(step="train", argument="metric", value="f1"), "does not fit a regression"),
        (FieldEdit(step="finish", action="move"), "comes later|comes first"),
        (FieldEdit(step="promote", action="move", to=3), "comes later"),
        (FieldEdit(step="train", argument="budget_seconds", value=0), "budget of 0 s"),
        (FieldEdit(step="x", action="add", tool="train_model", value={"dataset": "ds_small"}), "trains once"),
    ],
)
def test_an_edit_to_what_cannot_run_leaves_the_plan_as_it_was(
    workshop: Workshop, saver: Saver, asked: RunRequest, edit: FieldEdit, told: str
) -> None:
    plan = plan_run(workshop, PLANNER, saver, asked, "run_1", keep=True)
    with pytest.raises(MillwrightError, match=told):
        edit_run(workshop, PLANNER, saver, "run_1", lambda made, old, of: made.edited_by_fields(old, of, [edit]))
    assert plan_now(workshop, saver, "run_1") == plan


def test_a_step_that_fails_takes_those_with_it_that_need_it_and_no_others(
    workshop: Workshop, saver: Saver, asked: RunRequest
) -> None:
    (workshop.home / "no-onnx").touch()
    goal = f"{GOAL}, and explain it"
    request = asked.model_copy(update={"goal": goal, "approve_all": True})
    summary = start_run(workshop, PLANNER, saver, request)
    states = {outcome.step: outcome.state for outcome in summary.steps}
    assert states == {"explain": "done", "optimise": "failed", "promote": "skipped", "monitor": "skipped"}
    assert "No variant can be made" in summary.steps[1].reason
    assert "$optimise.model" in summary.steps[2].reason
    assert later(workshop.home) == ["explain"]


def test_a_leak_is_left_out_with_the_reason(workshop: Workshop, saver: Saver, asked: RunRequest) -> None:
    (workshop.home / "leak").write_text("b")
    heard: list[Event] = []
    plan = plan_run(workshop, PLANNER, saver, asked, emit=heard.append)
    assert plan.step("train").arguments["drop"] == ["b"]
    assert "gives the target away: 'b'" in plan.step("train").why
    assert [(finding.column, finding.severity) for finding in plan.findings] == [("b", "high")]
    assert "say 'keep b' to use it" in text_of(heard)


@pytest.mark.parametrize(
    "how", [{"keep": ("b",)}, {"goal": f"{GOAL}, keep b"}, {"edits": ("keep b",)}, {"edits": ("use b again",)}]
)
def test_a_leak_that_is_kept_is_named_before_its_model_is_promoted_whatever_was_said_before(
    workshop: Workshop, saver: Saver, asked: RunRequest, how: dict[str, object]
) -> None:
    (workshop.home / "leak").write_text("b")
    kept = asked.model_copy(update={**how, "approve_all": True})
    with pytest.raises(ApprovalNeeded, match="Leak: Column 'b' predicts the target almost alone"):
        start_run(workshop, PLANNER, saver, kept, "run_1")
    found = waiting(workshop, saver, "run_1")
    assert found is not None
    assert found.plan.step("train").arguments["drop"] == []
    assert later(workshop.home) == ["optimise"]
    assert found.step is not None
    assert found.step.arguments["despite_leaks"] == ["b"]
    approve_run(workshop, PLANNER, saver, "run_1", to_step(found))
    assert later(workshop.home) == ["optimise", "promote", "watch"]
    assert [effect.split()[2:] for effect in effects(workshop.home) if effect.startswith("promote")] == [
        ["champion", "b"]
    ]


def test_a_plan_from_a_file_cannot_hide_a_leak(workshop: Workshop, saver: Saver, asked: RunRequest) -> None:
    (workshop.home / "leak").write_text("b")
    plan = plan_run(workshop, PLANNER, saver, asked.model_copy(update={"keep": ("b",)}))
    hidden = asked.model_copy(update={"plan": plan.edited(findings=()), "approve_all": True})
    heard: list[Event] = []
    with pytest.raises(ApprovalNeeded, match="Leak: Column 'b'"):
        start_run(workshop, PLANNER, saver, hidden, "run_1", emit=heard.append)
    assert "findings of the given plan are not those of its data" in text_of(heard)
    found = plan_now(workshop, saver, "run_1")
    assert found is not None
    assert (found.hash, found.findings) == (plan.hash, plan.findings)


def test_a_plan_from_a_file_that_accepts_a_leak_is_asked_about(
    workshop: Workshop, saver: Saver, asked: RunRequest
) -> None:
    plan = plan_run(workshop, PLANNER, saver, asked)
    accepts = {**plan.step("promote").arguments, "despite_leaks": ["a"]}
    steps = [s.model_copy(update={"arguments": accepts}) if s.id == "promote" else s for s in plan.steps]
    given = asked.model_copy(update={"plan": plan.edited(steps=steps), "approve_all": True})
    with pytest.raises(ApprovalNeeded, match="wants column 'a' accepted"):
        start_run(workshop, PLANNER, saver, given, "run_1")
    assert later(workshop.home) == ["optimise"]


def test_a_model_that_failed_its_test_is_promoted_by_a_yes_to_that_alone(
    workshop: Workshop, saver: Saver, asked: RunRequest
) -> None:
    (workshop.home / "wrong").write_text("17 of 20 rows with a missing value were refused.")
    tested = asked.model_copy(update={"goal": "predict y, test it, promote it", "approve_all": True})
    with pytest.raises(ApprovalNeeded, match="Missing values: 17 of 20 rows"):
        start_run(workshop, PLANNER, saver, tested, "run_1")
    found = waiting(workshop, saver, "run_1")
    assert found is not None
    assert found.step is not None
    assert (found.step.leaks, found.step.concerns) == ((), found.step.failures)
    assert later(workshop.home) == ["test"]
    approve_run(workshop, PLANNER, saver, "run_1", to_step(found))
    assert later(workshop.home) == ["test", "promote"]


def test_a_model_that_passed_its_test_is_promoted_by_a_yes_to_all(
    workshop: Workshop, saver: Saver, asked: RunRequest
) -> None:
    tested = asked.model_copy(update={"goal": "predict y, test it, promote it", "approve_all": True})
    start_run(workshop, PLANNER, saver, tested, "run_1")
    assert later(workshop.home) == ["test", "promote"]


def test_what_changes_something_is_never_told_to_take_no_time(
    workshop: Workshop, saver: Saver, asked: RunRequest
) -> None:
    plan = plan_run(workshop, PLANNER, saver, asked)
    assert plan.step("promote").estimate.seconds is None  # the small one knows nothing of itself
    assert plan.step("monitor").estimate.seconds == 1.0


def test_the_end_of_a_counted_training_takes_what_the_pilot_says(
    workshop: Workshop, saver: Saver, asked: RunRequest
) -> None:
    plan = plan_run(workshop, PLANNER, saver, asked)
    assert plan.step("finish").estimate.seconds == pytest.approx(2.0 + 0.01)


def test_a_language_model_proposes_the_steps_and_is_told_what_is_wrong(
    workshop: Workshop, saver: Saver, asked: RunRequest
) -> None:
    def step(tool: str, model: str) -> dict[str, object]:
        return {"tool": tool, "arguments": {"model": model}, "why": "."}

    asked = asked.model_copy(update={"goal": "predict y and make it ready for operations", "approve_all": True})
    turns = [
        call("propose_steps", steps=[step("explain_model", "$finish.modle")]),
        call("propose_steps", steps=[step("promote_model", "$finish.model")]),
        call("propose_steps", steps=[step("explain_model", "$finish.model"), step("test_model", "$finish.model")]),
    ]
    with ScriptedModel(script=turns) as model:
        plan = plan_run(workshop, model, saver, asked)
    assert [found.id for found in plan.steps] == ["train", "finish", "explain", "test"]
    assert "gives no 'modle'" in str(model.seen[1][-1].content)
    assert "does not ask for promote_model" in str(model.seen[2][-1].content)


def test_a_planner_that_has_no_proposal_leaves_it_to_the_rule_and_nothing_is_said(
    workshop: Workshop, saver: Saver, asked: RunRequest
) -> None:
    heard: list[Event] = []
    with ScriptedModel(script=[say("no proposal")]) as model:
        plan = plan_run(workshop, model, saver, asked, emit=heard.append)
    assert plan.has("promote")
    assert "proposal" not in text_of(heard)


def test_of_eight_approvals_at_once_one_is_carried_out(workshop: Workshop, saver: Saver, asked: RunRequest) -> None:
    decision, told, home = to_step(begun(workshop, saver, asked)), list[object](), workshop.home
    ready = threading.Barrier(8)

    def approve() -> None:
        with open_saver(home) as own:
            ready.wait()
            try:
                told.append(approve_run(plan_workshop(home), PLANNER, own, "run_1", decision))
            except (Busy, NotFound, BadChoice) as error:
                told.append(error)

    workers = [threading.Thread(target=approve) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(told) == 8
    assert sum(isinstance(item, Waiting) for item in told) == 1
    assert later(home) == ["optimise", "promote"]


def test_a_run_that_waits_is_not_moved_by_going_on(workshop: Workshop, saver: Saver, asked: RunRequest) -> None:
    first = begun(workshop, saver, asked)
    assert go_on(workshop, PLANNER, saver, "run_1") == first
    with pytest.raises(ApprovalNeeded, match="step 'promote'"):
        resume_run(workshop, PLANNER, saver, "run_1")
    assert later(workshop.home) == ["optimise"]
    done = resume_run(workshop, PLANNER, saver, "run_1", approve_step=lambda step: step.tool == "promote_model")
    assert [outcome.state for outcome in done.steps] == ["done", "done", "declined"]
