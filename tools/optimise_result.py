"""The table of an optimisation as the tools answer it."""

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

from engine.files import write_atomic
from engine.optimise.spec import BATCHES, EAGER, Optimisation, Variant
from engine.package import read_info
from tools.optimise import GoalShown, OptimisedModel, VariantRow

if TYPE_CHECKING:
    from engine.registry import ModelRecord


PLOTS = Path("plots")
UNMEASURED: dict[str, float | None] = {str(size): None for size in BATCHES}
LATEST = Path("optimisations")
"""Below the home: by the id of a model, the run of its latest optimisation."""


def write_plots(table: Optimisation, folder: Path) -> None:
    """Draw the trade-offs into the folder of the run."""
    from engine.report.optimisation_plots import optimisation_plots

    for name, svg in optimisation_plots(table).items():
        write_atomic(folder / PLOTS / f"{name}.svg", svg)


def optimised(table: Optimisation, record: "ModelRecord", *, report: Path, run: Path) -> OptimisedModel:
    """The result of optimise_model and show_optimisation; `record` is of what was chosen, `run` its run's folder."""
    choice = table.choice
    entry = read_info(record.package).optimised
    return OptimisedModel(
        source=table.model_id,
        model=record.model_id,
        name=record.name,
        version=record.version,
        chosen=choice.chosen,
        met=choice.met,
        reason=choice.reason,
        nearest=choice.nearest,
        goal=GoalShown.model_validate(table.goal.model_dump()),
        variants=tuple(map(_row, table.variants)),
        frontier=choice.frontier,
        guard_rows=table.guard_rows,
        test_drop=table.test.value if table.test else None,
        noise=table.noise.share if table.noise else {},
        machine=table.machine,
        split=entry.split if entry else "",
        package=str(record.package),
        report=str(report),
        plots={path.stem: str(path) for path in sorted((run / PLOTS).glob("*.svg"))},
        seconds=table.seconds,
        notes=table.notes,
    )


def _row(variant: Variant) -> VariantRow:
    drop, timing, settings = variant.drop, variant.timing, variant.settings
    return VariantRow(
        name=variant.name,
        status=variant.status,
        why=variant.why,
        metric=drop.metric if drop else None,
        drop=drop.value if drop else None,
        drop_ci=drop.ci if drop else None,
        unseen=drop.unseen if drop else False,
        against=drop.against if drop else None,
        latency_ms=dict(timing.latency_ms) if timing else UNMEASURED,
        p95_ms=dict(timing.p95_ms) if timing else UNMEASURED,
        compute_ms=dict(timing.compute_ms) if timing else UNMEASURED,
        rows_per_second=timing.rows_per_second if timing else None,
        size_mb=variant.size_mb,
        peak_mb=timing.peak_mb if timing else None,
        cold_ms=timing.cold_ms if timing else None,
        compile_s=timing.compile_s if timing else None,
        parity=variant.parity.largest if variant.parity else (0.0 if variant.name == EAGER else None),
        threads=settings.threads if settings else None,
    )


def machine_of(threads: int) -> str:
    """The machine that the times are of, in words."""
    from engine.serving.session import best_providers

    providers = ", ".join(name.removesuffix("ExecutionProvider") for name in best_providers())
    cores = f"{os.cpu_count()} cores, at most {threads} used"
    return f"{platform.machine()} {platform.system()}, {cores}; ONNX Runtime on {providers}"


def metrics_of(table: Optimisation) -> dict[str, float]:
    """The table as MLflow keeps it: a metric for each figure of each variant."""
    found: dict[str, float] = {}
    for variant in table.variants:
        name = variant.name
        if variant.drop is not None:
            found |= {f"{table.goal.metric}/{name}": variant.drop.metric, f"drop/{name}": variant.drop.value}
        if variant.size_mb is not None:
            found[f"size_mb/{name}"] = variant.size_mb
        if variant.parity is not None:
            found[f"parity/{name}"] = variant.parity.largest
        if variant.settings is not None:
            found[f"threads/{name}"] = float(variant.settings.threads)
        if variant.timing is not None:
            timing = variant.timing
            for what, times in (("latency", timing.latency_ms), ("p95", timing.p95_ms), ("compute", timing.compute_ms)):
                found |= {f"{what}_ms_{batch}/{name}": ms for batch, ms in times.items()}
            found |= {f"cold_ms/{name}": timing.cold_ms, f"compile_s/{name}": timing.compile_s or 0.0}
            found |= {f"peak_mb/{name}": timing.peak_mb, f"rows_per_second/{name}": timing.rows_per_second}
    if table.test is not None:
        found |= {f"test_{table.goal.metric}": table.test.metric, "test_drop": table.test.value}
    return found
