"""The small workshop with what may follow a training: explain, optimise, test, promote, watch; each effect on record.

The requests are those of the real tools, so plans are checked against what the real ones take.
"""

from dataclasses import replace
from pathlib import Path

from engine.data.profiled import Leak
from engine.errors import BadChoice, JobFailed
from engine.qa.check import Check
from tests.graphs.smallshop import TOOLS, kill_here, note, profile_dataset, small_workshop, train_model
from tools.data import DatasetProfile, ProfileDatasetRequest
from tools.drift import CreateMonitorRequest
from tools.inline import InlineJobs
from tools.models import PromoteModelRequest, Promotion
from tools.optimise import OptimiseModelRequest
from tools.spec import Effect, Estimate, ToolRequest, ToolResult, ToolSpec, costs_nothing
from tools.testing import ModelTestRequest
from tools.training import ExplainModelRequest, Explanation, TrainingResult, TrainModelRequest
from tools.workshop import Workshop


class Done(ToolResult):
    """What a small tool gives: the model it made or worked on."""

    model: str


def explain_model(workshop: Workshop, request: ExplainModelRequest) -> Explanation:
    note(workshop, f"explain {request.model}")
    return Explanation(model=request.model, target="y", metric="rmse", rows=10, importance=(), report="")


def optimise_model(workshop: Workshop, request: OptimiseModelRequest) -> Done:
    """A job that makes another model; it fails when the file `no-onnx` is in the home."""
    job = workshop.job
    assert job is not None
    if (workshop.home / "no-onnx").exists():
        raise JobFailed("No variant can be made.", "Train another model.")

    def make() -> str:
        kill_here(workshop.home, "before optimise")
        note(workshop, f"optimise {request.model} {request.max_latency_ms}")
        return f"{request.model}o"

    return Done(model=job.step("make", make))


class Tested(Done):
    """What the small test gives, with the fields of the real one that a promotion looks at."""

    passed: bool
    checks: tuple[Check, ...]
    requirements: tuple[Check, ...] = ()


def test_model(workshop: Workshop, request: ModelTestRequest) -> Tested:
    """It is passed, unless the file `wrong` in the home says what is wrong."""
    note(workshop, f"test {request.model}")
    wrong = workshop.home / "wrong"
    if not wrong.exists():
        return Tested(model=request.model, passed=True, checks=())
    check = Check(id="missing_values", name="Missing values", status="failed", detail=wrong.read_text())
    return Tested(model=request.model, passed=False, checks=(check,))


test_model.__test__ = False  # type: ignore[attr-defined]  # a tool of that name, not a test


def promote_model(workshop: Workshop, request: PromoteModelRequest) -> Promotion:
    kill_here(workshop.home, "before promote")
    note(workshop, " ".join(["promote", request.model, request.alias, *request.despite_leaks]))
    return Promotion(model=request.model, name="small", version=1, alias=request.alias, previous=None)


def create_monitor(workshop: Workshop, request: CreateMonitorRequest) -> Done:
    note(workshop, f"watch {request.model}")
    return Done(model=request.model)


def picky_training(workshop: Workshop, request: TrainModelRequest) -> TrainingResult:
    """The small training; it refuses the candidate that the file `refuse` in the home names."""
    order = workshop.home / "refuse"
    if order.exists() and order.read_text() in (request.models or ()):
        raise BadChoice("model for these columns", order.read_text(), ("linear",))
    return train_model(workshop, request)


def leaky_profile(workshop: Workshop, request: ProfileDatasetRequest) -> DatasetProfile:
    """The small profile; the column that the file `leak` in the home names gives the target away."""
    profile = profile_dataset(workshop, request)
    order = workshop.home / "leak"
    if not order.exists():
        return profile
    column = order.read_text()
    told = f"Column {column!r} predicts the target almost alone (0.999 of 1): a leak unless it is known before."
    leak = Leak(column=column, by="values", strength=0.999, sentence=told)
    return profile.model_copy(update={"leaks": (leak,), "warnings": (told,)})


def _spec(function: object, request: type[ToolRequest], effect: Effect, result: type[ToolResult] = Done) -> ToolSpec:
    name = function.__name__  # type: ignore[attr-defined]
    limited = "budget_seconds" in request.model_fields
    return ToolSpec(
        name=name,
        description=f"{name}.",
        request=request,
        result=result,
        function=function,  # type: ignore[arg-type]
        effect=effect,
        estimate=(lambda _, asked: Estimate(seconds=asked.budget_seconds, memory_mb=1.0)) if limited else costs_nothing,
        job=limited,
    )


PLAN_TOOLS = {
    **TOOLS,
    "train_model": replace(TOOLS["train_model"], function=picky_training),
    "profile_dataset": replace(TOOLS["profile_dataset"], function=leaky_profile),
    **{
        spec.name: spec
        for spec in (
            _spec(explain_model, ExplainModelRequest, "read", Explanation),
            _spec(optimise_model, OptimiseModelRequest, "compute"),
            _spec(test_model, ModelTestRequest, "compute", Tested),
            _spec(promote_model, PromoteModelRequest, "write", Promotion),
            _spec(create_monitor, CreateMonitorRequest, "write"),
        )
    },
}


def plan_workshop(home: Path) -> Workshop:
    return replace(small_workshop(home), tools=PLAN_TOOLS, jobs=InlineJobs(home, lambda: plan_workshop(home)))
