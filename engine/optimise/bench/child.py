"""What runs in a process of its own: loads variants, answers rows and says how long it took.

python -m engine.optimise.bench.child PARENT ROWS FOLDER [FOLDER ...]. Questions come as JSON lines on the standard
input and are answered on the standard output; what libraries print goes to the standard error. It ends with its
parent, or at the end of its input, even in the middle of an answer.
"""

import gc
import os
import resource
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import pandas as pd

from engine.optimise.bench.protocol import (
    QUESTION,
    Answer,
    Burst,
    Failed,
    Load,
    Loaded,
    Question,
    Ready,
    Times,
    read_rows,
)
from engine.parent import be_killed_with

if TYPE_CHECKING:
    from engine.serving.runtime import Runtime

PACKAGE = "model.json"
WAKING = 2
"""Answers before those that count: a process that slept finds its code and weights gone from the caches."""
MB = 1e6


class Bench:
    """The variants in `folders`, asked for by their places."""

    def __init__(self, folders: Sequence[Path], rows: pd.DataFrame) -> None:
        self.folders = folders
        self.rows = rows
        self.loaded: dict[int, Runtime] = {}

    def answer(self, question: Question) -> Answer:
        """Whatever a library raises is the variant's own failure, and is said and not raised."""
        try:
            return self._answer(question)
        except Exception as error:
            return Failed(why=f"{type(error).__name__}: {error}"[:2_000])

    def _answer(self, question: Question) -> Answer:
        if isinstance(question, Load):
            return self._load(question.place)
        return self._burst(self.loaded[question.place], question)

    def _load(self, place: int) -> Loaded:
        row = self.rows.iloc[:1]
        began = time.perf_counter()
        self.loaded[place] = _open(self.folders[place])
        self.loaded[place].answer(row)
        cold = time.perf_counter() - began
        # what is there now stays: a collection in the middle of an answer need not look through all of it
        gc.collect()
        gc.freeze()
        return Loaded(cold_ms=1_000 * cold)

    def _burst(self, runtime: "Runtime", burst: Burst) -> Times:
        rng = np.random.default_rng([burst.seed, burst.size])
        draws = [rng.integers(0, len(self.rows), burst.size) for _ in range(WAKING + burst.answers)]
        frames = [self.rows.iloc[draw].reset_index(drop=True) for draw in draws]
        prepare, compute = [], []
        for frame in frames:
            began = time.perf_counter()
            prepared = runtime.prepare(frame)
            between = time.perf_counter()
            runtime.compute(prepared)
            compute.append(1_000 * (time.perf_counter() - between))
            prepare.append(1_000 * (between - began))
        return Times(
            prepare_ms=tuple(prepare[WAKING:]),
            compute_ms=tuple(compute[WAKING:]),
            peak_mb=peak_mb(),
            compile_s=_compile_seconds(),
        )


def _open(folder: Path) -> "Runtime":
    """A package or a variant's folder. Imported here, since what this loads is part of a cold start."""
    if (folder / PACKAGE).is_file():
        from engine.serving.predictor import load

        return load(folder).runtime
    from engine.serving.runtime import load_runtime

    return load_runtime(folder)


def peak_mb() -> float:
    """The largest resident memory of this process, in 10^6 bytes.

    Linux's getrusage counts the parent's memory at the moment of the fork in, however small the child is.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        peak = next(line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM:"))
        return int(peak.split()[1]) * 1_024 / MB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MB  # bytes, on macOS


def _compile_seconds() -> float | None:
    modes = sys.modules.get("engine.serving.torch_modes")
    return modes.compile_seconds() if modes is not None else None


def _read(questions: "SimpleQueue[bytes]") -> None:
    for line in sys.stdin.buffer:
        questions.put(line)
    os._exit(1)


def _own_output() -> BinaryIO:
    """The standard output for answers alone; whatever prints from now on does so on the standard error."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers


def main(arguments: Sequence[str]) -> None:
    """Answer questions for ever; the end of the input ends the process."""
    parent, rows, *folders = arguments
    be_killed_with(int(parent))
    answers = _own_output()
    questions: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_read, args=[questions], name="questions", daemon=True).start()
    bench = Bench([Path(folder) for folder in folders], read_rows(Path(rows)))
    said: Answer = Ready()
    while True:
        answers.write(said.model_dump_json().encode() + b"\n")
        answers.flush()
        said = bench.answer(QUESTION.validate_json(questions.get()))


if __name__ == "__main__":
    main(sys.argv[1:])
