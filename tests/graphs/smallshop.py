"""A workshop whose tools are real but small: least squares on a few rows, with every effect written down.

It shows what the graphs promise (each fit once, one look, one model) in milliseconds, so that a process can be killed
at every place: a tool ends its own process with SIGKILL when the file `kill` in the home names the place it reached.
"""

import csv
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from engine.data.store import Datasets
from engine.errors import BadChoice, DiskFull, JobFailed, MillwrightError
from engine.progress import FitFinished, FitStarted
from engine.registry import Registry
from graphs.events import text_of as text_of
from tools.data import (
    ColumnProfile,
    ColumnSummary,
    DatasetProfile,
    DatasetSummary,
    ImportDatasetRequest,
    ProfileDatasetRequest,
)
from tools.inline import InlineJobs
from tools.jobs import CANCELLED_CODE, model_id, run_id
from tools.monitoring import Monitoring
from tools.spec import Effect, Estimate, ToolRequest, ToolResult, ToolSpec
from tools.training import (
    CandidateEstimate,
    EstimateTrainingRequest,
    ImportanceRow,
    LeaderboardRow,
    MetricValue,
    TrainingEstimate,
    TrainingResult,
    TrainModelRequest,
    ValidationValue,
)
from tools.workshop import Workshop

CANDIDATES = ("linear", "forest", "lightgbm")
PENALTIES = {"dummy": 1e9, "linear": 10.0, "forest": 3.0, "lightgbm": 1.0}


def write_rows(path: Path, rows: int = 40) -> Path:
    """A table with y = 2 a - b + noise."""
    random = np.random.default_rng(0)
    a, b = random.normal(size=(2, rows))
    y = 2 * a - b + random.normal(scale=0.3, size=rows)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["a", "b", "y"], *np.stack([a, b, y], axis=1).round(4).tolist()])
    return path


def note(workshop: Workshop, effect: str) -> None:
    """Write down that something was done."""
    with (workshop.home / "effects.log").open("a") as file:
        file.write(f"{effect}\n")
        file.flush()
        os.fsync(file.fileno())


def effects(home: Path) -> list[str]:
    """What was done, in order."""
    log = home / "effects.log"
    return log.read_text().splitlines() if log.exists() else []


def kill_here(home: Path, place: str) -> None:
    """End this process as if the power failed, once, when `kill` in the home names this place."""
    order = home / "kill"
    if order.exists() and order.read_text() == place:
        order.unlink()
        os.kill(os.getpid(), signal.SIGKILL)


def import_dataset(workshop: Workshop, request: ImportDatasetRequest) -> DatasetSummary:
    kill_here(workshop.home, "import")
    with open(request.source, newline="") as file:
        header, *rows = list(csv.reader(file))
    if request.target is not None and request.target not in header:
        raise BadChoice("column", request.target, header)
    copy = workshop.home / "ds_small.csv"
    copy.write_text(Path(request.source).read_text())
    columns = tuple(ColumnSummary(name=name, kind="number", missing=0, distinct=9, reason="digits") for name in header)
    return DatasetSummary(
        dataset="ds_small",
        name="small",
        source=request.source,
        rows=len(rows),
        train_rows=len(rows) * 3 // 4,
        test_rows=len(rows) - len(rows) * 3 // 4,
        target=request.target,
        split="the last quarter",
        columns=columns,
    )


def table(workshop: Workshop, target: str) -> tuple[list[str], np.ndarray, np.ndarray]:
    with (workshop.home / "ds_small.csv").open(newline="") as file:
        header, *rows = list(csv.reader(file))
    values = np.array(rows, dtype=float)
    place = header.index(target)
    return [name for name in header if name != target], np.delete(values, place, axis=1), values[:, place]


def profile_dataset(workshop: Workshop, request: ProfileDatasetRequest) -> DatasetProfile:
    kill_here(workshop.home, "profile")
    names, x, _ = table(workshop, request.target or "y")
    columns = tuple(ColumnProfile(name=name, kind="number", missing=0, missing_share=0.0, distinct=9) for name in names)
    return DatasetProfile(dataset="ds_small", rows=len(x), columns=columns, target=request.target, task="regression")


def estimate_training(workshop: Workshop, request: EstimateTrainingRequest) -> TrainingEstimate:
    kill_here(workshop.home, "estimate")
    names, x, _ = table(workshop, request.target or "y")
    candidates = tuple(CandidateEstimate(model=name, seconds=0.01) for name in ("dummy", *CANDIDATES))
    return TrainingEstimate(
        seconds=0.04,
        memory_mb=1.0,
        dataset="ds_small",
        target=request.target or "y",
        task="regression",
        metric=request.metric or "rmse",
        validation="holdout",
        rows=len(x),
        features=len(names),
        candidates=candidates,
    )


def train_model(workshop: Workshop, request: TrainModelRequest) -> TrainingResult:
    """Ridge regressions of different penalties; the folder of the run keeps each fit."""
    job = workshop.job
    assert job is not None
    if (workshop.home / "stopped").exists():
        raise JobFailed("Cancelled before the first model.", code=CANCELLED_CODE)
    run = request.run or run_id(job.id)
    folder = workshop.runs / run
    folder.mkdir(parents=True, exist_ok=True)
    names = job.step("names", lambda: _names(folder, request))
    rows = []
    for place, name in enumerate(names, 1):
        job.control.watch(FitStarted(model=name, index=place, total=len(names)))
        rows.append(LeaderboardRow.model_validate(job.step(f"fit:{name}", _fitter(workshop, request, folder, name))))
        row = rows[-1]
        job.control.watch(
            FitFinished(model=name, status=row.status, metric="rmse", validation=row.validation, seconds=row.seconds)
        )
        if job.control.cancelled():
            break
    return _result(workshop, request, run, rows)


def _names(folder: Path, request: TrainModelRequest) -> list[str]:
    done = [path.stem for path in sorted(folder.glob("*.fit"), key=lambda path: path.stat().st_mtime_ns)]
    # a second is no time for anything new, as with the real tool
    in_time = request.budget_seconds is None or request.budget_seconds > 1
    wanted = ["dummy", *(request.models or CANDIDATES)] if in_time or not done else []
    new = [name for name in wanted if name not in done]
    tuned = sum("-t" in name for name in done)
    return [*done, *new, *(f"lightgbm-t{tuned + number}" for number in range(1, request.trials + 1))]


def _fitter(workshop: Workshop, request: TrainModelRequest, folder: Path, name: str) -> Callable[[], dict[str, object]]:
    def fit() -> dict[str, object]:
        done = folder / f"{name}.fit"
        if not done.exists():
            kill_here(workshop.home, f"before {name}")
            if name == "forest" and (workshop.home / "full").exists():
                raise DiskFull(done)
            note(workshop, f"fit {name}")
            done.write_text(repr(_score(workshop, request.target or "y", name, "train")))
            kill_here(workshop.home, f"after {name}")
        return LeaderboardRow(model=name, status="done", validation=float(done.read_text()), seconds=0.01).model_dump(
            mode="json"
        )

    return fit


def _score(workshop: Workshop, target: str, name: str, rows: str) -> float:
    """Root mean squared error on the third quarter of the rows (train) or on the last, sealed one."""
    _, x, y = table(workshop, target)
    half, end = len(x) // 2, len(x) * 3 // 4
    fit, judge = (slice(0, half), slice(half, end)) if rows == "train" else (slice(0, end), slice(end, None))
    family, _, variant = name.partition("-t")
    penalty = PENALTIES[family] / (10 ** int(variant or 0))
    weights = np.linalg.solve(x[fit].T @ x[fit] + penalty * np.eye(x.shape[1]), x[fit].T @ y[fit])
    return float(np.sqrt(np.mean((x[judge] @ weights - y[judge]) ** 2)))


def _result(workshop: Workshop, request: TrainModelRequest, run: str, rows: list[LeaderboardRow]) -> TrainingResult:
    job = workshop.job
    assert job is not None
    ranked = sorted(rows, key=lambda row: row.validation or 0.0)
    best = ranked[0]
    value = lambda row: ValidationValue(name="rmse", value=row.validation, method="holdout")  # noqa: E731
    result = TrainingResult(
        run=run,
        dataset=request.dataset,
        target=request.target or "y",
        task="regression",
        validation=value(best),
        baseline=next((value(row) for row in rows if row.model == "dummy"), None),
        best=best.model,
        leaderboard=tuple(ranked),
        seconds=0.1,
        cancelled=job.control.cancelled(),
    )
    if not request.finish:
        return result
    end = job.step("finish", lambda: _finish(workshop, request, run, best.model))
    return TrainingResult.model_validate({**result.model_dump(mode="json"), **end})


def _finish(workshop: Workshop, request: TrainModelRequest, run: str, best: str) -> dict[str, object]:
    kill_here(workshop.home, "before finish")
    error = _score(workshop, request.target or "y", best, "test")
    package = workshop.home / "models" / model_id(run)
    if not package.exists():
        note(workshop, f"register {model_id(run)}")
        package.mkdir(parents=True)
    kill_here(workshop.home, "after finish")
    metric = MetricValue(name="rmse", value=error, ci=(error * 0.9, error * 1.1), rows=10)
    return {
        "model": model_id(run),
        "metric": metric.model_dump(mode="json"),
        "importance": [ImportanceRow(column="a", importance=1.0, deviation=0.1).model_dump(mode="json")],
        "package": str(package),
        "report": str(package / "report.html"),
    }


class PublishRequest(ToolRequest):
    """Make a model known to others."""

    model: str = Field(description="Model id.")


class Published(ToolResult):
    model: str


def publish(workshop: Workshop, request: PublishRequest) -> Published:
    if not request.model.startswith("mdl_"):
        raise BadChoice("model", request.model, ("mdl_1",))
    note(workshop, f"publish {request.model}")
    return Published(model=request.model)


def notify(workshop: Workshop, request: PublishRequest) -> Published:
    note(workshop, f"notify {request.model}")
    return Published(model=request.model)


class AddRequest(ToolRequest):
    """Add two numbers."""

    a: float = Field(description="First.")
    b: float = Field(description="Second.")


class Sum(ToolResult):
    value: float


def add(workshop: Workshop, request: AddRequest) -> Sum:
    kill_here(workshop.home, "add")
    note(workshop, f"add {request.a:g} {request.b:g}")
    if request.a > 1e6:
        raise MillwrightError("The adder broke.", "Call someone.")
    return Sum(value=request.a + request.b)


def _spec(
    function: Callable[[Workshop, Any], ToolResult],
    request: type[ToolRequest],
    result: type[ToolResult],
    effect: Effect = "read",
    job: bool = False,
) -> ToolSpec:
    return ToolSpec(
        name=function.__name__,
        description=(request.__doc__ or "").strip(),
        request=request,
        result=result,
        function=function,
        effect=effect,
        estimate=lambda workshop, asked: Estimate(seconds=0.0, memory_mb=1.0),
        job=job,
    )


TOOLS = {
    spec.name: spec
    for spec in (
        _spec(import_dataset, ImportDatasetRequest, DatasetSummary, "compute"),
        _spec(profile_dataset, ProfileDatasetRequest, DatasetProfile),
        _spec(estimate_training, EstimateTrainingRequest, TrainingEstimate, "compute"),
        _spec(train_model, TrainModelRequest, TrainingResult, "compute", job=True),
        _spec(add, AddRequest, Sum),
        _spec(publish, PublishRequest, Published, "write"),
        _spec(notify, PublishRequest, Published, "external"),
    )
}


def small_workshop(home: Path) -> Workshop:
    """The workshop; its jobs are recorded on disk as everyone's are."""
    home.mkdir(parents=True, exist_ok=True)
    return Workshop(
        home=home,
        datasets=Datasets(home / "datasets"),
        registry=Registry(home),
        tools=TOOLS,
        jobs=InlineJobs(home, lambda: small_workshop(home)),
        now=lambda: datetime.now(UTC),
        monitoring=Monitoring(home, lambda: datetime.now(UTC)),
    )
