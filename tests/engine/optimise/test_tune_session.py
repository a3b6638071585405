"""Which settings of a runtime are tried, when others than the simplest are taken, and what is written."""

from pathlib import Path

import numpy as np
import pytest

from engine.optimise.bench.folders import write_members
from engine.optimise.bench.timing import Measured
from engine.optimise.spec import Noise, Timing
from engine.optimise.tune_session import SIMPLEST, candidates, counts, faster, merged, tune_session, tune_threads
from engine.progress import Control
from engine.serving.runtime import ONNX_FILE, RUNTIME_FILE, load_runtime
from engine.serving.runtime_spec import MembersRuntimeSpec, OnnxRuntimeSpec, RuntimeFile
from engine.serving.session import CPU
from engine.serving.session_settings import SessionSettings
from tests.engine.optimise.bench_folders import WEIGHTS, member, numbers, onnx_variant

ROWS = numbers()
CUDA = "CUDAExecutionProvider"


def timing(one: float, many: float) -> Timing:
    latency = {"1": one, "32": many}
    return Timing(
        latency_ms=latency, p95_ms=latency, compute_ms=latency, rows_per_second=1, cold_ms=1, compile_s=None,
        peak_mb=1, rounds=1,
    )  # fmt: skip


def measured(noise: float, **timings: tuple[float, float]) -> Measured:
    found = {name: timing(*pair) for name, pair in timings.items()}
    return Measured(found, Noise(share={"1": noise, "32": noise}), {})


def written(folder: Path) -> SessionSettings:
    file = RuntimeFile.model_validate_json((folder / RUNTIME_FILE).read_text())
    assert isinstance(file.runtime, OnnxRuntimeSpec)
    return file.runtime.session


@pytest.mark.parametrize(("most", "tried"), [(1, []), (2, [2]), (3, [2, 3]), (8, [2, 4, 8]), (12, [2, 4, 8, 12])])
def test_threads_are_tried_by_doubling_up_to_the_most(most: int, tried: list[int]) -> None:
    assert counts(most) == tried


def test_each_of_the_settings_tried_is_one_change_away_from_the_simplest() -> None:
    tried = candidates(2, (CUDA, CPU))
    simplest = tried.pop(SIMPLEST)
    assert simplest == SessionSettings()
    for settings in tried.values():
        changed = [name for name in SessionSettings.model_fields if getattr(settings, name) != getattr(simplest, name)]
        assert len(changed) == 1
        assert not settings.spinning
    assert tried[CUDA].providers == (CUDA, CPU)
    assert len(candidates(1, (CPU,))) == 4


def test_others_than_the_simplest_must_be_faster_by_more_than_the_noise() -> None:
    times = {SIMPLEST: (1.0, 10.0), "threads 2": (0.8, 10.0), "no arena": (0.97, 9.0), "level basic": (0.7, 10.0)}
    assert faster(measured(0.0, **times)) == ["level basic", "threads 2"]
    assert faster(measured(0.3, **times)) == ["level basic"]
    assert faster(measured(0.5, **times)) == []


def test_settings_that_lose_at_many_rows_are_not_taken() -> None:
    assert faster(measured(0.0, **{SIMPLEST: (1.0, 10.0), "threads 2": (0.5, 20.0)})) == []


def test_nothing_is_faster_than_what_could_not_be_measured() -> None:
    assert faster(Measured({"threads 2": timing(1, 1)}, None, {SIMPLEST: "died"})) == []


def test_changes_go_together_and_the_better_wins_where_they_contradict() -> None:
    found = merged([SessionSettings(threads=4), SessionSettings(arena=False), SessionSettings(threads=2)])
    assert found == SessionSettings(threads=4, arena=False)


def test_the_settings_chosen_are_written_and_the_model_answers_as_before(tmp_path: Path) -> None:
    folder = onnx_variant(tmp_path / "onnx", SessionSettings(graph_level="none", spinning=True))
    found = tune_session(folder, ROWS, threads=2, seconds=4.0)
    assert written(folder) == found
    assert found in [*candidates(2, (CPU,)).values(), merged([found])]
    assert not found.spinning
    np.testing.assert_allclose(load_runtime(folder).answer(ROWS), ROWS.to_numpy() @ WEIGHTS[:, 0])
    assert {path.name for path in folder.iterdir()} == {ONNX_FILE, RUNTIME_FILE}


def test_a_provider_that_is_not_there_does_no_harm(tmp_path: Path) -> None:
    folder = onnx_variant(tmp_path / "onnx")
    assert written(folder) == SessionSettings()
    assert tune_session(folder, ROWS, threads=1, seconds=2.0, providers=(CUDA, CPU)) == written(folder)


def test_what_cannot_be_measured_keeps_the_simplest_settings(tmp_path: Path) -> None:
    folder = onnx_variant(tmp_path / "onnx", SessionSettings(threads=2))
    (folder / ONNX_FILE).write_bytes(b"no model")
    assert tune_session(folder, ROWS, threads=1) == written(folder) == SessionSettings()


def test_a_caller_that_cancels_gets_the_simplest_settings(tmp_path: Path) -> None:
    folder = onnx_variant(tmp_path / "onnx")
    assert tune_session(folder, ROWS, threads=2, control=Control(cancelled=lambda: True)) == SessionSettings()


def test_threads_of_members_are_written(tmp_path: Path) -> None:
    folder = tmp_path / "eager"
    folder.mkdir()
    source = member(tmp_path / "linear", "linear", ROWS)
    write_members(folder, [source], [1.0], MembersRuntimeSpec(threads=2), regression=False)
    assert tune_threads(folder, ROWS, threads=1) == 1
    found = tune_threads(folder, ROWS, threads=2, seconds=2.0)
    file = RuntimeFile.model_validate_json((folder / RUNTIME_FILE).read_text())
    assert isinstance(file.runtime, MembersRuntimeSpec)
    assert file.runtime.threads == found
    assert found in (1, 2)


def test_each_kind_of_variant_has_its_own_way_of_tuning(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not run from members"):
        tune_threads(onnx_variant(tmp_path / "onnx"), ROWS, threads=2)
    folder = tmp_path / "eager"
    folder.mkdir()
    source = member(tmp_path / "linear", "linear", ROWS)
    write_members(folder, [source], [1.0], MembersRuntimeSpec(), regression=False)
    with pytest.raises(ValueError, match="is not run by ONNX Runtime"):
        tune_session(folder, ROWS, threads=2)
    with pytest.raises(OSError, match=RUNTIME_FILE):
        tune_session(tmp_path, ROWS, threads=2)
