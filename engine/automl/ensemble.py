"""Judging out-of-fold predictions, and blending them greedily (Caruana) when a blend validates better than one."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.automl.members import blend
from engine.metrics import Metric, best_threshold, score, stand_in
from engine.models.base import Floats, Target
from engine.tasks import Task

ROUNDS = 30
MOST_CANDIDATES = 12
LEAST_WEIGHT = 0.05
LEAST_GAIN = 2e-4
JUDGED_ROWS = 20_000


@dataclass(frozen=True)
class Judge:
    """Scores predictions on one set of rows, at the best threshold where the metric is tuned."""

    task: Task
    metric: Metric
    y: Target

    @property
    def tuned(self) -> bool:
        return self.task == "binary" and self.metric.tuned

    def value(self, prediction: Floats) -> float | None:
        """The metric, None where it has no value on these rows."""
        if self.tuned:
            return best_threshold(self.metric, self.y, prediction)[1]
        value = score(self.metric, self.y, prediction)
        return value if np.isfinite(value) else None

    def threshold(self, prediction: Floats) -> float:
        """The decision threshold for binary labels; 0.5 unless the metric is tuned."""
        return best_threshold(self.metric, self.y, prediction)[0] if self.tuned else 0.5

    def merit(self, prediction: Floats) -> float:
        """Greater is better; where the metric has no value (validation rows of one class), another stands in."""
        value = self.value(prediction)
        if value is not None:
            return value if self.metric.greater_is_better else -value
        return -score(stand_in(self.task), self.y, prediction)


def best_single(judge: Judge, pool: Mapping[str, Floats]) -> tuple[str, float]:
    """The best name and its merit; of equals the first."""
    merits = {name: judge.merit(prediction) for name, prediction in pool.items()}
    winner = max(merits, key=lambda name: merits[name])
    return winner, merits[winner]


def greedy_blend(judge: Judge, pool: Mapping[str, Floats], seed: int) -> dict[str, float]:
    """Weights that sum to one, found by adding, again and again, the candidate that helps the blend most.

    Starts from the best single one; with no real gain, that one alone is returned. Judged on at most 20,000 rows.
    """
    judge, pool = _sampled(judge, pool, seed)
    names = sorted(pool, key=lambda name: -judge.merit(pool[name]))[:MOST_CANDIDATES]
    counts = dict.fromkeys(names, 0)
    counts[names[0]] = 1
    single = merit = judge.merit(pool[names[0]])
    best, best_counts = merit, dict(counts)
    mixed = pool[names[0]].copy()
    for step in range(1, ROUNDS):
        merits = {name: judge.merit((mixed * step + pool[name]) / (step + 1)) for name in names}
        winner = max(names, key=lambda name: merits[name])
        mixed = (mixed * step + pool[winner]) / (step + 1)
        counts[winner] += 1
        if merits[winner] > best:
            best, best_counts = merits[winner], dict(counts)
        elif step > 8 and merits[winner] < best - abs(best) * LEAST_GAIN:
            break
    weights = _trimmed(best_counts)
    gain = judge.merit(blend([pool[name] for name in weights], list(weights.values()))) - single
    return weights if gain > LEAST_GAIN * abs(single) else {names[0]: 1.0}


def _trimmed(counts: Mapping[str, int]) -> dict[str, float]:
    """Shares without those too small to be worth serving a model for."""
    total = sum(counts.values())
    kept = {name: count for name, count in counts.items() if count / total >= LEAST_WEIGHT}
    whole = sum(kept.values())
    return {name: count / whole for name, count in kept.items()}


def _sampled(judge: Judge, pool: Mapping[str, Floats], seed: int) -> tuple[Judge, dict[str, Floats]]:
    if len(judge.y) <= JUDGED_ROWS:
        return judge, dict(pool)
    rows = np.sort(np.random.default_rng([seed, 3]).permutation(len(judge.y))[:JUDGED_ROWS])
    return Judge(judge.task, judge.metric, judge.y[rows]), {name: values[rows] for name, values in pool.items()}
