"""The accuracy guard: how much worse a variant answers than the original, and how sure that is.

Both answer the same rows, and the rows are resampled in pairs, so that what makes some of them hard cancels. A variant
passes on what it can be shown not to lose, not on what it is seen to lose.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.drift.drop import LEAST_ERROR, LEAST_LOG_LOSS
from engine.drift.resample import expansion
from engine.errors import BadArguments, TargetUnusable
from engine.metrics import Floats, Metric, Target, confusion, labels_of, resampled_scores, score
from engine.optimise.errors import VariantRefused
from engine.optimise.spec import Drop, Goal
from engine.optimise.wording import amount, change
from engine.tasks import Task

DRAWS = 2_000
LEAST_DRAWS = 400
CELLS = 40_000_000
"""Draws times rows: with more rows fewer resamples are drawn, since the interval is narrow there."""
CELLS_AT_ONCE = 2_000_000

ALIKE = 1e-4
"""Answers no further apart than this (of the target's deviation, for numbers) are those of an exact copy."""
LEAST_ROWS = 30
LEAST_OF_CLASS = 10
UNSEEN = 1.5
"""Wrong answers that may well be missed. A variant that is wrong on twice as many of so many rows shows it in at least
one of them 95 times of 100 (1 - exp(-3)).
"""
_ROUNDING = 1e-5
"""What an exact copy may seem to lose in 32-bit floats."""

Counts = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Guard:
    """The labelled rows that variants are compared on, resampled once: all variants meet the same resamples.

    `order` (n,) picks the labelled rows out of the `given` ones, class by class, `y` (n,) and `original` are theirs.
    `value` is the original's metric, `before` (b,) that of each resample, in which row i stands `counts[i, b]` times.
    `price` is what one more wrong answer costs, `least` what an error or a loss counts as at least when drops are taken
    as shares of it, so that trifles do not become large shares. `spread` is that of a numeric target, 1 for classes.
    """

    metric: Metric
    task: Task
    threshold: float
    given: int
    order: NDArray[np.int64]
    y: Target
    original: Floats
    value: float
    before: Floats
    counts: Counts
    price: float
    least: float
    spread: float

    def drop(self, variant: Floats) -> Drop:
        """How much worse these answers, (rows,) or (rows, classes), are than the original's.

        `upper` is at least what UNSEEN more wrong answers would make of `value`, unless the answers are those of an
        exact copy: on 60 rows of which none became wrong, a loss of .02 cannot be ruled out. On rows too few to be
        resampled it is 1.

        Raises:
            BadArguments: the answers do not have the shape of the original's.
            VariantRefused: an answer is not a number, or they are too wild to be measured.
        """
        answers = _answers(variant, self.given, self.order, "It")
        if answers.shape != self.original.shape:
            raise BadArguments(
                f"Answers for {answers.shape[1:]} values a row do not fit the original's {self.original.shape[1:]}.",
                "Give answers to the same question.",
            )
        metric = _value(self.metric, self.y, answers, self.threshold)
        value = float(self._worse(np.array([metric]), np.array([self.value]))[0])
        draws = self._worse(_scores(self.metric, self.y, answers, self.counts, self.threshold), self.before)
        low, high, upper = (self._bound(value, draws, share) for share in (0.025, 0.975, 0.95))
        if np.abs(answers - self.original).max() > ALIKE * self.spread:
            upper = max(upper, 1.0 if self._too_few() else value + UNSEEN * self.price)
        if not np.isfinite([metric, value, low, high, upper]).all():
            raise VariantRefused(
                f"What it loses of {self.metric.name} cannot be bounded on these {len(self.y):,} rows.",
                "Compare on more rows or by another metric.",
            )
        changed = None if self.task == "regression" else self._changed(answers)
        return Drop(metric=metric, value=value, ci=(low, high), upper=upper, changed=changed, rows=len(self.y))

    def _changed(self, answers: Floats) -> float:
        return float((labels_of(answers, self.threshold) != labels_of(self.original, self.threshold)).mean())

    def _worse(self, value: Floats, before: Floats) -> Floats:
        """Drops: differences, or shares of the original's value for errors and losses; infinite where there is none."""
        with np.errstate(invalid="ignore", over="ignore"):
            if self.metric.greater_is_better:
                drops = before - value
            else:
                drops = (value - before) / np.maximum(before, self.least)
        return np.where(np.isnan(drops), np.inf, drops)

    def _too_few(self) -> bool:
        """Whether resampling these rows would mislead."""
        return len(self.y) < LEAST_ROWS or self._effective() < LEAST_OF_CLASS

    def _effective(self) -> int:
        """How many rows tell something: those of the rarer of two classes, unless the metric is a mean over all."""
        if self.task != "binary" or self.metric.name == "accuracy" or self.metric.uses == "probabilities":
            return len(self.y)
        return int(np.bincount(np.asarray(self.y, dtype=np.int64), minlength=2).min())

    def _bound(self, value: float, draws: Floats, share: float) -> float:
        """A quantile of the draws, widened for few rows. A resample without a value counts as a bad one."""
        drawn = np.quantile(draws, share, method="higher" if share > 0.5 else "lower")
        if drawn == value:
            return value
        return float(value + (drawn - value) * expansion(max(self._effective(), 2), min(share, 1 - share)))


def guard_of(
    metric: Metric, y: Target, original: Floats, *, task: Task, threshold: float, seed: int, draws: int = DRAWS
) -> Guard:
    """Resample the rows of encoded targets (n,), where -1 or NaN is unknown, that `original` (n,) or (n, k) answers.

    Rows are drawn with replacement, within each class. Source: Efron and Tibshirani 1993, chapters 8 and 13; the
    intervals are percentiles widened for few rows (Hesterberg 2015).

    Raises:
        BadArguments: there is not one answer for each row.
        TargetUnusable: no target is known, or the metric has no value on these rows.
        VariantRefused: an answer of the original is not a number.
    """
    codes = np.where(np.isfinite(y), 0, -1) if task == "regression" else np.maximum(y, -1).astype(np.int64)
    # classes stand in blocks, so that drawing within a class is drawing within a block
    order = np.argsort(codes, kind="stable")[int((codes < 0).sum()) :]
    if not len(order):
        raise TargetUnusable("No row has a known label.", "Give labelled rows to compare the variants on.")
    answers, truth = _answers(original, len(y), order, "The model as it was trained"), y[order]
    value = _value(metric, truth, answers, threshold)
    if not np.isfinite(value):
        raise TargetUnusable(
            f"{metric.name} has no value on the {len(order):,} row(s) that variants are compared on.",
            f"Choose another metric, such as {'rmse' if task == 'regression' else 'accuracy'}.",
        )
    spread = _spread(np.asarray(truth, dtype=np.float64)) if task == "regression" else 1.0
    counts = _drawn(codes[order], np.random.default_rng([seed, 31]), draws)
    return Guard(
        metric=metric, task=task, threshold=threshold, given=len(y), order=order, y=truth, original=answers,
        value=value, before=_scores(metric, truth, answers, counts, threshold), counts=counts,
        price=_price(metric, truth, answers, threshold), spread=spread,
        least=LEAST_LOG_LOSS if metric.uses == "probabilities" else LEAST_ERROR * spread,
    )  # fmt: skip


def measure_drop(
    metric: Metric,
    y: Target,
    original: Floats,
    variant: Floats,
    *,
    task: Task,
    threshold: float,
    seed: int,
    draws: int = DRAWS,
) -> Drop:
    """How much worse `variant` answers these rows than `original`, by a paired bootstrap; see `guard_of`.

    With several variants, `guard_of` once and its `drop` for each takes half the time and gives the same figures.

    Raises:
        BadArguments, TargetUnusable, VariantRefused: as `guard_of` and `Guard.drop`.
    """
    guard = guard_of(metric, y, original, task=task, threshold=threshold, seed=seed, draws=draws)
    return guard.drop(variant)


def passes(drop: Drop, goal: Goal) -> bool:
    """Whether it is shown that no more is lost than the goal allows."""
    return drop.upper <= goal.max_drop + _ROUNDING


def explain_drop(drop: Drop, goal: Goal) -> str:
    """'f1 falls by 0.023 (95 % interval 0.011 to 0.035) on 1,127 rows; at most 0.01 is allowed.'"""
    allowed = amount(goal.max_drop)
    seen = f"{change(drop, goal.metric, goal.max_drop)} ({_span(drop)}) on {drop.rows:,} rows"
    if passes(drop, goal):
        return f"{seen}; at most {allowed} is allowed."
    if drop.value > goal.max_drop:
        return f"{seen}; at most {allowed} is allowed."
    bound = amount(drop.upper, 2, goal.max_drop)
    if drop.upper > drop.ci[1]:
        return f"{seen}, which are too few to rule out a loss of {bound}; at most {allowed} is allowed."
    return f"{seen}; a loss of {bound} cannot be ruled out, and at most {allowed} is allowed."


def _span(drop: Drop) -> str:
    low, high = (amount(end, 2) for end in drop.ci)
    return f"95 % interval of the loss {low} to {high}" if drop.ci[0] < 0 else f"95 % interval {low} to {high}"


def _answers(given: Floats, rows: int, order: NDArray[np.int64], whose: str) -> Floats:
    """The answers to the labelled rows, all numbers."""
    answers = np.asarray(given, dtype=np.float64)
    if len(answers) != rows:
        raise BadArguments(f"{len(answers):,} answers do not fit {rows:,} rows.", "Answer the same rows.")
    answers = answers[order]
    broken = int((~np.isfinite(answers.reshape(len(answers), -1)).all(axis=1)).sum())
    if broken:
        raise VariantRefused(f"{whose} answers what is not a number on {broken:,} of {len(answers):,} rows.")
    return answers


def _spread(y: Floats) -> float:
    """Half the distance of the 16 % and 84 % quantiles, which one wild value does not move; never 0."""
    low, high = np.quantile(y, [0.16, 0.84])
    return float(high / 2 - low / 2) or float(np.std(y)) or 1.0


def _drawn(codes: NDArray[np.int64], rng: np.random.Generator, draws: int) -> Counts:
    """How often each row (n,) stands in each resample (b,); `codes` are sorted, and each class keeps its size."""
    draws = min(draws, max(LEAST_DRAWS, CELLS // len(codes)))
    blocks = []
    for size in np.unique(codes, return_counts=True)[1]:
        block = np.empty((size, draws), dtype=np.uint8)
        batch = max(1, CELLS_AT_ONCE // int(size))
        for start in range(0, draws, batch):
            width = min(batch, draws - start)
            # a cell of the block for each row drawn: its row, then its resample
            cells = rng.integers(0, size, (size, width)) * width + np.arange(width)
            block[:, start : start + width] = np.bincount(cells.ravel(), minlength=size * width).reshape(size, width)
        blocks.append(block)
    return np.concatenate(blocks)


def _scores(metric: Metric, y: Target, answers: Floats, counts: Counts, threshold: float) -> Floats:
    """The metric of each resample, (b,), some of them at a time."""
    widest = max(len(y), answers[0].size ** 2 if metric.uses == "labels" else 0)
    batch = max(1, CELLS_AT_ONCE // widest)
    starts = range(0, counts.shape[1], batch)
    with np.errstate(over="ignore", invalid="ignore"):
        parts = [
            resampled_scores(metric, y, answers, counts[:, start : start + batch].astype(np.float64).T, threshold)
            for start in starts
        ]
    return np.concatenate(parts)


def _value(metric: Metric, y: Target, answers: Floats, threshold: float) -> float:
    # squares of wild answers overflow; what comes of it is refused
    with np.errstate(over="ignore", invalid="ignore"):
        return score(metric, y, answers, threshold)


def _price(metric: Metric, y: Target, answers: Floats, threshold: float) -> float:
    """What it costs on average when one right answer goes wrong; 0 for metrics that do not look at labels alone."""
    if metric.uses != "labels":
        return 0.0
    table = confusion(y, answers, threshold).astype(np.float64)
    k, hits = len(table), np.diagonal(table)
    right = np.flatnonzero(hits)
    if not len(right):
        return 0.0
    # one row for each cell of the table, and a table for each class of which a right answer went to the next class
    tables = np.tile(table, (len(right), 1, 1))
    tables[np.arange(len(right)), right, right] -= 1
    tables[np.arange(len(right)), right, (right + 1) % k] += 1
    true, named = np.divmod(np.arange(k * k), k)
    weights = np.concatenate([table[None], tables]).reshape(-1, k * k)
    whole, *rest = resampled_scores(metric, true, np.eye(k)[named], weights, 0.5)
    return float(np.average(np.maximum(whole - np.array(rest), 0.0), weights=hits[right]))
