"""The tools for smaller and faster models at the desk: a table in which int8 is chosen and pruning refused."""

from collections.abc import Sequence

from engine.errors import BadCalibration, NotFound
from engine.optimise.spec import VARIANTS
from tests.agents.watching import Arguments, Watching
from tools.optimise import (
    Benchmark,
    BenchmarkRow,
    ExportedModel,
    GoalShown,
    ModelInput,
    OptimisedModel,
    VariantRow,
)
from tools.spec import ToolResult

OPTIMISING = ("optimise_model", "show_optimisation", "export_model", "benchmark_models")
REASON = (
    "onnx-int8-static answers in 0.41 ms instead of 1.68 ms (4.1 times faster), is 0.32 MB instead of 1.26 MB and "
    "loses 0.0021 of f1 (95 % bound 0.0038) on 1,127 rows."
)
KEPT = "The model as it was trained is kept: no variant that holds the guard answers faster by more than the noise."
NEAREST = "onnx-int8-static is 4.1 times too slow at 0.41 ms."


def variant(name: str, *, ms: float, drop: float, mb: float, status: str = "ok", why: str = "") -> VariantRow:
    return VariantRow.model_validate(
        {
            "name": name,
            "status": status,
            "why": why,
            "metric": 0.6132 - drop,
            "drop": drop,
            "drop_ci": (drop - 0.0015, drop + 0.0017),
            "latency_ms": {"1": ms, "32": 3 * ms},
            "p95_ms": {"1": 1.2 * ms, "32": 3.3 * ms},
            "rows_per_second": 32_000 / (3 * ms),
            "size_mb": mb,
            "peak_mb": 100 + mb,
            "cold_ms": 310.5,
            "parity": 0.0012,
        }
    )


def missing(name: str, status: str, why: str) -> VariantRow:
    return VariantRow.model_validate({"name": name, "status": status, "why": why})


TABLE = (
    variant("eager", ms=1.68, drop=0.0, mb=1.26),
    missing("compile", "skipped", "no time left; give more by --budget"),
    missing("bf16", "not applicable", "trees compute in no brain floats"),
    variant("onnx", ms=0.55, drop=0.0, mb=0.71),
    variant("onnx-int8-dynamic", ms=0.47, drop=0.0034, mb=0.34),
    variant("onnx-int8-static", ms=0.41, drop=0.0021, mb=0.32),
    missing("onnx-int8-qat", "skipped", "no time left; give more by --budget"),
    missing("onnx-int8-weights", "not applicable", "it has no large linear layer"),
    variant("pruned", ms=0.31, drop=0.0312, mb=0.44, status="refused", why="it may lose up to 0.0329 of f1"),
    missing("pruned-int8", "failed", "There was no pruned one to quantise."),
    variant("sparse", ms=0.57, drop=0.0011, mb=0.21, why="smaller when packed, no faster"),
    variant("student", ms=0.62, drop=0.0142, mb=0.11, status="refused", why="it may lose up to 0.0159 of f1"),
    missing("student-int8", "failed", "There was no student to quantise."),
)


class Optimising(Watching):
    """`chosen` is the variant that is chosen, `met` whether the goal is; `optimised` maps what came of it to what it is
    of. `strange` are rows that are refused as a calibration."""

    trained: list[str]
    learnt: dict[str, str]

    def __init__(self) -> None:
        super().__init__()
        self.chosen = "onnx-int8-static"
        self.met = True
        self.optimised: dict[str, str] = {}
        self.goals: dict[str, GoalShown] = {}
        self.strange: tuple[str, ...] = ("january.csv",)

    def optimise_model(self, arguments: Arguments) -> ToolResult:
        if arguments.get("calibration") in self.strange:
            raise BadCalibration("The rows are unlike those that the model was trained on.", "Give other rows.")
        source = str(arguments["model"])
        goal = GoalShown.model_validate(
            {
                "metric": arguments.get("metric") or "f1",
                "max_drop": arguments.get("max_drop", 0.01),
                "max_latency_ms": arguments.get("max_latency_ms"),
                "max_size_mb": arguments.get("max_size_mb"),
                "prefer": arguments.get("prefer", "latency"),
            }
        )
        model = source
        if self.chosen != "eager":
            model = f"mdl_{len(self.trained) + 1}"
            self.trained.append(model)
            self.learnt[model] = self.learnt.get(source, "")
        self.optimised[model], self.goals[model] = source, goal
        asked = arguments.get("variants") or list(VARIANTS)
        assert isinstance(asked, Sequence)
        return self._table(model, tuple(row for row in TABLE if row.name in (*asked, "eager", "onnx")))

    def _table(self, model: str, rows: tuple[VariantRow, ...] = TABLE) -> OptimisedModel:
        return OptimisedModel(
            source=self.optimised[model],
            model=model,
            name="churn",
            version=2,
            chosen=self.chosen,
            met=self.met,
            reason=REASON if self.chosen != "eager" else KEPT,
            nearest=None if self.met else NEAREST,
            goal=self.goals[model],
            variants=rows,
            frontier=("onnx-int8-static", "sparse"),
            guard_rows="1,127 rows of the validation folds",
            test_drop=None if self.chosen == "eager" else 0.0027,
            noise={"1": 0.04, "32": 0.02},
            machine="x86_64 Linux, 2 cores, at most 2 used",
            split="'tenure' is read as a number",
            package="models/z",
            report="models/z/optimisation.html",
            seconds=181.4,
            notes=("The student was trained for 20 s.",),
        )

    def show_optimisation(self, arguments: Arguments) -> ToolResult:
        named = str(arguments["model"])
        found = [model for model, source in self.optimised.items() if named in (model, source)]
        if not found:
            hint = f"Optimise it first: optimise_model with model={named!r}."
            raise NotFound("optimisation", named, hint=hint)
        return self._table(found[-1])

    def export_model(self, arguments: Arguments) -> ToolResult:
        return ExportedModel(
            model=str(arguments["model"]),
            out=str(arguments["out"]),
            size_mb=0.7134,
            exporters=("trees",),
            inputs=(
                ModelInput(name="numbers", what="float64 (rows, columns), NaN for missing", columns=("tenure",)),
                ModelInput(
                    name="texts", what="strings (rows, columns), '' for missing", columns=("Contract", "gender")
                ),
            ),
            output="'answer': float64 (rows, 2), the probabilities of No, Yes",
            split="",
            parity=0.00000021,
            tolerance=0.00001,
            rows=412,
        )

    def benchmark_models(self, arguments: Arguments) -> ToolResult:
        models = arguments["models"]
        assert isinstance(models, Sequence)
        rows = tuple(
            BenchmarkRow(
                model=str(model),
                kind="lightgbm",
                latency_ms={"1": 1.68 / place, "32": 2.52},
                p95_ms={"1": 1.91, "32": 2.83},
                rows_per_second=12_698.41,
                cold_ms=812.5,
                peak_mb=142.3,
                size_mb=1.26,
            )
            for place, model in enumerate(models, 1)
        )
        return Benchmark(
            rows=rows,
            failed={"mdl_0": "It could not be loaded."} if len(rows) > 2 else {},
            noise={"1": 0.03},
            machine="x86_64 Linux, 2 cores, at most 2 used",
            verdict=f"{models[-1]} is the fastest.",
        )
