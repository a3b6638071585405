"""Sessions are opened as their settings say, on providers that are there, which is said in words."""

from pathlib import Path

import numpy as np
import pytest

from engine.serving.runtime import ONNX_FILE
from engine.serving.session import CPU, SESSION_ERRORS, best_providers, explain_providers, open_session, usable
from engine.serving.session_settings import SessionSettings
from tests.engine.optimise.bench_folders import onnx_variant

CUDA, TENSORRT, AZURE = "CUDAExecutionProvider", "TensorrtExecutionProvider", "AzureExecutionProvider"


def test_settings_reach_the_session(tmp_path: Path) -> None:
    settings = SessionSettings(threads=2, graph_level="basic", arena=False, providers=(CUDA, CPU))
    session = open_session(onnx_variant(tmp_path / "onnx") / ONNX_FILE, settings)
    options = session.get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (2, 1)
    assert options.graph_optimization_level.name == "ORT_ENABLE_BASIC"
    assert not options.enable_cpu_mem_arena
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    assert session.get_providers() == [CPU]


def test_a_file_and_its_bytes_are_the_same_model(tmp_path: Path) -> None:
    path = onnx_variant(tmp_path / "onnx") / ONNX_FILE
    row = {"numbers": np.array([[1.0, 3.0]])}
    for source in (path, path.read_bytes()):
        assert open_session(source, SessionSettings()).run(None, row)[0].tolist() == [[-1.0]]


@pytest.mark.parametrize("source", [Path("nowhere.onnx"), b"", b"no model"])
def test_what_is_no_model_is_refused(source: Path | bytes) -> None:
    with pytest.raises(SESSION_ERRORS):
        open_session(source, SessionSettings())


def test_the_fastest_provider_there_is_comes_first_and_the_cpu_last() -> None:
    assert best_providers((AZURE, CPU)) == (CPU,)
    assert best_providers((CPU, CUDA)) == (CUDA, CPU)
    assert best_providers((CPU, CUDA, TENSORRT)) == (TENSORRT, CUDA, CPU)
    assert usable((CPU, CUDA), (CPU,)) == (CPU,)
    assert usable((), (CPU, CUDA)) == (CPU,)


def test_providers_are_told_in_words() -> None:
    assert "run on the CPU" in explain_providers((CPU,))
    assert explain_providers((CPU, AZURE)).endswith("Not used: Azure.")
    assert "TensorRT, CUDA or the CPU" in explain_providers((TENSORRT, CUDA, CPU))
    assert explain_providers()
