"""benchmarks/gpu.py, at its smallest on the CPU: every line is there, and nothing of ours but the engine is loaded."""

import json
import math
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "benchmarks" / "gpu.py"
PACKAGES = {"engine", "tools", "rag", "agents", "graphs", "crews", "api", "web", "millwright"}
NOT_NEEDED = {"pandas", "pyarrow", "scipy", "sklearn", "lightgbm", "skops", "tokenizers", "PIL", "matplotlib"}
FEATURES = ["bf16", "fp16", "checkpointing", "offload", "accumulation", "ema", "deterministic", "clip"]
RUN = """
import json, runpy, sys
script, modules, *rest = sys.argv[1:]
sys.argv = [script, *rest]
runpy.run_path(script, run_name="__main__")
with open(modules, "w") as file:
    json.dump(sorted(name for name in sys.modules), file)
"""


@dataclass(frozen=True)
class Ran:
    """What one run printed, the figures it wrote, and the modules it loaded."""

    printed: str
    figures: dict[str, Any]
    modules: set[str]

    def lines(self, case: str) -> dict[str, dict[str, Any]]:
        return {line["name"]: line for line in self.figures[case]}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("gpu")
    figures, modules = folder / "figures.json", folder / "modules.json"
    smallest = ["--device", "cpu", "--size", "small", "--rounds", "1", "--seconds", "0.02", "--json", str(figures)]
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(SCRIPT), str(modules), *smallest],
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return Ran(done.stdout, json.loads(figures.read_text()), set(json.loads(modules.read_text())))


@pytest.mark.parametrize("case", ["encoder", "resnet"])
def test_every_feature_has_a_line_with_finite_figures(ran: Ran, case: str) -> None:
    for name in ["base", *FEATURES, "base again", "plain loop"]:
        line = ran.lines(case)[name]
        measured = [line[key] for key in ("rows_per_second", "ratio", "tflops", "of_ceiling")]
        assert all(math.isfinite(value) and value > 0 for value in measured), line


@pytest.mark.parametrize("case", ["encoder", "resnet"])
def test_ratios_are_of_the_base(ran: Ran, case: str) -> None:
    lines = ran.lines(case)
    base = lines["base"]["rows_per_second"]
    assert lines["base"]["ratio"] == 1.0
    assert lines["clip"]["ratio"] == pytest.approx(lines["clip"]["rows_per_second"] / base)


@pytest.mark.parametrize("case", ["encoder", "resnet"])
def test_what_saves_memory_is_reckoned_to_need_less(ran: Ran, case: str) -> None:
    reckoned = {name: line["reckoned"] for name, line in ran.lines(case).items()}
    assert all(reckoned[name] < reckoned["base"] for name in ("bf16", "checkpointing", "offload", "accumulation"))
    assert reckoned["ema"] > reckoned["base"]


def test_what_was_not_measured_says_why(ran: Ran) -> None:
    unmeasured = {name: line for name, line in ran.lines("encoder").items() if line["rows_per_second"] is None}
    assert "compile" in unmeasured
    assert all(line["note"] for line in unmeasured.values())
    assert all(line["peak"] is None for line in ran.lines("encoder").values())  # there is no such figure on a CPU


def test_the_table_is_printed_with_a_line_for_each_figure(ran: Ran) -> None:
    for name in [*ran.lines("encoder"), *ran.lines("resnet")]:
        assert ran.printed.count(f"\n{name} ") >= 2, name


def test_the_matrix_products_of_every_precision_are_measured(ran: Ran) -> None:
    assert set(ran.figures["tflops"]) == {"fp32", "bf16", "fp16"}
    assert all(value > 0 for value in ran.figures["tflops"].values())


def test_nothing_of_ours_but_the_engine_is_loaded(ran: Ran) -> None:
    loaded = {name.partition(".")[0] for name in ran.modules}
    assert loaded & PACKAGES == {"engine"}
    parts = {name.split(".")[1] for name in ran.modules if name.startswith("engine.")}
    assert parts == {"environment", "errors", "files", "naming", "nets", "training"}


def test_nothing_is_loaded_that_a_bare_machine_lacks(ran: Ran) -> None:
    assert not {name.partition(".")[0] for name in ran.modules} & NOT_NEEDED


@pytest.fixture(scope="module")
def gpu() -> ModuleType:
    """The script, not run."""
    spec = spec_from_file_location("benchmark_gpu", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    sys.modules[spec.name] = script = module_from_spec(spec)  # its dataclasses look themselves up there
    spec.loader.exec_module(script)
    return script


@pytest.mark.parametrize(
    ("error", "note"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 3 GiB."), "out of memory"),
        (RuntimeError("no kernel is deterministic\nmore of it"), "no kernel is deterministic"),
        (ModuleNotFoundError("No module named 'accelerate'"), "not installed"),
    ],
)
def test_what_goes_wrong_in_one_way_is_its_note_and_not_the_end(gpu: ModuleType, error: Exception, note: str) -> None:
    def failing(*_: object) -> object:
        raise error

    device = torch.device("cpu")
    turn = gpu.take_turn(failing, gpu.cases("small", device)[1], device, 0.01)
    assert turn.note == note
    assert math.isnan(turn.rows_per_second)


def test_a_comparison_with_what_failed_is_no_figure(gpu: ModuleType) -> None:
    assert gpu.ratios([gpu.Turn(30.0), gpu.Turn(10.0)], [gpu.Turn(10.0), gpu.Turn(20.0)]) == [3.0, 0.5]
    assert gpu.ratios([gpu.Turn(30.0)], [gpu.Turn(note="out of memory")]) == []


def test_operations_of_the_encoder_are_those_of_its_matrix_products(gpu: ModuleType) -> None:
    # a layer's forward pass: 12 w^2 a token for projections and feed forward, 2 * length * w for attention, 2 flops
    # each; backward is twice that, and a last layer of 8 classes
    width, length, layers = 32, 32, 2
    forward = 2 * (layers * length * (12 * width**2 + 2 * length * width) + 8 * width)
    encoder = gpu.cases("small", torch.device("cpu"))[0]
    assert gpu.gflop_per_row(encoder) == pytest.approx(3 * forward / 1e9, rel=1e-3)


def test_the_warm_up_is_not_timed(gpu: ModuleType) -> None:
    watch = gpu.Stopwatch(torch.device("cpu"), 0.0)
    answers = [watch.over() for _ in range(gpu.WARM_UP + 2)]
    assert answers == [False] * (gpu.WARM_UP + 1) + [True]
    assert watch.steps - gpu.WARM_UP == 1
