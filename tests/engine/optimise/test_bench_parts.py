"""Parts of the benchmark on their own: figures, rows handed over, what a process loads, members' folders."""

import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest

from engine.automl.members import blend, load_member
from engine.optimise.bench.figures import noise_of, timing_of
from engine.optimise.bench.folders import threads_of, write_bf16, write_members
from engine.optimise.bench.process import start
from engine.optimise.bench.protocol import Ready, Times, read_rows, write_rows
from engine.optimise.errors import VariantRefused
from engine.serving.runtime import load_runtime
from engine.serving.runtime_spec import MembersRuntimeSpec
from engine.serving.session_settings import SessionSettings
from tests.engine.optimise.bench_folders import member, numbers, onnx_variant

ROWS = numbers()


def burst(prepare: list[float], compute: list[float], peak: float = 100.0, compiling: float | None = None) -> Times:
    return Times(prepare_ms=tuple(prepare), compute_ms=tuple(compute), peak_mb=peak, compile_s=compiling)


def test_a_latency_is_the_median_of_the_rounds_medians() -> None:
    rounds = {
        1: [burst([1, 1, 1], [1, 2, 9]), burst([2, 2, 2], [1, 1, 1], 120.0), burst([50, 50, 50], [50, 50, 50])],
        32: [burst([3], [5], 110.0), burst([3], [7]), burst([3], [6])],
    }
    timing = timing_of(rounds, 12.0)
    assert timing.latency_ms == {"1": 3.0, "32": 9.0}  # medians of 3, 3, 100 and of 8, 10, 9
    assert timing.compute_ms == {"1": 2.0, "32": 6.0}
    answers = [2, 3, 10, 3, 3, 3, 100, 100, 100]
    assert timing.p95_ms["1"] == pytest.approx(np.percentile(answers, 95))
    assert timing.rows_per_second == pytest.approx(32 / 0.009, rel=1e-4)
    assert (timing.cold_ms, timing.peak_mb, timing.compile_s, timing.rounds) == (12.0, 120.0, None, 3)


def test_compiling_counts_to_the_last_of_it() -> None:
    rounds = {1: [burst([1], [1], compiling=4.0)], 2: [burst([1], [1], compiling=7.5)]}
    assert timing_of(rounds, 1.0).compile_s == 7.5


def test_without_a_round_there_are_no_figures() -> None:
    with pytest.raises(ValueError, match="nothing"):
        timing_of({1: []}, 1.0)


def test_the_noise_is_how_far_two_measurements_are_apart_whichever_is_slower() -> None:
    one = timing_of({1: [burst([1], [1])], 32: [burst([5], [5])]}, 1.0)
    other = timing_of({1: [burst([1], [1.5])], 32: [burst([4], [4])]}, 1.0)
    assert noise_of(one, other).share == {"1": 0.25, "32": 0.25}
    assert noise_of(other, one).share == {"1": 0.25, "32": 0.25}
    assert noise_of(one, one).largest == 0


def test_rows_keep_their_kinds_in_another_process(tmp_path: Path) -> None:
    days = pd.to_datetime(["2020-01-01", None, "2021-05-01"])
    rows = pd.DataFrame(
        {
            "whole": pd.array([2**60 + 1, None, 3], dtype="Int64"),
            "truth": pd.array([True, None, False], dtype="boolean"),
            "text": pd.array(["a", None, ""], dtype="str"),
            "category": pd.Categorical(["x", None, "y"], categories=["z", "y", "x"]),
            "codes": pd.Categorical([3, 1, None], categories=[5, 3, 1], ordered=True),
            "seconds": days.astype("datetime64[s]"),
            "micro": days.astype("datetime64[us]"),
            "nano": days.astype("datetime64[ns]"),
            "float": [1.5, np.nan, np.inf],
            "single": np.float32([1, 2, 3]),
            "picture": pd.Series([b"a", None, b"\x00"], dtype=object),
            "words": pd.Series(["a", np.nan, "c"], dtype=object),
        }
    ).set_axis([7, 3, 3])
    write_rows(tmp_path / "rows", rows)
    back = read_rows(tmp_path / "rows")
    pd.testing.assert_series_equal(back.dtypes, rows.dtypes)
    pd.testing.assert_frame_equal(back, rows.reset_index(drop=True))


def test_columns_that_are_no_texts_are_no_hindrance(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows", ROWS)
    pd.testing.assert_frame_equal(read_rows(tmp_path / "rows"), ROWS)


def test_a_process_for_onnx_loads_no_torch_and_answers_right(tmp_path: Path) -> None:
    folder = onnx_variant(tmp_path / "onnx")
    code = """
        import sys
        from pathlib import Path
        import pandas as pd
        from engine.optimise.bench.child import Bench
        from engine.optimise.bench.protocol import Burst, Load
        assert not {"onnxruntime", "engine.serving.runtime"} & set(sys.modules), "not part of the cold start"
        bench = Bench([Path(sys.argv[1])], pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 5.0]}))
        assert bench.answer(Load()).say == "loaded"
        assert len(bench.answer(Burst(size=3, answers=4, seed=1)).compute_ms) == 4
        assert bench.loaded[0].answer(bench.rows).tolist() == [-1.0, -1.0]
        assert bench.answer(Burst(place=1, size=1, answers=1, seed=1)).say == "failed"
        heavy = {"torch", "sklearn", "lightgbm", "onnx", "matplotlib", "mlflow"} & set(sys.modules)
        assert not heavy, heavy
    """
    subprocess.run([sys.executable, "-W", "error", "-c", textwrap.dedent(code), str(folder)], check=True)


def test_a_waiting_process_uses_no_core_and_ends_with_its_input(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows", ROWS)
    child = start([onnx_variant(tmp_path / "onnx")], tmp_path / "rows", threads=1, aside=tmp_path / "aside")
    try:
        assert isinstance(child.hear(60.0), Ready)
        process = psutil.Process(child.process.pid)
        before = process.cpu_times()
        time.sleep(0.3)
        after = process.cpu_times()
        assert after.user + after.system - before.user - before.system < 0.05
        assert child.process.stdin is not None
        child.process.stdin.close()
        assert child.process.wait(10.0) == 1
    finally:
        child.kill()


def test_a_variant_of_members_answers_as_its_members_do_in_their_order(tmp_path: Path) -> None:
    sources = [member(tmp_path / "z", "linear", ROWS), member(tmp_path / "a", "lightgbm", ROWS)]
    folder = tmp_path / "variant"
    folder.mkdir()
    write_members(folder, sources, [0.75, 0.25], MembersRuntimeSpec(threads=2), regression=False)
    parts = [load_member(source).predict(ROWS) for source in sources]
    np.testing.assert_array_equal(load_runtime(folder).answer(ROWS), blend(parts, [0.75, 0.25]))
    assert [path.name for path in sorted((folder / "members").iterdir())] == ["0-z", "1-a"]
    assert threads_of(folder) == 2


def test_folders_that_say_nothing_of_threads_have_one(tmp_path: Path) -> None:
    assert threads_of(tmp_path) == 1
    assert threads_of(onnx_variant(tmp_path / "onnx", SessionSettings(threads=3))) == 3


def test_modes_of_networks_are_refused_without_one(tmp_path: Path) -> None:
    source = member(tmp_path / "linear", "linear", ROWS)
    with pytest.raises(VariantRefused, match="'bf16' is for networks"):
        write_members(tmp_path, [source], [1.0], MembersRuntimeSpec(mode="bf16"), regression=False)
    with pytest.raises(ValueError, match="is no network"):
        write_bf16(source)


def test_members_and_weights_must_go_together(tmp_path: Path) -> None:
    for sources, weights in (([], []), ([tmp_path], [0.5, 0.5])):
        with pytest.raises(ValueError, match="do not go together"):
            write_members(tmp_path, sources, weights, MembersRuntimeSpec(), regression=False)
