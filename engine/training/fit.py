"""The training loop: `_train`, below, is the whole of it.

What happens inside a step is in `learner.py`, which rows it takes in `sampler.py`. There is nothing to subclass: a
caller hears events, gives a loss and a score, and can ask to stop.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Literal, TypeAlias

import torch
from torch import nn

from engine.errors import LossNotFinite, TooFewRows
from engine.training import events
from engine.training.checkpoint import Weights
from engine.training.clock import Clock, never
from engine.training.gauge import DivergedError
from engine.training.keeper import Keeper, identity_of
from engine.training.learner import Learner, Loss
from engine.training.loading import Loader
from engine.training.parallel import Alone, Parallel
from engine.training.progress import Progress
from engine.training.rows import Rows
from engine.training.sampler import Sampler
from engine.training.schedule import learning_rate
from engine.training.seeding import derived_seed, deterministic, seeded
from engine.training.spec import EpochRecord, FitReport, FitSpec
from engine.training.validate import Judge, Score, Verdict

Ended: TypeAlias = Literal["done", "patience", "time", "stopped"]
ALONE = Alone()


def fit(
    model: nn.Module,
    rows: Rows,
    loss: Loss,
    spec: FitSpec,
    *,
    device: str | torch.device = "cpu",
    valid: Rows | None = None,
    score: Score | None = None,
    parallel: Parallel = ALONE,
    checkpoints: Path | None = None,
    listener: events.Listener = events.unheard,
    stop: Callable[[], bool] = never,
) -> FitReport:
    """Train `model`, called as `model(*inputs)`, so that `loss(output, target, weight)`, a mean over rows, gets small.

    Afterwards the model is on `device`, in evaluation mode, with the weights of the epoch that is best by `score` (of
    outputs and targets of all `valid` rows, on the CPU; greater is better; minus the mean loss if not given). Without
    `valid` they are the last; with `ema_decay`, the averages of these. torch's global random generators are left as
    they were. `stop` is asked before every step.

    With a folder for `checkpoints`, a training that was stopped or killed goes on from its last checkpoint and ends
    with the weights it would have had.

    Raises:
        TooFewRows: no rows.
        LossNotFinite: the training diverged. On the CPU the weights are those before the bad step.
        OutOfMemory: not even one row at a time fits.
        BadArguments: `checkpoints` holds another training, or the device cannot compute in the precision.
        DiskFull, HomeNotWritable: a checkpoint cannot be written.
    """
    _check_rows(rows, valid)
    place, world = torch.device(device), parallel.world
    sampler = Sampler(len(rows), spec.batch_size * spec.accumulate * world, spec.seed, parallel.rank, world)
    keeper = Keeper(checkpoints, identity_of(model, spec, len(rows), world), place, parallel)
    judge = None if valid is None else Judge(valid, loss, score, place, spec.precision, parallel)
    with (
        seeded(derived_seed(spec.seed, parallel.rank), place),
        deterministic(spec.deterministic),
        _checkpointed(model, spec.checkpoint_activations) as notes,
    ):
        clock = Clock(spec.seconds, stop, parallel)
        learner, loader = Learner(model, loss, spec, place, parallel), Loader(rows, sampler, place)
        run = _Run(spec, sampler, loader, learner, judge, keeper, clock, parallel, listener)
        run.begin(notes)
        try:
            ended = _train(run)
        except DivergedError as found:
            raise LossNotFinite(found.step, found.learning_rate, spec.precision, keeper.last) from None
        return run.end(ended)


def _train(run: "_Run") -> Ended:
    """Step by step, until it is over."""
    spec, sampler, now = run.spec, run.sampler, run.now
    while (ended := run.over()) is None:
        now.learning_rate = learning_rate(spec, now.step, run.total, run.clock.elapsed)
        micro_batches = partial(run.loader.step, now.epoch, now.index)
        rows = sampler.step_rows(now.index)
        run.learner.step(micro_batches, now.step + 1, now.learning_rate, rows)
        run.step_done(rows)
        if now.index == sampler.steps:
            run.epoch_done()
        elif spec.checkpoint_every and now.step % spec.checkpoint_every == 0:
            run.save()
    if ended == "stopped":
        run.save()
    elif now.index:  # time or max_steps have cut an epoch short
        run.epoch_done()
    return ended


@dataclass
class _Run:
    """A training under way: its parts, how far it is, and what is said of it."""

    spec: FitSpec
    sampler: Sampler
    loader: Loader
    learner: Learner
    judge: Judge | None
    keeper: Keeper
    clock: Clock
    parallel: Parallel
    listener: events.Listener
    now: Progress = field(init=False)
    best: Weights = field(default_factory=dict)
    step_began: float = 0.0
    fastest: float = torch.inf
    last_validation: float | None = None

    def __post_init__(self) -> None:
        self.now = Progress(batch_size=self.spec.batch_size)

    @cached_property
    def total(self) -> int:
        """Optimiser steps that are planned."""
        planned = self.spec.epochs * self.sampler.steps
        return min(planned, self.spec.max_steps or planned)

    @property
    def accumulate(self) -> int:
        """Micro-batches that make up a whole step."""
        return -(-self.sampler.per_step // (self.now.batch_size * self.parallel.world))

    @property
    def reserve(self) -> float:
        """Seconds that the next validation may take: as the last one, or a third of what training on its rows would."""
        if self.judge is None or not self.now.step:
            return 0.0
        return self.last_validation or len(self.judge.rows) * self.fastest / 3

    def begin(self, notes: list[str]) -> None:
        """Go on from the last checkpoint, if there is one, and compile, if that is asked for."""
        resumed = self.keeper.resume(self.learner)
        if resumed is not None:
            self.now, self.best = resumed
            self.clock.go_on(self.now.seconds)
            self.now.note(f"Went on from the checkpoint after step {self.now.step}.")
        if self.spec.patience is not None and self.judge is None:
            notes = [*notes, "Without validation rows, patience has nothing to go by and is ignored."]
        for sentence in (*self.keeper.damaged, *notes):
            self.now.note(sentence)
        if self.spec.compile and self.now.step < self.total:
            self.now.note(self.learner.compile(partial(self.loader.step, self.now.epoch, self.now.index)))
        learned = sum(weight.numel() for weight in self.learner.model.parameters() if weight.requires_grad)
        self.tell(lambda: events.FitBegan(self.spec.epochs, self.total, self.sampler.rows, learned))

    def over(self) -> Ended | None:
        """Why to end before the next step; None to go on. The first step is done whatever the time."""
        self.clock.look(self.reserve)
        self.step_began = time.monotonic()
        now = self.now
        if now.step >= self.total:
            return "done"
        if self._out_of_patience():
            return "patience"
        if self.clock.stopped:
            return "stopped"
        return "time" if self.clock.late and now.step else None

    def step_done(self, rows: int) -> None:
        """Count an optimiser step and tell of it."""
        now, gauge = self.now, self.learner.gauge
        now.step += 1
        now.index += 1
        now.trained_rows += rows
        self.fastest = min(self.fastest, (time.monotonic() - self.step_began) / rows)
        self._hear_of_batch_size()
        self.tell(lambda: events.StepDone(now.step, now.epoch + 1, gauge.loss, gauge.norm, now.learning_rate))

    def epoch_done(self) -> None:
        """Judge what an epoch, or as much of it as there was, has come to."""
        now, gauge = self.now, self.learner.gauge
        gauge.read()
        if not gauge.rows:
            raise DivergedError(now.step, now.learning_rate)
        now.epoch, now.index = now.epoch + 1, 0
        verdict = self._validated()
        record = EpochRecord(
            epoch=now.epoch,
            loss=gauge.loss_sum / gauge.rows,
            valid_loss=verdict.loss,
            score=verdict.score,
            learning_rate=now.learning_rate,
            seconds=self.clock.seconds - sum(record.seconds for record in now.history),
        )
        now.history = (*now.history, record)
        gauge.restart()
        self.tell(lambda: events.EpochDone(record, best=now.best_epoch == now.epoch))
        self.save()

    def save(self) -> None:
        """Write a checkpoint, if there is a folder for them; that a training has diverged is found out before."""
        self.learner.gauge.read()
        self.now.seconds = self.clock.seconds
        place = self.keeper.save(self.learner, self.now, self.best)
        if place is not None:
            self.tell(lambda: events.CheckpointSaved(self.now.step, place))

    def end(self, ended: Ended) -> FitReport:
        """Give the model its final weights, and report."""
        if self.now.best_epoch is not None:
            self.parallel.load(self.learner.model, None, self.best, {})
        elif self.learner.ema is not None:
            self.learner.ema.give()
        self.learner.model.eval()
        report = self._report(ended)
        self.tell(lambda: events.FitEnded(report))
        return report

    def tell(self, event: Callable[[], events.LoopEvent]) -> None:
        """Only the first process tells, and an event that nobody hears is not made."""
        if self.listener is not events.unheard and self.parallel.rank == 0:
            self.listener(event())

    def _out_of_patience(self) -> bool:
        if self.spec.patience is None or self.judge is None or self.now.index:
            return False
        return self.now.epoch - (self.now.best_epoch or 0) >= self.spec.patience

    def _validated(self) -> Verdict:
        """Judge the model, or its average, and keep the weights if they are the best so far."""
        if self.judge is None:
            return Verdict(None, None)
        began, model = time.monotonic(), self.learner.model
        with self.learner.averaged():
            verdict: Verdict = self.learner.batch_size.fitting(partial(self.judge.judge, model), undo=lambda: None)
            if verdict.score is not None and (self.now.best_score is None or verdict.score > self.now.best_score):
                self.now.best_epoch, self.now.best_score = self.now.epoch, verdict.score
                self.best = self.parallel.model_state(model)
        self._hear_of_batch_size()
        self.last_validation = time.monotonic() - began
        self.now.valid_seconds += self.last_validation
        return verdict

    def _hear_of_batch_size(self) -> None:
        """Say so when memory ran out and less is done at a time."""
        now, size = self.now, self.learner.batch_size.size
        if size == now.batch_size:
            return
        now.note(f"Memory ran out with {now.batch_size} rows at a time, so it went on with {size}.")
        now.batch_size = size
        self.tell(lambda: events.BatchReduced(size, self.accumulate))

    def _report(self, ended: Ended) -> FitReport:
        now, seconds = self.now, self.clock.seconds
        return FitReport(
            ended=ended,
            epochs=now.epoch,
            steps=now.step,
            best_epoch=now.best_epoch,
            best_score=now.best_score,
            history=now.history,
            seconds=seconds,
            rows_per_second=now.trained_rows / max(seconds - now.valid_seconds, 1e-9),
            batch_size=now.batch_size,
            accumulate=self.accumulate,
            notes=now.notes,
        )


def _check_rows(rows: Rows, valid: Rows | None) -> None:
    for what, some in (("train on", rows), ("validate with", valid)):
        if some is not None and len(some) == 0:
            raise TooFewRows(f"There are no rows to {what}.", "Give at least one.")


@contextmanager
def _checkpointed(model: nn.Module, on: bool) -> Iterator[list[str]]:
    """Switch activation checkpointing on for a while; what there is to say of it."""
    if not on:
        yield []
        return
    # the loop knows no other model than the one it is given
    from engine.nets.checkpointing import checkpoint_blocks

    count = checkpoint_blocks(model, True)
    try:
        yield [] if count else ["The model has no repeated blocks whose activations could be checkpointed."]
    finally:
        checkpoint_blocks(model, False)
