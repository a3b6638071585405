"""A workshop for pipelines: real import and profile, and a training that is real but small.

Ridge regressions of the numeric columns, kept in the folders that the real tool keeps, so that fits can be taken over.
Every effect is written down, and a process can be killed at every place, as in `smallshop`.
"""

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import BadArguments
from engine.files import write_json
from graphs.pipeline_types import Gain
from tests.graphs.smallshop import TOOLS as SMALL
from tests.graphs.smallshop import kill_here, note, small_workshop
from tools.catalogue import CATALOGUE
from tools.data import DatasetProfile, DatasetSummary, ImportDatasetRequest, ProfileDatasetRequest
from tools.inline import InlineJobs
from tools.jobs import model_id
from tools.training import LeaderboardRow, MetricValue, TrainingResult, TrainModelRequest, ValidationValue
from tools.workshop import Workshop

PENALTIES = {"dummy": 1e9, "linear": 30.0, "lightgbm": 10.0, "forest": 20.0, "network": 0.01}
"""A network also sees the products of the columns."""
NOISE = 0.1


def write_table(path: Path, rows: int = 80) -> Path:
    """y = 2 a - b + 3 a b + noise, with a constant, row names, a nearly empty column and a leak beside."""
    random = np.random.default_rng(1)
    a, b = random.normal(size=(2, rows))
    y = 2 * a - b + 3 * a * b + random.normal(scale=NOISE, size=rows)
    header = ["a", "b", "same", "row_id", "sparse", "leak", "y"]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for place in range(rows):
            sparse = f"{y[place]:.3f}" if place % 27 == 0 else ""
            leak = f"{10 * y[place] + 0.001 * place:.4f}"
            writer.writerow(
                [f"{a[place]:.4f}", f"{b[place]:.4f}", "x", f"r-{place:04d}-{place * 7919 % 9973}", sparse, leak,
                 f"{y[place]:.4f}"]
            )  # fmt: skip
    return path


def import_dataset(workshop: Workshop, request: ImportDatasetRequest) -> DatasetSummary:
    kill_here(workshop.home, "import")
    found = CATALOGUE["import_dataset"].function(workshop, request)
    assert isinstance(found, DatasetSummary)
    return found


def profile_dataset(workshop: Workshop, request: ProfileDatasetRequest) -> DatasetProfile:
    kill_here(workshop.home, "profile")
    found = CATALOGUE["profile_dataset"].function(workshop, request)
    assert isinstance(found, DatasetProfile)
    return found


def train_model(workshop: Workshop, request: TrainModelRequest) -> TrainingResult:
    """Each fit is kept under runs/<run>/fits/<name>/outcome.json; the sealed rows are read at the end alone."""
    job = workshop.job
    assert job is not None
    assert request.run is not None
    folder = workshop.runs / request.run
    _check_same(folder, request)
    rows = []
    for name in job.step("names", lambda: _names(folder, request)):
        rows.append(LeaderboardRow.model_validate(job.step(f"fit:{name}", _fitter(workshop, request, folder, name))))
    ranked = sorted(rows, key=lambda row: row.validation or 0.0)
    value = lambda row: ValidationValue(name="rmse", value=row.validation, method="holdout")  # noqa: E731
    result = TrainingResult(
        run=request.run,
        dataset=request.dataset,
        target=request.target or "y",
        task="regression",
        validation=value(ranked[0]),
        baseline=next(value(row) for row in rows if row.model == "dummy"),
        best=ranked[0].model,
        leaderboard=tuple(ranked),
        seconds=0.1,
        cancelled=(workshop.home / "cancelled").exists(),
    )
    if not request.finish:
        return result
    end = job.step("finish", lambda: _finish(workshop, request, ranked[0].model))
    return TrainingResult.model_validate({**result.model_dump(mode="json"), **end})


def _check_same(folder: Path, request: TrainModelRequest) -> None:
    """As the real tool: a run goes on with the choices it began with."""
    kept, asked = folder / "preparation.json", request.model_dump(mode="json", include={"dataset", "metric", "drop"})
    if kept.exists() and json.loads(kept.read_text()) != asked:
        raise BadArguments("This run was prepared with other choices.", "Start a new one.")
    write_json(kept, asked)


def _names(folder: Path, request: TrainModelRequest) -> list[str]:
    done = [path.name for path in sorted((folder / "fits").glob("[!.]*"), key=lambda path: path.stat().st_mtime_ns)]
    wanted = ["dummy", *(request.models or ("linear", "lightgbm", "forest"))]
    tuned = sum("-t" in name for name in done)
    new = [name for name in wanted if name not in done] if not request.finish else []
    return [*done, *new, *(f"lightgbm-t{tuned + number}" for number in range(1, request.trials + 1))]


def _fitter(workshop: Workshop, request: TrainModelRequest, folder: Path, name: str) -> Callable[[], dict[str, Any]]:
    def fit() -> dict[str, Any]:
        outcome = folder / "fits" / name / "outcome.json"
        if not outcome.exists():
            kill_here(workshop.home, f"before {name}")
            note(workshop, f"fit {name} in {folder.name}")
            row = LeaderboardRow(model=name, status="done", validation=_score(workshop, request, name), seconds=0.01)
            write_json(outcome, row.model_dump(mode="json"))
            kill_here(workshop.home, f"after {name}")
        found: dict[str, Any] = json.loads(outcome.read_text())
        return found

    return fit


def _score(workshop: Workshop, request: TrainModelRequest, name: str, sealed: bool = False) -> float:
    """Root mean squared error on the last third of the training rows, or on the sealed ones."""
    frame = workshop.datasets.training_frame(request.dataset)
    schema = workshop.datasets.get(request.dataset).schema_
    columns = [c for c in schema.of_kind("number", "integer") if c not in {*request.drop, request.target}]
    family, _, variant = name.partition("-t")
    x, y = _matrix(frame, columns, family == "network"), frame[request.target or "y"].to_numpy(dtype=float)
    cut = len(x) * 2 // 3
    judge, truth = x[cut:], y[cut:]
    if sealed:
        test = workshop.datasets.open_sealed(
            request.dataset, workshop.registry, model=model_id(str(request.run)), purpose="final test"
        )
        judge, truth = _matrix(test, columns, family == "network"), test[request.target or "y"].to_numpy(dtype=float)
    penalty = PENALTIES[family] / 10 ** int(variant or 0)
    weights = np.linalg.solve(x[:cut].T @ x[:cut] + penalty * np.eye(x.shape[1]), x[:cut].T @ y[:cut])
    return float(np.sqrt(np.mean((judge @ weights - truth) ** 2)))


def _matrix(frame: Any, columns: list[str], products: bool) -> np.ndarray:
    x = np.nan_to_num(frame[columns].to_numpy(dtype=float))
    x = np.column_stack([x, np.ones(len(x))])
    return np.column_stack([x, x[:, :1] * x[:, 1:2]]) if products else x


def _finish(workshop: Workshop, request: TrainModelRequest, best: str) -> dict[str, Any]:
    kill_here(workshop.home, "before finish")
    error, made = _score(workshop, request, best, sealed=True), model_id(str(request.run))
    package = workshop.home / "models" / made
    if not package.exists():
        note(workshop, f"register {made}")
        package.mkdir(parents=True)
    kill_here(workshop.home, "after finish")
    metric = MetricValue(name="rmse", value=error, ci=(error * 0.9, error * 1.1), rows=10)
    return {
        "model": made, "metric": metric.model_dump(mode="json"), "package": str(package),
        "report": str(package / "report.html"),
    }  # fmt: skip


def small_gain(workshop: Workshop, result: TrainingResult, seed: int) -> Gain | None:
    """With a noise that is known, since the data is made here."""
    assert result.validation is not None
    assert result.baseline is not None
    gain = result.baseline.value - result.validation.value
    return Gain(value=gain, low=gain - NOISE, high=gain + NOISE)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "import_dataset": import_dataset,
    "profile_dataset": profile_dataset,
    "train_model": train_model,
}
TOOLS = {name: replace(SMALL[name], function=function) for name, function in FUNCTIONS.items()}


def pipeline_workshop(home: Path) -> Workshop:
    """The workshop; its jobs are recorded on disk as everyone's are."""
    return replace(small_workshop(home), tools=TOOLS, jobs=InlineJobs(home, lambda: pipeline_workshop(home)))
