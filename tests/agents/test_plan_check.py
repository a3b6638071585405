"""A plan that cannot run is refused, and the field that keeps it from running is named."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.plan import Plan, Step, StepEstimate
from agents.plan_check import STARTERS, PlanFacts, check_plan, refuse
from agents.plan_references import REFERENCE, field_of, reference, replaced
from engine.errors import BadArguments
from tools.catalogue import CATALOGUE

FACTS = PlanFacts(columns=("gender", "tenure", "Churn"), target="Churn", task="binary")
TRAINING: dict[str, object] = {"dataset": "ds_1", "target": "Churn", "metric": "recall", "drop": ["gender"]}
STEPS = (
    Step(id="finish", tool="train_model", arguments=TRAINING, estimate=StepEstimate(seconds=9.0, tokens=0)),
    Step(id="compare", tool="benchmark_models", arguments={"models": ["$finish.model", "mdl_1"]}),
    Step(id="promote", tool="promote_model", arguments={"model": "$finish.model"}, effect="write"),
)


def plan(*, place: int = 0, **change: object) -> Plan:
    """The good plan with one step changed."""
    steps = list(STEPS)
    steps[place] = steps[place].model_copy(update=change)
    return Plan(goal="predict churn", steps=tuple(steps))


def arguments(**change: object) -> dict[str, object]:
    return {**TRAINING, **change}


def test_a_plan_that_can_run_has_no_problem() -> None:
    assert check_plan(plan(), CATALOGUE, FACTS) == ()
    refuse(())


@dataclass(frozen=True)
class Mutant:
    """One thing wrong with a plan, where it is told, and what."""

    told_at: str
    told: str
    place: int = 0
    change: dict[str, object] = field(default_factory=dict)


MUTANTS = [
    Mutant("steps[0].tool", "Did you mean 'train_model'", change={"tool": "trian_model"}),
    Mutant("steps[0].arguments.target", "Did you mean 'Churn'", change={"arguments": arguments(target="Chrun")}),
    Mutant("steps[0].arguments.drop", "Did you mean 'gender'", change={"arguments": arguments(drop=["gendre"])}),
    Mutant("steps[0].arguments.drop", "is the target", change={"arguments": arguments(drop=["Churn"])}),
    Mutant("steps[0].arguments.metric", "does not fit a binary task", change={"arguments": arguments(metric="rmse")}),
    Mutant("steps[0].arguments.metric", "Did you mean 'recall'", change={"arguments": arguments(metric="recal")}),
    Mutant("steps[0].arguments.seed", "seed", change={"arguments": arguments(seed=-1)}),
    Mutant("steps[0].arguments.budgt", "no argument 'budgt'", change={"arguments": arguments(budgt=1)}),
    Mutant("steps[0].estimate.seconds", "nan", change={"estimate": StepEstimate(seconds=float("nan"))}),
    Mutant("steps[0].estimate.money", "-1", change={"estimate": StepEstimate(money=-1.0)}),
    Mutant("steps[2].effect", "has the effect 'write'", 2, {"effect": "read"}),
    Mutant("steps[2].id", "Another step has this id", 2, {"id": "finish"}),
    Mutant("steps[2].id", "is no id", 2, {"id": "../../etc"}),
    Mutant("steps[2].arguments.model", "not there", 2, {"arguments": {"model": "$finsh.model"}}),
    Mutant("steps[2].arguments.model", "gives no 'modle'", 2, {"arguments": {"model": "$finish.modle"}}),
    Mutant("steps[2].arguments.model", "does not fit 'model'", 2, {"arguments": {"model": "$finish.seconds"}}),
    Mutant("steps[2].arguments.model", "comes later (or to itself)", 2, {"arguments": {"model": "$promote.model"}}),
    Mutant("steps[1].arguments.models", "comes later", 1, {"arguments": {"models": ["$promote.model"]}}),
    Mutant("steps[0].arguments.models", "'xgb' is not a known model", change={"arguments": arguments(models=["xgb"])}),
    Mutant("steps[0].arguments.models", "Name at least one", change={"arguments": arguments(models=[])}),
    Mutant("steps[0].arguments.budget_seconds", "0", change={"arguments": arguments(budget_seconds=0)}),
    Mutant("steps[0].arguments.budget_seconds", "inf", change={"arguments": arguments(budget_seconds=float("inf"))}),
    Mutant("steps[0].arguments.budget_seconds", "no limit", change={"arguments": arguments(budget_seconds=None)}),
    Mutant("steps[0].arguments.max_models", "200", change={"arguments": arguments(max_models=5000)}),
    Mutant("steps[2].arguments.alias", "alias", 2, {"arguments": {"model": "$finish.model", "alias": "winner"}}),
    Mutant("steps[1].arguments", "needs the argument 'models'", 1, {"arguments": {}}),
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.told_at} {mutant.told}")
def test_what_is_wrong_is_told_with_its_field(mutant: Mutant) -> None:
    problems = check_plan(plan(place=mutant.place, **mutant.change), CATALOGUE, FACTS)
    assert problems
    assert problems[0].field.startswith(mutant.told_at)
    assert mutant.told in problems[0].sentence


@pytest.mark.parametrize("tool", sorted(STARTERS))
def test_what_starts_agents_is_no_step_of_a_plan(tool: str) -> None:
    tools = {**CATALOGUE, tool: replace(CATALOGUE["list_models"], name=tool, effect="write")}
    steps = (*STEPS, Step(id="again", tool=tool, effect="write"))
    (problem,) = check_plan(Plan(goal="predict churn", steps=steps), tools, FACTS)
    assert "starts or steers agents" in problem.sentence


def test_a_plan_without_steps_is_none() -> None:
    assert check_plan(Plan(goal="g", steps=()), CATALOGUE)[0].field == "steps"


def test_the_refusal_names_the_first_field_and_counts_the_others() -> None:
    problems = check_plan(plan(arguments=arguments(target="x", metric="rmse")), CATALOGUE, FACTS)
    with pytest.raises(BadArguments, match=r"steps\[0\]\.arguments\.target.*1 more problem"):
        refuse(problems)


def test_what_is_not_known_of_the_data_is_not_held_against_a_plan() -> None:
    assert check_plan(plan(arguments=arguments(target="anything")), CATALOGUE) == ()


def test_a_reference_goes_into_nested_results() -> None:
    assert field_of({"metric": {"value": 0.5}, "rows": [{"a": 1}]}, "rows.0.a") == 1
    assert field_of({"metric": {"value": 0.5}}, "metric.size.x") is None
    assert replaced({"models": ["$a.b", "c"], "price": "$5"}, str) == {"models": ["$a.b", "c"], "price": "$5"}


@given(st.text(alphabet="$ab.1_ ", max_size=12))
def test_only_a_whole_value_is_a_reference(text: str) -> None:
    found = reference(text)
    assert (found is not None) == (REFERENCE.fullmatch(text) is not None)
    assert found is None or str(found) == text
