"""Editing a plan by words and by fields: a new hash each time, and nothing is swallowed."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.plan import Plan, Step
from agents.plan_check import PlanFacts, check_plan
from agents.plan_edit import FieldEdit, by_fields, by_words
from agents.plan_words import Wishes
from engine.errors import BadArguments, BadChoice
from tools.catalogue import CATALOGUE

FACTS = PlanFacts(columns=("gender", "tenure", "total", "Churn"), target="Churn", task="binary")
SHARED: dict[str, object] = {"dataset": "ds_1", "target": "Churn", "metric": "roc_auc", "drop": ["total"]}
SHARED |= {"budget_seconds": 60.0, "models": ["linear", "lightgbm"]}
PLAN = Plan(
    goal="predict churn",
    steps=(
        Step(id="train", tool="train_model", arguments={**SHARED, "finish": False}),
        Step(id="tune", tool="train_model", arguments={**SHARED, "trials": 20, "finish": False}),
        Step(id="finish", tool="train_model", arguments={**SHARED, "finish": True}),
        Step(id="optimise", tool="optimise_model", arguments={"model": "$finish.model"}),
        Step(id="promote", tool="promote_model", arguments={"model": "$optimise.model"}, effect="write"),
    ),
)


def later(plan: Plan, wishes: Wishes) -> Sequence[Step]:
    """Steps for the wishes, as the graph makes them: one of a kind."""
    return [
        Step(id=tool, tool=tool, arguments={"model": "$finish.model", **said}, effect=CATALOGUE[tool].effect)
        for tool, said in wishes.wanted.items()
    ]


def edited(words: str) -> Plan:
    return by_words(PLAN, words, FACTS, later).plan


@pytest.mark.parametrize(
    ("words", "argument", "value"),
    [
        ("use recall instead", "metric", "recall"),
        ("drop gender", "drop", ["total", "gender"]),
        ("use total again", "drop", []),
        ("keep total", "drop", []),
        ("give it 2 minutes", "budget_seconds", 120.0),
        ("only linear", "models", ["linear"]),
        ("without lightgbm", "models", ["linear"]),
        ("also try a forest", "models", ["linear", "lightgbm", "forest"]),
        ("seed 7", "seed", 7),
        ("half the time", "budget_seconds", 30.0),
    ],
)
def test_a_choice_of_the_training_changes_in_all_its_calls(words: str, argument: str, value: object) -> None:
    plan = edited(words)
    assert [plan.step(name).arguments[argument] for name in ("train", "tune", "finish")] == [value] * 3
    assert plan.hash != PLAN.hash
    assert plan.step("train").estimate.seconds is None


@pytest.mark.parametrize(
    ("words", "steps"),
    [
        ("without tuning", ["train", "finish", "optimise", "promote"]),
        ("don't promote", ["train", "tune", "finish", "optimise"]),
        ("remove step 5", ["train", "tune", "finish", "optimise"]),
        ("add monitoring", ["train", "tune", "finish", "optimise", "promote", "create_monitor"]),
        ("explain it too", ["train", "tune", "finish", "optimise", "explain_model", "promote"]),
    ],
)
def test_words_add_and_remove_steps(words: str, steps: list[str]) -> None:
    plan = edited(words)
    assert [step.id for step in plan.steps] == steps
    assert check_plan(plan, CATALOGUE, FACTS) == ()


def test_who_used_a_step_that_goes_uses_what_it_was_made_from() -> None:
    plan = edited("no optimisation")
    assert plan.step("promote").arguments == {"model": "$finish.model"}


@pytest.mark.parametrize("words", ["make it nicer", "drop the fence", "use roc auc", "", "   ", "?" * 3000])
def test_words_that_change_nothing_are_said(words: str) -> None:
    with pytest.raises(BadArguments, match="changes nothing"):
        edited(words)


def test_a_name_that_is_no_column_is_told() -> None:
    changed = by_words(PLAN, "drop gender and the fence", FACTS, later)
    assert "No column is called 'fence'." in changed.changes


@pytest.mark.parametrize(
    ("words", "lost"),
    [
        ("use f1 and turn the moon blue", "turn the moon blue"),
        ("give it 2 minutes and make tea", "make tea"),
        ("without tuning, then call my mother", "call my mother"),
    ],
)
def test_words_that_nothing_was_made_of_are_told(words: str, lost: str) -> None:
    changed = by_words(PLAN, words, FACTS, later)
    assert changed.plan.hash != PLAN.hash
    assert f"Not understood: {lost}." in changed.changes


@pytest.mark.parametrize(
    "words",
    ["use recall instead of roc auc", "please judge it by recall", "drop tenure and use recall", "use total again"],
)
def test_words_that_all_count_leave_nothing_to_tell(words: str) -> None:
    assert not any("Not understood" in told for told in by_words(PLAN, words, FACTS, later).changes)


@pytest.mark.parametrize("words", ["drop tenured", "drop tenur"])
def test_a_column_that_is_nearly_named_is_asked_about_and_not_dropped(words: str) -> None:
    with pytest.raises(BadArguments, match="Did you mean 'tenure'"):
        edited(words)


def test_fields_are_set_removed_moved_and_added() -> None:
    edits = [
        FieldEdit(step="2", action="remove"),
        FieldEdit(step="optimise", argument="max_latency_ms", value=5),
        FieldEdit(step="why", action="add", tool="explain_model", value={"model": "$finish.model"}, to=3),
        FieldEdit(step="why", action="move"),
    ]
    changed = by_fields(PLAN, edits, CATALOGUE)
    assert [step.id for step in changed.plan.steps] == ["train", "finish", "optimise", "promote", "why"]
    assert changed.plan.step("optimise").arguments["max_latency_ms"] == 5
    assert len(changed.changes) == 4


WRONG = [
    (FieldEdit(step="9", action="remove"), BadChoice, "step of this plan"),
    (FieldEdit(step="x", action="add", tool="no_tool", value={}), BadChoice, "no_tool"),
    (FieldEdit(step="x", action="add", tool="explain_model"), BadArguments, "no arguments"),
    (FieldEdit(step="train", argument="dataset", value="ds_2"), BadArguments, "cannot be edited"),
    (FieldEdit(step="train"), BadArguments, "Which argument"),
    (FieldEdit(step="train", argument="metric", value="roc_auc"), BadArguments, "changes nothing"),
]


@pytest.mark.parametrize(("edit", "error", "told"), WRONG)
def test_a_change_that_cannot_be_made_is_refused(edit: FieldEdit, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        by_fields(PLAN, [edit], CATALOGUE)


values = st.one_of(
    st.integers(-5, 5), st.floats(-5, 5), st.booleans(), st.text(max_size=6), st.lists(st.text(max_size=3))
)


@settings(max_examples=60)
@given(step=st.sampled_from(["optimise", "promote"]), argument=st.text("abc", min_size=1, max_size=3), value=values)
def test_any_edit_changes_the_hash_and_any_content_has_one(step: str, argument: str, value: object) -> None:
    plan = by_fields(PLAN, [FieldEdit(step=step, argument=argument, value=value)], CATALOGUE).plan
    assert plan.hash != PLAN.hash
    assert Plan.model_validate_json(plan.model_dump_json()).hash == plan.hash
    turned = [
        old.model_copy(update={"arguments": dict(reversed(old.arguments.items()))}) if old.id == step else old
        for old in plan.steps
    ]
    assert plan.edited(steps=turned).hash == plan.hash
