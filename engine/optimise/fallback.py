"""Static quantisation that keeps within an accuracy guard, by the least that has to be given up.

First as it is; then with equalised layers; then with ranges that the most extreme rows do not count for; then with
groups of layers left in floats. Leaving out one layer at a time does not help where an outlier ruins two of them
together, so sets of groups that grow are tried, the group that causes the largest error first.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from engine.errors import BadCalibration
from engine.figures import figure
from engine.optimise.equalise import equalise
from engine.optimise.errors import VariantRefused
from engine.optimise.quantise import calibrated, quantisable, quantise_by_ranges
from engine.optimise.quantise_graph import coverage, in_words, prepare
from engine.optimise.quantise_ranges import Ranges
from engine.progress import Control, FitProgress
from engine.serving.runtime import Feeds
from engine.serving.session import open_session
from engine.serving.session_settings import SessionSettings

LEAST_COVERAGE = 0.4
"""Share of the weights that must be left in 8 bits: with fewer, what is gained is not worth having."""
MOST_GROUPS = 12
"""Groups of layers; each costs a trial to rank and at most one to be judged."""
EXTREME = 0.01
"""Share of the calibration rows at either end that clipped ranges leave out."""
SAME = 1e-4
"""Greatest difference of an equalised graph's answers, relative to the largest of them."""

_NAME = "onnx-int8-static"
_NOBODY = Control()

Answers = NDArray[np.float64]
Judge = Callable[[ModelProto], bool]
"""Whether a quantised graph is accurate enough."""


@dataclass(frozen=True)
class Guarded:
    """A quantised graph that the judge accepted, and what was done for it, in sentences.

    `plain` says that it was quantised as it is, nothing equalised, clipped or left out; `left_out` names the nodes
    that stayed in floats.
    """

    model: ModelProto
    steps: tuple[str, ...]
    plain: bool
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Trial:
    """A prepared graph with its ranges, all of it quantised, and how far off that is."""

    prepared: ModelProto
    ranges: Ranges
    quantised: ModelProto
    error: float


@dataclass(frozen=True)
class _Task:
    """What all trials are held against: the graph as it was, its answers on the calibration rows, and the judge."""

    before: ModelProto
    calibration: Sequence[Feeds]
    answers: Answers
    judge: Judge
    control: Control

    def tried(self, prepared: ModelProto, extreme: float = 0.0) -> _Trial:
        ranges = calibrated(prepared, self.calibration).ranges(extreme)
        quantised = quantise_by_ranges(prepared, ranges)
        return _Trial(prepared, ranges, quantised, self.error(quantised))

    def error(self, model: ModelProto) -> float:
        """Root of the mean squared difference of the answers."""
        return float(np.sqrt(np.mean((_answers(model, self.calibration) - self.answers) ** 2)))

    def go_on(self) -> None:
        """Raises: VariantRefused: it was cancelled."""
        if self.control.cancelled():
            raise VariantRefused("It was cancelled before a quantised model kept within the guard.")


def quantise_guarded(
    model: ModelProto, calibration: Sequence[Feeds], judge: Judge, control: Control = _NOBODY
) -> Guarded:
    """Quantise statically so that `judge` is content.

    Args:
        calibration: batches of rows that the model was trained on.
        judge: the accuracy guard; asked at most 3 + 12 times.

    Raises:
        BadCalibration: there are no rows, or they are not finite in the graph.
        VariantRefused: nothing in it can be quantised, nothing within the guard leaves enough of it in 8 bits, or it
            was cancelled.
    """
    task = _task(model, calibration, judge, control)
    trial = task.tried(task.before)
    accepted = _accepted(task, trial)
    if accepted is not None:
        return accepted
    steps = [f"Quantised as it is, answers are off by {figure(trial.error)} and the guard refused it."]
    for better in (_equalised, _clipped):
        task.go_on()
        found, words = better(task, trial)
        steps.append(words)
        if found is not None and judge(found.quantised):
            return Guarded(found.quantised, (*steps, f"{in_words(task.before, found.quantised)}."), plain=False)
        trial = found if found is not None and found.error < trial.error else trial
    return _fall_back(task, trial, steps)


def leave_out(model: ModelProto, calibration: Sequence[Feeds], judge: Judge, control: Control = _NOBODY) -> Guarded:
    """Quantise as it is, and all but as few groups of layers as `judge` allows if that is refused.

    Groups are ranked by the error that quantising only them causes on the calibration rows, and left out the worst
    first, one more each time, until the judge is content.

    Raises:
        BadCalibration: there are no rows, or they are not finite in the graph.
        VariantRefused: nothing within the guard leaves 40 % of the weights in 8 bits, or it was cancelled.
    """
    task = _task(model, calibration, judge, control)
    trial = task.tried(task.before)
    return _accepted(task, trial) or _fall_back(task, trial, [])


def groups(prepared: ModelProto, most: int = MOST_GROUPS) -> list[tuple[str, ...]]:
    """Names of the nodes in each group of neighbouring layers: a layer with weights and what follows it.

    With more than `most` layers, neighbours are put together so that the groups are of about as many layers each.
    """
    layers = set(quantisable(prepared))
    runs: list[list[str]] = []
    for node in prepared.graph.node:
        if node.name in layers:
            runs.append([node.name])
        elif runs:
            runs[-1].append(node.name)
    parts = np.array_split(np.arange(len(runs)), min(most, len(runs))) if runs else []
    return [tuple(name for place in part for name in runs[place]) for part in parts]


def _accepted(task: _Task, trial: _Trial) -> Guarded | None:
    if not task.judge(trial.quantised):
        return None
    return Guarded(trial.quantised, (f"As it is, {in_words(task.before, trial.quantised)}.",), plain=True)


def _fall_back(task: _Task, trial: _Trial, steps: Sequence[str]) -> Guarded:
    layers, names = groups(trial.prepared), set(quantisable(trial.prepared))
    left: list[str] = []
    share = coverage(task.before, trial.quantised)
    for done, place in enumerate(_ranked(task, trial, layers)):
        task.go_on()
        left += layers[place]
        quantised = quantise_by_ranges(trial.prepared, trial.ranges, left, least=0.0)
        share = coverage(task.before, quantised)
        if share < LEAST_COVERAGE:
            break
        task.control.watch(FitProgress(model=_NAME, done=len(layers) + done + 1, total=2 * len(layers)))
        if task.judge(quantised):
            out = tuple(name for name in left if name in names)
            told = f"Left in floats: {', '.join(out)}; {in_words(task.before, quantised)}."
            return Guarded(quantised, (*steps, told), plain=False, left_out=out)
    raise VariantRefused(
        f"{' '.join(steps)} To keep within the guard, layers would have to stay in floats until {share:.0%} of the "
        f"weights were in 8 bits; at least {LEAST_COVERAGE:.0%} are wanted.".strip(),
        "Allow a larger drop, or train it again for 8 bits.",
    )


def _ranked(task: _Task, trial: _Trial, layers: Sequence[tuple[str, ...]]) -> list[int]:
    """The groups' places, first the one that causes the largest error when nothing else is quantised."""
    errors = []
    everything = {name for group in layers for name in group}
    for place, group in enumerate(layers):
        task.go_on()
        alone = quantise_by_ranges(trial.prepared, trial.ranges, everything - set(group), least=0.0)
        errors.append(task.error(alone))
        task.control.watch(FitProgress(model=_NAME, done=place + 1, total=2 * len(layers)))
    return sorted(range(len(layers)), key=lambda place: -errors[place])


def _clipped(task: _Task, best: _Trial) -> tuple[_Trial | None, str]:
    """The best graph so far with ranges that the most extreme rows do not count for."""
    trial = task.tried(best.prepared, EXTREME)
    how = f"With ranges that leave out the most extreme {EXTREME:.0%} of the rows, answers are off by"
    return trial, f"{how} {figure(trial.error)}."


def _equalised(task: _Task, _: _Trial) -> tuple[_Trial | None, str]:
    """The graph with equalised layers, quantised, and what is to be said of it."""
    changed, pairs = equalise(task.before)
    if not pairs:
        return None, "It has no layers that could be equalised."
    difference = np.abs(_answers(changed, task.calibration) - task.answers).max()
    if not difference <= SAME * np.abs(task.answers).max():
        return None, f"Equalised, it would no longer be the same function: its answers differ by {figure(difference)}."
    trial = task.tried(changed)
    return trial, f"With {pairs} pair(s) of layers equalised, answers are off by {figure(trial.error)}."


def _task(model: ModelProto, calibration: Sequence[Feeds], judge: Judge, control: Control) -> _Task:
    before = prepare(model)
    return _Task(before, calibration, _answers(before, calibration), judge, control)


def _answers(model: ModelProto, calibration: Sequence[Feeds]) -> Answers:
    """The graph's first output for all rows, (rows, .)."""
    if not calibration:
        raise BadCalibration("There are no calibration rows.", "Give rows that the model was trained on.")
    session = open_session(model.SerializeToString(), SessionSettings())
    return np.concatenate([np.asarray(session.run(None, feeds)[0], dtype=np.float64) for feeds in calibration])
