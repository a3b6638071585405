"""Fitting one candidate over its folds: each fold in its own thread, stopping on the clock or on cancel.

Folds run side by side with one thread each rather than one after the other with many: on small tables that is far
faster, and a busy machine slows it down far less.
"""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from engine.automl.validation import Validation
from engine.data.schema import Schema
from engine.families import NETWORKS
from engine.features import Check, FeaturePlan, Matrix, no_check
from engine.models.base import Deadline, Floats, Hearing, NoTimeError, Params, Setting, Target
from engine.models.model import FLAVOURS, Model, fit_model, warm_up
from engine.progress import Control, FitProgress
from engine.tasks import Task

POLL_SECONDS = 0.1
UNHEARD = Hearing()
CACHED_CELLS = 100_000_000


@dataclass(frozen=True)
class Table:
    """Labelled training rows, coerced to the schema, with their validation fold."""

    frame: pd.DataFrame
    schema: Schema
    columns: tuple[str, ...]
    y: Target
    task: Task
    classes: int
    validation: Validation
    power: float = 0.0
    """How strongly rare classes are weighed up, see `portfolio.class_power`."""
    device: str = "auto"
    processes: int = 1
    teacher: Floats | None = None
    """Another model's answers for the rows, (n,) or (n, classes): what a student learns from beside y."""

    def weights(self, y: Target) -> Floats | None:
        """Row weights with mean 1, None when all are equal."""
        return class_weights(y, self.classes, self.power)


def class_weights(y: Target, classes: int, power: float) -> Floats | None:
    """Weights (n,) with mean 1 of rows of codes (n,), rare classes weighed up; None when all are equal."""
    if power == 0.0:
        return None
    counts = np.bincount(y.astype(np.int64), minlength=classes)
    by_class = (len(y) / np.maximum(counts, 1)) ** power
    weights = by_class[y.astype(np.int64)]
    return np.asarray(weights / weights.mean(), dtype=np.float64)


@dataclass(frozen=True)
class Part:
    """Features of one fold (or of all rows, without validation rows)."""

    plan: FeaturePlan
    train: tuple[Matrix, Target]
    valid: tuple[Matrix, Target] | None
    teacher: Floats | None = None

    def head(self, rows: int) -> "Part":
        """The first rows alone."""
        teacher = None if self.teacher is None else self.teacher[:rows]
        return Part(self.plan, (self.train[0][:rows], self.train[1][:rows]), self.valid, teacher)

    def setting(
        self,
        table: Table,
        deadline: Deadline,
        seed: int,
        threads: int,
        hearing: Hearing = UNHEARD,
        checkpoints: Path | None = None,
    ) -> Setting:
        """How to fit a model on these features."""
        return Setting(
            task=table.task,
            classes=table.classes,
            deadline=deadline,
            seed=seed,
            threads=threads,
            valid=self.valid,
            weights=table.weights(self.train[1]),
            categorical=self.plan.categorical,
            layout=self.plan.layout,
            device=table.device,
            processes=table.processes,
            teacher=self.teacher,
            hearing=hearing,
            checkpoints=checkpoints,
        )


@dataclass(frozen=True)
class FoldFit:
    """One fitted fold; `cut` says that it was stopped before it was done."""

    fold: int
    plan: FeaturePlan
    model: Model
    prediction: Floats
    seconds: float
    cut: bool


@dataclass
class Features:
    """Feature matrices of the folds, kept for the last flavour used."""

    table: Table
    seed: int
    _kept: dict[tuple[str, int], Part] = field(default_factory=dict)

    def fold(self, kind: str, fold: int, check: Check = no_check) -> Part:
        """Features of one fold; the plan is fitted on its training rows only. `check` may raise to end the work."""
        key = (_view(kind), fold)
        if key not in self._kept:
            part = self._make(kind, fold, check)
            for other in [other for other in list(self._kept) if other[0] != key[0]]:
                self._kept.pop(other, None)
            if part.train[0].shape[0] * part.train[0].shape[1] * self.table.validation.folds > CACHED_CELLS:
                return part
            self._kept[key] = part
        return self._kept[key]

    def whole(self, kind: str, check: Check = no_check) -> Part:
        """Features of all rows, for a refit. `check` may raise to end the work."""
        table = self.table
        plan = self._plan(kind, table.frame, check)
        return Part(plan, (plan.transform(table.frame, check), table.y), None, table.teacher)

    def _make(self, kind: str, fold: int, check: Check) -> Part:
        table = self.table
        inside = table.validation.fold != fold
        frame, held_out = table.frame[inside], table.frame[~inside]
        plan = self._plan(kind, frame, check)
        train = (plan.transform(frame, check), table.y[inside])
        teacher = None if table.teacher is None else table.teacher[inside]
        return Part(plan, train, (plan.transform(held_out, check), table.y[~inside]), teacher)

    def _plan(self, kind: str, frame: pd.DataFrame, check: Check) -> FeaturePlan:
        """The dummy looks at nothing, so that it costs nothing."""
        columns = () if kind == "dummy" else self.table.columns
        return FeaturePlan.fit(frame, self.table.schema, columns, FLAVOURS[kind], self.seed, check)


def _view(kind: str) -> str:
    """Which kinds share their features."""
    return kind if kind == "dummy" else FLAVOURS[kind]


@dataclass
class FoldRun:
    """The fit of one candidate over all folds, with its own clock and stop flag.

    A long fit keeps what it has so far under `checkpoints`. `notes` are what it says, each sentence once, `curves` the
    losses of each fold after each pass over its rows.
    """

    name: str
    kind: str
    params: Params
    features: Features
    seed: int
    threads: int
    control: Control
    seconds: float | None
    cancelled: bool = False
    checkpoints: Path | None = None
    notes: dict[str, None] = field(default_factory=dict)
    curves: dict[int, list[tuple[float, float | None]]] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _ticks: dict[int, tuple[int, int]] = field(default_factory=dict)
    _end: float | None = None

    def run(self) -> list[FoldFit]:
        """The folds that got done, in order; fewer than asked when time was up.

        Raises:
            Exception: whatever a fold raised (the first one).
        """
        folds = self.features.table.validation.folds
        warm_up(self.kind)
        self._end = None if self.seconds is None else time.monotonic() + self.seconds
        workers = self._workers(folds)
        each = max(1, self.threads // workers)
        # threads of BLAS wait for each other longer than they work on such matrices
        with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(workers) as pool:
            jobs = [pool.submit(self._fold, fold, workers, each) for fold in range(folds)]
            try:
                self._watch(jobs)
            finally:
                # whatever ends the wait (an error, Ctrl-C), the threads must end too
                self._stop.set()
        fits = [job.result() for job in jobs]
        return [fit for fit in fits if fit is not None]

    def _workers(self, folds: int) -> int:
        """How many folds run side by side. Networks take turns: torch has one random stream and one set of threads."""
        return 1 if self.kind in NETWORKS else max(1, min(self.threads, folds))

    def _watch(self, jobs: "list[Future[FoldFit | None]]") -> None:
        """Wait, report progress, and look for cancel: only this thread talks to the caller."""
        pending = set(jobs)
        shown = None
        while pending:
            done, pending = wait(pending, timeout=POLL_SECONDS)
            if any(job.exception() for job in done):
                return
            if not self._stop.is_set() and self.control.cancelled():
                self.cancelled = True
                self._stop.set()
            progress = self._progress(len(jobs) - len(pending), len(jobs))
            if progress != shown:
                self.control.watch(progress)
                shown = progress

    def _progress(self, done: int, total: int) -> FitProgress:
        if total == 1 and 0 in self._ticks:
            done, total = self._ticks[0]
        return FitProgress(model=self.name, done=done, total=total)

    def _fold(self, fold: int, workers: int, threads: int) -> FoldFit | None:
        began = time.monotonic()
        deadline = Deadline(Control(cancelled=self._stop.is_set), self._share(fold, workers))
        if deadline.over():
            return None
        try:
            part = self.features.fold(self.kind, fold, deadline.check)
            for caution in part.plan.cautions:
                self._note(caution)
            kept = None if self.checkpoints is None else self.checkpoints / f"fold-{fold}"
            setting = part.setting(self.features.table, deadline, self.seed, threads, self._hearing(fold), kept)
            model = fit_model(self.kind, *part.train, self.params, setting)
        except NoTimeError:
            return None
        assert part.valid is not None
        prediction = model.predict(part.valid[0])
        return FoldFit(fold, part.plan, model, prediction, time.monotonic() - began, deadline.reached)

    def _share(self, fold: int, workers: int) -> float | None:
        """This fold's part of the time that is left; folds start in order."""
        if self._end is None:
            return None
        left = self._end - time.monotonic()
        rounds = -(-(self.features.table.validation.folds - fold) // workers)
        return left / max(1, rounds)

    def _note(self, text: str) -> None:
        self.notes[text] = None

    def _hearing(self, fold: int) -> Hearing:
        def tick(done: int, total: int) -> None:
            self._ticks[fold] = (done, total)

        def epoch(loss: float, valid_loss: float | None) -> None:
            self.curves.setdefault(fold, []).append((loss, valid_loss))

        return Hearing(tick, epoch, self._note)
