"""Switches that libraries read once, when they are first imported. Set here and nowhere else.

Importing `engine` sets them, and every package of ours imports `engine` first, so no library
can be loaded before them. A value the user has set already is left alone.
"""

import os
from pathlib import Path

LIBRARY_DEFAULTS = {
    # unregistered classes in a checkpoint come back as plain data instead of being built
    "LANGGRAPH_STRICT_MSGPACK": "true",
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "LANGSMITH_TRACING": "false",
    "HF_HUB_OFFLINE": "1",
    # its threads would not survive the fork of a worker, and warn of it
    "TOKENIZERS_PARALLELISM": "false",
    # threads that spin while they wait make LightGBM and torch 7 to 200 times slower on a busy machine
    "OMP_WAIT_POLICY": "PASSIVE",
    # without it, matrix products on CUDA have no algorithm that gives the same bits every time
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    "MPLBACKEND": "Agg",
}

KEPT = (
    *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV", "CC", "CXX"),
    *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "CUDA_HOME", "CUDA_PATH", "CUDA_VISIBLE_DEVICES"),
)
"""What finds programs, libraries and devices, and nothing else."""


def set_library_defaults() -> None:
    """Set every default that the user has not set."""
    for name, value in LIBRARY_DEFAULTS.items():
        os.environ.setdefault(name, value)


def keep_caches_in(folder: Path) -> None:
    """Have what torch.compile makes kept below `folder` from now on, unless the user has said where; else it would
    lie in the system's folder for temporary files.
    """
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(folder / "inductor"))
    os.environ.setdefault("TRITON_CACHE_DIR", str(folder / "triton"))


def lean_environment(**settings: str) -> dict[str, str]:
    """For a process whose speed is measured: no keys, and no switches of libraries but the defaults and `settings`."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return kept | LIBRARY_DEFAULTS | settings


def available_cores() -> int:
    """Cores this process may really use: its CPU affinity, then the cgroup v2 quota (rounded up)."""
    cores = len(os.sched_getaffinity(0))
    try:
        with open("/sys/fs/cgroup/cpu.max", encoding="ascii") as file:
            quota, period = file.read().split()
    except OSError:
        return cores
    if quota == "max":
        return cores
    return max(1, min(cores, -(-int(quota) // int(period))))
