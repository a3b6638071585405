"""A made-up optimisation for the tests of its report; every figure is an argument."""

from datetime import UTC, datetime

from engine.optimise.choose import choose
from engine.optimise.spec import Drop, Goal, Noise, Optimisation, Parity, Variant
from engine.package_info import InputColumn, Lineage, MemberEntry, OptimisedEntry, PackageInfo, TestMetric
from engine.serving.session_settings import SessionSettings
from tests.engine.optimise.choose_example import EAGER, GOAL, ONNX, PRUNED, STATIC, variant

PARITY = Parity(largest=3.1e-7, tolerance=1e-5, rows=1127, batches=(1, 3, 7, 33))
SETTINGS = SessionSettings(threads=2, graph_level="extended")
TABLE = (
    EAGER,
    variant("compile", 1.9, 0.0, 3.4),
    Variant(name="bf16", status="failed", why="bf16 is not supported on this machine."),
    ONNX.model_copy(update={"parity": PARITY, "settings": SETTINGS, "notes": ("exported by dynamo",)}),
    variant("onnx-int8-dynamic", 0.31, 0.006, 1.0),
    STATIC.model_copy(update={"settings": SETTINGS, "why": "ranges from 512 rows"}),
    Variant(name="onnx-int8-qat", status="not applicable", why="It has no network."),
    PRUNED.model_copy(update={"why": "f1 falls by 0.034; at most 0.01 is allowed."}),
)
LOST = Drop(metric=0.79, value=0.003, ci=(-0.001, 0.007), upper=0.006, changed=0.012, rows=900)


def optimisation(*variants: Variant, goal: Goal = GOAL, **more: object) -> Optimisation:
    table = variants or TABLE
    noise = Noise(share={"1": 0.031, "32": 0.012})
    fields: dict[str, object] = {
        "model_id": "mdl_1", "goal": goal, "variants": table, "choice": choose(table, goal, noise), "noise": noise,
        "guard_rows": "1,127 rows of validation", "test": LOST, "machine": "x86_64 Linux, 2 cores",
        "providers": ("CPUExecutionProvider",), "seconds": 93.21,
    }  # fmt: skip
    return Optimisation.model_validate(fields | more)


def package_info(**more: object) -> PackageInfo:
    lineage = Lineage(
        dataset="ds_1", dataset_name="churn", source="churn.csv", content_hash="ab", rows=9, train_rows=6, test_rows=3,
        split_method="stratified", split_column=None, split_fraction=0.2, split_seed=0, split_notes=(), seed=0, spec={},
        libraries={},
    )  # fmt: skip
    fields: dict[str, object] = {
        "model_id": "mdl_1", "run_id": "run_1", "created": datetime(2026, 3, 1, tzinfo=UTC), "kind": "network",
        "task": "binary", "target": "left", "target_kind": "category", "classes": ("no", "yes"), "threshold": 0.5,
        "columns": (InputColumn(name="age", kind="integer"),),
        "members": (MemberEntry(name="network", weight=1.0, folder="0"),),
        "metric": TestMetric(name="f1", value=0.8, ci=(0.7, 0.9), rows=900, greater_is_better=True),
        "validation": None, "baseline": None, "leaderboard": (), "importance": (), "importance_rows": None,
        "dropped": {}, "notes": (), "seconds": 3.0, "lineage": lineage, "files": {},
    }  # fmt: skip
    return PackageInfo.model_validate(fields | more)


def optimised_info(split: str) -> PackageInfo:
    entry = OptimisedEntry(model="mdl_1", variant="onnx-int8-static", max_drop=0.01, drop=0.003, split=split)
    return package_info(optimised=entry)
