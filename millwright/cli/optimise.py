"""Smaller and faster models: `millwright optimise`, `export` and `benchmark`."""

from pathlib import Path
from typing import Annotated

import typer

from millwright.cli.opening import call, call_job, opened
from millwright.cli.options import Json, Seed
from millwright.cli.reply import Reply

ModelArgument = Annotated[str, typer.Argument(metavar="MODEL", help="Model id, name, or name@champion.")]


def optimise(
    model: ModelArgument,
    max_latency_ms: Annotated[
        float | None, typer.Option(metavar="MS", help="Longest median time of an answer for one row.")
    ] = None,
    max_drop: Annotated[
        float,
        typer.Option(min=0, max=1, help="The most that may be lost: of f1 and the like absolute, of rmse as a share."),
    ] = 0.01,
    metric: Annotated[
        str | None, typer.Option(help="Metric of the guard; that of the model's test by default.")
    ] = None,
    max_size_mb: Annotated[float | None, typer.Option(metavar="MB", help="Largest size on disk.")] = None,
    prefer: Annotated[
        str, typer.Option(help="What to make best: latency, throughput, size, memory or accuracy.")
    ] = "latency",
    variants: Annotated[
        str | None, typer.Option(metavar="A,B", help="Variants to make; all by default. eager and onnx always are.")
    ] = None,
    calibration: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE", help="Rows to take 8-bit ranges from; a sample of the training rows by default."
        ),
    ] = None,
    budget: Annotated[
        float, typer.Option(metavar="SECONDS", help="For making and measuring; a few seconds more for each variant.")
    ] = 240.0,
    seed: Seed = 0,
    name: Annotated[
        str | None, typer.Option(help="Name in the registry; a new version of the model's own by default.")
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Show the table of the last time instead.")] = False,
    json: Json = False,
) -> Reply:
    """Make MODEL smaller and faster: every way in one table, what loses too much refused, the best by the goal kept."""
    from millwright.cli import screens_optimise
    from tools.optimise import OptimisedModel

    with opened() as workshop:
        if show:
            found = call(workshop, "show_optimisation", OptimisedModel, model=model)
        else:
            wanted: dict[str, object] = {
                "max_latency_ms": max_latency_ms,
                "max_drop": max_drop,
                "metric": metric,
                "prefer": prefer,
            }
            wanted |= {"max_size_mb": max_size_mb, "calibration": calibration, "seed": seed, "name": name}
            listed = [part.strip() for part in variants.split(",") if part.strip()] if variants else []
            wanted |= {"variants": listed, "budget_seconds": budget}
            found = call_job(workshop, "optimise_model", OptimisedModel, budget, model=model, **wanted)
    return Reply(found, lambda console: console.print(screens_optimise.optimisation(found)), json)


def export(
    model: ModelArgument,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.onnx", help="Where to write it; in the home by default.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
    json: Json = False,
) -> Reply:
    """Write MODEL as one ONNX file, checked on real rows to answer as the model does."""
    from millwright.cli import screens_optimise
    from tools.optimise import ExportedModel

    with opened() as workshop:
        arguments = {"model": model, "out": None if out is None else str(out), "overwrite": overwrite}
        found = call_job(workshop, "export_model", ExportedModel, None, **arguments)
    return Reply(found, lambda console: console.print(screens_optimise.exported(found)), json)


def benchmark(
    models: Annotated[list[str], typer.Argument(metavar="MODEL...", help="Models that look at the same columns.")],
    seconds: Annotated[float, typer.Option(min=1, max=600, help="Wall-clock limit.")] = 20.0,
    json: Json = False,
) -> Reply:
    """Measure how fast models answer, side by side, each in a process of its own."""
    from millwright.cli import screens_optimise
    from tools.optimise import Benchmark

    with opened() as workshop:
        found = call_job(workshop, "benchmark_models", Benchmark, seconds, models=models, seconds=seconds)
    return Reply(found, lambda console: console.print(screens_optimise.benchmark(found)), json)
