"""Opening ONNX Runtime sessions, and which execution provider they run on."""

from collections.abc import Sequence
from pathlib import Path

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as state

from engine.serving.session_settings import GraphLevel, SessionSettings

CPU = "CPUExecutionProvider"
FASTEST_FIRST = ("TensorrtExecutionProvider", "CUDAExecutionProvider", CPU)
IN_WORDS = {"TensorrtExecutionProvider": "TensorRT", "CUDAExecutionProvider": "CUDA", CPU: "the CPU"}
SESSION_ERRORS = (
    state.EPFail, state.EngineError, state.Fail, state.InvalidArgument, state.InvalidGraph, state.InvalidProtobuf,
    state.NoModel, state.NoSuchFile, state.NotImplemented, state.RuntimeException,
)  # fmt: skip
"""What ONNX Runtime raises for a model that it cannot open or run; they have no base of their own."""
_FATAL = 4
_LEVELS: dict[GraphLevel, onnxruntime.GraphOptimizationLevel] = {
    "none": onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL,
    "basic": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    "extended": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    "all": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
}


def open_session(model: Path | bytes, settings: SessionSettings) -> onnxruntime.InferenceSession:
    """A session for a file or the bytes of a model; providers that are not there are left out.

    Raises:
        SESSION_ERRORS: not a model that it can run.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = settings.threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = _LEVELS[settings.graph_level]
    options.enable_cpu_mem_arena = settings.arena
    options.log_severity_level = _FATAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if settings.spinning else "0")
    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=list(usable(settings.providers)))


def usable(wished: Sequence[str], available: Sequence[str] | None = None) -> tuple[str, ...]:
    """Those of `wished` that this machine has, and the CPU last."""
    there = onnxruntime.get_available_providers() if available is None else available
    found = [name for name in wished if name in there and name != CPU]
    return (*found, CPU)


def best_providers(available: Sequence[str] | None = None) -> tuple[str, ...]:
    """TensorRT before CUDA before the CPU, as far as there are any."""
    return usable(FASTEST_FIRST, available)


def explain_providers(available: Sequence[str] | None = None) -> str:
    """Where ONNX models run here and why, in a sentence or two; `available` is what this build of the library has."""
    there = onnxruntime.get_available_providers() if available is None else available
    best = best_providers(there)
    if best == (CPU,):
        said = "ONNX models run on the CPU: this build of ONNX Runtime has neither CUDA nor TensorRT."
    else:
        *first, last = (IN_WORDS[name] for name in best)
        said = f"ONNX models may run on {', '.join(first)} or {last}; which of them is measured."
    others = [name.removesuffix("ExecutionProvider") for name in there if name not in FASTEST_FIRST]
    return said if not others else f"{said} Not used: {', '.join(others)}."
