"""A plan is a contract: its hash belongs to its content, and only what was approved runs."""

import pytest
from pydantic import ValidationError

from agents.plan import Finding, Plan, Step, StepEstimate
from engine.errors import BadChoice

STEPS = (
    Step(tool="import_dataset", arguments={"source": "a.csv"}, why="The data.", estimate=StepEstimate(seconds=2)),
    Step(tool="train_model", arguments={"target": "y", "budget_seconds": 60, "drop": []}, why="The model."),
)
PLAN = Plan(goal="predict y", steps=STEPS)


def test_the_hash_is_that_of_the_content_whatever_the_order_of_arguments() -> None:
    turned = Step(tool="train_model", arguments={"drop": [], "budget_seconds": 60, "target": "y"}, why="The model.")
    assert Plan(goal="predict y", steps=(STEPS[0], turned)).hash == PLAN.hash
    assert len(PLAN.hash) == 64


def test_editing_makes_a_new_hash_and_a_new_proposal() -> None:
    approved = PLAN.to_state("approved", PLAN.hash)
    edited = approved.edited(steps=STEPS[:1])
    assert (edited.state, edited.hash == PLAN.hash) == ("proposed", False)


def test_an_old_hash_cannot_be_approved() -> None:
    with pytest.raises(BadChoice, match="edited since"):
        PLAN.edited(goal="predict z").to_state("approved", PLAN.hash)


def test_states_follow_one_another_and_nothing_else() -> None:
    done = PLAN.to_state("approved").to_state("running").to_state("done")
    assert done.hash == PLAN.hash
    for state, wrong in [(PLAN, "running"), (done, "running"), (PLAN.to_state("rejected"), "approved")]:
        with pytest.raises(BadChoice, match="next state"):
            state.to_state(wrong)  # type: ignore[arg-type]


def test_it_survives_json_and_a_changed_content_is_noticed() -> None:
    assert Plan.model_validate_json(PLAN.model_dump_json()) == PLAN
    forged = PLAN.model_dump(mode="json") | {"goal": "delete everything"}
    with pytest.raises(ValidationError, match="hash does not belong"):
        Plan.model_validate(forged)


def test_the_estimate_is_the_sum_of_what_is_known() -> None:
    assert PLAN.seconds == 2
    assert Plan(goal="g", steps=()).seconds is None


def test_table_and_chart_show_the_steps() -> None:
    assert PLAN.to_table()[0] == ("1", "import_dataset (compute)", "source=a.csv", "2 s", "The data.")
    assert PLAN.to_table()[1][2] == "target=y, budget_seconds=60"
    assert PLAN.to_mermaid().splitlines()[-1] == "    s1 --> s2"


def test_a_step_that_waits_and_one_that_needs_another_are_marked() -> None:
    model = {"model": "$step2.model"}
    plan = PLAN.edited(steps=[*STEPS, Step(tool="promote_model", arguments=model, effect="write")])
    assert plan.to_table()[2][1] == "promote_model (write, waits for a yes)"
    assert plan.rows()[2].waits
    assert '    s3{{"3. promote_model<br/>write, waits for a yes"}}' in plan.to_mermaid()
    assert "    s2 -. model .-> s3" in plan.to_mermaid()


def test_totals_add_up_and_memory_is_the_most_of_one_step() -> None:
    costs = [
        StepEstimate(seconds=1, memory_mb=5, tokens=10, money=0.5),
        StepEstimate(seconds=2, memory_mb=3, tokens=0, money=0),
        StepEstimate(),
    ]
    plan = Plan(goal="g", steps=tuple(Step(tool="x", estimate=cost) for cost in costs))
    assert (plan.seconds, plan.memory_mb, plan.tokens, plan.money) == (3, 5, 10, 0.5)
    assert [step.id for step in plan.steps] == ["step1", "step2", "step3"]


def test_findings_are_part_of_what_is_approved() -> None:
    leak = Finding(column="x", severity="high", sentence="It gives y away.")
    assert PLAN.edited(findings=[leak]).hash != PLAN.hash
