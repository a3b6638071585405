"""The small workshop of the graphs' tests, with the other tools that a crew needs: real, and done in milliseconds."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from crews.brief import Brief, Demands
from engine.qa.check import Check
from tests.graphs.smallshop import TOOLS, kill_here, note, small_workshop, table, write_rows
from tools.data import DatasetList, ListDatasetsRequest
from tools.deploying import (
    DeploymentPlan,
    DeploymentPlanRequest,
    MonitoringPlan,
    RollbackPlan,
    ServedFile,
    ServingPlan,
    TrialPlan,
)
from tools.inline import InlineJobs
from tools.models import ListModelsRequest, ModelDetails, ModelList, ShowModelRequest
from tools.spec import Estimate, ToolRequest, ToolResult, ToolSpec
from tools.testing import ModelTest, ModelTestRequest
from tools.training import ExplainModelRequest, Explanation, ImportanceRow
from tools.workshop import Workshop

LATENCY_MS = 0.125


def list_datasets(workshop: Workshop, request: ListDatasetsRequest) -> DatasetList:
    return DatasetList(datasets=())


def list_models(workshop: Workshop, request: ListModelsRequest) -> ModelList:
    return ModelList(models=())


def explain_model(workshop: Workshop, request: ExplainModelRequest) -> Explanation:
    kill_here(workshop.home, "explain")
    note(workshop, f"explain {request.model}")
    rows = (ImportanceRow(column="a", importance=1.75, deviation=0.25),)
    return Explanation(model=request.model, target="y", metric="rmse", rows=10, importance=rows, report="report.html")


def test_model(workshop: Workshop, request: ModelTestRequest) -> ModelTest:
    kill_here(workshop.home, "test")
    note(workshop, f"test {request.model}")
    _, x, _ = table(workshop, "y")
    required = []
    if request.max_latency_ms is not None:
        status = "passed" if request.max_latency_ms >= LATENCY_MS else "failed"
        detail = f"{LATENCY_MS} ms; at most {request.max_latency_ms:g} ms were asked for."
        required.append(Check(id="max_latency_ms", name="Latency", status=status, detail=detail))
    passed = all(one.status == "passed" for one in required)
    check = Check(id="missing", name="Missing values", status="passed", detail="Rows with | no values are answered.")
    return ModelTest(
        model=request.model,
        name="small",
        passed=passed,
        checks=(check,),
        requirements=tuple(required),
        rows=len(x),
        seconds=0.01,
        summary=f"{1 + len(required)} checks, {'all passed' if passed else 'not all passed'}.",
        created="2026-01-01T00:00:00Z",
        file=str(workshop.home / "qa" / f"{request.model}.json"),
    )


test_model.__test__ = False  # type: ignore[attr-defined]  # the tool's name is not a test's


def plan_deployment(workshop: Workshop, request: DeploymentPlanRequest) -> DeploymentPlan:
    kill_here(workshop.home, "plan")
    note(workshop, f"plan {request.model}")
    return DeploymentPlan(
        model=request.model,
        name="small",
        version=1,
        serving=ServingPlan(
            package="p", size_mb=0.5, files=(ServedFile(path="model.json", size_mb=0.5),), needs=("numpy",),
            commands=("millwright serve",),
        ),
        monitoring=MonitoringPlan(
            window_rows=500, checks_per_day=2.0, hours_between_checks=12.0, rules=("A drifted column warns.",),
            alarms=("Nobody is told.",), approvals=("Promotion.",), commands=("millwright monitor",),
        ),
        trial=TrialPlan(
            measure="mean absolute error", expected=0.3, deviation=0.2, detect=0.03, share=0.5, rows_a=700, rows_b=700,
            days=1.4, bounds=(1.96,), method="a two-sample z test", stop_rules=("After 1,400 rows.",), note="One look.",
        ),
        rollback=RollbackPlan(when=("A check fails.",), commands=("millwright models rollback",), back_to=None),
        risks=("Few rows.",),
        summary="Served from 0.5 MB; the A/B test takes 1.4 days.",
        file=str(workshop.home / "deployments" / "plan.md"),
    )  # fmt: skip


def show_model(workshop: Workshop, request: ShowModelRequest) -> ModelDetails:
    raise NotImplementedError


def _spec(
    function: Callable[[Workshop, Any], ToolResult],
    request: type[ToolRequest],
    result: type[ToolResult],
    job: bool = False,
) -> ToolSpec:
    return ToolSpec(
        name=function.__name__,
        description=(request.__doc__ or "").strip(),
        request=request,
        result=result,
        function=function,
        effect="compute" if job or function is plan_deployment else "read",
        estimate=lambda workshop, asked: Estimate(seconds=0.0, memory_mb=1.0),
        job=job,
    )


MORE = (
    _spec(list_datasets, ListDatasetsRequest, DatasetList),
    _spec(list_models, ListModelsRequest, ModelList),
    _spec(show_model, ShowModelRequest, ModelDetails),
    _spec(explain_model, ExplainModelRequest, Explanation),
    _spec(test_model, ModelTestRequest, ModelTest, job=True),
    _spec(plan_deployment, DeploymentPlanRequest, DeploymentPlan),
)


def crew_shop(home: Path) -> Workshop:
    """The workshop, with the dataset 'ds_small' of y = 2 a - b in it."""
    small = small_workshop(home)
    tools = {**TOOLS, **{spec.name: spec for spec in MORE}}
    shop = replace(small, tools=tools, jobs=InlineJobs(home, lambda: crew_shop(home)))
    if not (home / "ds_small.csv").exists():
        shop.call("import_dataset", source=str(write_rows(home / "rows.csv")), target="y")
    return shop


def brief(run: str = "crew_1", **choices: Any) -> Brief:
    usual = {"goal": "an error of at most 1", "process": "sequential", "budget_seconds": 20, "max_models": None}
    usual |= {"task": None, "models": None, "drop": (), "seed": 0, "name": None, "demands": Demands()}
    return Brief.model_validate({"run": run, "dataset": "ds_small", "target": "y", **usual, **choices})
