"""Settings of a variant's runtime, chosen by measuring on this machine: threads, graph level, memory arena, provider.

Settings one change away from the simplest are timed side by side (`bench.timing`); one that is faster at one row by
more than the noise, and not slower at many, is taken. Threads never spin while they wait: on a machine that has other
work to do that makes everything several times slower, and a benchmark on an idle one would not show it.
"""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from engine.optimise.bench.timing import NOBODY, Measured, measure
from engine.optimise.spec import BATCHES, Timing
from engine.progress import Control
from engine.serving.runtime import MEMBERS, ONNX_FILE, PACKED_FILE, RUNTIME_FILE, write_runtime
from engine.serving.runtime_spec import MembersRuntimeSpec, OnnxRuntimeSpec, RuntimeFile
from engine.serving.session import CPU, best_providers
from engine.serving.session_settings import GraphLevel, SessionSettings

LEAST_GAIN = 0.05
"""Faster by less than this share is no reason for other settings, however quiet the machine is."""
ROUNDS = 15
LEVELS: tuple[GraphLevel, ...] = ("extended", "basic")
"""Besides 'all': what comes on top of them changes the memory layout, which costs some graphs more than it gives."""
SIMPLEST = "simplest"


def tune_session(
    folder: Path,
    rows: pd.DataFrame,
    *,
    threads: int,
    seconds: float | None = None,
    control: Control = NOBODY,
    providers: Sequence[str] | None = None,
) -> SessionSettings:
    """The best settings for an ONNX variant's session, which are also written into its `runtime.json`.

    All settings are tried in one process; how much memory each takes is left to the benchmark. What cannot be measured
    leaves the settings as simple as they come, as does a caller that cancels.

    Args:
        rows: in the schema's kinds.
        threads: the most that are tried; as many as there are cores, or as the model may have.
        seconds: for all of it.
        providers: what there is beside the CPU, best first; by default what this machine has.

    Raises:
        ValueError: the folder is not that of an ONNX variant, or there are no rows.
        OSError: it cannot be read.
    """
    file = _file(folder)
    if not isinstance(file.runtime, OnnxRuntimeSpec):
        raise ValueError(f"{folder.name!r} is not run by ONNX Runtime")
    spec = file.runtime
    tried = candidates(threads, best_providers() if providers is None else providers)
    share = None if seconds is None else seconds / 2

    def timed(settings: Mapping[str, SessionSettings]) -> Measured:
        files = {
            name: file.model_copy(update={"runtime": spec.model_copy(update={"session": one})})
            for name, one in settings.items()
        }
        return _timed(folder, files, rows, share, control, together=True)

    found = faster(timed(tried))
    chosen = tried[found[0]] if found else tried[SIMPLEST]
    if len(found) > 1:
        both = {SIMPLEST: chosen, "together": merged([tried[name] for name in found])}
        chosen = both[next(iter(faster(timed(both))), SIMPLEST)]
    write_runtime(folder, file.model_copy(update={"runtime": spec.model_copy(update={"session": chosen})}))
    return chosen


def tune_threads(
    folder: Path,
    rows: pd.DataFrame,
    *,
    threads: int,
    seconds: float | None = None,
    control: Control = NOBODY,
) -> int:
    """The best number of threads for a variant of members, which is also written into its `runtime.json`.

    Each number is tried in a process of its own, since torch has one for all of a process. Only networks gain by it:
    trees and linear models answer by one thread. A compiled variant is compiled once for every number.

    Raises:
        ValueError: the folder is not that of a variant of members, or there are no rows.
        OSError: it cannot be read.
    """
    file = _file(folder)
    if not isinstance(file.runtime, MembersRuntimeSpec):
        raise ValueError(f"{folder.name!r} is not run from members")
    spec = file.runtime
    tried = {SIMPLEST: 1, **{f"threads {count}": count for count in counts(threads)}}
    files = {
        name: file.model_copy(update={"runtime": spec.model_copy(update={"threads": count})})
        for name, count in tried.items()
    }
    chosen = 1
    if len(tried) > 1:
        found = faster(_timed(folder, files, rows, seconds, control, together=False))
        chosen = tried[found[0]] if found else 1
    set_threads(folder, chosen)
    return chosen


def set_threads(folder: Path, threads: int) -> None:
    """Have a variant of members use so many threads of torch.

    Raises:
        ValueError: the folder is not that of a variant of members.
        OSError: it cannot be read.
    """
    file = _file(folder)
    if not isinstance(file.runtime, MembersRuntimeSpec):
        raise ValueError(f"{folder.name!r} is not run from members")
    spec = file.runtime.model_copy(update={"threads": threads})
    write_runtime(folder, file.model_copy(update={"runtime": spec}))


def candidates(threads: int, providers: Sequence[str]) -> dict[str, SessionSettings]:
    """The simplest settings (one thread, all optimisations, an arena, the CPU) and those one change away from them."""
    found = {SIMPLEST: SessionSettings()}
    found |= {f"threads {count}": SessionSettings(threads=count) for count in counts(threads)}
    found |= {f"level {level}": SessionSettings(graph_level=level) for level in LEVELS}
    found["no arena"] = SessionSettings(arena=False)
    found |= {name: SessionSettings(providers=(name, CPU)) for name in providers if name != CPU}
    return found


def counts(threads: int) -> list[int]:
    """Numbers of threads to try besides 1: powers of two, and the most there may be."""
    powers = [2**power for power in range(1, threads.bit_length()) if 2**power < threads]
    return [*powers, threads] if threads > 1 else []


def faster(measured: Measured) -> list[str]:
    """Names that beat the simplest at one row by more than the noise and lose no more than it at the others.

    Best first; [] also when the simplest could not be measured.
    """
    simplest = measured.timings.get(SIMPLEST)
    if simplest is None:
        return []
    noise = measured.noise.share if measured.noise else {}
    margin = {size: max(LEAST_GAIN, noise.get(size, 0.0)) for size in simplest.latency_ms}
    one = str(min(BATCHES))

    def better(timing: Timing) -> bool:
        gain = {size: value / timing.latency_ms[size] - 1 for size, value in simplest.latency_ms.items()}
        return gain[one] > margin[one] and all(gain[size] >= -margin[size] for size in gain)

    found = [name for name, timing in measured.timings.items() if name != SIMPLEST and better(timing)]
    return sorted(found, key=lambda name: measured.timings[name].latency_ms[one])


def merged(settings: Sequence[SessionSettings]) -> SessionSettings:
    """The first settings, with what the others change as far as they do not contradict: the first that does wins."""
    changes: dict[str, object] = {}
    for one in reversed(settings):
        changes |= {name: getattr(one, name) for name in type(one).model_fields if _changed(one, name)}
    return SessionSettings.model_validate(changes)


def _changed(settings: SessionSettings, name: str) -> bool:
    return bool(getattr(settings, name) != getattr(SessionSettings(), name))


def _timed(
    folder: Path,
    files: Mapping[str, RuntimeFile],
    rows: pd.DataFrame,
    seconds: float | None,
    control: Control,
    *,
    together: bool,
) -> Measured:
    """The variant in `folder` timed with each of `files` as its `runtime.json`; the folder itself stays as it is."""
    with tempfile.TemporaryDirectory(prefix=".tune-", dir=folder.absolute().parent) as root:
        folders = {}
        for place, (name, file) in enumerate(files.items()):
            folders[name] = Path(root) / str(place)
            folders[name].mkdir()
            for part in (ONNX_FILE, PACKED_FILE, MEMBERS):
                if (folder / part).exists():
                    (folders[name] / part).symlink_to((folder / part).absolute())
            write_runtime(folders[name], file)
        return measure(
            folders, rows, rounds=ROUNDS, seconds=seconds, repeat=SIMPLEST, together=together,
            control=Control(cancelled=control.cancelled),
        )  # fmt: skip


def _file(folder: Path) -> RuntimeFile:
    return RuntimeFile.model_validate_json((folder / RUNTIME_FILE).read_text(encoding="utf-8"))
