"""plan_deployment: figures worked by hand, commands that exist, risks that are on record."""

import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from engine.errors import BadArguments, NotFound
from tests.cli.running import table_text
from tests.engine.qa.small import info, unseen
from tools.deploying import DeploymentPlan, DeploymentPlanRequest
from tools.deploying_plan import window_rows
from tools.deploying_trial import trial_of
from tools.workshop import Workshop


@pytest.fixture(scope="module")
def plan(trained: Workshop) -> DeploymentPlan:
    found = trained.call("plan_deployment", model="cancer", rows_per_day=2_000)
    assert isinstance(found, DeploymentPlan)
    return found


def commands_of(plan: DeploymentPlan) -> list[str]:
    tried = plan.trial.commands if plan.trial else ()
    return [*plan.serving.commands, *plan.monitoring.commands, *tried, *plan.rollback.commands]


def parsed(command: str) -> None:
    """Raises what the command line raises for arguments that it does not take; runs nothing."""
    from millwright.cli.main import app

    program, *arguments = shlex.split(command)
    assert program == "millwright"
    group: Any = typer.main.get_command(app)
    context = group.make_context("millwright", list(arguments))
    while hasattr(group, "resolve_command"):
        name, group, rest = group.resolve_command(context, [*context._protected_args, *context.args])
        context = group.make_context(name, rest, parent=context)


def test_every_command_of_the_plan_is_one_that_the_command_line_takes(plan: DeploymentPlan) -> None:
    every = commands_of(plan)
    assert len(every) >= 10
    for command in every:
        parsed(command)
    with pytest.raises(Exception, match="No such command"):
        parsed("millwright models deploy cancer")


def test_a_champion_can_be_rolled_back_to_by_the_commands(tmp_path: Path) -> None:
    from millwright.compose import inline_workshop
    from millwright.settings import Settings

    (tmp_path / "table.csv").write_text(table_text())
    workshop = inline_workshop(Settings(home=tmp_path / "home"))
    workshop.call("import_dataset", source=str(tmp_path / "table.csv"), target="left", name="the cells")
    made = [
        workshop.call(
            "train_model", dataset="the cells", models=["linear"], max_models=1, budget_seconds=None, seed=seed,
            name="a b",
        ).model_dump()["model"]
        for seed in (0, 1)
    ]  # fmt: skip
    workshop.call("promote_model", model=made[0])
    plan = DeploymentPlan.model_validate(workshop.call("plan_deployment", model=made[1]).model_dump())
    assert plan.rollback.back_to == made[0]
    assert plan.rollback.commands[0] == "millwright models rollback a-b"
    for command in commands_of(plan):
        parsed(command)
    workshop.call("promote_model", model=made[1])
    again = DeploymentPlan.model_validate(workshop.call("plan_deployment", model=made[1]).model_dump())
    assert again.rollback.back_to == made[0]
    workshop.call("create_monitor", model="a-b", window_rows=300, name="an eye")
    watched = DeploymentPlan.model_validate(workshop.call("plan_deployment", model=made[1]).model_dump())
    assert watched.monitoring.window_rows == 300
    assert watched.monitoring.commands[0] == "millwright monitor check 'an eye'"


def test_without_a_champion_the_plan_says_that_nothing_can_be_rolled_back_to(plan: DeploymentPlan) -> None:
    assert plan.rollback.back_to is None
    assert "nothing to roll back to" in plan.rollback.when[0]


def test_the_serving_plan_is_that_of_the_package(plan: DeploymentPlan, trained: Workshop) -> None:
    folder = Path(plan.serving.package)
    assert {one.path for one in plan.serving.files} == {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    }
    assert plan.serving.size_mb == pytest.approx(sum(one.size_mb for one in plan.serving.files), abs=0.01)
    assert "30 columns" in plan.serving.needs[2]
    assert "torch" not in plan.serving.needs[0]


@pytest.mark.parametrize(
    ("rows_per_day", "rows", "checks"), [(2_000, 500, 4.0), (480_000, 20_000, 24.0), (20, 140, 1 / 7), (1, 100, 0.01)]
)
def test_windows_follow_the_rows_of_a_day(rows_per_day: float, rows: int, checks: float) -> None:
    assert window_rows(rows_per_day) == rows
    assert rows_per_day / rows == pytest.approx(checks)


def test_the_figures_of_the_plan_fit_together(plan: DeploymentPlan) -> None:
    assert (plan.monitoring.window_rows, plan.monitoring.checks_per_day) == (500, 4.0)
    assert plan.trial is not None
    assert plan.trial.days == pytest.approx((plan.trial.rows_a + plan.trial.rows_b) / 2_000, abs=1e-3)
    assert any("RED from 0.25: the population stability index" in rule for rule in plan.monitoring.rules)
    assert "YELLOW" in plan.monitoring.alarms[0]


class Record:
    """As much of a registered model as the A/B test needs."""

    name, model_id = "left", "mdl_000000000001"


def asked(**changes: Any) -> DeploymentPlanRequest:
    return DeploymentPlanRequest.model_validate({"model": "left", **changes})


def test_the_ab_test_of_classes_is_the_one_worked_by_hand() -> None:
    rows = unseen({"a": (1000, 0.8)}, 0)
    right = float(((rows.answers[:, 1] >= 0.5) == rows.y).mean())
    found = trial_of(asked(detect=0.05), Record(), info(), rows)  # type: ignore[arg-type]
    assert found is not None
    assert found.expected == right
    lower = right - 0.05
    mean = (right + lower) / 2
    z = 1.959964 * (2 * mean * (1 - mean)) ** 0.5 + 0.841621 * (right * (1 - right) + lower * (1 - lower)) ** 0.5
    assert found.rows_a == found.rows_b == -int(-((z / 0.05) ** 2) // 1)
    assert "one look" in found.method
    assert "roc_auc is one figure of many rows" in found.note


def test_the_ab_test_of_numbers_takes_its_spread_from_unseen_errors() -> None:
    import numpy as np
    import pandas as pd

    from engine.qa.subject import Unseen

    errors = np.tile([1.0, -3.0], 50)
    rows = Unseen(pd.DataFrame(index=range(100)), np.zeros(100), errors)
    found = trial_of(asked(detect=0.5), Record(), info("regression"), rows)  # type: ignore[arg-type]
    assert found is not None
    # absolute errors 1 and 3: mean 2, deviation 1.005; an effect of .4975 needs 65 rows of each
    assert (found.expected, found.deviation) == (2.0, pytest.approx(1.005, abs=1e-3))
    assert found.rows_a == found.rows_b == 65
    assert trial_of(asked(), Record(), info("regression"), None) is None  # type: ignore[arg-type]


def test_several_looks_have_bounds_and_need_more_rows() -> None:
    rows = unseen({"a": (1000, 0.8)}, 0)
    one, three = (trial_of(asked(looks=looks), Record(), info(), rows) for looks in (1, 3))  # type: ignore[arg-type]
    assert one is not None
    assert three is not None
    assert three.rows_a == pytest.approx(one.rows_a * 1.0174, rel=1e-3)
    assert three.bounds == pytest.approx((3.471, 2.454, 2.004), abs=1e-3)
    assert "O'Brien-Fleming" in three.method
    assert "67% of the rows: |z| of 2.454" in three.stop_rules[0]


def test_without_unseen_rows_the_recorded_share_stands_in() -> None:
    found = trial_of(asked(), Record(), info(), None)  # type: ignore[arg-type]
    assert found is not None
    assert found.expected == 0.75


def test_untested_models_are_an_open_risk_and_findings_of_the_test_become_risks(trained: Workshop) -> None:
    from engine.qa.check import Check
    from tools.deploying_risks import risks_of
    from tools.packages import find_package
    from tools.testing import ModelTest

    record, about = find_package(trained, "cancer")
    assert "It was not tested" in risks_of(trained, record, about, None, None)[0]
    checks = tuple(
        Check(id=state, name=state, status=state, detail=f"{state} it is.")
        for state in ("passed", "warned", "failed", "skipped")
    )  # fmt: skip
    tested = ModelTest(
        model=record.model_id, name="cancer", passed=False, checks=checks, requirements=checks[3:], rows=1, seconds=1.0,
        summary="", created="", file="",
    )  # fmt: skip
    found = risks_of(trained, record, about, tested, None)
    assert found[:3] == (
        "Failed: failed: failed it is.", "To look at: warned: warned it is.",
        "Required and not judged: skipped: skipped it is.",
    )  # fmt: skip
    assert any("rows only" in risk for risk in found)


def test_the_note_lies_in_the_home_and_says_what_the_plan_says(plan: DeploymentPlan, trained: Workshop) -> None:
    text = Path(plan.file).read_text(encoding="utf-8")
    assert Path(plan.file).is_relative_to(trained.home)
    for heading in ("## Serve", "## Watch", "## Try out", "## Take back", "## Open risks"):
        assert heading in text
    assert all(command in text for command in commands_of(plan))
    assert plan.trial is not None
    assert f"{plan.trial.rows_a:,} rows of the model in use" in text


def test_what_cannot_be_planned_is_said(trained: Workshop) -> None:
    with pytest.raises(NotFound, match="no model 'cancre'"):
        trained.call("plan_deployment", model="cancre")
    with pytest.raises(BadArguments, match=r"cannot differ by 1\.5"):
        trained.call("plan_deployment", model="cancer", detect=1.5)
    for wrong in ({"rows_per_day": 0}, {"share": 1}, {"power": 0.1}, {"alpha": 0.9}, {"looks": 6}, {"detect": -1}):
        with pytest.raises(BadArguments):
            trained.call("plan_deployment", model="cancer", **wrong)
