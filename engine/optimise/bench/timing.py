"""Variants timed side by side: one works at a time, turn and turn about, the others wait and use no core.

How it goes: all processes start and read the rows; each loads its variant and answers one row (the cold start); each
warms up; then rounds. In a round every variant has its turn with each batch size, in an order drawn anew, and answers
the same rows as the others do. A turn is a burst of answers whose first ones do not count: a process that slept for
seconds finds its weights gone from the caches, which nobody who serves a model waits for. Whatever else the machine
does falls on all variants alike, and measuring one of them twice says how much of it is left.
"""

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from engine.optimise.bench.figures import noise_of, timing_of
from engine.optimise.bench.folders import threads_of
from engine.optimise.bench.process import CancelledError, Child, ChildFailedError, start
from engine.optimise.bench.protocol import Answer, Burst, Load, Loaded, Question, Times, write_rows
from engine.optimise.spec import BATCHES, Noise, Timing
from engine.progress import Control, FitProgress

ROUNDS = 25
LEAST_ROUNDS = 5
BURST_MS = 40.0
FEWEST, MOST = 2, 10
"""Answers that count in a burst: as many as BURST_MS has room for, within these."""
PATIENCE = 300.0
"""Seconds that one question may take: compiling a large network takes minutes."""
AGAIN = "\0again"
"""After the name of the variant that is measured twice: no variant is called so."""
NOBODY = Control()


@dataclass(frozen=True)
class Measured:
    """Timings by variant; `failed` says why there is none. `noise` is None when nothing was measured twice."""

    timings: dict[str, Timing]
    noise: Noise | None
    failed: dict[str, str]


def measure(
    folders: Mapping[str, Path],
    rows: pd.DataFrame,
    *,
    batches: Sequence[int] = BATCHES,
    rounds: int = ROUNDS,
    seconds: float | None = None,
    repeat: str | None = None,
    together: bool = False,
    patience: float = PATIENCE,
    seed: int = 0,
    control: Control = NOBODY,
) -> Measured:
    """Time the variants (or packages) in `folders` on rows in the schema's kinds.

    Blocks; on Linux the processes end with the thread that called. When the caller cancels, what has at least one
    round is given back.

    Args:
        seconds: for all of it. Rounds end early by that, but never before the fifth.
        repeat: the variant that is measured twice, for the noise.
        together: all in one process, which starts faster; memory is then that of all of them.
        patience: seconds after which a process that does not answer is ended.

    Raises:
        ValueError: no rows, no rounds, a batch size below 1, `repeat` names no folder, or rows that cannot be handed
            over.
    """
    _check(folders, rows, batches, rounds, repeat)
    end = None if seconds is None else time.monotonic() + seconds
    named = dict(folders)
    if repeat is not None:
        named[repeat + AGAIN] = folders[repeat]
    with _contest(named, rows, together, control) as runners:
        contest = _Contest(runners, tuple(batches), patience, seed, control)
        with suppress(CancelledError):
            contest.begin()
            contest.run(rounds, end)
        return contest.measured(repeat)


@dataclass
class _Runner:
    """A variant in its process, and what was measured of it: rounds by batch size, and how many answers one has."""

    name: str
    child: Child
    place: int
    cold_ms: float = 0.0
    answers: dict[int, int] = field(default_factory=dict)
    rounds: dict[int, list[Times]] = field(default_factory=dict)


@dataclass
class _Contest:
    """The variants that are still in it."""

    runners: dict[str, _Runner]
    batches: tuple[int, ...]
    patience: float
    seed: int
    control: Control
    failed: dict[str, str] = field(default_factory=dict)

    def begin(self) -> None:
        """Wait until Python is up in all processes; then each variant loads and warms up, one at a time."""
        heard: set[int] = set()
        for runner in self._left():
            if id(runner.child) not in heard:
                self._heard(runner, None)
                heard.add(id(runner.child))
        for runner in self._left():
            loaded = self._heard(runner, Load(place=runner.place))
            if isinstance(loaded, Loaded):
                runner.cold_ms = loaded.cold_ms
        for size in self.batches:
            for runner in self._left():
                self._warm_up(runner, size)

    def run(self, rounds: int, end: float | None) -> None:
        """Rounds until there are enough, or the time is through."""
        rng = np.random.default_rng(self.seed)
        for done in range(rounds):
            if not self.runners or (done >= LEAST_ROUNDS and end is not None and time.monotonic() >= end):
                return
            drawn = int(rng.integers(1, 2**31))
            for size in self.batches:
                left = self._left()
                for place in rng.permutation(len(left)):
                    self._turn(left[place], size, drawn)
            self.control.watch(FitProgress(model="benchmark", done=done + 1, total=rounds))

    def measured(self, repeat: str | None) -> Measured:
        """The figures of those with at least a round of every batch size."""
        timings = {
            name: timing_of(runner.rounds, runner.cold_ms)
            for name, runner in self.runners.items()
            if all(runner.rounds.get(size) for size in self.batches)
        }
        again = timings.pop(f"{repeat}{AGAIN}", None)
        noise = noise_of(timings[repeat], again) if again is not None and repeat in timings else None
        failed = {name: why for name, why in self.failed.items() if not name.endswith(AGAIN)}
        return Measured(timings, noise, failed)

    def _warm_up(self, runner: _Runner, size: int) -> None:
        """Twice, and by the second see how many answers a burst has room for."""
        for _ in range(2):
            times = self._heard(runner, Burst(place=runner.place, size=size, answers=FEWEST, seed=0))
            if not isinstance(times, Times):
                return
            one = (sum(times.prepare_ms) + sum(times.compute_ms)) / FEWEST
            runner.answers[size] = max(FEWEST, min(MOST, int(BURST_MS / max(one, 1e-3))))

    def _turn(self, runner: _Runner, size: int, drawn: int) -> None:
        burst = Burst(place=runner.place, size=size, answers=runner.answers[size], seed=drawn)
        times = self._heard(runner, burst)
        if isinstance(times, Times):
            runner.rounds.setdefault(size, []).append(times)

    def _heard(self, runner: _Runner, question: Question | None) -> Answer | None:
        """The answer to a question, or what a process says by itself; None when the variant is out of it by that."""
        try:
            if question is None:
                return runner.child.hear(self.patience)
            return runner.child.ask(question, self.patience)
        except ChildFailedError as error:
            out = [each for each in self._left() if each is runner or (error.lost and each.child is runner.child)]
            for each in out:
                self.failed[each.name] = str(error)
                del self.runners[each.name]
            return None

    def _left(self) -> list[_Runner]:
        return list(self.runners.values())


@contextmanager
def _contest(
    folders: Mapping[str, Path], rows: pd.DataFrame, together: bool, control: Control
) -> Iterator[dict[str, _Runner]]:
    """A process for each folder, or one for all; gone at the end, with the folder of what they are handed."""
    groups = [list(folders)] if together else [[name] for name in folders]
    # beside the variants and not in the system's folder for temporary files: the rows are the user's
    beside = next(iter(folders.values())).absolute().parent
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=beside) as root, ExitStack() as stack:
        handed = Path(root) / "rows.arrow"
        write_rows(handed, rows)
        runners: dict[str, _Runner] = {}
        for number, names in enumerate(groups):
            threads = max(threads_of(folders[name]) for name in names)
            child = start(
                [folders[name] for name in names], handed, threads=threads, aside=Path(root) / str(number),
                cancelled=control.cancelled,
            )  # fmt: skip
            stack.callback(child.kill)
            runners |= {name: _Runner(name, child, place) for place, name in enumerate(names)}
        yield runners


def _check(
    folders: Mapping[str, Path], rows: pd.DataFrame, batches: Sequence[int], rounds: int, repeat: str | None
) -> None:
    if rows.empty:
        raise ValueError("there are no rows to time variants on")
    if rounds < 1 or not batches or min(batches) < 1:
        raise ValueError("at least one round and one batch size of 1 or more are needed")
    if repeat is not None and repeat not in folders:
        raise ValueError(f"{repeat!r} cannot be repeated: it is none of {', '.join(folders)}")
