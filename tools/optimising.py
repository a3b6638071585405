"""Smaller and faster models: optimise, show what was found, export to ONNX, and measure models side by side."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import BadArguments, BadBudget, BadChoice, NotFound
from engine.optimise.spec import VARIANTS, Optimisation
from engine.package_info import PackageFiles
from tools.finding import find_dataset
from tools.home import read_json_if_there
from tools.jobs import run_id
from tools.modelling import job_of
from tools.optimise import (
    Benchmark,
    BenchmarkModelsRequest,
    BenchmarkRow,
    OptimisedModel,
    OptimiseModelRequest,
    ShowOptimisationRequest,
)
from tools.optimise_rows import find_trained
from tools.packages import find_package, size_mb
from tools.spec import Estimate, ToolSpec, costs_nothing

if TYPE_CHECKING:
    import pandas as pd

    from engine.package_info import PackageInfo
    from tools.workshop import Workshop

TIMED_ROWS = 256


def optimise_model(workshop: "Workshop", request: OptimiseModelRequest) -> OptimisedModel:
    """Make, compare and measure the variants of a model; package and register the one that the goal chooses.

    Of an optimised model, the one that it was made from is optimised anew.

    Raises:
        NotFound, PackageDamaged: no such model, or the dataset that it was trained on is gone.
        BadChoice, BadBudget: a metric or variant that there is not, a budget that is no time.
        BadCalibration: the calibration rows are unlike the training rows, or too few.
        JobFailed: cancelled before there was a choice.
    """
    # here, not above: the command line reads the catalogue and must not load torch and ONNX for it
    from tools.optimise_job import OptimiseJob

    check_optimisation(workshop, request)
    return OptimiseJob(workshop, request).work()


def check_optimisation(workshop: "Workshop", request: OptimiseModelRequest) -> None:
    """Refuse at once what cannot be optimised."""
    from engine.metrics import metrics_of

    _, info = find_trained(workshop, request.model)
    find_dataset(workshop, info.lineage.dataset)
    if not (math.isfinite(request.budget_seconds) and request.budget_seconds >= 1):
        raise BadBudget(request.budget_seconds)
    for name in request.variants:
        if name not in VARIANTS:
            raise BadChoice("variant", name, list(VARIANTS))
    known = [metric.name for metric in metrics_of(info.task)]
    if request.metric is not None and request.metric not in known:
        raise BadChoice("metric", request.metric, known)


def estimate_of_optimisation(workshop: "Workshop", request: OptimiseModelRequest) -> Estimate:
    """The budget is the time; memory from the training rows."""
    _, info = find_trained(workshop, request.model)
    frame = workshop.datasets.training_frame(find_dataset(workshop, info.lineage.dataset).id)
    return Estimate(
        seconds=request.budget_seconds, memory_mb=round(8 * float(frame.memory_usage(deep=True).sum()) / 1e6, 1)
    )


def show_optimisation(workshop: "Workshop", request: ShowOptimisationRequest) -> OptimisedModel:
    """Raises: NotFound: no such model, or it was never optimised."""
    from tools.optimise_result import LATEST, optimised

    record, info = find_package(workshop, request.model)
    if info.optimised is not None:
        table = Optimisation.model_validate_json((record.package / PackageFiles.OPTIMISATION).read_bytes())
        report, run = record.package / PackageFiles.OPTIMISATION_PAGE, workshop.runs / record.run_id
        return optimised(table, record, report=report, run=run)
    latest = read_json_if_there(workshop.home / LATEST / f"{record.model_id}.json") or {"run": ""}
    found = read_json_if_there(workshop.runs / latest["run"] / "finished.json") if latest["run"] else None
    if found is None:
        raise NotFound(
            "optimisation", request.model, hint=f"Optimise it first: optimise_model with model={request.model!r}."
        )
    return OptimisedModel.model_validate(found)


def benchmark_models(workshop: "Workshop", request: BenchmarkModelsRequest) -> Benchmark:
    """Measure models side by side, each in a process of its own.

    Raises:
        NotFound, PackageDamaged: no such model, or a dataset is gone.
        BadArguments: they do not look at the same columns.
    """
    return Benchmark.model_validate(
        job_of(workshop).step("measure", lambda: _measured(workshop, request).model_dump(mode="json"))
    )


def _measured(workshop: "Workshop", request: BenchmarkModelsRequest) -> Benchmark:
    from engine.optimise.bench.timing import measure
    from tools.optimise_result import machine_of

    job = job_of(workshop)
    found = {model: find_package(workshop, model) for model in dict.fromkeys(request.models)}
    first = next(iter(found.values()))[1]
    names = [column.name for column in first.columns]
    for model, (_, info) in found.items():
        if {column.name for column in info.columns} != set(names):
            raise BadArguments(f"{model!r} looks at other columns than {request.models[0]!r}.", "Measure them apart.")
    rows = typed_rows(workshop, first).head(TIMED_ROWS)
    aside = workshop.runs / run_id(job.id)
    folders = {model: _linked(aside / str(place), found[model][0].package) for place, model in enumerate(found)}
    measured = measure(folders, rows, seconds=request.seconds, repeat=next(iter(folders)), control=job.control)
    lines = tuple(
        BenchmarkRow(
            model=model,
            kind=info.kind if info.optimised is None else f"{info.kind}, {info.optimised.variant}",
            latency_ms=measured.timings[model].latency_ms,
            p95_ms=measured.timings[model].p95_ms,
            rows_per_second=measured.timings[model].rows_per_second,
            cold_ms=measured.timings[model].cold_ms,
            peak_mb=measured.timings[model].peak_mb,
            size_mb=size_mb(record.package),
        )
        for model, (record, info) in found.items()
        if model in measured.timings
    )
    return Benchmark(
        rows=lines,
        failed=dict(measured.failed),
        noise=measured.noise.share if measured.noise else {},
        machine=machine_of(workshop.threads),
        verdict=_verdict(lines),
    )


def _linked(link: Path, package: Path) -> Path:
    """A package by another path: what the measuring writes lies beside that, and not among the models."""
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(package.absolute(), target_is_directory=True)
    return link


def typed_rows(workshop: "Workshop", info: "PackageInfo") -> "pd.DataFrame":
    """The training rows of a model's dataset, the model's columns alone, in its schema's kinds."""
    from engine.data.schema import Column, Schema, coerce

    frame = workshop.datasets.training_frame(find_dataset(workshop, info.lineage.dataset).id)
    columns = [
        Column.model_validate(column.model_dump(include={"name", "kind", "date_format", "decimal_comma"}))
        for column in info.columns
    ]
    return coerce(frame, Schema(columns=tuple(columns)), strict=False).reset_index(drop=True)


def _verdict(rows: tuple[BenchmarkRow, ...]) -> str:
    if not rows:
        return "None of them could be measured."
    fastest, slowest = min(rows, key=_one_row), max(rows, key=_one_row)
    if fastest is slowest:
        return f"{fastest.model} answers one row in {_one_row(fastest):.3g} ms (median)."
    return (
        f"{fastest.model} is the fastest: {_one_row(fastest):.3g} ms for one row (median), "
        f"{_one_row(slowest) / _one_row(fastest):.3g} times faster than {slowest.model}."
    )


def _one_row(row: BenchmarkRow) -> float:
    return row.latency_ms["1"]


def estimate_of_benchmark(_: "Workshop", request: BenchmarkModelsRequest) -> Estimate:
    """The limit, and a process with torch for every model."""
    return Estimate(seconds=request.seconds, memory_mb=400.0 * len(request.models))


TOOLS = (
    ToolSpec(
        name="optimise_model",
        description="Make a registered model smaller and faster for production: export to ONNX, 8-bit quantisation "
        "(dynamic, static, quantisation-aware, weights only), pruning, distillation, torch.compile and bf16, all in "
        "one table, each compared with the original on validation rows (a variant that loses more than max_drop is "
        "refused) and measured in a process of its own. The one that the goal chooses is judged on the sealed test "
        "set, packaged and registered as a new version. Use it for 'make it answer in 5 ms and lose at most 1 % f1'.",
        request=OptimiseModelRequest,
        result=OptimisedModel,
        function=optimise_model,
        effect="compute",
        estimate=estimate_of_optimisation,
        job=True,
        check=check_optimisation,
    ),
    ToolSpec(
        name="show_optimisation",
        description="Show the table of an optimisation that was done before, for the optimised model or the one that "
        "it was made from.",
        request=ShowOptimisationRequest,
        result=OptimisedModel,
        function=show_optimisation,
        effect="read",
        estimate=costs_nothing,
    ),
    ToolSpec(
        name="benchmark_models",
        description="Measure how fast registered models answer, side by side in processes of their own: median and "
        "95th percentile for one row and 32 rows, rows a second, cold start, memory.",
        request=BenchmarkModelsRequest,
        result=Benchmark,
        function=benchmark_models,
        effect="compute",
        estimate=estimate_of_benchmark,
        job=True,
    ),
)
