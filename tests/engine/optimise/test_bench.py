"""Variants timed side by side in processes of their own: what is measured, and what happens when one of them fails."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest

from engine.optimise.bench.folders import write_members
from engine.optimise.bench.timing import LEAST_ROUNDS, measure
from engine.progress import Control, Progress
from engine.serving.runtime import ONNX_FILE, RUNTIME_FILE
from engine.serving.runtime_spec import MembersRuntimeSpec
from engine.serving.session_settings import SessionSettings
from tests.engine.optimise.bench_folders import children, member, numbers, onnx_variant

ROWS = numbers()


@pytest.fixture
def one(tmp_path: Path) -> Path:
    return onnx_variant(tmp_path / "one")


@pytest.fixture
def two(tmp_path: Path) -> Path:
    return onnx_variant(tmp_path / "two")


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Any:
    before = set(psutil.Process().children(recursive=True))
    yield
    assert set(psutil.Process().children(recursive=True)) <= before


def in_round(number: int, act: Callable[[], object]) -> Control:
    """Acts once, after so many rounds."""

    def watch(event: Progress) -> None:
        if event.kind == "fit_progress" and event.done == number:
            act()

    return Control(watch=watch)


def test_every_variant_is_timed_and_the_repeated_one_gives_the_noise(one: Path, two: Path) -> None:
    found = measure({"one": one, "two": two}, ROWS, rounds=3, repeat="one")
    assert list(found.timings) == ["one", "two"]
    assert not found.failed
    assert found.noise is not None
    assert set(found.noise.share) == {"1", "32"}
    assert found.noise.largest >= 0
    for timing in found.timings.values():
        assert set(timing.latency_ms) == set(timing.p95_ms) == set(timing.compute_ms) == {"1", "32"}
        assert all(timing.latency_ms[size] > timing.compute_ms[size] > 0 for size in ("1", "32"))
        assert timing.rows_per_second == pytest.approx(32_000 / timing.latency_ms["32"], rel=1e-3)
        assert timing.rounds == 3
        assert timing.compile_s is None
        assert timing.cold_ms > timing.latency_ms["1"]


def test_without_a_repeated_variant_there_is_no_noise(one: Path) -> None:
    found = measure({"one": one}, ROWS, rounds=1, batches=(1, 4))
    assert found.noise is None
    assert set(found.timings["one"].latency_ms) == {"1", "4"}


def test_time_ends_the_rounds_but_never_before_there_are_a_few(one: Path) -> None:
    assert measure({"one": one}, ROWS, rounds=500, seconds=1e-3).timings["one"].rounds == LEAST_ROUNDS


def test_a_package_without_a_runtime_is_timed_as_it_is(churn: Any) -> None:
    found = measure({"package": churn.folder}, churn.test.drop(columns=churn.target), rounds=1)
    assert not found.failed
    assert found.timings["package"].rows_per_second > 0


def test_members_are_timed_in_one_process_each(tmp_path: Path) -> None:
    source = member(tmp_path / "linear", "linear", ROWS)
    folder = tmp_path / "eager"
    folder.mkdir()
    write_members(folder, [source], [1.0], MembersRuntimeSpec(), regression=False)
    running: list[int] = []
    control = in_round(1, lambda: running.append(len(children(folder))))
    found = measure({"eager": folder}, ROWS, rounds=1, repeat="eager", control=control)
    assert running == [2]
    assert found.timings["eager"].peak_mb > 0


def test_memory_is_the_childs_own_however_much_its_parent_holds(one: Path) -> None:
    held = np.ones(80_000_000)  # 640 MB
    peak = measure({"one": one}, ROWS, rounds=1).timings["one"].peak_mb
    assert 20 < peak < 400
    assert held.nbytes > 600e6


def test_a_process_that_dies_is_told_of_and_the_rest_go_on(one: Path, two: Path) -> None:
    control = in_round(1, lambda: children(two)[0].send_signal(signal.SIGKILL))
    found = measure({"one": one, "two": two}, ROWS, rounds=4, control=control)
    assert found.timings["one"].rounds == 4
    assert "two" not in found.timings
    assert found.failed == {"two": "its process was killed by SIGKILL (out of memory?)"}


def test_a_process_that_hangs_is_ended_and_the_rest_go_on(one: Path, two: Path) -> None:
    control = in_round(1, lambda: children(two)[0].send_signal(signal.SIGSTOP))
    found = measure({"one": one, "two": two}, ROWS, rounds=3, patience=6.0, control=control)
    assert found.timings["one"].rounds == 3
    assert found.failed == {"two": "no answer within 6 s; its process was ended"}


def test_a_variant_that_cannot_be_loaded_has_the_reason(one: Path, two: Path, tmp_path: Path) -> None:
    (two / ONNX_FILE).write_bytes(b"no model")
    empty = tmp_path / "empty"
    empty.mkdir()
    found = measure({"one": one, "two": two, "empty": empty}, ROWS, rounds=1)
    assert list(found.timings) == ["one"]
    assert "model" in found.failed["two"]
    assert RUNTIME_FILE in found.failed["empty"]


def test_the_repeated_variant_may_fail(two: Path, one: Path) -> None:
    (one / RUNTIME_FILE).write_text("{}")
    found = measure({"one": one, "two": two}, ROWS, rounds=1, repeat="one")
    assert list(found.failed) == ["one"]
    assert found.noise is None
    assert list(found.timings) == ["two"]


def test_several_variants_share_a_process_when_asked_and_fail_apart(one: Path, two: Path) -> None:
    (two / ONNX_FILE).write_bytes(b"no model")
    running: list[int] = []
    control = in_round(1, lambda: running.append(len(children(one))))
    found = measure({"one": one, "two": two}, ROWS, rounds=2, repeat="one", together=True, control=control)
    assert running == [1]
    assert found.noise is not None
    assert list(found.timings) == ["one"]
    assert list(found.failed) == ["two"]


def test_a_cancelled_benchmark_gives_what_it_has(one: Path) -> None:
    done: list[int] = []
    watch = in_round(2, lambda: done.append(1)).watch
    found = measure({"one": one}, ROWS, rounds=100, control=Control(watch, lambda: bool(done)))
    assert found.timings["one"].rounds == 2
    assert measure({"one": one}, ROWS, control=Control(cancelled=lambda: True)).timings == {}


def test_an_error_of_the_caller_leaves_no_process(one: Path) -> None:
    def fail() -> None:
        assert len(children(one)) == 1
        raise KeyError("listener")

    with pytest.raises(KeyError, match="listener"):
        measure({"one": one}, ROWS, rounds=3, control=in_round(1, fail))


def test_a_parent_that_is_killed_takes_its_processes_along(one: Path, tmp_path: Path) -> None:
    code = """
        import sys
        from pathlib import Path
        from engine.optimise.bench.timing import measure
        from engine.progress import Control
        from tests.engine.optimise.bench_folders import numbers
        said = lambda event: print("round", flush=True)
        measure({"one": Path(sys.argv[1])}, numbers(), rounds=10**6, control=Control(watch=said))
    """
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", textwrap.dedent(code), str(one)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"round\n"
        (child,) = children(one)[1:]
        parent.kill()
    _, alive = psutil.wait_procs([child], timeout=10)
    assert not alive


def test_a_process_gets_its_threads_and_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLWRIGHT_LLM__API_KEY", "secret")
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    folder = onnx_variant(tmp_path / "threads", SessionSettings(threads=2))
    seen: list[dict[str, str]] = []
    control = in_round(1, lambda: seen.append(children(folder)[0].environ()))
    assert not measure({"threads": folder}, ROWS, rounds=1, control=control).failed
    assert seen[0]["OMP_NUM_THREADS"] == "2"
    assert seen[0]["OMP_WAIT_POLICY"] == "PASSIVE"
    assert "secret" not in seen[0].values()


@pytest.mark.parametrize(
    ("rows", "asked", "match"),
    [
        (ROWS.head(0), {}, "no rows"),
        (ROWS, {"rounds": 0}, "one round"),
        (ROWS, {"batches": ()}, "batch size"),
        (ROWS, {"batches": (0,)}, "batch size"),
        (ROWS, {"repeat": "nobody"}, "'nobody' cannot be repeated: it is none of one"),
        (pd.DataFrame({"a": [1, "x"]}, dtype=object), {}, "another process.*column a"),
        (pd.DataFrame({"a": [1, object()]}, dtype=object), {}, "another process"),
    ],
)
def test_what_cannot_be_measured_is_refused(one: Path, rows: pd.DataFrame, asked: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        measure({"one": one}, rows, **asked)
